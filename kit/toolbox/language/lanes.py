"""Texts as batches to train on: one stream of tokens, cut into lanes that go on from batch to batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kit.toolbox.language.counts import END


class Stream:
    """All texts one after another, each with END before it, in an order drawn anew for each pass. It is cut into
    `lanes` of the same length, and a batch is the next `length` tokens of each, so that what a network remembers of a
    lane holds for the next batch. A batch hangs on the seed and its number alone."""

    def __init__(self, texts: Sequence[np.ndarray], *, lanes: int, length: int, seed: int) -> None:
        self.texts, self.length, self.seed = [np.append(END, text).astype(np.int32) for text in texts], length, seed
        tokens = sum(map(len, self.texts))
        # Few texts fill fewer lanes; the mark behind the last text is one token more.
        self.lanes = max(1, min(lanes, (tokens + 1) // (length + 1)))
        self.length = min(length, max(1, tokens // self.lanes))
        self.batches = max(1, tokens // (self.lanes * self.length))
        self._drawn, self._pass = np.zeros(0, np.int32), -1

    def batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number` of the training: tokens and those that come after each, int32 of (lanes, length)."""
        number_of_pass, at = divmod(number, self.batches)
        if number_of_pass != self._pass:
            order = np.random.default_rng((self.seed, number_of_pass)).permutation(len(self.texts))
            self._drawn = np.append(np.concatenate([self.texts[i] for i in order]), np.int32(END))
            self._pass = number_of_pass
        width = self.batches * self.length
        begins = np.arange(self.lanes)[:, None] * width + at * self.length
        columns = begins + np.arange(self.length)
        return self._drawn[columns], self._drawn[columns + 1]


def batches(stream: Stream, steps: int) -> Any:
    """A `keras.utils.PyDataset` whose epochs are the next `steps` batches of the stream each."""
    import keras

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.epoch = 0

        def __len__(self) -> int:
            return steps

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            return stream.batch(self.epoch * steps + number)

        def on_epoch_end(self) -> None:
            self.epoch += 1

    return Batches()
