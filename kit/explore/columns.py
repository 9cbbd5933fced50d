"""The columns of a table one by one: kind, missing values, range, and how much each tells of the target alone."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from kit.rows import dates
from kit.toolbox import terms

Kind = Literal["number", "category", "date", "text", "constant"]

BINS, IN_BIN = 50, 40
"""Bins of a number whose mean target is looked at, and rows that a bin has at least: enough for a bend, and a mean."""

FOLDS = 5


class Column(NamedTuple):
    """What is known of a column. `missing` are shares of train and test rows, `unseen` the share of test rows whose
    category no train row has, `tells` the share of the target's loss that the column alone explains (`explained`)."""

    name: str
    kind: Kind
    missing: float
    missing_test: float
    unique: int
    range: str
    unseen: float
    tells: float | None


def kind(values: Any) -> Kind:
    """What a column of a pandas table holds.

    Dates and texts are what the recipes for tables take for them (`kit.rows.dates`, `kit.toolbox.terms`).
    """
    import pandas as pd

    known = values.dropna()
    if known.nunique() <= 1:
        return "constant"
    if dates.pattern(values) is not None:
        return "date"
    if pd.api.types.is_bool_dtype(known):
        return "category"
    if pd.api.types.is_numeric_dtype(known):
        return "number"
    return "text" if terms.is_text(values) else "category"


def coded(train: Any, test: Any, of: Kind) -> tuple[np.ndarray, np.ndarray]:
    """A column of train and test as numbers, float64 of (n,), NaN where missing: dates as days, categories as codes by
    how often they occur in train."""
    import pandas as pd

    if of == "number":
        return train.to_numpy(float, na_value=np.nan), test.to_numpy(float, na_value=np.nan)
    if of == "date":
        form = dates.pattern(train) or ""
        return _days(train, form), _days(test, form)
    both = pd.concat([train, test]).astype(str).where(pd.concat([train, test]).notna())
    order = both.iloc[: len(train)].value_counts().index.append(pd.Index(both.dropna().unique())).unique()
    codes = pd.Categorical(both, categories=order).codes.astype(float)
    codes[codes < 0] = np.nan
    return codes[: len(train)], codes[len(train) :]


def cells(codes: np.ndarray, of: Kind, bins: int | None = None) -> np.ndarray:
    """The cell that each value of a coded column belongs to, int64 of (n,).

    That is a bin of about equal size for numbers and dates, the category itself for the rest, and a cell of its own for
    what is missing.
    """
    missing = np.isnan(codes)
    if of in ("number", "date"):
        known = codes[~missing]
        bins = bins or max(5, min(BINS, len(known) // IN_BIN))
        edges: np.ndarray = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else known
        cell = np.searchsorted(edges, codes, side="right")
    else:
        cell = np.nan_to_num(codes, nan=0).astype(np.int64)
    return np.where(missing, cell.max(initial=0) + 1, cell).astype(np.int64)


def explained(cell: np.ndarray, y: np.ndarray, seed: int = 0) -> float:
    """The share of the target's loss that the mean of each row's cell explains, out of fold; 1 is all of it.

    The loss is the squared error of a number, and of the indicators of classes (`y` of (n, classes)). The means are
    taken over the other four fifths of the rows and drawn towards the mean of all as if ten rows more lay there, by
    which a column of unique values explains nothing. Source: Micci-Barreca, A Preprocessing Scheme for
    High-Cardinality Categorical Attributes, SIGKDD Explorations 2001.
    """
    error = total = 0.0
    for column in y.reshape(len(y), -1).astype(float).T:
        mean, prior = means(cell, column, seed)
        error += float(np.square(column - mean).sum())
        total += float(np.square(column - prior).sum())
    return 1 - error / total if total else 0.0


def means(cell: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The mean of `y` in each row's cell and the mean of all, both taken over other rows only, float64 of (n,)."""
    fold = np.random.default_rng(seed).integers(FOLDS, size=len(y))
    size = int(cell.max(initial=0)) + 1
    count = np.bincount(fold * size + cell, minlength=FOLDS * size).reshape(FOLDS, size)
    sums = np.bincount(fold * size + cell, y, FOLDS * size).reshape(FOLDS, size)
    weight, total = count.sum(0) - count, sums.sum(0) - sums
    prior = total.sum(1) / np.maximum(weight.sum(1), 1)
    return ((total + 10 * prior[:, None]) / (weight + 10))[fold, cell], prior[fold]


def described(train: Any, test: Any, target: np.ndarray | None) -> list[Column]:
    """Every column of the train table, in its order; `target` is (n,) numbers or (n, classes) indicators, or None."""
    columns = []
    for name in train.columns:
        values = train[name]
        others = test[name] if name in test.columns else values.iloc[:0]
        of = kind(values)
        tells, unseen = None, 0.0
        if of != "constant":
            codes, codes_test = coded(values, others, of)
            if target is not None and of != "text":
                tells = explained(cells(codes, of), target)
            if of == "category" and len(others):
                unseen = float(np.mean(~np.isin(codes_test[~np.isnan(codes_test)], codes)))
        missing, missing_test = (float(part.isna().mean()) if len(part) else 0.0 for part in (values, others))
        extent = _range(values, of)
        columns.append(Column(str(name), of, missing, missing_test, int(values.nunique()), extent, unseen, tells))
    return columns


def _range(values: Any, of: Kind) -> str:
    known = values.dropna()
    if not len(known):
        return "no value"
    if of == "number":
        return f"{known.min():.6g} to {known.max():.6g}, median {known.median():.6g}"
    if of == "date":
        days = dates.read(known, dates.pattern(values) or "")
        return f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}"
    counts = known.astype(str).value_counts()
    return f"{str(counts.index[0])[:30]!r} in {counts.iloc[0] / len(values):.1%}"


def _days(values: Any, form: str) -> np.ndarray:
    since = dates.read(values, form) - np.datetime64("1970-01-01")
    return since.dt.total_seconds().to_numpy(float) / 86_400
