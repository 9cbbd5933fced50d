"""Rows that come after a competition's own, read from a file of the test table's form: for `kit predict --rows`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.rows import tables
from kit.task import ids
from kit.task.contract import Data


def reader(*keys: str, text: Sequence[str] = ()) -> Callable[[Path, int | None], Iterator[Data]]:
    """The function `rows` of a competition whose rows are those of one table, as `kit.rows.tables` reads it.

    `keys` are the key columns; without any, rows are numbered from 0. Columns in `text` are read as they are spelled.
    """

    def rows(file: Path, most: int | None) -> Iterator[Data]:
        start = 0
        for part in tables.parts(file, most, text=text):
            if missing := [name for name in keys if name not in part.columns]:
                raise KitError(
                    f"{file.name} has no column {missing[0]!r}, which names its rows.",
                    f"Its columns are {', '.join(map(str, part.columns[:8]))}.",
                )
            names = ids.of(*(part[name] for name in keys)) if keys else np.arange(start, start + len(part))
            start += len(part)
            yield Data(names, part)

    return rows
