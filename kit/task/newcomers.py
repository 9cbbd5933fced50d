"""Rows that come after a competition's own, read from a file of the test table's form: for `kit predict --rows`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kit.errors import KitError
from kit.rows import tables
from kit.task import ids
from kit.task.contract import Data

if TYPE_CHECKING:
    import pandas as pd


def reader(
    *keys: str,
    text: Sequence[str] = (),
    answers: tuple[Sequence[str], Callable[[pd.DataFrame], np.ndarray]] | None = None,
    graded: Sequence[str] = (),
    weight: str = "",
) -> Callable[[Path, int | None], Iterator[Data]]:
    """The function `rows` of a competition whose rows are those of one table, as `kit.rows.tables` reads it.

    `keys` are the key columns; without any, rows are numbered from 0. Columns in `text` are read as they are spelled.
    A file may hold answers, by which the predictions are scored, and which the model does not see: `answers` are the
    target columns as the training file has them, and the function that makes `y` of a table that has them all;
    `graded` are the target columns as a submission has them, where these are others. The column `weight` is the
    weight of a row where the file has it.
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
            y = None
            if answers and set(answers[0]) <= set(part.columns):
                part, y = _without(part, *answers)
            elif graded and set(graded) <= set(part.columns):
                part, y = _without(part, graded, lambda table: table[list(graded)].to_numpy())
            weights = part[weight].to_numpy(float) if weight in part.columns else None
            yield Data(names, part, y, weight=weights)

    return rows


def _without(
    table: pd.DataFrame, targets: Sequence[str], answers: Callable[[pd.DataFrame], np.ndarray]
) -> tuple[pd.DataFrame, np.ndarray]:
    """A table without its target columns, and its answers.

    Raises KitError when a row has no answer or one that is no value of the target.
    """
    empty = table[list(targets)].isna().any(axis=1)
    if empty.any():
        raise KitError(
            f"{int(empty.sum()):,} of {len(table):,} rows have no answer in {', '.join(map(repr, targets[:3]))}.",
            "Either all rows of the file have one, or the file has no such column.",
        )
    try:
        y = answers(table)
    except (ValueError, TypeError, KeyError) as error:
        raise KitError(
            f"The answers of the file cannot be read: {error}.", "They must be spelled as in the training file."
        ) from error
    return table.drop(columns=list(targets)), y
