"""Batches of rows of about the same length, so that little of a padded batch is padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def batches(
    lengths: np.ndarray,
    y: np.ndarray,
    batch: int,
    step: int,
    padded: Callable[[np.ndarray, int, int], np.ndarray],
    *,
    seed: int | None = None,
) -> Any:
    """A `keras.utils.PyDataset` of padded rows and their labels, at most `batch` rows of about one length together.

    `padded(rows, epoch, number)` gives the rows at the places `rows`, (n, length), for the batch of that number: a
    multiple of `step` long. With a seed, each epoch puts rows together anew and shuffles the batches; the same seed
    gives the same epochs. Without one, rows come in the order of their lengths.
    """
    import keras

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.epoch = 0
            self.arrange()

        def arrange(self) -> None:
            count = min(len(lengths), max(2, -(-len(lengths) // batch)))
            length, random = lengths.astype(float), np.random.default_rng((seed or 0, self.epoch))
            if seed is not None:
                # Blurred by a tenth: neighbours change, and batches stay almost as even. Rows that are cut off have one
                # length, and chance alone puts them together.
                length = length * random.uniform(0.9, 1.1, len(length))
            self.rows = np.array_split(np.argsort(length, kind="stable"), count)
            if seed is not None:
                self.rows = [self.rows[number] for number in random.permutation(count)]

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            x = padded(self.rows[number], self.epoch, number)
            if number < 2:
                # Keras takes what the first two batches of a set have in common for what all have; one is made longer.
                x = np.pad(x, ((0, 0), (0, (1 - number) * step + (x.shape[1] // step) % 2 * step)))
            return x, y[self.rows[number]]

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.arrange()

    return Batches()
