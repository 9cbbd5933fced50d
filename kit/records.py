"""Small records on disk: JSON objects, sha256 of files, the time."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit import places
from kit.errors import KitError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one when the file does not exist.

    Raises KitError when the file is not UTF-8, not JSON, or holds something else than an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError, IsADirectoryError) as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(value, dict):
        raise _damaged(path, f"it holds {type(value).__name__} and not an object")
    return value


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object for people and git to read, whole or not at all."""
    with places.whole(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def now() -> str:
    """The time, UTC, as ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _damaged(path: Path, why: str) -> KitError:
    return KitError(f"{path} is damaged: {why}.", "The file must hold one JSON object, as kit writes it.", f"rm {path}")
