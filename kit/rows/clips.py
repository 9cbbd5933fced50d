"""Recordings as rows: one flat array of samples cut by offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class Clips:
    """Recordings of different lengths that a row index array can index, at one `rate`, in samples a second.

    Row i is `samples[start[i] : start[i] + length[i]]` of one flat int16 array, which may be memory-mapped. Rows taken
    out share that array, so that a fold costs 16 bytes a row. One row, `clips[3]`, is its wave, int16 of (samples,).
    """

    def __init__(self, samples: np.ndarray, start: np.ndarray, length: np.ndarray, rate: int) -> None:
        self.samples, self.start, self.length, self.rate = samples, start, length, rate

    @classmethod
    def of(cls, waves: Sequence[np.ndarray], rate: int) -> Clips:
        """Clips of int16 waves."""
        length = np.array([len(wave) for wave in waves], np.int64)
        samples = np.concatenate([np.zeros(0, np.int16), *waves])
        if samples.dtype != np.int16:
            raise TypeError(f"waves must be int16, not {samples.dtype}")
        return cls(samples, np.cumsum(length) - length, length, rate)

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            return np.asarray(self.samples[self.start[index] : self.start[index] + self.length[index]])
        return Clips(self.samples, self.start[index], self.length[index], self.rate)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        waves = np.empty(len(self), object)
        waves[:] = list(self)
        return waves

    @property
    def seconds(self) -> np.ndarray:
        """How long each row is."""
        return self.length / self.rate
