"""Files over HTTP: received into a part file that a killed download goes on with, sent so that an upload can go on."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit import records
from kit.errors import KitError
from kit.kaggle import client, progress
from kit.kaggle.progress import Show

BLOCK = 1 << 18
"""Bytes read at a time: what of a block has arrived when the connection is lost is fetched again."""

FAILURES = 5
"""Connections lost one after the other, without a byte in between, before a download gives up."""

CONNECTIONS = 100
"""Connections that one download may take, for a server that sends a few bytes and hangs up, again and again."""

Opened = Callable[[dict[str, str]], Any]
"""A GET with the given headers; a requests.Response whose body is not read yet."""


def get(what: str, url: str, headers: dict[str, str]) -> Any:
    """A GET of an address that needs no credentials; 416 is an answer, other refusals are errors."""

    def asked() -> Any:
        response = client.session().get(url, headers=headers, stream=True)
        if response.status_code != 416:
            response.raise_for_status()
        return response

    return client.attempted(what, asked, safe=True)


def receive(what: str, opened: Opened, to: Path, show: Show) -> None:
    """Stream a file to `to`, which appears whole; what came before a kill is kept beside it and not fetched again.

    The server's ETag or Last-Modified and the size tell whether it is the same file still. Raises KitError when it
    cannot be completed.
    """
    part, state = to.with_name(f"{to.name}.part"), to.with_name(f"{to.name}.part.json")
    to.parent.mkdir(parents=True, exist_ok=True)
    lost = 0
    for _ in range(CONNECTIONS):
        have = part.stat().st_size if part.exists() else 0
        known = records.read_json(state) if have else {}
        if not known.get("mark"):
            have = 0
        response = opened({"Range": f"bytes={have}-"} if have else {})
        with response:
            mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
            start, size = _range(response)
            other = mark != known.get("mark") or size != known.get("size")
            if have and (response.status_code == 416 or (start and (other or start != have))):
                part.unlink()  # another file than the one that was begun
                continue
            if not start:
                _check_room(to.parent, size)
                records.write_json(state, {"mark": mark, "size": size})
            broken = _append(part, start, response, size, show)
        have = part.stat().st_size
        if broken is None and (size is None or have == size):
            os.replace(part, to)
            state.unlink(missing_ok=True)
            return
        lost = 0 if have > start else lost + 1
        if lost >= FAILURES:
            break
        time.sleep(client.FIRST_WAIT * 2**lost)
    raise KitError(
        f"{what}: the connection is lost again and again, after {have:,} bytes" + (f" of {size:,}." if size else "."),
        "What has arrived is kept, and the next attempt goes on from there.",
        "the same command again",
    )


def upload(kaggle: client.Client, method: str, file: Path, **fields: str) -> str:
    """Upload a file to the place that `method` of the API gives for it; the token by which its bytes can be named.

    `fields` are what the method asks for beside size and time of the file. Raises Refusal.
    """
    status = file.stat()
    place = kaggle.ask(
        "Asking for a place to upload to",
        method,
        safe=True,
        content_length=status.st_size,
        last_modified_epoch_seconds=int(status.st_mtime),
        **fields,
    )
    with progress.transfer(f"Uploading {file.name}") as show:
        send(f"Uploading {file.name}", file, place.create_url, show)
    return str(place.token)


def send(what: str, file: Path, url: str, show: Show) -> None:
    """Upload a file to an address that was given for it; after a failure, from where the server says it got to.

    Nothing is submitted or published by this: the server forgets bytes that nobody names afterwards. Raises Refusal.
    """
    size = file.stat().st_size
    start = 0

    def put() -> None:
        nonlocal start
        if start:
            start = _arrived(url, size)
            if start == size:
                return
        ranged = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
        begun, start = start, 1  # should this attempt fail, the next one asks first
        with file.open("rb") as body:
            body.seek(begun)
            # A length of its own, since requests would send a file at its end, or an empty one, without any.
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size - begun), **ranged}
            response = client.session().put(url, data=_Body(body, begun, size, show), headers=headers)
        response.raise_for_status()
        if response.status_code not in (200, 201):
            raise TimeoutError(f"the server has part of the file only ({response.status_code})")

    client.attempted(what, put, safe=True)


def _arrived(url: str, size: int) -> int:
    """Bytes of an upload that the server has. Source: developers.google.com/drive/api/guides/manage-uploads."""
    response = client.session().put(url, headers={"Content-Length": "0", "Content-Range": f"bytes */{size}"})
    if response.status_code == 308:
        received = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("Range", ""))
        return int(received[1]) + 1 if received else 0
    response.raise_for_status()
    return size


class _Body:
    """A file as the body of a request: of known length, and shown while it is read."""

    def __init__(self, file: Any, start: int, size: int, show: Show) -> None:
        self.file, self.done, self.size, self.show = file, start, size, show
        self.len = size - start

    def read(self, count: int = -1) -> bytes:
        block = self.file.read(count)
        self.done += len(block)
        if block:
            self.show(self.done, self.size)
        return block


def _range(response: Any) -> tuple[int, int | None]:
    """Where the body of an answer begins in the file, and the size of the file where that is known."""
    content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    if response.status_code == 206 and content_range:
        return int(content_range[1]), int(content_range[2])
    unsized = response.headers.get("Content-Encoding", "identity") != "identity"
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() and not unsized else None


def _append(part: Path, start: int, response: Any, size: int | None, show: Show) -> Exception | None:
    """Write the body from byte `start` on; what broke the connection, None where it ended well."""
    import requests
    import urllib3

    done = start
    with part.open("r+b" if start else "wb") as file:
        file.truncate(start)
        file.seek(start)
        try:
            for block in response.iter_content(BLOCK):
                file.write(block)
                done += len(block)
                show(done, size)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
            return error
        finally:
            file.flush()
            os.fsync(file.fileno())
    return None


def _check_room(folder: Path, size: int | None) -> None:
    free = shutil.disk_usage(folder).free
    if size is not None and size > free:
        raise KitError(f"The file has {size:,} bytes, and {folder} has room for {free:,}.", "", f"df -h {folder}")
