"""Uploads: a place is asked for, bytes are put there, perhaps in several goes, and a token names them afterwards."""

from __future__ import annotations

import secrets
import zipfile
from pathlib import Path
from sqlite3 import Row
from typing import Any

from kit.emulator.site import Call
from kit.emulator.store import Store
from kit.emulator.wire import Refusal

MOST = 20 << 30
"""The largest upload, bytes: no more than the emulator's disk should be asked for by mistake."""


def start_blob_upload(call: Call) -> dict[str, Any]:
    """A place to upload a file of a dataset or model to."""
    return start(call, call.text("name") or "file")


def start(call: Call, name: str) -> dict[str, Any]:
    """A token, and the address to put `contentLength` bytes at."""
    size = int(call.body.get("contentLength") or 0)
    if not 0 <= size <= MOST:
        raise Refusal(413, f"A file may have at most {MOST} bytes")
    token = secrets.token_urlsafe(24)
    sql = "INSERT INTO blobs VALUES (?, ?, ?, ?, ?)"
    call.store.run(sql, token, call.user.name, Path(name.replace("\\", "/")).name, size, call.now)
    return {"token": token, "createUrl": f"{call.base}/upload/{token}"}


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


def land(call: Call, listed: list[dict[str, Any]], directories: list[dict[str, Any]], folder: Path) -> None:
    """Put uploads into `folder` under their names; zip archives are unpacked into folders of their own, as Kaggle does.

    Raises Refusal for an upload that is missing, incomplete, or somebody else's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for item in listed:
        blob = finished(call, str(item.get("token") or ""))
        if blob["name"].endswith(".zip") and zipfile.is_zipfile(call.store.blob(blob["token"])):
            with zipfile.ZipFile(call.store.blob(blob["token"])) as archive:
                archive.extractall(folder / blob["name"].removesuffix(".zip"))
        else:
            call.store.keep(blob["token"], folder / blob["name"])
    for directory in directories:
        name = Path(str(directory.get("name") or "")).name
        if name in ("", "..", "."):
            raise Refusal(400, f"Invalid directory name: {directory.get('name')!r}")
        land(call, directory.get("files") or [], directory.get("directories") or [], folder / name)
