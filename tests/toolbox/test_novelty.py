"""Rows near the classes are usual, rows far from all are not, and what is usual is set by held-out rows."""

import numpy as np
import pytest

from kit.toolbox import novelty


def blobs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes in eight dimensions, with one dimension four times as wide."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, count)
    return 20 * np.eye(8)[y] + random.normal(size=(count, 8)) * [1, 1, 1, 1, 1, 1, 1, 4], y


def fitted() -> novelty.Novelty:
    x, y = blobs(600, 0)
    return novelty.fit(x, y, blobs(1000, 1)[0], sure(1000))


def sure(count: int) -> np.ndarray:
    """Probabilities of three classes, the first 0.4 to 1, as often one as another."""
    first = np.linspace(0.4, 1, count)
    return np.stack([first, *[(1 - first) / 2] * 2], axis=1)


def test_a_held_out_row_in_a_hundred_is_unusual_by_its_place_and_one_by_the_model_s_doubt():
    held = blobs(1000, 1)[0]
    assert np.mean(fitted()(held, np.eye(3)[[0] * 1000]) > 1) == pytest.approx(0.01, abs=0.002)
    assert np.mean(fitted()(np.repeat(20 * np.eye(8)[:1], 1000, axis=0), sure(1000)) > 1) == 0.01


def test_a_model_sure_of_all_held_out_rows_is_not_in_doubt_above_two_thirds():
    x, y = blobs(600, 0)
    usual = novelty.fit(x, y, blobs(1000, 1)[0], np.eye(3)[[1] * 1000])
    pred = np.array([[0.68, 0.32, 0.0], [0.66, 0.34, 0.0]])
    assert (usual(20 * np.eye(8)[[0, 0]], pred) > 1).tolist() == [False, True]


def test_what_is_far_depends_on_how_wide_a_direction_is():
    middle = np.zeros((1, 8))
    middle[0, 0] = 20
    wide, narrow = middle.copy(), middle.copy()
    wide[0, 7] += 8
    narrow[0, 6] += 8
    measured = fitted()(np.concatenate([middle, wide, narrow]), np.eye(3))
    assert measured[0] < 0.2
    assert measured[1] < 1 < measured[2]


def test_only_the_direction_of_features_counts():
    x = blobs(20, 2)[0]
    np.testing.assert_allclose(fitted()(3 * x, sure(20)), fitted()(x, sure(20)))
    assert np.isfinite(fitted()(np.zeros((1, 8)), sure(1))).all()


def test_it_is_stored_and_read_back(tmp_path):
    assert novelty.load(tmp_path) is None
    novelty.save(fitted(), tmp_path)
    x = blobs(20, 2)[0]
    stored = novelty.load(tmp_path)
    assert stored is not None
    assert np.array_equal(stored(x, sure(20)), fitted()(x, sure(20)))
