"""Parsed files kept beside the data as memory-mapped `.npy`, so that text is parsed once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kit import places


def arrays(source: Path, build: Callable[[Path], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What `build(source)` returns, parsed on the first call and memory-mapped read-only after that.

    An entry belongs to one size and modification time of the file and to the text of the Python file that holds
    `build`, so neither an edited file nor edited code is served stale. Where the data folder cannot be written, as on
    Kaggle, the system's temporary folder holds the cache.
    """
    folder = _folder(source) / _key(source, build)
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in build(source).items():
            with places.whole(folder / f"{name}.npy") as part, part.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        (folder / "whole").touch()
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}


def _folder(source: Path) -> Path:
    beside = source.resolve().parent.parent / "cache"
    try:
        beside.mkdir(exist_ok=True)
        if os.access(beside, os.W_OK):
            return beside
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / f"kit-cache-{os.getuid()}"


def _key(source: Path, build: Callable) -> str:
    stat = source.stat()
    # The whole file, since what `build` does also lies in its constants and in what it calls.
    text = Path(build.__code__.co_filename).read_bytes()
    parts = (str(source.resolve()), stat.st_size, stat.st_mtime_ns, build.__qualname__, text)
    return f"{source.stem}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
