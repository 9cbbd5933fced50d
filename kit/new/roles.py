"""Which table is what: train, test, sample submission, targets kept apart, further tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from kit.errors import KitError
from kit.new.look import Look, Table, stacked

SAMPLE = re.compile(r"sample|submi|benchmark|entry_?format")
NOT_TRAIN = re.compile(r"unlabel|unsup|extra|supplement|external|original")
"""Words in names of tables that look like the training rows and are not."""

PART = re.compile(r"[_\-. ]*(part|chunk|split)?[_\-. ]*\d+$")
"""The end of a table's name that numbers it among others of its kind."""


@dataclass(frozen=True)
class Roles:
    """What each table is. `labels` holds the targets of the training rows where `train` lacks them; `further` are all
    other tables."""

    train: Table | None
    test: Table | None
    sample: Table | None
    labels: Table | None = None
    further: tuple[Table, ...] = ()


def roles(look: Look, *, train: str = "", test: str = "", sample: str = "") -> Roles:
    """The role of each table, by names, columns and numbers of rows; the options name tables outright.

    Raises KitError for a name that no table has, and when no table can be the training rows.
    """
    left = list(look.tables.values())
    the_sample = _named(left, sample) if sample else _sample(left)
    left = [table for table in left if table is not the_sample]
    if not train:
        left = _stacked(left, the_sample)
    the_test = _named(left, test) if test else _test(left, the_sample)
    left = [table for table in left if table is not the_test]
    the_train = _named(left, train) if train else _train(left, the_test, the_sample)
    left = [table for table in left if table is not the_train]
    if the_train is None and not look.folders:
        held = ", ".join(look.tables)
        raise KitError(
            f"None of the tables can be the training rows: {held}.",
            "That table has the target and the columns of the test rows, and is mostly called train.csv.",
            f"--train {next(iter(look.tables), 'train.csv')}",
        )
    if the_test is not None and the_train is not None:
        the_test = _without_empty(the_test, the_train)
    if the_sample is None and the_test is not None and the_train is not None:
        the_sample = next((table for table in left if _answers(table, the_test, the_train)), None)
        left = [table for table in left if table is not the_sample]
    labels = None
    if the_train is not None and the_test is not None and not targets_in(the_train, the_test, the_sample):
        labels = next((table for table in left if _labels(table, the_train, the_test)), None)
        left = [table for table in left if table is not labels]
        if labels is not None and the_sample is not None and len(labels.columns) == 1:
            # A file of one column may have no header; what it holds is what the sample file asks for.
            name = the_sample.columns[-1]
            labels = Table(labels.name, labels.path, labels.rows, labels.head.set_axis([name], axis=1))
    kept = [table for table in left if not SAMPLE.search(table.stem) and not _repeats(table, the_test, the_train)]
    return Roles(the_train, the_test, the_sample, labels, tuple(kept))


def _stacked(tables: list[Table], sample: Table | None) -> list[Table]:
    """Tables of training rows, or of test rows, whose names differ in a last number only and that have the same
    columns, as one; test rows only where the sample file asks for those of all of them."""
    families: dict[tuple[str, tuple[str, ...]], list[Table]] = {}
    for table in tables:
        stem = PART.sub("", table.stem)
        if stem != table.stem and re.search(r"train|test", stem):
            families.setdefault((stem, tuple(table.columns)), []).append(table)
    for (stem, _), parts in families.items():
        rows = sum(part.rows for part in parts)
        of_test = "test" in stem
        if len(parts) < 2 or (of_test and (sample is None or rows != sample.rows)) or stem in {t.stem for t in tables}:
            continue
        parts.sort(key=lambda part: (len(part.stem), part.stem))
        tables = [*(table for table in tables if table not in parts), stacked(parts)]
    return tables


def same(name: str, columns: Sequence[str]) -> str | None:
    """The column that `name` means: itself, else one that differs in capitals, spaces or marks only."""
    if name in columns:
        return name
    wanted = plain(name)
    return next((each for each in columns if plain(each) == wanted), None)


@cache
def plain(name: str) -> str:
    """A name without capitals, spaces and marks."""
    return re.sub(r"[\W_]", "", name.lower()) or name


def targets_in(train: Table, test: Table | None, sample: Table | None) -> list[str]:
    """Columns of the training rows that the test rows lack, those that the sample file names first."""
    names = [name for name in train.columns if test is None or same(name, test.columns) is None]
    asked = [] if sample is None else [same(name, names) for name in sample.columns]
    first = [name for name in asked if name]
    return first or [name for name in names if not _is_key(train, name)]


def _without_empty(test: Table, train: Table) -> Table:
    """The test table without columns that are empty there and not in the training table: they are what is asked for."""
    empty = tuple(
        name
        for name in test.columns
        if test.head[name].isna().all() and name in train.columns and train.head[name].notna().any()
    )
    return replace(test, head=test.head.drop(columns=[*empty]), without=empty) if empty else test


def _named(tables: Sequence[Table], name: str) -> Table:
    for table in tables:
        if name in (table.name, table.name.rpartition("/")[2], table.stem, str(table.path)):
            return table
    raise KitError(f"No table is called {name!r}.", f"There are {', '.join(table.name for table in tables)}.")


def _sample(tables: list[Table]) -> Table | None:
    """The table called so; of several the plainest name."""
    named = [table for table in tables if SAMPLE.search(table.stem) and not table.stem.startswith("train")]
    return min(named, key=lambda table: (len(table.stem), table.stem), default=None)


def _test(tables: list[Table], sample: Table | None) -> Table | None:
    """The table called so; of several the one with the ids of the sample file, else the one of the most columns."""
    named = [
        table
        for table in tables
        if re.search(r"test|eval|holdout|private", table.stem)
        and not re.search(r"train|label|solution|answer", table.stem)
    ]
    if not named and sample is not None:
        named = [
            table
            for table in tables
            if table.rows == sample.rows and "train" not in table.stem and _shared_keys(table, sample) > 0.99
        ]
    return max(
        named,
        key=lambda table: (
            _shared_keys(table, sample) if sample else 0,
            sample is not None and table.rows == sample.rows,
            len(table.columns),
        ),
        default=None,
    )


def _shared_keys(table: Table, sample: Table) -> float:
    """The share of the sample file's rows whose key the table has."""
    for name in sample.columns:
        own = same(name, table.columns)
        if own is not None:
            return float(sample.texts(name).isin(set(table.texts(own))).mean())
    return 0.0


def _train(tables: list[Table], test: Table | None, sample: Table | None) -> Table | None:
    """The table with the columns of the test rows and one more at least; names called train come first."""

    def worth(table: Table) -> tuple[float, ...]:
        like = sum(same(name, table.columns) is not None for name in test.columns) / len(test.columns) if test else 0.0
        asked = [] if sample is None else [same(name, table.columns) for name in sample.columns[1:]]
        named = "train" in table.stem and not NOT_TRAIN.search(table.stem)
        own = bool(targets_in(table, test, sample)) if test else True
        return (
            named and not ("label" in table.stem and like < 0.5 and len(tables) > 1),
            like > 0.5 and own,
            any(asked),
            like,
            not NOT_TRAIN.search(table.stem),
            table.rows,
        )

    best = max(tables, key=worth, default=None)
    if best is None or (test is not None and not any(worth(best)[:3])):
        return None
    return best


def _answers(table: Table, test: Table, train: Table) -> bool:
    """Whether a table of any name is a sample submission: the test's ids, and else columns that the test lacks."""
    keys = [name for name in table.columns if same(name, test.columns)]
    targets = [name for name in table.columns if not same(name, test.columns)]
    if table.rows != test.rows or not keys or not targets or not all(same(name, train.columns) for name in targets):
        return False
    return set(table.texts(keys[0])) == set(test.texts(same(keys[0], test.columns) or ""))


def _labels(table: Table, train: Table, test: Table) -> bool:
    """Whether a table holds targets of the training rows: one row for each key that both have, and columns that the
    test rows lack; or as many rows as the training rows, and no header to join by."""
    if len(table.columns) == 1:
        return table.rows == train.rows
    keys = [name for name in table.columns if name in train.columns]
    new = [name for name in table.columns if same(name, test.columns) is None]
    if not keys:
        return False
    return bool(new) and bool(table.values(keys[0]).isin(set(train.values(keys[0]))).mean() > 0.9)


def _is_key(table: Table, name: str) -> bool:
    """Whether a column only names the rows: whole numbers or codes, all different, in the first column."""
    if name != table.columns[0]:
        return False
    values = table.values(name)
    return values.dtype.kind not in "fb" and values.nunique() == len(values)


def _repeats(table: Table, *others: Table | None) -> bool:
    """Whether a table has the very columns of another one."""
    return any(other is not None and set(table.columns) == set(other.columns) for other in others)
