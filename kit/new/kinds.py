"""What a row is: a table's columns, a text, an image in a file; and which further tables can be joined to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from kit.errors import KitError
from kit.new.keys import Keys
from kit.new.look import Folder, Look, Table
from kit.new.roles import Roles, same
from kit.new.wanted import Wanted
from kit.rows import pictures
from kit.toolbox import terms

Kind = Literal["table", "text", "image"]

BESIDE = 6
"""Further columns up to which rows with a text are texts; with more they are tables that hold a text too."""

WORDS = 6.0
"""Mean number of words of all texts of a row from which rows are texts."""

SMALL = 40
"""Pixels of a side up to which images are small."""

JOINS = 6
"""Further tables that are joined at most."""

FOUND = 0.5
"""The share of the test rows that must have a partner in a further table for it to be joined."""


@dataclass(frozen=True)
class Join:
    """A further table joined by the columns `on`; `gathered` where it has several rows for each of them. Test rows may
    have a table of their own, `of_test`."""

    table: str
    on: tuple[str, ...]
    gathered: bool
    of_test: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files."""
        return (self.table, self.of_test) if self.of_test else (self.table,)


@dataclass(frozen=True)
class Pictures:
    """Where the files of the rows are: the folder of training rows and that of test rows, and the column that names the
    file of a training row. With `classes` the folder that a training file lies in is its label.
    `size` is the side, in pixels, that images are brought to: 64, or 32 where they are hardly larger.
    """

    train: str
    test: str
    column: str = ""
    classes: bool = False
    size: int = 64


@dataclass(frozen=True)
class Rows:
    """What a row is, and of what it is made."""

    kind: Kind
    why: str
    columns: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    joins: tuple[Join, ...] = ()
    pictures: Pictures | None = None
    extra: tuple[str, ...] = field(default=())


def rows(look: Look, roles: Roles, keys: Keys, wanted: Wanted, asked: str = "") -> Rows:
    """What a row is; `asked` says it outright. Raises KitError where rows cannot be that, or hold nothing."""
    if asked and asked not in ("table", "text", "image"):
        raise KitError(f"{asked!r} is no kind of row.", "There are table, text and image.", "--rows table")
    files = None if asked in ("table", "text") else _pictures(look, roles, keys)
    if files is not None:
        files = replace(files, size=32 if pictures.side(look.root / files.train) <= SMALL else 64)
        return Rows("image", f"the file of each row is in {files.train}", pictures=files)
    if asked == "image":
        raise KitError(
            "No folder of images has a file for each row.", "Ids, or a column, must be names of files there."
        )
    train, test = roles.train, roles.test
    if train is None:
        raise KitError("There is no table of training rows.", "It is mostly called train.csv.", "--train train.csv")
    used = {*keys.train, *keys.test, *wanted.source, *wanted.left_out, keys.repeated}
    shared = [name for name in train.columns if test is None or name in test.columns]
    columns = tuple(
        name
        for name in shared
        if name not in wanted.source and (name not in used or _tells(train, name)) and not _numbers_rows(train, name)
    )
    extra = () if test is None else tuple(name for name in test.columns if same(name, train.columns) is None)
    extra = tuple(name for name in extra if name not in keys.test)
    joins = _joins(roles, wanted, keys)
    if not columns and not joins:
        raise KitError(
            f"{train.name} and the test rows share no column but keys: there is nothing to learn from.",
            f"{train.name} has {', '.join(train.columns[:8])}.",
            f"--train {train.name}, or the name of another file",
        )
    empty = [name for name in columns if train.values(name).isna().all()]
    if len(empty) == len(columns) and not joins:
        raise KitError(f"All columns of {train.name} are empty.", "At least one must have values in some rows.")
    written = tuple(name for name in columns if terms.is_text(train.head[name]))
    others = len(columns) - len(written)
    length = sum(terms.mean_words(train.head[name]) for name in written)
    if asked == "text" and not written:
        raise KitError(f"No column of {train.name} holds texts.", f"They are {', '.join(columns[:8])}.", "--rows table")
    if asked == "text" or (not asked and written and length >= WORDS and others <= BESIDE):
        said = f"{', '.join(written)} hold{'s' * (len(written) == 1)} texts of {length:.0f} words"
        return Rows("text", "as you said" if asked else said, columns, written, joins, None, extra)
    said = f"{len(columns)} columns" + (f", of which {', '.join(written)} are texts" if written else "")
    return Rows("table", "as you said" if asked else said, columns, written, joins, None, extra)


def _tells(train: Table, name: str) -> bool:
    """Whether a key says more than which row it is: a date does."""
    from kit.rows import dates

    return dates.pattern(train.head[name]) is not None


def _numbers_rows(train: Table, name: str) -> bool:
    """Whether a column only counts the rows, as the index that pandas writes into a file."""
    if name not in ("row", "index", "Unnamed: 0") and name != train.columns[0]:
        return False
    values = train.head[name]
    return values.dtype.kind in "iu" and len(values) > 2 and bool((values.diff().iloc[1:] == 1).all())


def _pictures(look: Look, roles: Roles, keys: Keys) -> Pictures | None:
    """The folders of images in which each training row and each test row has a file."""
    folders = [folder for folder in look.folders.values() if folder.kind == "image"]
    if not folders:
        return None
    sample, table = roles.sample, roles.labels or roles.train
    asked = roles.test or sample
    if asked is None:
        return None
    of_test = _named_files(folders, asked, [*(keys.test if roles.test else keys.sample), *asked.columns])
    if of_test is None:
        return None
    if table is not None and table.name in look.folders:  # training rows that were told by folders alone
        return Pictures(table.name, of_test[0], "file", classes=True)
    if table is None:
        return None
    of_train = _named_files(folders, table, [*keys.train, *table.columns])
    if of_train is None:
        return None
    return Pictures(of_train[0], of_test[0], of_train[1])


def _named_files(folders: Iterable[Folder], table: Table, columns: list[str]) -> tuple[str, str] | None:
    """The folder, and the column whose values are names of its files, with or without their endings."""
    for column in dict.fromkeys(name for name in columns if name in table.columns):
        names = [PurePosixPath(str(name)).name for name in table.texts(column).head(200)]
        for folder in folders:
            if names and sum(name in folder.stems for name in names) >= 0.95 * len(names):
                return folder.name, column
    return None


@dataclass(frozen=True)
class Classes:
    """Files of training rows in the folder `name`, and the label of each: the folder that it lies in, or the word that
    its name starts with."""

    name: str
    files: tuple[str, ...]
    labels: tuple[str, ...]


def class_folder(look: Look) -> Classes | None:
    """The folder whose images tell their class by where they lie or what they are called."""
    folders = sorted(
        (folder for folder in look.folders.values() if folder.kind == "image"),
        key=lambda folder: ("train" not in folder.name.lower(), -len(folder.files)),
    )
    for folder in folders:
        labels = pictures.labels(folder.files)
        if labels is not None and 1 < len(set(labels)) <= len(labels) / 2:
            return Classes(folder.name, folder.files, tuple(labels))
    return None


def _joins(roles: Roles, wanted: Wanted, keys: Keys) -> tuple[Join, ...]:
    """The further tables that say more about the rows, by the columns that they share with train and test."""
    train, test = roles.train, roles.test
    assert train is not None
    chosen = []
    pairs = _pairs(roles.further) if test is not None else []
    for mine, theirs in pairs:
        shared = [name for name in mine.columns if name in train.columns and test is not None and name in test.columns]
        if not shared or len(shared) == len(mine.columns) or len(shared) > 3 or set(wanted.source) & set(mine.columns):
            continue
        on = _unique(mine, shared)
        on = on if on and on == _unique(theirs, shared) else ()
        if _partners(train, mine, on or tuple(shared)) > 0:
            chosen.append(Join(mine.name, on or tuple(shared), not on, theirs.name))
    paired = [table for pair in pairs for table in pair]
    for table in (each for each in roles.further if each not in paired):
        if set(wanted.source) & set(table.columns) or set(wanted.columns) & set(table.columns):
            continue
        shared = [name for name in table.columns if name in train.columns and (test is None or name in test.columns)]
        if not shared or len(shared) == len(table.columns) or len(shared) > 3:
            continue
        on = _unique(table, shared)
        partners = [_partners(each, table, on or tuple(shared)) for each in (train, test) if each is not None]
        if min(partners) >= FOUND:
            chosen.append(Join(table.name, on or tuple(shared), not on))
    return tuple(chosen[:JOINS])


def _pairs(further: Sequence[Table]) -> list[tuple[Table, Table]]:
    """Tables of the same columns for training rows and for test rows, such as train_identity and test_identity."""
    by_stem = {table.stem: table for table in further}
    pairs = []
    for stem, table in by_stem.items():
        other = by_stem.get(stem.replace("train", "test")) if "train" in stem else None
        if other is not None and set(table.columns) == set(other.columns):
            pairs.append((table, other))
    return pairs


def _unique(table: Table, shared: list[str]) -> tuple[str, ...]:
    """The fewest shared columns that name each row of a table; empty where all together do not."""
    for name in shared:
        if table.values(name).is_unique and table.values(name).notna().all():
            return (name,)
    return tuple(shared) if table.whole and not table.head.duplicated(shared).any() else ()


def _partners(rows_: Table, table: Table, on: tuple[str, ...]) -> float:
    """The share of rows that have a partner."""
    if rows_.head[list(on)].dtypes.tolist() != table.head[list(on)].dtypes.tolist():
        return 0.0
    known = table.head[list(on)].drop_duplicates()
    return float(rows_.head[list(on)].merge(known, how="left", on=list(on), indicator=True)["_merge"].eq("both").mean())
