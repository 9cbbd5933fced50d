"""What is checked before anything is fitted: the sample file against the declaration, and all that `load` returned."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task import lines, submission
from kit.task.catalog import Entry
from kit.task.contract import Data, Submission
from kit.task.targets import Labels, Target

CAST = "invalid value encountered in cast"
"""NumPy's warning where NaN becomes an integer, mostly -9223372036854775808."""


def load(entry: Entry) -> tuple[Data, Data]:
    """The competition's train and test rows, checked.

    Raises KitError where the sample file is not what the declaration says; where files cannot be read; and for rows
    that no model should be fitted on: labels that are missing or outside of the declared set, ids that repeat, columns
    of another length, rows without features, test rows that are not those of the sample file.
    """
    public = entry.public()
    wanted = sample(entry.competition.submission, public)
    train, test = _loaded(entry, public)
    for what, data in (("train", train), ("test", test)):
        said = f"`load` of {entry.name}"
        _refuse_shapes(said, what, data)
        _refuse_ids(said, what, data)
        _refuse_features(said, what, data)
        _refuse_columns(said, what, data)
    _refuse_labels(f"`load` of {entry.name}", train, entry.competition.submission)
    submission.refuse_other_ids(map(str, test.ids.tolist()), wanted, entry.competition.submission.sample)
    return train, test


def sample(form: Submission, public: Path) -> list[str]:
    """The ids of the sample file in the folder `public`, in its order.

    Raises KitError where its columns, its keys or the kind of its values are not what is declared.
    """
    file = public / form.sample
    rows = lines.of_sample(form, file)
    submission.resolved(form, [row.targets for row in rows], file)
    return [row.id for row in rows]


def _loaded(entry: Entry, public: Path) -> tuple[Data, Data]:
    right = "Files must be as they were downloaded, and columns of whole numbers without empty values."
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", CAST, RuntimeWarning)
            pair = entry.competition.load(public)
    except RuntimeWarning as error:
        if CAST not in str(error):
            raise
        raise KitError(
            f"`load` of {entry.name} turns empty values into whole numbers, which makes large negative ones of them.",
            "Columns that `parts` of kit.rows.files reads are never cast so, and the row without a value is named.",
        ) from error
    except Exception as error:
        if not isinstance(error, (UnicodeError, csv.Error)) and type(error).__module__ != "pandas.errors":
            raise
        cure = f"kit download {entry.name}{entry.flag} --force"
        raise KitError(f"`load` of {entry.name} cannot read its files: {error}", right, cure) from error
    if not isinstance(pair, tuple) or [type(data) for data in pair] != [Data, Data]:
        raise KitError(
            f"`load` of {entry.name} returned {_kind(pair)}.",
            "It must return train rows and test rows: `return Data(ids, x, y), Data(ids, x)`.",
        )
    return pair


def _refuse_shapes(said: str, what: str, data: Data) -> None:
    """Refuse columns that are no arrays, or not of one entry a row."""
    if not len(data.x):
        raise KitError(f"{said} returned no {what} rows.", "There must be at least one.")
    for name in ("ids", "y", "group", "weight", "time"):
        column = getattr(data, name)
        if column is None:
            continue
        if not isinstance(column, np.ndarray):
            raise KitError(
                f"{said} returned `{name}` of the {what} rows as {_kind(column)}.",
                "It must be a NumPy array; `.to_numpy()` makes one from a column of a DataFrame.",
            )
        if column.shape[:1] != (len(data.x),):
            raise KitError(
                f"{said} returned {len(data.x):,} {what} rows and `{name}` of shape {column.shape}.",
                f"`{name}` must have one entry for each row.",
            )
        if column.ndim > (2 if name == "y" else 1):
            raise KitError(f"{said} returned `{name}` of shape {column.shape}.", f"It must be ({len(column)},).")


def _refuse_ids(said: str, what: str, data: Data) -> None:
    if (missing := _missing(data.ids)).any():
        raise KitError(
            f"{said} returned a {what} row without an id, row {1 + int(np.argmax(missing)):,} of {len(data):,}.",
            "Each row needs an id of its own.",
        )
    if data.ids.dtype.kind in "iuf":
        ordered = np.sort(data.ids)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]][:1].tolist()
    else:
        names = [str(name) for name in data.ids.tolist()]
        repeated = [Counter(names).most_common(1)[0][0]] if len(set(names)) < len(names) else []
    if repeated:
        raise KitError(
            f"{said} returned several {what} rows under the id {repeated[0]}.",
            "Each row needs an id of its own. `ids.of(...)` of kit.task makes them from several key columns, and with "
            "`repeats=True` where one key has several rows.",
        )


def _refuse_features(said: str, what: str, data: Data) -> None:
    """Refuse rows that hold nothing: tables and arrays of no columns, lists with gaps."""
    shape = getattr(data.x.store, "shape", (len(data.x),))
    if 0 in shape[1:]:
        raise KitError(
            f"{said} returned {what} rows without features: `x` has the shape {tuple(shape)}.",
            "`x` must have at least one column.",
        )
    if isinstance(data.x.store, (list, tuple)):
        gap = next(
            (at for at, row in enumerate(data.x) if row is None or (isinstance(row, float) and row != row)), None
        )
        if gap is not None:
            raise KitError(
                f"{said} returned nothing in `x` for the {what} row {data.ids[gap]}.",
                "Each row needs a text, a file or whatever `x` holds; an empty text is one.",
            )


def _refuse_columns(said: str, what: str, data: Data) -> None:
    """Refuse groups, weights and times that a split or a metric could not use."""
    for name in ("group", "weight", "time"):
        column = getattr(data, name)
        if column is None:
            continue
        bad, why = _missing(column, ("",) if name == "group" else ()), f"has no {name}"
        if name == "weight":
            if column.dtype.kind not in "iufb":
                raise KitError(f"{said} returned weights of the type {column.dtype}.", "Weights must be numbers.")
            if (column < 0).any():
                bad, why = column < 0, f"has the weight {column[int(np.argmax(column < 0))]}"
            elif not bad.any() and not column.any():
                bad, why = column == 0, "has the weight 0, and so have all others"
        if column.dtype.kind == "f" and np.isinf(column).any():
            bad, why = np.isinf(column), f"has an infinite {name}"
        if bad.any():
            right = "finite and 0 or more, and above 0 for some" if name == "weight" else "there for each row"
            raise KitError(
                f"{said} returned {what} rows of which one {why}: row {data.ids[int(np.argmax(bad))]}.",
                f"`{name}` must be {right}.",
            )


def _refuse_labels(said: str, train: Data, form: Submission) -> None:
    if train.y is None:
        raise KitError(f"{said} returned train rows without labels.", "`Data(ids, x, y)` holds them.")
    columns = [train.y] if train.y.ndim == 1 else list(train.y.T)
    kinds: list[Target | None] = []
    if len(columns) == len(form.targets):
        # With one column these are also the items that a list of guesses is made from.
        kinds = [Labels(form.labels)] if form.labels and len(columns) == 1 else list(form.declared.values())
    for at, y in enumerate(columns):
        kind = kinds[at] if kinds else None
        known = kind if isinstance(kind, Labels) else None
        named = "" if len(columns) == 1 else f" in column {at + 1:,} of `y`"
        missing = _missing(y, () if known is None else known.spelled)
        if missing.any():
            first = train.ids[int(np.argmax(missing))]
            raise KitError(
                f"{said} returned {missing.sum():,} of {len(y):,} train rows without a label{named}, the first under "
                f"the id {first}.",
                "Each train row needs one. `load` may leave out rows that have none.",
            )
        if known is not None and (outside := known.outside(y)).any():
            row = int(np.argmax(outside))
            raise KitError(
                f"{said} returned the label {y[row]}{named} for the train row {train.ids[row]}, which is not declared.",
                f"{known.right} They stand in `Submission(..., holds=...)` of competition.py.",
            )


def _missing(column: np.ndarray, allowed: tuple[str, ...] = ()) -> np.ndarray:
    """Which entries are missing: NaN, NaT, None, empty texts, `nan` as a text, and what a cast makes of them.

    Infinity counts as missing. `allowed` are texts that are none of these, whatever they look like.
    """
    if column.dtype.kind in "fc":
        return ~np.isfinite(column) if column.dtype.kind == "f" else np.isnan(column)
    if column.dtype.kind in "mM":
        return np.isnat(column)
    if column.dtype in (np.int64, np.int32):
        return column == np.iinfo(column.dtype).min
    if column.dtype.kind == "O":
        import pandas as pd

        texts = np.array([value.strip() if isinstance(value, str) else "a value" for value in column.tolist()], object)
        return pd.isna(column) | (np.isin(texts, ("", "nan", "<NA>", "NaT")) & ~np.isin(texts, allowed))
    if column.dtype.kind in "US":
        texts = np.char.strip(column.astype(str))
        return np.isin(texts, ("", "nan", "<NA>", "NaT")) & ~np.isin(texts, allowed)
    return np.zeros(len(column), bool)


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"
