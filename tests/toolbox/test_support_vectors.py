"""Support vector machines of many categories at once are LIBLINEAR's, one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from kit.toolbox import support_vectors


def problem(rows: int = 300, columns: int = 60, categories: int = 6, seed: int = 0):
    """Sparse rows of length 1 whose columns tell their category, with noise."""
    random = np.random.default_rng(seed)
    y = random.integers(0, categories, rows)
    dense = random.random((rows, columns)) * (random.random((rows, columns)) < 0.2)
    dense[np.arange(rows), y * 5 + random.integers(0, 5, rows)] += 0.6
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    return sparse.csr_matrix(dense.astype(np.float32)), y


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_the_loss_is_as_low_as_liblinears(strength):
    from sklearn.svm import LinearSVC

    x, y = problem()
    weights, bias = support_vectors.fit(x, y, 6, strength=strength, epochs=200, tolerance=1e-5)
    # Biases here begin at -1, by which theirs is one more column of -1 that costs nothing.
    machine = LinearSVC(C=strength, tol=1e-6, max_iter=20_000, random_state=0)

    def loss(weights, bias, centre):
        wanted = np.where(y[:, None] == np.arange(6), 1, -1)
        hinge = np.maximum(0, 1 - wanted * (x @ weights + bias))
        return 0.5 * (weights**2).sum() + 0.5 * ((bias - centre) ** 2).sum() + strength * (hinge**2).sum()

    machine.fit(x.astype(np.float64), y)
    theirs = loss(machine.coef_.T, machine.intercept_, -1)
    assert loss(weights, bias, -1) <= theirs * 1.0001
    scores, said = x @ weights + bias, machine.decision_function(x.astype(np.float64))
    assert (scores.argmax(1) == said.argmax(1)).mean() > 0.98


def test_a_few_visits_are_enough_for_the_labels():
    x, y = problem(rows=1500)
    few, many = (support_vectors.fit(x, y, 6, epochs=epochs) for epochs in (12, 60))
    labels, wanted = ((x @ weights + bias).argmax(1) for weights, bias in (few, many))
    assert (labels == wanted).mean() > 0.95


def test_whole_rows_and_single_columns_are_written_alike(monkeypatch):
    x, y = problem()
    single = support_vectors.fit(x, y, 6, epochs=3)
    monkeypatch.setattr(support_vectors, "FEW", 0)
    whole = support_vectors.fit(x, y, 6, epochs=3)
    assert np.allclose(single[0], whole[0], atol=1e-5) and np.allclose(single[1], whole[1], atol=1e-5)


def test_a_category_without_rows_is_never_the_highest():
    x, y = problem()
    weights, bias = support_vectors.fit(x, np.where(y == 2, 3, y), 8, epochs=4)
    assert not {2, 6, 7} & set((x @ weights + bias).argmax(1).tolist())


def test_the_seed_decides_the_order_of_the_rows_and_each_visit_is_told():
    x, y = problem()
    told = []
    one, same, other = (
        support_vectors.fit(x, y, 6, epochs=2, seed=seed, report=lambda done, of: told.append((done, of)))[0]
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert told[:2] == [(1, 2), (2, 2)]
