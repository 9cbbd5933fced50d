"""What lies in the files that somebody brought: tables with their first rows, and folders of images or recordings."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from kit.errors import KitError
from kit.notes import tell
from kit.rows import formats, pictures, tables

if TYPE_CHECKING:
    import pandas as pd

HEAD = 50_000
"""Rows of a table that are looked at; columns that must be known whole, such as ids, are read whole."""

WHOLE = 2**28
"""Bytes up to which a table is read whole; of larger ones the first rows, and in parts what else is asked for."""

ROLE = re.compile(r"train|test|sample|submi")
"""Words in the names of tables that must be readable; others may be anything."""

Media = Literal["image", "audio", "text"]

ENDINGS: dict[str, Media] = {
    **dict.fromkeys(pictures.ENDINGS, "image"),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".aif", ".aiff", ".m4a"), "audio"),
}
MANY = 20
"""Tables of one folder above which each is a row of its own, such as a recording's numbers, and not a table."""

FEW = 3
"""Files of a kind that a folder must hold to count as rows; one picture beside the tables is an illustration."""


@dataclass
class Table:
    """A table in a file; `name` is its path within what was brought, `rows` how many rows it has.

    `without` are columns of the file that are passed over, such as an empty target in the test rows. `parts` are the
    tables that this one was put together from, where its rows lie in several files.
    """

    name: str
    path: Path
    rows: int
    head: pd.DataFrame
    without: tuple[str, ...] = ()
    parts: tuple[Table, ...] = ()
    _read: dict[str, pd.Series] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The file's name in lower case, without endings: `train` for data/Train.csv.zip."""
        return PurePosixPath(self.name).name.lower().partition(".")[0]

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [str(name) for name in self.head.columns]

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that hold the rows."""
        return tuple(part.name for part in self.parts) or (self.name,)

    @property
    def whole(self) -> bool:
        """Whether `head` holds all rows."""
        return len(self.head) == self.rows

    def values(self, column: str) -> pd.Series:
        """All values of a column."""
        if self.whole:
            return self.head[column]
        if column not in self._read:
            self._read[column] = self._column(column, ())
        return self._read[column]

    def texts(self, column: str) -> pd.Series:
        """All values of a column as they are spelled in the file: `007` stays that, and `NA` is a word."""
        key = f"{column} as spelled"
        if key not in self._read:
            self._read[key] = self._column(column, (column,)).astype(object)
        return self._read[key]

    def _column(self, column: str, text: tuple[str, ...]) -> pd.Series:
        """A column read from the files."""
        paths = [part.path for part in self.parts] or [self.path]
        return tables.stacked(paths, text=text, only=(column,))[column]


@dataclass(frozen=True)
class Folder:
    """Files of one kind in a folder, or in a zip file that stays packed.

    `name` is its path, and `files` are theirs below it.
    """

    name: str
    kind: Media
    files: tuple[str, ...]

    @cached_property
    def stems(self) -> dict[str, str]:
        """File names without their folders, with and without their endings, to the path below the folder."""
        named = {PurePosixPath(file).name: file for file in self.files}
        return {PurePosixPath(file).stem: file for file in self.files} | named


@dataclass(frozen=True)
class Look:
    """All that lies below the folder `root`, by name."""

    root: Path
    tables: dict[str, Table]
    folders: dict[str, Folder]
    others: tuple[str, ...]


def look(root: Path) -> Look:
    """Look at the files below `root`.

    Raises KitError when a table cannot be read, and when there is neither a table nor a folder of rows.
    """
    seen: dict[str, Table] = {}
    media: dict[tuple[str, Media], list[str]] = {}
    others: list[str] = []
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        name = path.relative_to(root)
        if any(part.startswith((".", "__MACOSX")) for part in name.parts):
            continue
        if kind := ENDINGS.get(path.suffix.lower()):
            media.setdefault((name.parts[0] if len(name.parts) > 1 else ".", kind), []).append(name.as_posix())
        elif path.suffix.lower() == ".zip" and not formats.is_table(path):
            for folder, inside in _in_zip(path).items():
                media.setdefault((name.as_posix(), folder), []).extend(inside)
        elif path.suffix.lower() == ".txt" and not _is_table(path):
            media.setdefault((name.parts[0] if len(name.parts) > 1 else ".", "text"), []).append(name.as_posix())
        elif formats.is_table(path) and len(name.parts) > 1 and _crowded(path.parent, path.suffix):
            media.setdefault((name.parts[0], "text"), []).append(name.as_posix())
        elif formats.is_table(path):
            try:
                seen[name.as_posix()] = table(path, name.as_posix())
            except KitError as error:
                if ROLE.search(path.name.lower()):
                    raise
                tell(f"Left alone: {error.wrong}")
                others.append(name.as_posix())
        else:
            others.append(name.as_posix())
    folders: dict[str, Folder] = {}
    for (name_, kind), files in media.items():
        if len(files) < FEW:
            others += files
            continue
        below = tuple(file if name_ == "." or name_.endswith(".zip") else file.partition("/")[2] for file in files)
        folders[name_ if name_ not in folders else f"{name_} ({kind})"] = Folder(name_, kind, below)
    if not seen and not folders:
        held = ", ".join(others[:8]) or "nothing"
        raise KitError(
            f"{root.name} holds no table that kit can read: {held}.",
            f"A competition has tables such as train.csv; known endings are {', '.join(formats.SUFFIXES)}.",
        )
    return Look(root, seen, folders, tuple(others))


@cache
def _crowded(folder: Path, suffix: str) -> bool:
    """Whether a folder holds more than MANY files of one ending."""
    return sum(1 for path in folder.iterdir() if path.suffix == suffix) > MANY


def table(path: Path, name: str) -> Table:
    """The table in a file. Raises KitError when it cannot be read, or has no rows."""
    large = formats.size(path) > WHOLE
    head = tables.read(path, rows=HEAD) if large else tables.read(path)
    rows = len(head)
    if large:
        size = formats.size(path) / 2**30
        tell(f"{name} has {size:.1f} GiB: its first {rows:,} rows are looked at, the others are counted.")
        rows = tables.count(path)
    if not rows:
        raise KitError(f"{name} has no rows.", "Below its header a table must have at least one row.")
    if head.isna().to_numpy().all():
        raise KitError(f"{name} holds no values: every cell is empty.", "At least one column must have values.")
    return Table(name, path, rows, head)


def stacked(parts: Sequence[Table]) -> Table:
    """Tables of the same columns as one, their rows one after the other."""
    import pandas as pd

    head = pd.concat([part.head for part in parts], ignore_index=True)
    name = f"{parts[0].name} and {len(parts) - 1} more"
    return Table(name, parts[0].path, sum(part.rows for part in parts), head, parts=tuple(parts))


def _is_table(path: Path) -> bool:
    """Whether a .txt file holds several columns, and is no text for people."""
    try:
        head = tables.read(path, rows=50)
    except KitError:
        return False
    return head.shape[1] > 1 and len(head) > 3 and float(head.notna().to_numpy().mean()) > 0.5


def tables_in(path: Path) -> bool:
    """Whether a zip file holds tables, and so must be unpacked; one of images is read as it is."""
    with zipfile.ZipFile(path) as archive:
        return any(formats.is_table(PurePosixPath(name)) for name in archive.namelist())


def _in_zip(path: Path) -> dict[Media, list[str]]:
    """The files of a zip file that was left packed because it holds thousands of them, by kind."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
    except zipfile.BadZipFile:
        raise KitError(f"{path.name} is damaged: it is no zip file.", "It may be cut off; download it again.") from None
    kinds = [(ENDINGS[suffix], name) for name in names if (suffix := PurePosixPath(name).suffix.lower()) in ENDINGS]
    commonest = Counter(kind for kind, _ in kinds).most_common(1)
    return {commonest[0][0]: [name for kind, name in kinds if kind == commonest[0][0]]} if commonest else {}
