"""Files of datasets and models: uploads put under their names, archives unpacked, all of it bounded."""

from __future__ import annotations

import lzma
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit.emulator import uploads
from kit.emulator.site import Call
from kit.emulator.wire import Refusal

RATIO = 30
"""How many times larger than itself an archive may become. Tables compress to a tenth; a bomb to a thousandth."""

ALWAYS = 16 << 20
"""Bytes that every archive may unpack to: a small table of zeros is no bomb."""

MEMBERS = 100_000
"""Files and folders that an archive may hold."""

DEEPEST = 32
"""Folders in folders that an archive may hold."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What `zipfile` raises for archives that are damaged, encrypted, or packed in a way it does not know."""


@contextmanager
def landed(call: Call) -> Iterator[Path]:
    """A new folder with the files and directories that the call names, to be moved to where they belong.

    Zip archives are unpacked into folders of their own, as Kaggle does. What is still there at the end is removed. It
    takes as long as it takes, so that it must not be used inside `store.change()`, where everybody would wait.

    Raises Refusal for an upload that is missing, incomplete or somebody else's, for two of one name, and for archives
    that cannot be unpacked or would take too much room.
    """
    folder = call.store.folder / "files" / "landing" / secrets.token_hex(8)
    try:
        _land(call, call.body, folder, set())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _land(call: Call, told: dict[str, Any], folder: Path, used: set[str]) -> None:
    folder.mkdir(parents=True)
    for item in told.get("files", ()):
        blob = uploads.finished(call, item.get("token", ""))
        if blob["token"] in used:  # or one archive would be unpacked a thousand times
            raise Refusal(400, f"The upload of {blob['name']} is named twice")
        used.add(blob["token"])
        source, stem = call.store.blob(blob["token"]), blob["name"].removesuffix(".zip")
        if stem != blob["name"] and zipfile.is_zipfile(source):
            _unpack(source, _vacant(folder, stem), blob["name"])
        else:
            call.store.keep(blob["token"], _vacant(folder, blob["name"]))
    for directory in told.get("directories", ()):
        _land(call, directory, _vacant(folder, directory.get("name", "")), used)


def _vacant(folder: Path, name: str) -> Path:
    """Where a file or folder of that name goes, which must not be taken."""
    path = folder / uploads.file_name(name)
    if path.exists():
        raise Refusal(400, f"Two files or folders are called {name!r}")
    return path


def _unpack(source: Path, folder: Path, name: str) -> None:
    """Unpack an archive into `folder`, which is new.

    `zipfile` cuts names down to what lies below a folder, and reads no more of a file than its entry declares.
    """
    packed = source.stat().st_size
    most = max(RATIO * packed, ALWAYS)
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            depths = [member.filename.count("/") for member in members]
            if len(members) + sum(depths) > MEMBERS or max(depths, default=0) > DEEPEST:
                words = f"{name} holds more than {MEMBERS} files and folders, or folders more than {DEEPEST} deep"
                raise Refusal(400, words)
            if size > most:
                raise Refusal(400, f"{name} would unpack to {size} bytes; an archive of {packed} may to {most}")
            uploads.check_room(source.parent, size)
            archive.extractall(folder)
    except OSError as error:  # a name is too long, or a file stands where a folder is wanted
        raise Refusal(400, f"{name} cannot be unpacked: {error.strerror}") from None
    except _DAMAGED as error:
        raise Refusal(400, f"{name} cannot be unpacked: {error}") from None
