"""What was sent to Kaggle: `submissions/<competition>/ledger.jsonl`, one line for each thing that happened.

A line is on disk before the step that it announces is tried, so that neither a kill nor a lost answer leaves a
submission that nobody remembers. Lines are only ever added, under a lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from kit import places, records
from kit.errors import KitError
from kit.kaggle import client
from kit.notes import tell
from kit.task.catalog import Entry

PATIENCE = 300.0
"""Seconds that one process waits for another that is uploading to the same competition."""

INTENDED, SENT, COMPLETE, ERROR, REFUSED = "intended", "sent", "complete", "error", "refused"
"""States: about to be sent, or sent without an answer; accepted and pending; scored; not scorable; not accepted."""


@dataclass(frozen=True)
class Attempt:
    """One submission, as far as it got. `known` are the refs of the same bytes that the server had before; `tried` is
    when the request that spends a submission left, in seconds since 1970, and 0 where none is under way.

    Scores are None where Kaggle shows none. `file` is relative to the workspace.
    """

    id: str
    state: str
    at: str
    server: str
    user: str
    sha256: str
    bytes: int
    name: str
    file: str
    message: str
    sample: bool = False
    run: str | None = None
    known: tuple[int, ...] = ()
    tried: float = 0.0
    ref: int = 0
    public_score: float | None = None
    private_score: float | None = None
    rank: int | None = None
    teams: int | None = None
    reason: str = ""

    @property
    def mark(self) -> str:
        """What the description ends in, to find the submission by on the server."""
        return mark(self.sha256)

    @property
    def path(self) -> Path:
        """The file that was sent."""
        return places.workspace() / self.file


def mark(sha256: str) -> str:
    """A short word that names a file's bytes."""
    return f"#{sha256[:8]}"


class Ledger:
    """The ledger of one competition, held alone by this process while it is `locked`."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def attempts(self) -> list[Attempt]:
        """All attempts, the oldest first."""
        self._file.seek(0)
        return _parse(self._file.read())

    def begin(self, **facts: Any) -> Attempt:
        """Note that something is about to be sent."""
        attempt = Attempt(id=uuid.uuid4().hex[:12], state=INTENDED, at=records.now(), **facts)
        self._add(asdict(attempt))
        return attempt

    def change(self, attempt: Attempt, **changes: Any) -> Attempt:
        """Note what became of an attempt."""
        self._add({"id": attempt.id, "changed": records.now(), **changes})
        return _attempt(asdict(attempt) | changes)

    def _add(self, line: dict[str, Any]) -> None:
        self._file.seek(0, os.SEEK_END)
        text = json.dumps(line, ensure_ascii=False) + "\n"
        end = self._file.tell()
        if end:
            with open(self._file.name, "rb") as raw:
                raw.seek(end - 1)
                text = text if raw.read() == b"\n" else f"\n{text}"  # a kill may have cut the last line
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())


def path(competition: str) -> Path:
    """The file."""
    return places.runs(competition) / "ledger.jsonl"


def read(entry: Entry) -> list[Attempt]:
    """The attempts for the entry's data, sample or real, to the server that the environment points at, the oldest
    first; without a lock."""
    try:
        text = path(entry.name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [one for one in _parse(text) if one.server == client.server() and one.sample == entry.sample]


def names(competition: str, run: str) -> bool:
    """Whether a run was ever sent, to any server."""
    try:
        text = path(competition).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return any(one.run == run for one in _parse(text))


@contextmanager
def locked(competition: str) -> Iterator[Ledger]:
    """The ledger, while no other process has it.

    Raises KitError when another one keeps it longer than PATIENCE.
    """
    path(competition).parent.mkdir(parents=True, exist_ok=True)
    with path(competition).open("a+", encoding="utf-8") as file:
        until = time.monotonic() + PATIENCE
        for turn in range(10**9):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise KitError(
                        f"Another process has been sending to {competition} for {PATIENCE:.0f} s.",
                        "Only one at a time may, or one submission could be spent twice.",
                        f"fuser {path(competition)}  # says which",
                    ) from None
                if turn == 0:
                    tell(f"Waiting for another process that is sending to {competition}.")
                time.sleep(0.1)
        yield Ledger(file)


def _parse(text: str) -> list[Attempt]:
    found: dict[str, dict[str, Any]] = {}
    for line in text.splitlines():
        try:
            facts = json.loads(line)
            found.setdefault(facts["id"], {}).update(facts)
        except (ValueError, TypeError, KeyError):
            continue  # a line that a kill cut off
    return [_attempt(facts) for facts in found.values() if {"sha256", "server"} <= facts.keys()]


def _attempt(facts: dict[str, Any]) -> Attempt:
    known = {field.name for field in fields(Attempt)}
    held = {name: value for name, value in facts.items() if name in known}
    return Attempt(**held | {"known": tuple(held.get("known", ()))})
