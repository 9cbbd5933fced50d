"""Batches of recordings: padded to the longest, of about one length, predicted in the order of the rows."""

import numpy as np
import pytest

from kit.rows.clips import Clips
from kit.toolbox import clips

keras = pytest.importorskip("keras")


def test_waves_are_padded_with_zeros_to_a_whole_step():
    x = clips.padded([np.ones(3), np.ones(801)])
    assert x.shape == (2, 1600)
    assert x.dtype == np.float32
    assert x.sum(axis=1).tolist() == [3, 801]
    assert clips.padded([np.ones(3)], least=1601).shape == (1, 2400)


def long(count: int = 50) -> tuple[Clips, np.ndarray]:
    lengths = np.random.default_rng(0).integers(500, 6000, count)
    return Clips.of([np.full(length, number + 1, np.int16) for number, length in enumerate(lengths)], 8000), np.arange(
        count
    )


def test_an_epoch_holds_every_row_once_with_its_label():
    rows, y = long()
    epoch = clips.batches(rows, y, 8, seed=1)
    assert len(epoch) == 7
    for x, labels in (epoch[number] for number in range(7)):
        assert (x.max(axis=1) - 1).tolist() == labels.tolist()
    assert sorted(np.concatenate([epoch[number][1] for number in range(7)])) == list(range(50))


def test_batches_hold_rows_of_about_one_length():
    rows, y = long(400)
    epoch = clips.batches(rows, y, 20, seed=1)
    sound = sum((epoch[number][0] != 0).sum() for number in range(len(epoch)))
    assert sound / sum(epoch[number][0].size for number in range(len(epoch))) > 0.75


def test_epochs_differ_and_a_seed_repeats_them():
    def epochs(seed: int) -> list[list[int]]:
        rows, y = long()
        made = clips.batches(rows, y, 8, seed=seed, change=lambda wave, random: wave + random.normal())
        first = [*made[0][1], *made[0][0][:, 0]]
        made.on_epoch_end()
        return [first, [*made[0][1], *made[0][0][:, 0]]]

    assert epochs(1) == epochs(1)
    assert epochs(1)[0] != epochs(1)[1]
    assert epochs(1) != epochs(2)


def test_without_a_seed_rows_come_in_the_order_of_their_lengths():
    rows, y = long()
    epoch = clips.batches(rows, y, 8)
    order = np.concatenate([epoch[number][1] for number in range(len(epoch))])
    assert np.array_equal(order, np.argsort(rows.length, kind="stable"))


@pytest.mark.parametrize("count", [1, 2, 9, 50])
def test_a_model_trains_on_batches_of_different_lengths(count):
    rows, _ = long(count)
    wave = keras.Input((None,))
    model = keras.Model(wave, keras.layers.Dense(1)(keras.ops.max(wave, axis=1, keepdims=True)))
    model.compile("sgd", "mse")
    epochs = clips.batches(
        rows, np.zeros(count), 8, seed=1, change=lambda wave, random: wave[: random.integers(1, 500)]
    )
    assert len(model.fit(epochs, epochs=2, verbose=0).history["loss"]) == 2


def test_predictions_are_in_the_order_of_the_rows():
    rows, _ = long()
    wave = keras.Input((None,))
    model = keras.Model(wave, keras.ops.max(wave, axis=1, keepdims=True))
    predict = clips.predictor(model, batch=8)
    assert predict(rows)[:, 0].tolist() == list(range(1, 51))
    assert predict(rows[np.array([7, 3])])[:, 0].tolist() == [8, 4]
    assert predict(rows[:0]).shape == (0, 1)
    assert predict.parameters == 0
