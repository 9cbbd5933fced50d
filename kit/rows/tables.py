"""Columns of a table as arrays, read strictly: what is empty, or of another kind, is refused and never cast."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.errors import KitError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 2.0**63
"""Whole numbers from here on are none that 64 bits hold."""


def integers(
    table: pd.DataFrame, columns: str | Sequence[str], file: Path, *, low: int | None = None, high: int | None = None
) -> np.ndarray:
    """Whole numbers, int64: (n,) of one column, (n, columns) of a list of columns; from `low` to `high`, both included.

    `file` is where the table was read from; a part of it that `read_csv(..., chunksize=...)` gave knows its own place.
    Raises KitError, naming file, row and value, for an empty value, a fraction, a text, and a number out of bounds.

    >>> tables.integers(train, "target", public / "train.csv", low=0, high=1)
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    values = _numbers(table[names])
    bad = _outside(values, low, high)
    if values.dtype.kind == "u":
        bad |= values >= LARGEST
    if values.dtype.kind == "f":
        bad |= ~np.isfinite(values) | (values != np.rint(values)) | (np.abs(values) >= LARGEST)
    _refuse(table, names, file, bad, f"a whole number{_bounds(low, high)}")
    return _shaped(values.astype(np.int64), columns)


def numbers(
    table: pd.DataFrame,
    columns: str | Sequence[str],
    file: Path,
    *,
    low: float | None = None,
    high: float | None = None,
) -> np.ndarray:
    """Finite numbers, float64: (n,) of one column, (n, columns) of a list of columns. Errors as `integers`."""
    names = [columns] if isinstance(columns, str) else list(columns)
    values = _numbers(table[names]).astype(np.float64)
    _refuse(table, names, file, ~np.isfinite(values) | _outside(values, low, high), f"a number{_bounds(low, high)}")
    return _shaped(values, columns)


def texts(table: pd.DataFrame, column: str, file: Path) -> np.ndarray:
    """Texts that are not empty, an array of objects, (n,).

    Raises KitError, naming file and row, for an empty one.
    """
    values = table[column].astype(object)
    words = values.map(lambda value: str(value).strip(), na_action="ignore").fillna("")
    _refuse(table, [column], file, (words == "").to_numpy()[:, None], "a text that is not empty")
    return values.to_numpy()


def class_numbers(table: pd.DataFrame, column: str, options: Sequence[Any], file: Path) -> np.ndarray:
    """The place of each label in `options`, int64 of (n,); labels are compared as they are written.

    Raises KitError, naming file, row and value, for an empty one and for one that is not among them.
    """
    place = {str(option): number for number, option in enumerate(options)}
    values = table[column].astype(object).map(lambda value: place.get(str(value), -1), na_action="ignore")
    numbers = values.fillna(-1).to_numpy(np.int64)
    few = ", ".join([*place][:12]) + (", ..." if len(place) > 12 else "")
    _refuse(table, [column], file, (numbers < 0)[:, None], f"one of {few}")
    return numbers


def _numbers(part: pd.DataFrame) -> np.ndarray:
    """The columns as one array of integers or floats; NaN where a value is no number, as True and False are none."""
    import pandas as pd

    part = part.copy(deep=False)
    for name in part.columns:
        if part[name].dtype.kind not in "iuf":
            values = part[name].astype(object)
            truths = values.map(lambda value: isinstance(value, (bool, np.bool_)))
            part[name] = pd.to_numeric(values.mask(truths.astype(bool)), errors="coerce")
    return part.to_numpy()


def _outside(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    bad = np.zeros(values.shape, bool)
    if low is not None and values.size and values.min() < low:
        bad |= values < low
    if high is not None and values.size and values.max() > high:
        bad |= values > high
    return bad


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f", at least {low:g}" if low is not None else f", at most {high:g}" if high is not None else ""


def _refuse(table: pd.DataFrame, names: list[str], file: Path, bad: np.ndarray, wanted: str) -> None:
    """Refuse a table in which some values are `bad` (n, columns), naming the first."""
    import pandas as pd

    if not bad.any():
        return
    at, column = np.argwhere(bad)[0].tolist()
    value = table[names[column]].iloc[at]
    above = table.index.start if isinstance(table.index, pd.RangeIndex) and table.index.step == 1 else 0
    said = "is empty" if pd.isna(value) or str(value).strip() == "" else f"holds {value}"
    raise KitError(
        f"{file.name}, row {above + at + 1:,}: the column {names[column]!r} {said}.",
        f"It must hold {wanted}. Rows are counted from 1, below the header.",
    )


def _shaped(values: np.ndarray, columns: str | Sequence[str]) -> np.ndarray:
    return values[:, 0] if isinstance(columns, str) else values
