"""Faults on demand: what goes wrong, at which step, at which call."""

from __future__ import annotations

import fnmatch
import json
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from kit.errors import KitError

Kind = Literal["status", "cut", "slow", "upload", "lost", "delay"]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    `at` matches the step, with wildcards: a method of the API (`CreateSubmission`, `List*`), or `Upload`, `Storage`
    (downloads), `LogStream`, `Page`. The fault strikes from the `nth` matching call on, `times` times, 0 for ever.

    - `status`: answers `status` without acting, with a Retry-After of `retry_after` seconds where that is given.
    - `cut`: the connection is cut: before acting for a method, after `bytes` of the body for a transfer (Upload,
      Storage, LogStream).
    - `slow`: the body of the answer takes `seconds`.
    - `upload`: 503 in the middle of an upload, after `bytes`, which are kept for resuming.
    - `lost`: the server acts, and its answer never arrives.
    - `delay`: the answer comes `seconds` late.
    """

    at: str
    kind: Kind
    nth: int = 1
    times: int = 1
    status: int = 503
    retry_after: float | None = None
    seconds: float = 1.0
    bytes: int = 0
    message: str = "The service is currently unavailable."


@dataclass
class _Counted:
    fault: Fault
    calls: int = 0


class Faults:
    """The faults that a server is under; they can be added and removed while it runs."""

    def __init__(self, faults: list[Fault] | None = None) -> None:
        self._lock = threading.Lock()
        self._counted = [_Counted(fault) for fault in faults or []]
        self.struck: list[tuple[str, Fault]] = []

    def add(self, fault: Fault) -> None:
        """Let `fault` strike; its calls are counted from now."""
        with self._lock:
            self._counted.append(_Counted(fault))

    def clear(self) -> None:
        """Let nothing strike any more."""
        with self._lock:
            self._counted.clear()

    def at(self, step: str) -> Fault | None:
        """Count a call of `step`, and say what strikes it."""
        with self._lock:
            strikes = None
            for counted in self._counted:
                fault = counted.fault
                if not fnmatch.fnmatchcase(step, fault.at):
                    continue
                counted.calls += 1
                past = counted.calls - fault.nth
                if strikes is None and past >= 0 and (fault.times == 0 or past < fault.times):
                    strikes = fault
            if strikes is not None:
                self.struck.append((step, strikes))
            return strikes


def read(file: Path) -> list[Fault]:
    """The faults that a JSON file lists: `[{"at": "CreateSubmission", "kind": "lost"}]`.

    Raises KitError for what is no list of faults.
    """
    cure = f"""echo '[{{"at": "CreateSubmission", "kind": "lost"}}]' > {file}"""
    known = [field.name for field in fields(Fault)]
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise KitError(f"{file} does not exist.", "It must hold a JSON list of faults.", cure) from None
    except ValueError as error:
        raise KitError(f"{file} is not JSON: {error}", "It must hold a JSON list of faults.", cure) from None
    faults = []
    for item in listed if isinstance(listed, list) else [listed]:
        if not isinstance(item, dict) or not {"at", "kind"} <= item.keys() <= set(known):
            raise KitError(
                f"{file}: {json.dumps(item)} is no fault.", f"A fault has at, kind, of {', '.join(known)}.", cure
            )
        if item["kind"] not in get_args(Kind):
            raise KitError(
                f"{file}: no kind of fault is called {item['kind']!r}.", f"Kinds: {', '.join(get_args(Kind))}.", cure
            )
        faults.append(Fault(**item))
    return faults
