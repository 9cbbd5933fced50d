"""Recordings for Keras: batches padded to the longest row in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kit.rows import views
from kit.rows.clips import Clips
from kit.rows.views import Rows
from kit.task.contract import Fitted
from kit.toolbox import lengths, networks

STEP = 800
"""Batches are padded to a multiple of so many samples, so that few different shapes occur."""

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""A wave, float32 of (samples,), to another of any length."""


def padded(waves: Sequence[np.ndarray], least: int = 0) -> np.ndarray:
    """Waves as float32 `(n, samples)`, each followed by zeros up to the longest of them, `least`, and a whole STEP."""
    longest = max([least, 1, *(len(wave) for wave in waves)])
    x = np.zeros((len(waves), -(-longest // STEP) * STEP), np.float32)
    for row, wave in zip(x, waves, strict=True):
        row[: len(wave)] = wave
    return x


def batches(
    x: Rows | Clips, y: np.ndarray, batch: int, *, seed: int | None = None, change: Change | None = None
) -> Any:
    """A `keras.utils.PyDataset` of padded waves and labels of rows that are Clips, as `lengths.batches` puts them
    together. With a seed, `change` is applied to every wave, anew in each epoch."""
    clips: Clips = views.batch(x)

    def waves(rows: np.ndarray, epoch: int, number: int) -> np.ndarray:
        taken = [clips[row] for row in rows]
        if change is not None and seed is not None:
            random = np.random.default_rng((seed, epoch, number))
            taken = [change(wave.astype(np.float32), random) for wave in taken]
        return padded(taken)

    return lengths.batches(clips.length, y, batch, STEP, waves, seed=seed)


def predictor(model: Any, *, batch: int = 64) -> Fitted:
    """A Fitted for Clips by a Keras model of padded waves `(n, samples)`: rows of about the same length together.

    Gives float32, one prediction for each row, whose values do not depend on the other rows where the model's do not
    depend on zeros after a wave.
    """
    import keras

    general = keras.backend.backend() != "tensorflow"

    def predict(x: Clips) -> np.ndarray:
        nonlocal general
        if len(x) > batch and not general:
            # TensorFlow builds a graph for the first shape, and from the second on one that fits every shape. Two tiny
            # batches make that the second graph, not the third: a tenth of a fold on the sample, 40 s instead of 44 s.
            for n in (1, 2):
                model.predict_on_batch(np.zeros((n, n * STEP), np.float32))
            general = True
        pred = np.zeros((len(x), *model.output_shape[1:]), np.float32)
        order = np.argsort(x.length, kind="stable")
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            given = model.predict_on_batch(padded([x[row] for row in networks.shared(rows)]))
            pred[rows] = np.asarray(given, np.float32)[: len(rows)]
        return pred

    return Fitted(predict, model.count_params())
