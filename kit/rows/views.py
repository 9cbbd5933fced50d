"""Rows of any kind, and selections of them that copy nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Rows:
    """Rows of one store: an array, a memory map, a table (pandas), a list of texts or files, or recordings (`Clips`).

    `rows[index]`, for a slice or an array of integers or booleans, is a view: it holds the numbers of the rows, 8 bytes
    each, and no row is read or copied. `rows.take()` gives the rows themselves, of the store's own kind, as one batch:
    neighbouring rows of an array or a memory map without a copy, others as a copy. `rows[3]` is one row.
    """

    __slots__ = ("_index", "store")

    def __init__(self, store: Any, index: np.ndarray | slice | None = None) -> None:
        self.store = store
        self._index = slice(0, len(store)) if index is None else index

    def __len__(self) -> int:
        if isinstance(self._index, slice):
            return max(0, self._index.stop - self._index.start)
        return len(self._index)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            return _one(self.store, int(self.numbers[index]))
        if isinstance(index, slice) and isinstance(self._index, slice) and index.step in (None, 1):
            start, stop, _ = index.indices(len(self))
            return Rows(self.store, slice(self._index.start + start, self._index.start + max(start, stop)))
        return Rows(self.store, self.numbers[index])

    def __iter__(self) -> Iterator[Any]:
        return (_one(self.store, int(number)) for number in self.numbers)

    @property
    def numbers(self) -> np.ndarray:
        """The place of each row in the store, int64 of (n,)."""
        if isinstance(self._index, slice):
            return np.arange(self._index.start, self._index.stop)
        return self._index

    def take(self, index: Any = None) -> Any:
        """The rows, or those at `index` of them, as a batch of the store's kind."""
        chosen = self if index is None else self[index]
        at = chosen._index
        if isinstance(at, slice) and (at.start, at.stop) == (0, len(self.store)):
            return self.store
        return _several(self.store, at)


def of(x: Any) -> Rows:
    """`x` as Rows; Rows stay what they are."""
    return x if isinstance(x, Rows) else Rows(x)


def batch(x: Any) -> Any:
    """What `x` holds, whether it is a selection or a batch already."""
    return x.take() if isinstance(x, Rows) else x


def _one(store: Any, number: int) -> Any:
    return store.iloc[number] if hasattr(store, "iloc") else store[number]


def _several(store: Any, index: np.ndarray | slice) -> Any:
    if hasattr(store, "iloc"):
        return store.iloc[index]
    if isinstance(store, (list, tuple)):
        return list(store[index]) if isinstance(index, slice) else [store[number] for number in index]
    return store[index]
