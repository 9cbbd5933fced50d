"""The HTTP server on 127.0.0.1: finds who calls what, lets faults strike, and sends what handlers return."""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import logging
import os
import re
import socket
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote

from kit.emulator import fields, uploads, wire
from kit.emulator import page as pages
from kit.emulator.faults import Fault, Faults
from kit.emulator.kernels import log_stream
from kit.emulator.routes import OPEN, ROUTES
from kit.emulator.site import Call, Site
from kit.emulator.store import User
from kit.emulator.wire import Download, Redirect, Refusal, Reply, Stream

_log = logging.getLogger(__name__)

_HOST = re.compile(r"(?:localhost|127\.0\.0\.1)(?::\d{1,5})?", re.IGNORECASE)
"""Names by which the server may be called. A foreign Host is refused: a web page elsewhere must not reach it by
pointing its own name at 127.0.0.1, and no client may use it as a proxy to the world."""

_TARGET = re.compile(r"(?:(\w+)://([^/?#]*))?(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?")
"""A request's target: scheme and host where it is absolute, as a proxy gets it, then path and query."""

STRANGER = 1 << 16
"""Bytes that a request may have whose sender is not known yet: a form of the web page, or a token to look up."""

_CHUNK = 1 << 16
_IDLE = 120
"""Seconds that a connection may be idle."""

_LINGER, _PATIENCE = 256 << 20, 5
"""Bytes of a refused request that are read and forgotten, and seconds that each piece of them is waited for."""

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_RPC = re.compile(r"/(?:api/)?v1/([\w.]+/\w+)")
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes (?:\*|(\d{1,18})-(\d{1,18}))/(?:\d{1,18}|\*)", re.ASCII)
_LOGS = re.compile(r"/(?:api/)?v1/kernels/logs/stream/([^/]+)/([^/]+)")


@dataclass(frozen=True)
class Seen:
    """A request that was answered: the step, who asked, the HTTP status (0 where the connection was cut)."""

    step: str
    user: str
    status: int


class _Cut(Exception):
    """The connection is to be cut now."""


class Server(ThreadingHTTPServer):
    """A site on a port of 127.0.0.1. `flat_errors` puts `code` at the top of error bodies."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024  # clients that connect in the same instant; the default of 5 resets the others

    def __init__(self, site: Site, port: int, faults: Faults, *, flat_errors: bool = False) -> None:
        self.site, self.faults, self.flat_errors = site, faults, flat_errors
        self.seen: deque[Seen] = deque(maxlen=10_000)
        self.stopping = False
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The server's own address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news; anything else is."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("serving %s", client_address)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in a thread until the block ends."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="emulator", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stopping = True
            self.shutdown()
            self.server_close()


def _full(error: Exception) -> bool:
    """Whether the disk had no room."""
    if isinstance(error, sqlite3.Error):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # what is no HTTP is answered in HTTP all the same
    server_version = "kit-emulator"
    sys_version = ""
    timeout = _IDLE
    disable_nagle_algorithm = True
    _awaited = False
    """Whether the client waits for leave to send its body (`Expect: 100-continue`)."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: addresses hold tokens."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_CONNECT(self) -> None:
        self.send_error(403)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not understood as HTTP, in the form of every other error; http.server calls this too."""
        self._step, self._user, self.close_connection = "Malformed", "", True
        words = "This is the emulator of kaggle-kit, which connects to nowhere." if code == 403 else "Bad request"
        status = {501: 405, 505: 400}.get(code, code)  # an unknown verb or version is no fault of the server's
        self._send_error(Refusal(status, message or words), None)

    def handle_expect_100(self) -> bool:
        """A client that waits for leave to send its body gets it when the body is read, not before."""
        self._awaited = True
        return True

    def _answer(self, how: Any) -> None:
        self._step, self._user, self._left = "Page", "", 0
        try:
            self._left = self._length()
            how(*self._target())
        except Refusal as refusal:
            self._refuse(refusal)
        except _Cut:
            self._note(0)
            self.close_connection = True
            with contextlib.suppress(OSError):  # the client may have gone first
                self.connection.shutdown(socket.SHUT_RDWR)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self.close_connection = True
            if self.server.stopping:  # the store closes under requests that are still in their threads
                return
            if _full(error):
                return self._send_error(Refusal(413, "The emulator's disk is full."), None)
            if isinstance(error, FileNotFoundError):  # listed a moment ago, then deleted by another call or a kernel
                return self._send_error(Refusal(404, "The file was deleted while it was asked for."), None)
            _log.exception("answering %s", self._step)
            self._send_error(Refusal(500, "Internal error of the emulator; its own output says more."), None)

    def _target(self) -> tuple[str, dict[str, str]]:
        """Path and query of the request, whose host must be this server."""
        target = _TARGET.fullmatch(self.path)
        if target is None:
            raise Refusal(400, "Bad request")
        scheme, host, path, query = target.groups()
        host = host or self.headers.get("Host", "")
        if not _HOST.fullmatch(host) or scheme not in (None, "http"):
            raise Refusal(403, "This is the emulator of kaggle-kit, which connects to nowhere else.")
        self._base = f"http://{host}"
        return unquote(path or "/"), dict(parse_qsl(query or ""))

    def _length(self) -> int:
        """Bytes of the request's body.

        Raises Refusal for a body whose length is not told: what follows it could not be told from it.
        """
        told = self.headers.get_all("Content-Length", ["0"])
        if "Transfer-Encoding" in self.headers or len(told) > 1 or not _NUMBER.fullmatch(told[0]):
            self.close_connection = True
            raise Refusal(411, "A request must tell the length of its body once, in Content-Length")
        return int(told[0])

    # Requests

    def _post(self, path: str, query: dict[str, str]) -> None:
        rpc = _RPC.fullmatch(path)
        if not rpc:
            form = dict(parse_qsl(self._body(STRANGER).decode("utf-8", "replace")))
            return self._send_page(pages.act(self.server.site, path, form, self._cookie()))
        self._step = rpc[1].partition("/")[2]
        handler = ROUTES.get(rpc[1])
        if handler is None:
            raise Refusal(404, f"Method {rpc[1]} is not known to the emulator")
        # Who calls is asked before anything is read: strangers must not fill the memory.
        user = User(0, "", "", "") if rpc[1] in OPEN else self._authenticated()
        raw = self._body(STRANGER if rpc[1] in OPEN else fields.most_bytes(self._step))
        fault = self.server.faults.at(self._step)
        self._strike(fault)
        body = fields.read(raw)
        reply: Reply | Refusal
        try:
            reply = handler(Call(self.server.site, user, body, self._base))
        except Refusal as refusal:
            reply = refusal
        if fault and fault.kind == "lost":
            raise _Cut
        if isinstance(reply, Refusal):
            return self._send_error(reply, fault)
        if isinstance(reply, Redirect):
            return self._send(302, b"", "text/plain", {"Location": self._base + reply.path}, fault)
        if isinstance(reply, Download):
            named = {"Content-Disposition": f'attachment; filename="{reply.name}"'}
            return self._send(200, reply.data, reply.type, named, fault)
        if isinstance(reply, Stream):
            return self._send_stream(reply, fault)
        self._send(200, json.dumps(reply).encode(), "application/json", {}, fault)

    def _get(self, path: str, query: dict[str, str]) -> None:
        self._body(STRANGER)
        if logs := _LOGS.fullmatch(path):
            self._step = "LogStream"
            fault = self.server.faults.at(self._step)
            self._strike(fault, transfer=True)
            body = {"userName": logs[1], "kernelSlug": logs[2], "versionLabel": query.get("versionLabel")}
            reply = log_stream(Call(self.server.site, self._authenticated(), fields.checked(body), self._base))
            if isinstance(reply, Stream):
                return self._send_stream(reply, fault)
            return self._send(200, reply.data, reply.type, {}, fault)
        if path.startswith("/storage/"):
            self._step = "Storage"
            fault = self.server.faults.at(self._step)
            self._strike(fault, transfer=True)
            return self._send_file(wire.linked(self.server.site.store.secret, path.removeprefix("/storage")), fault)
        fault = self.server.faults.at(self._step)
        self._strike(fault)
        self._send_page(pages.show(self.server.site, path, query, self._cookie()))

    def _put(self, path: str, query: dict[str, str]) -> None:
        if not path.startswith("/upload/"):
            raise Refusal(404, "Not found")
        self._step = "Upload"
        target, size = uploads.expected(self.server.site.store, path.removeprefix("/upload/"))
        fault = self.server.faults.at(self._step)
        if fault and fault.kind in ("status", "delay"):
            self._drain()
            self._strike(fault)
        have = uploads.received(target)
        asked = _CONTENT_RANGE.fullmatch(self.headers.get("Content-Range", ""))
        if have == size:  # what is whole never changes: it may be a submission, or part of a dataset
            target.touch()
            self._drain()
            return self._send_progress(have, size, fault)
        if asked and asked[1] is None:  # how far did it get?
            self._drain()
            return self._send_progress(have, size, fault)
        start = int(asked[1]) if asked else 0
        if start > have:
            raise Refusal(400, f"Upload has a gap: {have} bytes are here, the next are {start}")
        most = fault.bytes if fault and fault.kind in ("cut", "upload") else self._left
        self._receive(target, start, min(most, self._left, size - start))
        if fault and fault.kind == "cut":
            raise _Cut
        if fault and fault.kind == "upload":
            self._drain()
            raise Refusal(503, fault.message)
        self._drain()
        if fault and fault.kind == "lost":
            raise _Cut
        self._send_progress(uploads.received(target), size, fault)

    def _receive(self, target: Path, start: int, count: int) -> None:
        with target.open("r+b" if target.exists() else "wb") as file:
            file.truncate(start)
            file.seek(start)
            while count > 0:
                piece = self._read(min(count, _CHUNK))
                if not piece:
                    raise _Cut
                file.write(piece)
                count -= len(piece)

    def _send_progress(self, have: int, size: int, fault: Fault | None) -> None:
        if have == size:
            return self._send(200, b"{}", "application/json", {}, fault)
        ranged = {"Range": f"bytes=0-{have - 1}"} if have else {}
        self._send(308, b"", "text/plain", ranged, fault)

    def _body(self, most: int) -> bytes:
        """The body of the request. Raises Refusal where it has more than `most` bytes."""
        if self._left > most:
            raise Refusal(413, f"Request too large: {most} bytes are taken")
        return self._read(self._left)

    def _read(self, count: int) -> bytes:
        if self._awaited:
            self._awaited = False
            self.send_response_only(100)
            self.end_headers()
        piece = self.rfile.read(count)
        self._left -= len(piece)
        return piece

    def _drain(self) -> None:
        """Read what is left of the request, a piece at a time, and forget it."""
        while self._left > 0 and self._read(min(self._left, _CHUNK)):
            pass

    def _refuse(self, refusal: Refusal) -> None:
        """Answer that the request is refused, perhaps before its body has come.

        A connection that is closed over unread bytes is reset, and the client would not see why it was refused. So a
        small body is read before the answer, and the connection goes on. A large one is let run out after it, for
        some time, and the connection ends.
        """
        if self._awaited:  # the client has not sent its body, and will not
            self._awaited, self._left, self.close_connection = False, 0, True
        elif self._left > _CHUNK:
            self.close_connection = True
        else:
            self._drain()
        self._send_error(refusal, None)
        self._left = min(self._left, _LINGER)
        if self._left:
            self.connection.settimeout(_PATIENCE)
            with contextlib.suppress(OSError):
                self._drain()

    def _authenticated(self) -> User:
        word, _, value = self.headers.get("Authorization", "").partition(" ")
        user = None
        if word.lower() == "bearer":
            user = self.server.site.store.by_token(value.strip())
        elif word.lower() == "basic":
            with contextlib.suppress(ValueError):  # no base64, or no UTF-8 in it
                name, _, key = base64.b64decode(value, validate=True).decode().partition(":")
                user = self.server.site.store.by_key(name, key)
        if user is None:
            raise Refusal(401, "Unauthenticated")
        self._user = user.name
        return user

    def _cookie(self) -> str:
        user = re.search(r"(?:^|;\s*)user=([\w.-]+)", self.headers.get("Cookie", ""))
        return user[1] if user else ""

    # Answers

    def _strike(self, fault: Fault | None, *, transfer: bool = False) -> None:
        """Let a fault strike that comes before the server acts; a `transfer` is cut later, in its middle."""
        if fault is None:
            return
        if fault.kind == "delay":
            time.sleep(fault.seconds)
        if fault.kind == "cut" and not transfer:
            raise _Cut
        if fault.kind == "status":
            refusal = Refusal(fault.status, fault.message)
            refusal.retry_after = fault.retry_after
            raise refusal

    def _note(self, status: int) -> None:
        self.server.seen.append(Seen(self._step, self._user, status))

    def _send_error(self, refusal: Refusal, fault: Fault | None) -> None:
        headers = {} if refusal.retry_after is None else {"Retry-After": f"{refusal.retry_after:g}"}
        body = json.dumps(refusal.body(flat=self.server.flat_errors)).encode()
        self._send(refusal.status, body, "application/json", headers, fault)

    def _send_page(self, page: pages.Page) -> None:
        self._send(page.status, page.body.encode(), page.type, page.headers, None)

    def _send(self, status: int, body: bytes, type: str, headers: dict[str, str], fault: Fault | None) -> None:
        self._note(status)
        self._send_head(status, len(body), type, headers)
        if self.command == "HEAD":
            return
        if fault and fault.kind == "slow":
            return self._send_slowly(body, fault.seconds)
        self.wfile.write(body)

    def _send_slowly(self, body: bytes, seconds: float) -> None:
        pieces = 20
        step = len(body) // pieces + 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            time.sleep(seconds / pieces)

    def _send_head(self, status: int, length: int | None, type: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_file(self, linked: wire.Linked, fault: Fault | None) -> None:
        with linked.file as file:
            self._send_open(file, PurePosixPath(linked.name).suffix, fault)

    def _send_open(self, file: BinaryIO, suffix: str, fault: Fault | None) -> None:
        facts = os.fstat(file.fileno())
        size = facts.st_size
        ranged = _RANGE.fullmatch(self.headers.get("Range", ""))
        start = int(ranged[1]) if ranged else 0
        end = min(int(ranged[2]) + 1 if ranged and ranged[2] else size, size)
        if end <= start < size:  # such a range means nothing, and is passed over (RFC 9110, 14.1.1)
            ranged, start, end = None, 0, size
        headers = {"Accept-Ranges": "bytes", "Last-Modified": formatdate(facts.st_mtime, usegmt=True)}
        if ranged and start >= size:
            return self._send(416, b"", "text/plain", {"Content-Range": f"bytes */{size}"}, fault)
        if ranged:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        type = "application/zip" if suffix == ".zip" else "application/octet-stream"
        self._note(206 if ranged else 200)
        self._send_head(206 if ranged else 200, end - start, type, headers)
        if self.command == "HEAD":
            return
        file.seek(start)
        if fault and fault.kind == "slow":
            return self._send_slowly(file.read(end - start), fault.seconds)
        if fault and fault.kind == "cut":
            end = min(end, start + fault.bytes)
        while start < end and (piece := file.read(min(_CHUNK, end - start))):
            self.wfile.write(piece)
            start += len(piece)
        if start < end or (fault and fault.kind == "cut"):  # a file that has shrunk since leaves its promise open too
            raise _Cut

    def _send_stream(self, stream: Stream, fault: Fault | None) -> None:
        self._note(200)
        self._send_head(200, None, stream.type, {"Cache-Control": "no-cache"})
        sent = 0
        for piece in stream.pieces:
            if fault and fault.kind == "slow":
                time.sleep(fault.seconds)
            if fault and fault.kind == "cut" and sent + len(piece) > fault.bytes:
                raise _Cut
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
            sent += len(piece)
        self.wfile.write(b"0\r\n\r\n")
