"""Small records on disk: JSON objects, dataclasses made of them, sha256 of files, the time."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from kit import places
from kit.errors import KitError

T = TypeVar("T")


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


def typed(kind: type[T], value: Any, at: str = "") -> T:
    """What JSON gives (`value`) as the dataclass `kind`, each field checked against its annotation.

    Annotations may be str, int, float, bool, Any, one of them or None, dict[str, ...], tuple[..., ...], dataclasses.
    Written here and not taken from a library, because it travels in kernels, where nothing can be installed. Raises
    ValueError, naming the key, for a value of another type, an unknown key and a missing one.
    """
    return cast(T, _typed(kind, value, at))


def _typed(kind: Any, value: Any, at: str) -> Any:
    if type(value) is kind and kind in _AS_THEY_ARE:
        return value
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        (kind,) = (one for one in get_args(kind) if one is not type(None))
        return _typed(kind, value, at)
    if origin is dict and isinstance(value, dict):
        inside = get_args(kind)[1]
        return {key: _typed(inside, inner, f"{at}.{key}") for key, inner in value.items()}
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_typed(get_args(kind)[0], inner, f"{at}[{place}]") for place, inner in enumerate(value))
    if is_dataclass(kind) and isinstance(value, Mapping):
        return _object(kind, value, at)
    if kind is float and type(value) is float and not math.isfinite(value):
        raise ValueError(f"{at.lstrip('.') or 'it'} is {value}, which is no finite number")
    if kind is float and type(value) is int and abs(value) < 2**1023:  # JSON has no sign for a whole float
        return float(value)
    if origin is None and type(value) is kind:
        return value
    wanted = getattr(origin or kind, "__name__", str(kind))
    raise ValueError(f"{at.lstrip('.') or 'it'} is {type(value).__name__} and not {wanted}")


_AS_THEY_ARE = (str, int, bool)
"""Types whose values need no further look: most of what records hold, so that listing 10,000 runs waits for them."""

_hints = functools.cache(get_type_hints)


@functools.cache
def _needed(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING)


def _object(kind: Any, value: Mapping[str, Any], at: str) -> Any:
    hints, inside = _hints(kind), f" in {at.lstrip('.')}" if at else ""
    if unknown := sorted(set(value) - set(hints)):
        raise ValueError(f"it has an unknown key {unknown[0]!r}{inside}")
    if missing := [name for name in _needed(kind) if name not in value]:
        raise ValueError(f"it has no key {missing[0]!r}{inside}")
    return kind(**{name: _typed(hints[name], inner, f"{at}.{name}") for name, inner in value.items()})


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def now() -> str:
    """The time, UTC, as ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _damaged(path: Path, why: str) -> KitError:
    return KitError(f"{path} is damaged: {why}.", "The file must hold one JSON object, as kit writes it.", f"rm {path}")
