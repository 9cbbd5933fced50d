"""Files that the server hands out: listed, dated, packed once."""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from kit import places
from kit.emulator import clock
from kit.emulator.wire import Refusal
from kit.sandbox import opened

_LOCKS: dict[Path, threading.Lock] = {}
_LOCK = threading.Lock()


def listing(folder: Path) -> list[tuple[str, Path]]:
    """The files below a folder, by the name they have there. Links are left out: one could lead outside."""
    return [(entry.name, folder / entry.name) for entry in opened.listing(folder)]


def listed(folder: Path, name: str) -> str:
    """The name, where a file below the folder is listed under it. Raises Refusal where there is none."""
    if any(entry.name == name for entry in opened.listing(folder)):
        return name
    raise Refusal(404, f"File {name} not found")


def move(folder: Path, target: Path) -> None:
    """Put a finished folder in its place, over what an earlier attempt has left there."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)


def moment(seconds: float) -> str:
    """A moment in seconds since 1970 as Kaggle writes it."""
    return clock.text(datetime.fromtimestamp(seconds, UTC))


def modified(path: Path) -> str:
    """When a file was last written, as Kaggle writes a moment."""
    return moment(path.stat().st_mtime)


def built(path: Path, make: Callable[[Path], object]) -> Path:
    """A file that is made when it is first asked for. Two requests at once make it once; other files do not wait."""
    with _LOCK:
        own = _LOCKS.setdefault(path, threading.Lock())
    with own:
        if not path.is_file():
            with places.whole(path) as part:
                make(part)
    return path


def zipped(archive: Path, folder: Path) -> Path:
    """The archive of the files below a folder: the same bytes whenever the files are the same."""

    def pack(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as into:
            for listed in opened.listing(folder):
                entry = zipfile.ZipInfo(listed.name, (2020, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                with opened.opened(folder, listed.name) as source, into.open(entry, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, 1 << 20)

    return built(archive, pack)
