"""The columns that models see of a competition's rows: what its function `features` gives of them."""

from __future__ import annotations

import dis
import hashlib
import os
import time
import zipfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

import pandas as pd

from kit import places
from kit.errors import KitError
from kit.task import imports
from kit.toolbox import frames

Features = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
"""`features(train, rows)` of a competition: the columns that models see of `rows`, learned from `train`."""


SLOW = 1.0
"""Seconds from which what `features` gave is kept on disk: reading it again takes about a tenth of a second."""

KEPT = 4 * 2**30
"""Bytes of kept tables; of more, those that were not used for the longest time go."""


class Featured:
    """`features` with the training rows of one fold.

    What took long is kept in `data/.features/` of the workspace by the content of the rows and of the code, so that
    another recipe, or the same one with other settings, does not wait for it again.
    """

    def __init__(self, features: Features, train: pd.DataFrame) -> None:
        self._features, self._train = features, train

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What `features` gives for `rows`. Raises KitError when that is no table with a row for each."""
        # Rows are hashed only where something took long before: quick features, which are most, cost nothing here.
        kept = self._folder / f"{self._name(rows)}.npz" if self._folder.is_dir() else None
        if kept is not None and kept.is_file():
            try:
                table = frames.load(kept)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile):
                kept.unlink()
            else:
                os.utime(kept)
                return table
        started = time.perf_counter()
        table = self._features(self._train, rows)
        if not isinstance(table, pd.DataFrame) or len(table) != len(rows):
            given = f"{len(table):,} rows" if isinstance(table, pd.DataFrame) else type(table).__name__
            raise KitError(
                f"`features` returned {given} for {len(rows):,} rows.",
                "It must return a DataFrame with a row for each, in the same order.",
            )
        if time.perf_counter() - started >= SLOW and not places.on_kaggle():
            self._keep(table, kept or self._folder / f"{self._name(rows)}.npz")
        return table

    def _keep(self, table: pd.DataFrame, path: Path) -> None:
        """Write a table, and remove the oldest ones where all take too much room."""
        path.parent.mkdir(parents=True, exist_ok=True)
        frames.save(table, path)
        files = sorted(path.parent.parent.glob("*/*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
        room = KEPT
        for file in files:
            room -= file.stat().st_size
            if room < 0:
                file.unlink()

    @cached_property
    def _folder(self) -> Path:
        """Where tables of this code are kept: it is named after the function's file and what that imports beside it."""
        code = getattr(self._features, "__code__", None)
        file = Path(code.co_filename) if code else Path()
        texts = [path.read_bytes() for path in imports.beside(file)] if file.is_file() else [b""]
        digest = hashlib.sha256(b"\0".join([*texts, pd.__version__.encode()])).hexdigest()[:16]
        return places.workspace() / "data" / ".features" / digest

    @cached_property
    def _of_train(self) -> bytes:
        return _digest(self._train)

    def _name(self, rows: pd.DataFrame) -> str:
        own = self._of_train if rows is self._train else _digest(rows)
        return hashlib.sha256(self._of_train + own).hexdigest()[:32]

    def state(self) -> dict[str, Any] | None:
        """The training rows as a stored model needs them: None where `features` does not look at them."""
        return frames.state(self._train) if looks_at_train(self._features) else None

    @classmethod
    def restored(cls, features: Features, state: dict[str, Any] | None) -> Featured:
        """From what `state` gave."""
        return cls(features, pd.DataFrame() if state is None else frames.restored(state))


def _digest(table: pd.DataFrame) -> bytes:
    """What tells a table's content from another's: names, types and values of its columns."""
    digest = hashlib.sha256(repr([(str(name), str(kind)) for name, kind in table.dtypes.items()]).encode())
    for _, column in table.items():
        if column.dtype == object:  # lists cannot be hashed, and 1 and "1" must differ
            column = column.map(repr)
        digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
    return digest.digest()


def looks_at_train(features: Features) -> bool:
    """Whether a function may use its first argument: its code names it, or it is no plain function."""
    if not isinstance(features, FunctionType) or not features.__code__.co_argcount:
        return True
    first = features.__code__.co_varnames[0]
    return any(step.argval == first or first in _names(step.argval) for step in dis.get_instructions(features))


def _names(value: Any) -> tuple[str, ...]:
    """Of two variables that one instruction loads, both; of a function inside, those that it takes from outside."""
    if isinstance(value, tuple):
        return tuple(each for each in value if isinstance(each, str))
    return getattr(value, "co_freevars", ())
