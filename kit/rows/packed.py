"""Millions of short texts as rows: their letters one after another in one array, which may be a memory map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class Texts:
    """Texts that a row index array can index, and that memory need not hold.

    Row i is the UTF-8 text `letters[ends[i - 1] : ends[i]]`, where `letters` is a flat uint8 array and `ends` int64 of
    (n,). One row is a str; a slice or an array of integers or booleans gives a list of them.
    """

    def __init__(self, letters: np.ndarray, ends: np.ndarray) -> None:
        self.letters, self.ends = letters, ends

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """The given texts."""
        return cls(*pack(texts))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"row {index} of {len(self)}")
            return self[np.array([index])][0]
        rows = np.arange(len(self))[index]
        if not len(rows):
            return []
        starts = np.where(rows > 0, self.ends[rows - 1], 0)
        spans = zip(starts.tolist(), self.ends[rows].tolist(), strict=True)
        if rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():  # neighbours are read at once
            first = int(starts[0])
            whole = self.letters[first : int(self.ends[rows[-1]])].tobytes()
            return [whole[start - first : end - first].decode() for start, end in spans]
        return [self.letters[start:end].tobytes().decode() for start, end in spans]

    def __iter__(self) -> Iterator[str]:
        return (text for start in range(0, len(self), 4096) for text in self[start : start + 4096])


def pack(texts: Sequence[str], before: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The letters of texts, uint8, and where each ends, int64 of (n,), behind `before` other letters."""
    coded = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, coded), np.int64, len(coded))
    return np.frombuffer(b"".join(coded), np.uint8), before + np.cumsum(lengths)
