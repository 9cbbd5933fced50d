"""How the training rows are cut into folds so that these resemble the test rows: by class, group or time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kit.errors import KitError
from kit.new.keys import Keys
from kit.new.look import Table
from kit.new.roles import Roles, same
from kit.new.wanted import Wanted
from kit.rows import dates

FOLDS = 5

NEW = 0.05
"""The share of the test rows' groups that training rows may have for the groups to count as new ones."""

AFTER = 0.5
"""The share of the test rows that must lie after the last training row for the test to be a forecast; some of its days
may be known already."""


@dataclass(frozen=True)
class Splitting:
    """The split as competition.py says it; the column whose values are groups, cut at a mark (`before`) or as days
    (`daily`, written as `form` says); the column of times. `sure` is False where another split is likely too."""

    split: str
    why: str
    group: str = ""
    before: str = ""
    daily: bool = False
    time: str = ""
    form: str = ""
    sure: bool = True
    others: tuple[str, ...] = ()


def splitting(
    roles: Roles, keys: Keys, wanted: Wanted, *, split: str = "", group: str = "", time: str = ""
) -> Splitting:
    """The split that the files ask for; the options name it (`stratified`, `shuffled`, `grouped`, `time`) or the column
    of groups or times outright.

    Raises KitError for a column that is not there, and for times that cannot be read.
    """
    train, test = roles.train, roles.test
    assert train is not None
    plain = "Stratified" if _by_class(roles, wanted) else "Shuffled"
    if split and split not in ("stratified", "shuffled", "grouped", "time"):
        raise KitError(
            f"{split!r} is no split.", "There are stratified, shuffled, grouped and time.", "--split stratified"
        )
    if time or split == "time":
        return _by_time(train, test, time or _dated(train, test, keys) or "", "as you said")
    if group or split == "grouped":
        chosen = group or _groups(train, test, keys)[0]
        if not chosen or same(chosen, train.columns) is None:
            right = f"Columns that repeat are {', '.join(_repeating(train)[:6]) or 'none'}."
            repeated = next(iter(_repeating(train)), "")
            cure = f"--group {repeated}" if repeated else f"--split {plain.lower()}"
            raise KitError(f"{train.name} has no column {chosen or 'of groups'!r}.", right, cure)
        return _grouped(plain, train, chosen, "", "as you said")
    if split in ("stratified", "shuffled"):
        return Splitting(f"splits.{split.capitalize()}({FOLDS})", "as you said")
    column = _dated(train, test, keys)
    if column and test is not None:
        form = dates.pattern(train.head[column]) or ""
        own, other = (_read(table, column, form) for table in (train, test))
        if (other > own.max()).mean() >= AFTER:
            return _by_time(train, test, column, f"the test rows are later than the training rows, by {column}")
        if form != "%Y-%m" and _in_blocks(own, other):
            said = f"training and test rows share no day of {column}"
            return Splitting(f"splits.{_with_groups(plain)}({FOLDS})", said, column, daily=True, form=form)
    repeated, before, why = _groups(train, test, keys)
    if repeated:
        return _grouped(plain, train, repeated, before, why)
    said = "the target is a class" if plain == "Stratified" else "the target is a number"
    return Splitting(f"splits.{plain}({FOLDS})", said)


def _by_class(roles: Roles, wanted: Wanted) -> bool:
    """Whether folds can have the same share of each class: one label a row, each with two rows or more."""
    if wanted.kind not in ("labels", "guesses") or (len(wanted.source) > 1 and wanted.kind == "flags"):
        return False
    table = roles.labels or roles.train
    assert table is not None
    if len(wanted.source) > 1:
        return True
    return bool(table.values(wanted.source[0]).value_counts().max() >= FOLDS)


def _with_groups(plain: str) -> str:
    return "StratifiedGrouped" if plain == "Stratified" else "Grouped"


def _grouped(plain: str, train: Table, column: str, before: str, why: str) -> Splitting:
    name = same(column, train.columns) or column
    folds = FOLDS if before else min(FOLDS, train.values(name).nunique())
    if folds < 2:
        raise KitError(f"All rows of {train.name} have one {name}.", "Groups must differ.", f"--split {plain.lower()}")
    return Splitting(f"splits.{_with_groups(plain)}({folds})", why, name, before)


def _by_time(train: Table, test: Table | None, column: str, why: str) -> Splitting:
    """Forward validation with the horizon and the gap of the test rows."""
    name = same(column, train.columns)
    if name is None:
        raise KitError(
            f"{train.name} has no column {column!r} of times." if column else f"{train.name} has no column of dates.",
            f"Its columns are {', '.join(train.columns[:8])}.",
            f"--time {train.columns[0]}, or --split shuffled",
        )
    values = train.values(name)
    form = dates.pattern(values) or ""
    if not form and values.dtype.kind not in "iuf":
        raise KitError(
            f"The column {name!r} of {train.name} holds no dates that can be read: {values.dropna().iloc[0]!r}.",
            "Dates are written as 2014-03-31, 31.03.2014 or 03/31/2014, perhaps with a time.",
            "--split shuffled",
        )
    own = _read(train, name, form)
    unread = own.isna() & values.notna()
    if unread.any() or own.isna().any():
        row = int((unread if unread.any() else own.isna()).to_numpy().argmax())
        held = repr(values.iloc[row]) if unread.any() else "nothing"
        raise KitError(
            f"{train.name}, row {row + 1:,}: the date in column {name!r} cannot be read, it holds {held}.",
            f"All others are written as {form or 'numbers'}.",
            "--split shuffled, or mend the file",
        )
    parts = [f"{FOLDS}"]
    if test is not None and (there := same(name, test.columns)):
        other = _read(test, there, form)
        unit = np.timedelta64(1, "D") if form else 1
        step = _step(own)
        horizon = float((other.max() - other.min() + step) / unit)
        gap = float((other.min() - own.max() - step) / unit)
        span = float((own.max() - own.min()) / unit)
        folds = int(min(FOLDS, max(2, span // (2 * horizon)))) if horizon > 0 else FOLDS
        if horizon > 0 and folds * horizon < span:
            parts = [str(folds), f"horizon={horizon:g}"]
            if gap > 0 and folds * horizon + gap < span:
                parts.append(f"gap={gap:g}")
    return Splitting(f"splits.Time({', '.join(parts)})", why, time=name, form=form, sure=True)


def _step(values: pd.Series) -> float | pd.Timedelta:
    """The usual distance of two times that follow each other."""
    different = np.sort(values.dropna().unique())[:20_000]
    return pd.Series(different).diff().median() if len(different) > 1 else values.iloc[0] - values.iloc[0]


def _dated(train: Table, test: Table | None, keys: Keys) -> str | None:
    """The column of dates of both tables; of several the one with the most different values."""
    shared = [name for name in train.columns if test is None or name in test.columns]
    dated = [name for name in shared if dates.pattern(train.head[name]) is not None]
    return max(dated, key=lambda name: train.head[name].nunique(), default=None)


def _read(table: Table, column: str, form: str) -> pd.Series:
    """All times of a column: dates, or numbers as they are."""
    values = table.values(same(column, table.columns) or column)
    return dates.read(values, form) if form else values.astype(float)


def _in_blocks(own: pd.Series, other: pd.Series) -> bool:
    """Whether test rows lie among the training rows, but on other days, of which each has several rows."""
    mine, theirs = own.dropna().dt.normalize(), other.dropna().dt.normalize()
    days, others = set(mine.unique()), set(theirs.unique())
    if len(days) < 10 or len(others) < 5 or len(mine) < 2 * len(days) or len(theirs) < 2 * len(others):
        return False
    return len(days & others) <= NEW * len(others)


def _groups(train: Table, test: Table | None, keys: Keys) -> tuple[str, str, str]:
    """The column of repeated things whose values in the test rows are new, and the mark that it is cut at; empty where
    there is none. Of several the one with the most different values is the finest."""
    if keys.repeated:
        return keys.repeated, "", f"several training rows share one {keys.repeated}"
    if test is None:
        return "", "", ""
    best, most = "", 0
    for name in _repeating(train):
        if name not in test.columns:
            continue
        own, other = train.values(name).dropna(), test.values(name).dropna()
        mine, theirs = set(own.unique()), set(other.unique())
        shared = len(mine & theirs)
        if len(mine) < 3 or len(theirs) < 2 or shared > NEW * len(theirs) or (shared and len(mine) < 10):
            continue
        if len(mine) > most:
            best, most = name, len(mine)
    if best:
        return best, "", f"values of {best} repeat, and those of the test rows are new"
    return _prefix(train, test, keys)


def _prefix(train: Table, test: Table, keys: Keys) -> tuple[str, str, str]:
    """Ids such as 0013_02 whose first part repeats, and is new in the test rows."""
    if len(keys.train) != 1 or len(keys.test) != 1:
        return "", "", ""
    own, other = train.texts(keys.train[0]).astype(str), test.texts(keys.test[0]).astype(str)
    for mark in ("_", "-", "/", ":"):
        if not own.str.contains(mark, regex=False).all():
            continue
        mine, theirs = own.str.rpartition(mark)[0], other.str.rpartition(mark)[0]
        repeated = mine.nunique() < 0.9 * len(mine)
        if repeated and mine.nunique() >= 10 and len(set(mine) & set(theirs)) <= NEW * theirs.nunique():
            said = f"ids share what stands before the last {mark!r}, and those of the test rows are new"
            return keys.train[0], mark, said
    return "", "", ""


def _repeating(train: Table) -> list[str]:
    """Columns whose values name things that several rows share: texts or whole numbers, repeated, of many values."""
    names = []
    for name in train.columns:
        values = train.head[name].dropna()
        if values.dtype.kind in "fbM" or values.empty or isinstance(values.iloc[0], list):
            continue
        different = values.nunique()
        if 3 <= different <= 0.7 * len(values) and dates.pattern(values) is None:
            names.append(name)
    return names
