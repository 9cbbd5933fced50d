"""Rows of any kind, and selections of them that copy nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np


class Rows:
    """Rows of one store: an array, a memory map, a table (pandas), a list of texts or files, or recordings (`Clips`).

    `rows[index]`, for a slice or an array of integers or booleans, is a view: it holds the numbers of the rows, 8 bytes
    each or two where they follow each other, and no row is read or copied. `rows.take()` gives the rows themselves, of
    the store's own kind, as one batch: neighbouring rows of an array, a memory map or a table without a copy, which
    cannot be written to, others as a copy. `rows[3]` is one row. Raises IndexError for rows that are not there.
    """

    __slots__ = ("_index", "store")

    def __init__(self, store: Any, index: np.ndarray | range | None = None) -> None:
        self.store = store
        self._index = range(len(store)) if index is None else index

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            return _one(self.store, int(self._index[index]))
        if isinstance(index, slice):
            return Rows(self.store, self._index[index])
        return Rows(self.store, _joined(self._places(index)))

    def __iter__(self) -> Iterator[Any]:
        return (_one(self.store, int(number)) for number in self._index)

    @property
    def numbers(self) -> np.ndarray:
        """The place of each row in the store, int64 of (n,)."""
        return np.asarray(self._index, np.int64)

    def take(self, index: Any = None) -> Any:
        """The rows, or those at `index` of them, as a batch of the store's kind."""
        return _several(self.store, self._index if index is None else self[index]._index)

    def _places(self, index: Any) -> np.ndarray:
        """The places in the store of an array of integers, also negative ones, or of booleans, one for each row."""
        chosen = np.asarray(index)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise IndexError(f"{chosen.shape} booleans cannot choose among {len(self)} rows")
            chosen = np.flatnonzero(chosen)
        elif chosen.size and chosen.dtype.kind not in "iu":
            raise IndexError(f"rows are chosen by integers or booleans, not by {chosen.dtype}")
        chosen = chosen.astype(np.int64, copy=False)
        if isinstance(self._index, np.ndarray):
            return self._index[chosen]
        count = len(self._index)
        if chosen.size and (chosen.min() < -count or chosen.max() >= count):
            raise IndexError(f"row {chosen.max() if chosen.max() >= count else chosen.min()} of {count}")
        return self._index.start + self._index.step * np.where(chosen < 0, chosen + count, chosen)


def of(x: Any) -> Rows:
    """`x` as Rows; Rows stay what they are."""
    return x if isinstance(x, Rows) else Rows(x)


def batch(x: Any) -> Any:
    """What `x` holds, whether it is a selection or a batch already."""
    return x.take() if isinstance(x, Rows) else x


def _joined(places: np.ndarray) -> np.ndarray | range:
    """Places that follow each other as a range, so that their rows are taken without a copy."""
    if not len(places):
        return range(0)
    first, last = int(places[0]), int(places[-1])
    in_order = last - first == len(places) - 1 and bool((places[1:] - places[:-1] == 1).all())
    return range(first, last + 1) if in_order else places


def _one(store: Any, number: int) -> Any:
    return store.iloc[number] if hasattr(store, "iloc") else store[number]


def _several(store: Any, index: np.ndarray | range) -> Any:
    if isinstance(index, range) and index.step != 1:
        index = np.asarray(index)
    at = slice(index.start, index.stop) if isinstance(index, range) else index
    if hasattr(store, "iloc"):
        pandas = sys.modules["pandas"]
        if int(pandas.__version__.partition(".")[0]) < 3:
            # What pandas does by itself from version 3 on; Kaggle's image has 2.2. A recipe that changed a slice in
            # place would else change every fold's rows.
            pandas.options.mode.copy_on_write = True
        return store.iloc[at]
    if isinstance(store, (list, tuple)):
        return list(store[at]) if isinstance(at, slice) else [store[number] for number in at]
    taken = store[at]
    if isinstance(taken, np.ndarray) and taken.base is not None and isinstance(at, slice):
        taken.flags.writeable = False  # a recipe that changed its batch in place would change every fold's rows
    return taken
