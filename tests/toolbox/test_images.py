"""Augmented images keep their shape, move as far as told and no further, and depend on the seed alone."""

import numpy as np
import pytest

from kit.task.contract import Fitted
from kit.toolbox import images

keras = pytest.importorskip("keras")


def blob(count: int = 64) -> np.ndarray:
    """Images with one bright 4x4 square right of the middle."""
    x = np.zeros((count, 28, 28), np.uint8)
    x[:, 12:16, 16:20] = 255
    return x


def moved(x: np.ndarray, seed: int = 3, **amounts: float) -> np.ndarray:
    return keras.ops.convert_to_numpy(images.affine(**amounts, seed=seed)(x, training=True))


def centre(x: np.ndarray) -> np.ndarray:
    """Where the brightness of each image lies: column and row, `(n, 2)`."""
    mass = x.sum(axis=(1, 2))
    columns = (x.sum(axis=1) * np.arange(28)).sum(axis=1) / mass
    return np.stack([columns, (x.sum(axis=2) * np.arange(28)).sum(axis=1) / mass], axis=1)


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 28, 28, 1), (5, 20, 30, 3)])
def test_an_augmented_batch_keeps_its_shape_and_becomes_float(shape):
    x = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    seen = moved(x, rotation=10.0, shift=2.0, zoom=0.1, shear=10.0)
    assert seen.shape == shape
    assert seen.dtype == np.float32
    assert not np.allclose(seen, x)


def test_outside_of_training_images_stay_as_they_are():
    seen = keras.ops.convert_to_numpy(images.affine(rotation=40.0, shift=4.0, seed=1)(blob()))
    np.testing.assert_array_equal(seen, blob().astype(np.float32))


def test_amounts_of_zero_change_nothing():
    np.testing.assert_allclose(moved(blob()), blob(), atol=1e-3)


def test_the_seed_alone_decides_what_is_drawn():
    first, again, other = (moved(blob(), seed=seed, rotation=20.0) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_each_image_of_a_batch_is_moved_by_its_own_amount_and_no_further_than_told():
    offsets = centre(moved(blob(400), shift=2.0)) - centre(blob(400))
    assert np.abs(offsets).max() <= 2.0 + 1e-3
    assert offsets.std(axis=0).min() > 0.8  # 2 / sqrt(3) for a uniform draw
    assert np.abs(offsets.mean(axis=0)).max() < 0.3


def test_turning_goes_about_the_middle_of_the_image():
    radius = np.linalg.norm(centre(moved(blob(), rotation=30.0)) - 13.5, axis=1)
    np.testing.assert_allclose(radius, np.linalg.norm(centre(blob()) - 13.5, axis=1), atol=0.1)


def test_zoom_changes_the_size_on_both_sides_of_one():
    area = moved(blob(), zoom=0.2).sum(axis=(1, 2)) / blob().astype(float).sum(axis=(1, 2))
    assert area.min() < 0.85
    assert area.max() > 1.2
    assert area.min() > 0.6
    assert area.max() < 1.7


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 20, 30, 3)])
def test_bends_of_almost_nothing_are_what_the_other_amounts_make(shape):
    x = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    amounts = {"rotation": 10.0, "shift": 3.0, "zoom": 0.1, "shear": 10.0}
    np.testing.assert_allclose(moved(x, elastic=1e-9, **amounts), moved(x, **amounts), atol=0.05)


def test_bends_move_each_place_by_as_much_as_told_and_neighbours_together():
    # Images whose brightness is the column tell from which column a place was read.
    x = np.broadcast_to(100 + np.arange(28.0), (500, 28, 28)).astype(np.float32)
    off = (moved(x, elastic=1.0, smooth=4.0) - x)[:, 8:20, 8:20]  # outside there is nothing to be read
    assert abs(off.mean()) < 0.05 and abs(off.std() - 1) < 0.05
    beside, apart = ((off[..., far:] * off[..., :-far]).mean() / off.var() for far in (1, 11))
    assert abs(beside - np.exp(-1 / 64)) < 0.01 and abs(apart - np.exp(-121 / 64)) < 0.05


def test_what_bends_into_view_is_black():
    seen = moved(np.full((64, 28, 28), 200, np.uint8), elastic=3.0)
    assert seen.min() == 0 and abs(seen.max() - 200) < 1e-3


def test_layers_are_applied_in_turn_in_a_pipeline():
    both = images.pipeline(images.affine(shift=2.0, seed=1), keras.layers.RandomErasing(factor=1.0, seed=1))
    assert keras.ops.convert_to_numpy(both(blob()[..., None], training=True)).shape == (64, 28, 28, 1)


def means(x: np.ndarray) -> np.ndarray:
    """A stand-in for a network: where the brightness lies."""
    return np.zeros((0, 2), np.float32) if len(x) == 0 else centre(x.astype(float)).astype(np.float32)


FITTED = Fitted(means, 7)


@pytest.mark.parametrize("views", [0, 1])
def test_no_views_leave_the_prediction_alone(views):
    assert images.tta(FITTED, views) is FITTED


def test_views_are_averaged():
    seen = []

    def spy(x: np.ndarray) -> np.ndarray:
        seen.append(means(x))
        return seen[-1]

    pred = images.tta(Fitted(spy), 3, batch=10)(blob(25))
    np.testing.assert_allclose(pred, np.mean(seen, axis=0), atol=1e-5)
    # The second and the third view lie as far to the right as to the left.
    np.testing.assert_allclose(seen[1] - seen[0], seen[0] - seen[2], atol=1e-3)
    assert (seen[1] - seen[0])[0, 0] == pytest.approx(images.VIEWS[1][1], abs=1e-3)


def test_views_of_no_rows_are_no_rows():
    assert images.tta(FITTED, 4)(blob(0)).shape == (0, 2)


def test_the_parameters_of_a_network_are_known_through_its_views():
    assert images.tta(FITTED, 2).parameters == 7


def test_more_views_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="99 views"):
        images.tta(FITTED, 99)
