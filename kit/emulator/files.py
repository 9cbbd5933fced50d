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

_BUILDING = threading.Lock()


def listing(folder: Path) -> list[tuple[str, Path]]:
    """The files below a folder, by the name they have there. Links are left out: one could lead outside."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [(path.relative_to(folder).as_posix(), path) for path in found]


def modified(path: Path) -> str:
    """When a file was last written, as Kaggle writes a moment."""
    return clock.text(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def built(path: Path, make: Callable[[Path], object]) -> Path:
    """A file that is made when it is first asked for; two requests at once make it once."""
    with _BUILDING:
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
