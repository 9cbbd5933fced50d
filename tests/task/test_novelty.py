"""Rows near the classes are usual, rows far from all are not, and what is usual is set by held-out rows."""

import numpy as np
import pytest

from kit.task import novelty


def blobs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes in eight dimensions, with one dimension four times as wide."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, count)
    return 20 * np.eye(8)[y] + random.normal(size=(count, 8)) * [1, 1, 1, 1, 1, 1, 1, 4], y


def fitted() -> novelty.Novelty:
    x, y = blobs(600, 0)
    return novelty.fit(x, y, blobs(1000, 1)[0])


def test_two_held_out_rows_in_a_hundred_are_unusual():
    assert np.mean(fitted()(blobs(1000, 1)[0]) > 1) == pytest.approx(0.02, abs=0.002)


def test_what_is_far_depends_on_how_wide_a_direction_is():
    middle = np.zeros((1, 8))
    middle[0, 0] = 20
    wide, narrow = middle.copy(), middle.copy()
    wide[0, 7] += 8
    narrow[0, 6] += 8
    found = fitted()(np.concatenate([middle, wide, narrow]))
    assert found[0] < 0.2
    assert found[1] < 1 < found[2]


def test_only_the_direction_of_features_counts():
    x = blobs(20, 2)[0]
    np.testing.assert_allclose(fitted()(3 * x), fitted()(x))
    assert np.isfinite(fitted()(np.zeros((1, 8)))).all()


def test_it_is_stored_and_read_back(tmp_path):
    assert novelty.load(tmp_path) is None
    novelty.save(fitted(), tmp_path)
    x = blobs(20, 2)[0]
    stored = novelty.load(tmp_path)
    assert stored is not None
    assert np.array_equal(stored(x), fitted()(x))
