"""Parsed files kept beside the data as memory-mapped `.npy`, so that text is parsed once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

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

    def write(folder: Path) -> None:
        for name, array in build(source).items():
            with places.whole(folder / f"{name}.npy") as part, part.open("wb") as file:
                np.save(file, array, allow_pickle=False)

    return _kept(_folder(source) / _key(source, build), write)


def streamed(
    source: Path, build: Callable[[Path], Iterator[dict[str, np.ndarray]]], beside: str = ""
) -> dict[str, np.ndarray]:
    """As `arrays`, of what `build(source)` yields in parts: arrays of the same names and types, which are written one
    behind the other, so that memory holds one part. `beside` is what an entry hangs on besides, such as settings.

    Raises ValueError when there is no part.
    """

    def write(folder: Path) -> None:
        written: dict[str, _Growing] = {}
        with contextlib.ExitStack() as stack:
            for part in build(source):
                for name, array in part.items():
                    if name not in written:
                        path = stack.enter_context(places.whole(folder / f"{name}.npy"))
                        written[name] = _Growing(stack.enter_context(path.open("wb")), array)
                    written[name].add(array)
            if not written:
                raise ValueError(f"{source} has no rows")
            for growing in written.values():
                growing.end()

    return _kept(_folder(source) / _key(source, build, beside), write)


class _Growing:
    """A `.npy` file that grows row by row. Its header has room for any number of rows, and is written last."""

    def __init__(self, file: IO[bytes], first: np.ndarray) -> None:
        self.file, self.dtype, self.shape, self.rows = file, first.dtype, first.shape[1:], 0
        self._header()

    def add(self, array: np.ndarray) -> None:
        if (array.dtype, array.shape[1:]) != (self.dtype, self.shape):
            raise ValueError(f"a part is {array.dtype} of {array.shape} and the first one {self.dtype}")
        self.file.write(np.ascontiguousarray(array).data)
        self.rows += len(array)

    def end(self) -> None:
        self.file.seek(0)
        self._header()

    def _header(self) -> None:
        described = np.lib.format.dtype_to_descr(self.dtype)
        shape = (self.rows, *self.shape)
        text = repr({"descr": described, "fortran_order": False, "shape": shape}).ljust(245) + "\n"
        self.file.write(np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little") + text.encode("latin1"))


def _kept(folder: Path, write: Callable[[Path], None]) -> dict[str, np.ndarray]:
    """The arrays in a folder, written by `write` where they are not there or are damaged."""
    if (folder / WHOLE).exists():
        try:
            return _mapped(folder)
        except DAMAGE:
            tell(f"{folder} is damaged; it is made again.")
            shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
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


def _key(source: Path, build: Callable, beside: str = "") -> str:
    stat = source.stat()
    # The whole file, since what `build` does also lies in its constants and in what it calls.
    text = Path(build.__code__.co_filename).read_bytes()
    parts = (
        str(source.resolve()),
        stat.st_size,
        stat.st_mtime_ns,
        build.__qualname__,
        text,
        *([beside] if beside else []),
    )
    return f"{source.stem}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
