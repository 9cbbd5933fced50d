"""How rows are named: by one key column, by several, or by their number under a key that repeats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kit.errors import KitError

BETWEEN = "|"
"""Stands between the parts of a name; in a part it is written `\\|`."""


def of(*columns: Any, repeats: bool = False) -> np.ndarray:
    """The ids of a table's rows, (n,), from its key columns: arrays, lists or columns of a DataFrame.

    One column of integers or texts gives these; several give texts such as `CA_1|28`. With `repeats`, where the
    sample file has several rows under one key, the number of the row under its key is one part more: `CA_1|28|1`,
    `CA_1|28|2`. A submission is joined to the sample file by these names. Raises KitError where a key is missing.

    >>> ids.of(table["store"], table["horizon"])
    """
    if len(columns) == 1 and not repeats:
        array = np.asarray(columns[0])
        if array.dtype.kind in "iuU":
            return array
    texts = [_texts(column) for column in columns]
    return np.array([*map(namer(repeats=repeats), zip(*texts, strict=True))], str)


def namer(*, repeats: bool = False) -> Callable[[Sequence[str]], str]:
    """What names one row after the other by the texts of its key columns, as `of` does."""
    if not repeats:
        return name
    counts: Counter[str] = Counter()

    def numbered(parts: Sequence[str]) -> str:
        under = name([*parts, ""])
        counts[under] += 1
        return f"{under}{counts[under]}"

    return numbered


def name(parts: Sequence[str]) -> str:
    """One name from its parts. Different parts give different names, and a single part is its own name."""
    if len(parts) == 1:
        return parts[0]
    return BETWEEN.join(part.replace("\\", "\\\\").replace(BETWEEN, f"\\{BETWEEN}") for part in parts)


def keys(name: str, columns: int, *, repeats: bool = False) -> list[str]:
    """The texts of `columns` key columns that `of` has made a name from; fewer or more where it was made otherwise.

    >>> ids.keys("CA_1|28", 2)
    ['CA_1', '28']
    """
    if columns == 1 and not repeats:
        return [name]
    parts = [re.sub(r"\\(.)", r"\1", part) for part in re.findall(r"(?:^|\|)((?:\\.|[^|\\])*)", name)]
    return parts[:-1] if repeats else parts


def _texts(column: Any) -> list[str]:
    """A column as the texts that a CSV file would hold."""
    import pandas as pd

    series = pd.Series(column)
    if len(missing := np.flatnonzero(series.isna())):
        raise KitError(
            f"Row {missing[0] + 1:,} has no id: its column {series.name or 'of ids'!r} is empty.",
            "Each row needs a value in every key column.",
        )
    return [str(value) for value in series.tolist()]
