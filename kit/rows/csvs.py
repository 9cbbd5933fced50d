"""CSV files of strangers: read in bounded memory, and refused where they are damaged."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

BLOCK = 1 << 20
"""Bytes read at a time."""

LONGEST_LINE = 64 << 20
"""Bytes that one line may have: 64 MiB hold half a million columns, and a file without line ends stops there."""

LONGEST_FIELD = csv.field_size_limit()
"""Characters that one value may have, 131,072: Python's own limit. A longer one mostly is a quote left open."""

END = "\ue000 end of the file \ue000"
"""A line after the last one, by which an open quotation mark is told: it swallows this line."""


class Damaged(Exception):
    """A file that cannot be read as CSV: `wrong` ends the sentence why, and `right` says what would be right."""

    def __init__(self, wrong: str, right: str = "The file must be UTF-8 text, its values separated by commas.") -> None:
        super().__init__(wrong)
        self.wrong, self.right = wrong, right


class Facts(NamedTuple):
    """What one look at all bytes of a file tells.

    `mark`: it starts with a UTF-8 byte order mark. `plain`: it has neither quotation marks nor a line that could hold
    a value of more than LONGEST_FIELD, so that its lines are its rows and its commas part values.
    """

    size: int
    sha256: str
    lines: int
    mark: bool
    plain: bool


def look(path: Path) -> Facts:
    """Read a file once, in blocks.

    Raises Damaged where it is a folder, a link that leads nowhere, empty, not UTF-8, or holds NUL bytes or a line of
    more than LONGEST_LINE; FileNotFoundError where there is none.
    """
    refuse_no_file(path)
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    size = lines = since = 0
    mark, plain, last = False, True, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if not size:
                mark = block.startswith(codecs.BOM_UTF8)
                plain = b"\r" not in block or b"\n" in block  # not lines that end in CR alone
                _refuse_wide(block)
            if b"\x00" in block:
                line = lines + block[: block.index(b"\x00")].count(b"\n") + 1
                raise Damaged(f"line {line:,} holds a NUL byte, which no text does")
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _not_utf8(lines + error.object[: error.start].count(b"\n") + 1) from None
            final = block.rfind(b"\n")
            since = len(block) - final - 1 if final >= 0 else since + len(block)
            if since > LONGEST_LINE:
                wrong = f"line {lines + 1:,} has more than {LONGEST_LINE >> 20} MiB"
                raise Damaged(wrong, "Each row must end with a line end.")
            plain = plain and b'"' not in block and not _has_long_line(block)
            digest.update(block)
            lines += block.count(b"\n")
            size += len(block)
            last = block[-1:]
    if not size:
        raise Damaged("it is empty")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _not_utf8(lines + 1) from None
    return Facts(size, digest.hexdigest(), lines + (last != b"\n"), mark, plain)


def refuse_no_file(path: Path) -> None:
    """Raises Damaged where `path` is a folder, a link that leads nowhere, or another thing that is no plain file."""
    if path.is_dir():
        raise Damaged("it is a folder", "It must be a file.")
    if path.is_symlink() and not path.exists():
        raise Damaged("it is a link that leads nowhere", "It must be a file.")
    if path.exists() and not path.is_file():
        raise Damaged("it is not a plain file", "It must be a file.")


def rows(path: Path) -> Iterator[list[str]]:
    """The rows of a CSV file, the header first, blank lines left out; a byte order mark is skipped. Errors as
    `parsed`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from parsed(file)


def parsed(lines: Iterable[str]) -> Iterator[list[str]]:
    """The rows of CSV text that is given line by line, blank lines left out.

    Quotation marks that RFC 4180 does not allow are read as pandas reads them. Raises Damaged, naming the row (the
    first below the header is 1), for a value of more than LONGEST_FIELD characters, and for a quotation mark that is
    not closed.
    """
    number, last = 0, list[str]()
    try:
        for row in csv.reader(chain(lines, (END,))):
            if last:
                yield last
                number += 1
            last = row
    except csv.Error as error:
        where = _place(number + bool(last))
        wrong = f"{where} cannot be read: {error}"
        if "larger than field limit" in str(error):
            wrong = f"{where} has a value of more than {LONGEST_FIELD:,} characters"
        raise Damaged(wrong, "It may have lost a quotation mark.") from None
    if last != [END]:  # it was read as a part of the last row, still inside of quotation marks
        raise Damaged(f"a quotation mark in {_place(number)} is not closed", "Quotation marks come in pairs.")


def _place(number: int) -> str:
    return f"row {number:,}" if number else "the header"


def _refuse_wide(block: bytes) -> None:
    """Refuse UTF-16 and UTF-32, with or without a byte order mark: of ASCII text every second byte there is NUL."""
    second = block[1:40:2]
    wide = len(second) > 1 and block[:1] != b"\x00" and not second.strip(b"\x00")
    if wide or block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Damaged("its encoding is UTF-16", "The file must be UTF-8.")


def _not_utf8(line: int) -> Damaged:
    return Damaged(f"line {line:,} is not UTF-8", "The file must be UTF-8; it may be Latin-1, or cut off.")


def _has_long_line(block: bytes) -> bool:
    """Whether a line of more than LONGEST_FIELD bytes may pass through: each contains a whole half of that."""
    half = LONGEST_FIELD // 2
    return any(block.find(b"\n", at, at + half) < 0 for at in range(0, len(block) - half + 1, half))
