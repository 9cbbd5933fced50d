"""What travels over the wire: refusals, replies, pages of lists, signed links to stored files."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple, TypeVar
from urllib.parse import quote

from kit.sandbox import opened

Item = TypeVar("Item")

PAGE = 20
"""Items of a list that names no page size."""

LIMIT = 1000
"""The most items of a page, whatever is asked for."""

WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class Refusal(Exception):
    """The server says no: an HTTP status, the reason in Kaggle's words, and perhaps the seconds to wait."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.retry_after: float | None = None

    def body(self, *, flat: bool = False) -> dict[str, Any]:
        """The error as JSON: nested as production is reported to send it, or flat with `code` at the top."""
        error = {"code": self.status, "message": self.message}
        return error if flat else {"error": {**error, "status": WORDS.get(self.status, "UNKNOWN")}}


@dataclass(frozen=True)
class Redirect:
    """A 302 to a path of this server."""

    path: str


@dataclass(frozen=True)
class Download:
    """Bytes sent as a file of their own, without a redirect."""

    data: bytes
    type: str
    name: str


@dataclass(frozen=True)
class Stream:
    """Pieces sent as they come, until the iterator ends and the connection is closed."""

    pieces: Iterator[bytes]
    type: str


Reply = dict[str, Any] | Redirect | Download | Stream


def page(items: Sequence[Item], body: dict[str, Any], size: int = PAGE) -> tuple[list[Item], str]:
    """The items that the request asks for, and the token of the next page, empty on the last.

    A request names a page by token, or by a number from 1; a token that the server did not give starts at the front.
    """
    size = min(body.get("pageSize") or size, LIMIT)
    token = body.get("pageToken", "")
    start = int(token) if token.isdecimal() else (max(body.get("page", 1), 1) - 1) * size
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else ""


class Linked(NamedTuple):
    """A file that an address names, open for reading; `name` is its last part."""

    name: str
    file: BinaryIO


def link(secret: bytes, folder: Path, name: str) -> str:
    """The address, below this server, of the file `name` below `folder`: whoever holds it may fetch the file, as with
    Kaggle's storage."""
    place = base64.urlsafe_b64encode(f"{folder}\0{name}".encode()).decode()
    return f"/storage/{_sign(secret, place)}/{place}/{quote(PurePosixPath(name).name)}"


def linked(secret: bytes, address: str) -> Linked:
    """The file that an address of `link` names. What lies in its place now is opened below its folder without following
    links: notebooks still write to theirs.

    Raises Refusal for an address that this server did not sign, and for a file that is gone or is none.
    """
    _, signature, place, *_ = [*address.split("/"), "", ""]
    if not same(signature, _sign(secret, place)):
        raise Refusal(403, "SignatureDoesNotMatch")
    folder, _, name = base64.urlsafe_b64decode(place).decode().partition("\0")
    try:
        return Linked(PurePosixPath(name).name, opened.opened(Path(folder), name))
    except opened.Refused:
        raise Refusal(404, "NoSuchKey") from None


def same(given: str, right: str) -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ. Any text may be given."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _sign(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:32]
