"""Uploads: a place is asked for, bytes are put there, perhaps in several goes, and a token names them afterwards."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from sqlite3 import Row
from typing import Any

from kit.emulator.site import Call
from kit.emulator.store import Store
from kit.emulator.wire import Refusal

MOST = 20 << 30
"""The largest upload, bytes: no more than the emulator's disk should be asked for by mistake."""

SPARE = 1 << 30
"""Bytes of the disk that no upload takes: whoever runs the emulator goes on working on that machine."""

LONGEST_NAME = 200
"""Bytes of a file's name: folders in folders still make a path that Linux takes (4,096 bytes)."""


def start_blob_upload(call: Call) -> dict[str, Any]:
    """A place to upload a file of a dataset or model to."""
    return start(call, call.text("name") or "file")


def start(call: Call, name: str, most: int = MOST) -> dict[str, Any]:
    """A token, and the address to put `contentLength` bytes at.

    Raises Refusal for more than `most` bytes, for more than the disk has room for, and for a name that no file can
    have. Folders in a name are cut off.
    """
    size = call.number("contentLength")
    if size > most:
        raise Refusal(413, f"A file may have at most {most} bytes")
    check_room(call.store.folder, size)
    name = file_name(name.replace("\\", "/").rpartition("/")[2])
    token = secrets.token_urlsafe(24)
    call.store.run("INSERT INTO blobs VALUES (?, ?, ?, ?, ?)", token, call.user.name, name, size, call.now)
    return {"token": token, "createUrl": f"{call.base}/upload/{token}"}


def file_name(name: str) -> str:
    """The name, which one file or folder can have. Raises Refusal for any other."""
    if name in ("", ".", "..") or "/" in name or len(name.encode()) > LONGEST_NAME:
        raise Refusal(400, f"Invalid name of a file or folder: {name[:LONGEST_NAME]!r}")
    return name


def check_room(folder: Path, size: int) -> None:
    """Raises Refusal where the disk of `folder` has no room for `size` bytes."""
    if size > max(shutil.disk_usage(folder).free - SPARE, 0):
        raise Refusal(413, f"The emulator's disk has no room for {size} bytes")


def expected(store: Store, token: str) -> tuple[Path, int]:
    """Where the bytes of an upload go, and how many they are."""
    row = store.one("SELECT bytes FROM blobs WHERE token = ?", token)
    if row is None:
        raise Refusal(404, "Upload not found")
    return store.blob(token), row["bytes"]


def received(path: Path) -> int:
    """The bytes of an upload that have arrived."""
    return path.stat().st_size if path.is_file() else 0


def finished(call: Call, token: str) -> Row:
    """The caller's upload of that token, all of whose bytes have arrived."""
    row = call.store.one("SELECT * FROM blobs WHERE token = ? AND user = ?", token, call.user.name)
    if row is None:
        raise Refusal(400, "The uploaded file could not be found")
    if received(call.store.blob(token)) != row["bytes"]:
        raise Refusal(400, f"The upload of {row['name']} is incomplete")
    return row
