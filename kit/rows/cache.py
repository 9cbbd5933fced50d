"""Parsed files kept beside the data as memory-mapped `.npy`, so that text is parsed once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import tokenize
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kit import places
from kit.notes import tell

WHOLE = "whole"
"""The file that says that all arrays of an entry are written."""

DAMAGE = (ValueError, OSError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError, tokenize.TokenError)
"""What NumPy raises for a file that is no array."""


def arrays(source: Path, build: Callable[[Path], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What `build(source)` returns, parsed on the first call and memory-mapped read-only after that.

    An entry belongs to one size and modification time of the file and to the text of the Python file that holds
    `build`, so neither an edited file nor edited code is served stale. Where the data folder cannot be written, as on
    Kaggle, the system's temporary folder holds the cache.
    """
    folder = _folder(source) / _key(source, build)
    if (folder / WHOLE).exists():
        try:
            return _mapped(folder)
        except DAMAGE:
            tell(f"{folder} is damaged; it is made again.")
            shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in build(source).items():
        with places.whole(folder / f"{name}.npy") as part, part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
    (folder / WHOLE).touch()
    return _mapped(folder)


def _mapped(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}


def _folder(source: Path) -> Path:
    beside = source.resolve().parent.parent / "cache"
    try:
        beside.mkdir(exist_ok=True)
        if os.access(beside, os.W_OK):
            return beside
    except OSError:
        pass
    mine = Path(tempfile.gettempdir()) / f"kit-cache-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        mine.mkdir(mode=0o700, parents=True)
    # A folder of that name that somebody else has made first could hold other arrays than the files give.
    theirs = mine.is_symlink() or mine.stat().st_uid != os.getuid()
    return Path(tempfile.mkdtemp(prefix="kit-cache-")) if theirs else mine


def _key(source: Path, build: Callable) -> str:
    stat = source.stat()
    # The whole file, since what `build` does also lies in its constants and in what it calls.
    text = Path(build.__code__.co_filename).read_bytes()
    parts = (str(source.resolve()), stat.st_size, stat.st_mtime_ns, build.__qualname__, text)
    return f"{source.stem}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
