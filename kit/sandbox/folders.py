"""Folders that nobody needs afterwards: removed at the end, or at the next start after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit import places
from kit.sandbox import keeper

YOUNG = 60.0
"""Seconds for which a folder that nobody holds is let be: it may just have been made."""


@contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """An empty folder below the system's folder for temporary files, held by this process until the block ends.

    Folders of that prefix whose process is gone are removed first.
    """
    _remove_left(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)  # the system lets go of it when the process ends, however it does
        yield folder
    finally:
        keeper.remove(folder)
        os.close(held)


@contextmanager
def beside(parent: Path, name: str) -> Iterator[Path]:
    """An empty folder below `parent`, on the same disk as what lies there, until the block ends. Those of that name
    whose process is gone are removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in places.left_beside(parent / name, "folder"):
        keeper.remove(left)
    folder = parent / f".{name}.{os.getpid()}.folder"
    keeper.remove(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        keeper.remove(folder)


def link(file: Path, to: Path) -> None:
    """Give a file a further name, by which it takes no further room; a copy where that cannot be."""
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        to.hardlink_to(file)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(file, to)


def _remove_left(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                facts = os.fstat(held)
                if facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < YOUNG:
                    continue
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                keeper.remove(folder)
            finally:
                os.close(held)
