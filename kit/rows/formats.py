"""How a table lies in its file: packed or not, which format, which encoding, which separator."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, NamedTuple, cast

from kit.errors import KitError

Format = Literal["delimited", "json", "lines", "parquet"]

SUFFIXES: dict[str, Format] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".txt": "delimited",
    ".data": "delimited",
    ".json": "json",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".parquet": "parquet",
    ".pq": "parquet",
}
PACKED = (".zip", ".gz", ".bz2", ".xz")
"""Endings of files that hold one packed file each."""

HEAD = 2**18
"""Bytes from which separator and encoding are told."""

SEPARATORS = ",\t;|"
"""Separators that are tried; of equally good ones the first is taken."""


class Layout(NamedTuple):
    """What a reader must know: the format, and of a delimited file encoding, separator, decimal mark, and whether its
    first line names the columns."""

    format: Format
    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    header: bool = True


def is_table(path: Path | PurePosixPath) -> bool:
    """Whether a file's name is that of a table, packed or not."""
    return table_suffix(path) in SUFFIXES


def table_suffix(path: Path | PurePosixPath) -> str:
    """The ending that says the format: `.csv` for train.csv and for train.csv.zip."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return PurePosixPath(name).suffix


def located(path: Path) -> Path:
    """The file itself, or the packed one that holds it: train.csv.zip for train.csv.

    Kaggle serves files of older competitions packed one by one. Raises KitError when there is none.
    """
    for file in (path, *(path.with_name(path.name + packed) for packed in PACKED)):
        if file.is_file():
            return file
    near = ", ".join(sorted(each.name for each in path.parent.glob("*"))[:8])
    raise KitError(f"There is no file {path}.", f"The folder holds {near or 'nothing'}.")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked while they are read.

    Raises KitError when the file is damaged, or is a zip file that holds no table or more than one.
    """
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_member(path, archive)) as file:
                yield cast(BinaryIO, file)
        else:
            packers = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
            with packers.get(path.suffix.lower(), open)(path, "rb") as file:  # type: ignore[operator]
                yield file
    except (zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise KitError(f"{path.name} is damaged: {error}.", "It may be cut off; download it again.") from error


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one table in a zip file, leaving aside what macOS adds."""
    members = [
        each
        for each in archive.infolist()
        if is_table(PurePosixPath(each.filename)) and not each.filename.startswith("__MACOSX/")
    ]
    own = [each for each in members if PurePosixPath(each.filename).name == path.stem]
    members = own or members
    if len(members) != 1:
        raise KitError(
            f"{path.name} holds {len(members)} tables.", "A zip file in place of a table must hold just that one."
        )
    return members[0]


def size(path: Path) -> int:
    """The number of bytes that a file has unpacked; of gzip, bzip2 and xz files four times the packed size.

    Raises KitError when a zip file is damaged.
    """
    if path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                return _member(path, archive).file_size
        except zipfile.BadZipFile as error:
            raise KitError(f"{path.name} is damaged: {error}.", "It may be cut off; download it again.") from error
    return path.stat().st_size * (4 if path.suffix.lower() in PACKED else 1)


def layout(path: Path) -> Layout:
    """How the table in a file is written, from its name and its first bytes.

    Raises KitError when the file is empty, is no table, or its format is one that kit does not read.
    """
    form = SUFFIXES.get(table_suffix(path))
    if form is None:
        raise KitError(
            f"{path.name} is not a table that kit can read.",
            f"Tables end in {', '.join(SUFFIXES)}, and may be packed ({', '.join(PACKED)}).",
        )
    with opened(path) as file:
        head = file.read(HEAD)
    if not head.strip(b"\xef\xbb\xbf\x00 \t\r\n"):
        raise KitError(f"{path.name} is empty.", "It must hold a table.")
    if form == "json" and _is_lines(head):
        return Layout("lines", _encoding(head))
    if form != "delimited":
        return Layout(form, _encoding(head) if form in ("json", "lines") else "utf-8")
    encoding = _encoding(head)
    whole = len(head) < HEAD
    lines = _text(head, encoding).splitlines(keepends=True)
    sample = "".join(lines if whole or len(lines) < 3 else lines[:-1])
    separator = _separator(sample, tab_first=table_suffix(path) in (".tsv", ".tab"))
    rows = _rows(sample, separator, 60)
    if any("\x00" in cell for row in rows for cell in row):
        raise KitError(f"{path.name} is not text: it holds bytes of value 0.", "A table must be text, such as CSV.")
    if len(rows) > 1 and any(cell.strip() for cell in rows[1][len(rows[0]) :]):
        raise KitError(
            f"{path.name}, first row: it has {len(rows[1])} values, and there are {len(rows[0])} columns.",
            f"Each row must have as many values as its header, parted by {separator!r}.",
        )
    return Layout("delimited", encoding, separator, _decimal(rows, separator), _has_header(rows))


def _is_lines(head: bytes) -> bool:
    """Whether each line is an object of its own, as in JSON lines."""
    lines = head.strip().splitlines()
    return len(lines) > 1 and lines[0].strip().startswith(b"{") and lines[0].strip().endswith(b"}")


def _encoding(head: bytes) -> str:
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in head[:400] and not head[1::2].strip(b"\x00"):
        return "utf-16-le"
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _decodes(head, name))


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        head.decode(encoding)
    except UnicodeDecodeError as error:
        # The head may end in the middle of a character.
        return encoding == "utf-8" and error.start >= len(head) - 3
    return True


def _text(head: bytes, encoding: str) -> str:
    return head.decode(encoding, errors="ignore")


def _separator(sample: str, *, tab_first: bool) -> str:
    """The separator by which the most lines have as many cells as the first line, and more than one."""
    best, most = ",", 0.0
    for separator in "\t" + SEPARATORS if tab_first else SEPARATORS:
        rows = _rows(sample, separator, 60)
        width = len(rows[0]) if rows else 0
        even = sum(len(row) == width for row in rows) / max(len(rows), 1)
        # Words of a text hold commas too; what counts is that all lines agree, then how many columns there are.
        if width > 1 and even + min(width, 100) / 1000 > most + 0.05:
            best, most = separator, even + min(width, 100) / 1000
    return best


def _rows(sample: str, separator: str, count: int) -> list[list[str]]:
    """The first rows of a sample; its last row may be cut, and is left out where there are others."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > count:
                break
    except csv.Error:
        pass
    return rows[:count] if len(rows) < 3 else rows[: min(count, len(rows) - 1)]


def _decimal(rows: list[list[str]], separator: str) -> str:
    """A comma where cells look like `3,5` and none like `3.5`; only where commas do not part the columns."""
    cells = [cell.strip().lstrip("-") for row in rows[1:] for cell in row]
    commas = sum(cell.count(",") == 1 and cell.replace(",", "").isdigit() for cell in cells)
    points = sum(cell.count(".") == 1 and cell.replace(".", "").isdigit() for cell in cells)
    return "," if separator != "," and commas > points else "."


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: some cell is no number, or the numbers count the columns."""
    first = [cell.strip() for cell in rows[0]]
    if not all(_number(cell) for cell in first):
        return True
    values = [float(cell) for cell in first]
    counted = len(values) > 1 and all(after - before == 1 for before, after in pairwise(values))
    return counted and values[0] in (0, 1)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
