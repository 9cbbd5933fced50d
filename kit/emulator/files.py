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

_LOCKS: dict[Path, threading.Lock] = {}
_LOCK = threading.Lock()


def listing(folder: Path) -> list[tuple[str, Path]]:
    """The files below a folder, by the name they have there. Links are left out: one could lead outside."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [(path.relative_to(folder).as_posix(), path) for path in paths]


def one(folder: Path, name: str) -> Path:
    """The file that is listed under that name. Raises Refusal where there is none."""
    for listed, path in listing(folder):
        if listed == name:
            return path
    raise Refusal(404, f"File {name} not found")


def move(folder: Path, target: Path) -> None:
    """Put a finished folder in its place, over what an earlier attempt has left there."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)


def modified(path: Path) -> str:
    """When a file was last written, as Kaggle writes a moment."""
    return clock.text(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def built(path: Path, make: Callable[[Path], object]) -> Path:
    """A file that is made when it is first asked for. Two requests at once make it once; other files do not wait."""
    with _LOCK:
        own = _LOCKS.setdefault(path, threading.Lock())
    with own:
        if not path.is_file():
            with places.whole(path) as part:
                make(part)
    return path


def zipped(archive: Path, files: list[tuple[str, Path]]) -> Path:
    """The archive of those files: the same bytes whenever the files are the same."""

    def pack(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as into:
            for name, path in files:
                entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as source, into.open(entry, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, 1 << 20)

    return built(archive, pack)
