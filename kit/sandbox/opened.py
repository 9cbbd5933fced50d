"""Files that a stranger's code left: opened without following links, and below their own folder only.

The code may still run, and may swap a file for a link between two looks at it. So a path is never looked at first and
opened later: each step of it is opened below the step before, and what was opened is looked at.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

DEPTH = 64
"""Folders within folders that are looked into."""

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO would else wait for somebody who writes to it.
_LAST = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Refused(Exception):
    """What a name leads to is no plain file below its folder, or cannot be read; the text says which."""


class Missing(Refused):
    """There is nothing of that name."""


class Entry(NamedTuple):
    """A plain file below a folder: its name there, with `/` between the parts, its size in bytes, when it was last
    written, in seconds since 1970."""

    name: str
    size: int
    modified: float


def opened(folder: Path, name: str) -> BinaryIO:
    """The plain file `name` below `folder`, open for reading.

    `folder` itself is trusted. Raises Refused for a name that is absolute or has `..` in it, and for one whose last or
    any other part is a link, a device, a FIFO or a socket, or is not there.
    """
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"{name!r} is not the name of a file below its folder")
    if len(parts) > DEPTH:
        raise Refused(f"{name!r} lies in more than {DEPTH} folders")
    at = -1
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            below = os.open(part, _STEP, dir_fd=at)
            os.close(at)
            at = below
        file = os.open(parts[-1], _LAST, dir_fd=at)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise Missing(f"{name!r} is not there") from None
        raise Refused(f"{name!r} {_why(error)}") from None
    finally:
        if at >= 0:
            os.close(at)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Refused(f"{name!r} is not a plain file")
    return os.fdopen(file, "rb")


def copy(folder: Path, name: str, to: Path, *, most: int) -> None:
    """Copy the plain file `name` below `folder` to `to`, which is replaced; `most` bytes at most.

    Raises Refused as `opened` does, and for a larger file.
    """
    with opened(folder, name) as source:
        if (size := os.fstat(source.fileno()).st_size) > most:
            raise Refused(f"{name!r} has {size:,} bytes, and {most:,} are allowed")
        with to.open("wb") as target:
            shutil.copyfileobj(source, target)


def listing(folder: Path) -> list[Entry]:
    """The plain files below a folder by name. Left out are links and all else that is no plain file, folders that
    cannot be read, and names that are not UTF-8.

    Files that are made or removed meanwhile may be missing, but nothing outside `folder` is ever named or measured.
    """
    entries: list[Entry] = []
    with _directory(folder) as top:
        if top >= 0:
            _list(top, "", DEPTH, entries)
    return sorted(entries)


def _list(at: int, above: str, depth: int, entries: list[Entry]) -> None:
    with os.scandir(at) as inside:
        for each in inside:
            try:
                each.name.encode()
                facts = each.stat(follow_symlinks=False)
            except (OSError, UnicodeError):  # removed since it was listed, or a name that no request could ask for
                continue
            if stat.S_ISREG(facts.st_mode):
                entries.append(Entry(above + each.name, facts.st_size, facts.st_mtime))
            elif stat.S_ISDIR(facts.st_mode) and depth:
                with _directory(each.name, at) as below:
                    if below >= 0:
                        _list(below, f"{above}{each.name}/", depth - 1, entries)


@contextmanager
def _directory(name: str | Path, at: int | None = None) -> Iterator[int]:
    """The descriptor of a folder, -1 where it is none or cannot be read. Below `at`, links are not followed."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_DIRECTORY if at is None else _STEP, dir_fd=at)
    except OSError:
        file = -1
    try:
        yield file
    finally:
        if file >= 0:
            os.close(file)


def _why(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a link, and links are not followed"
    if error.errno == errno.ENOTDIR:
        return "lies below a link, or below something else that is not a folder"
    return f"cannot be read: {os.strerror(error.errno or 0)}"
