"""What was sent to Kaggle: `submissions/<competition>/ledger.jsonl`, one line for each thing that happened.

A line is on disk before the step that it announces is tried, so that neither a kill nor a lost answer leaves a
submission that nobody remembers. Lines are only ever added, under a lock. What of a damaged ledger can be read is used;
the whole file is kept beside it as it was, and until the server has been asked nothing is sent.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from kit import places, records
from kit.errors import KitError
from kit.kaggle import client
from kit.notes import tell
from kit.task.catalog import Entry
from kit.train import working
from kit.words import count

PATIENCE = 300.0
"""Seconds that one process waits for another that is uploading to the same competition."""

ASIDE = "ledger.damaged-"
"""What the names of damaged ledgers begin with, which are kept beside the one that took their place."""

STATES = INTENDED, SENT, COMPLETE, ERROR, REFUSED = "intended", "sent", "complete", "error", "refused"
"""States: about to be sent, or sent without an answer; accepted and pending; scored; not scorable; not accepted."""


@dataclass(frozen=True)
class Attempt:
    """One submission, as far as it got. `known` are the refs of the same bytes that the server had before; `tried` is
    when the request that spends a submission left, in seconds since 1970, and 0 where none is under way.

    Scores are None where Kaggle shows none. `file` is relative to the workspace. `kernel` is the version of a notebook
    that was sent in its place.
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
    kernel: str = ""

    @property
    def mark(self) -> str:
        """What the description ends in, to find the submission by on the server."""
        return mark(self.sha256, self.kernel)

    @property
    def path(self) -> Path:
        """The file that was sent."""
        return places.workspace() / self.file


def mark(sha256: str, kernel: str = "") -> str:
    """A short word that names a file's bytes, or the version of a notebook that left them and is sent for them."""
    return f"#{hashlib.sha256(f'{sha256} {kernel}'.encode()).hexdigest()[:8] if kernel else sha256[:8]}"


class Ledger:
    """The ledger of one competition, held alone by this process while it is `locked`.

    `doubtful` is when the newest damaged ledger was last written to, in seconds since 1970, 0 without one: a submission
    that it told of may be under way.
    """

    def __init__(self, file: Path, doubtful: float = 0.0) -> None:
        self._file, self.doubtful = file, doubtful

    def attempts(self) -> list[Attempt]:
        """All attempts, the oldest first."""
        return _parse(_bytes(self._file)).attempts

    def begin(self, **facts: Any) -> Attempt:
        """Note that something is about to be sent."""
        attempt = Attempt(id=uuid.uuid4().hex[:12], state=INTENDED, at=records.now(), **facts)
        self._add(asdict(attempt))
        return attempt

    def change(self, attempt: Attempt, **changes: Any) -> Attempt:
        """Note what became of an attempt."""
        self._add({"id": attempt.id, "changed": records.now(), **changes})
        return replace(attempt, **changes)

    def _add(self, line: dict[str, Any]) -> None:
        """Add a line; a disk that is full in the midst of it leaves the ledger as it was."""
        with self._file.open("ab", buffering=0) as file:
            end = file.tell()
            text = (json.dumps(line, ensure_ascii=True) + "\n").encode()
            try:
                if file.write(text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise


def path(competition: str) -> Path:
    """The file."""
    return places.runs(competition) / "ledger.jsonl"


def read(entry: Entry) -> list[Attempt]:
    """The attempts for the entry's data, sample or real, to the server that the environment points at, the oldest
    first; without a lock, unless a damaged ledger is to be set aside."""
    file = path(entry.name)
    parsed = _parse(_bytes(file))
    attempts = parsed.attempts
    if parsed.damaged or _odd(file):
        with locked(entry.name) as book:
            attempts = book.attempts()
    return [one for one in attempts if one.server == client.server() and one.sample == entry.sample]


def readable(competition: str) -> list[Attempt]:
    """All attempts of a competition that can be read, to any server, the oldest first; nothing is changed."""
    return _parse(_bytes(path(competition))).attempts


def names(competition: str, run: str) -> bool:
    """Whether a run was ever sent, to any server. Every damaged ledger that names it counts."""
    held = [_bytes(path(competition)), *(_bytes(file) for file in _aside(competition))]
    return any(one.run == run for one in _parse(held[0]).attempts) or any(run.encode() in text for text in held[1:])


@contextmanager
def locked(competition: str) -> Iterator[Ledger]:
    """The ledger, while no other process has it. A damaged one is set aside first, of which a person is told.

    Raises KitError when another one keeps it longer than PATIENCE.
    """
    # Beside the ledger and not the ledger itself, which may be set aside.
    lock = places.runs(competition) / working.LOCKS / "ledger.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as held:
        until = time.monotonic() + PATIENCE
        for turn in range(10**9):
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise KitError(
                        f"Another process has been sending to {competition} for {PATIENCE:.0f} s.",
                        "Only one at a time may, or one submission could be spent twice.",
                        f"fuser {lock}  # says which",
                    ) from None
                if turn == 0:
                    tell(f"Waiting for another process that is sending to {competition}.")
                time.sleep(0.1)
        file = path(competition)
        _mended(file)
        yield Ledger(file, max((other.lstat().st_mtime for other in _aside(competition)), default=0.0))


class _Parsed(NamedTuple):
    """What a ledger holds: the attempts, the readable `lines` they are made of, how many others it has, and whether
    its last line is cut off, as by a kill."""

    attempts: list[Attempt]
    lines: list[bytes]
    damaged: int
    cut: bool


def _parse(text: bytes) -> _Parsed:
    *whole, last = text.split(b"\n")
    attempts: dict[str, Attempt] = {}
    lines: list[bytes] = []
    for line in whole:
        if (read := _line(line)) is None:
            continue
        try:
            before = asdict(attempts[read["id"]]) if read["id"] in attempts else {}
            attempts[read["id"]] = _attempt(before | read)
        except ValueError:
            continue
        lines.append(line)
    return _Parsed(list(attempts.values()), lines, len(whole) - len(lines), bool(last))


def _line(line: bytes) -> dict[str, Any] | None:
    """The JSON object in a line of the ledger, with an id; None for anything else."""
    try:
        facts = json.loads(line, parse_constant=_refuse_constant)
        json.dumps(facts, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and isinstance(facts.get("id"), str) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _attempt(facts: dict[str, Any]) -> Attempt:
    """Raises ValueError for a missing key, a value of another type, and a state that there is not."""
    known = {field.name for field in fields(Attempt)}
    attempt = records.typed(Attempt, {name: value for name, value in facts.items() if name in known})
    if attempt.state not in STATES:
        raise ValueError(f"there is no state {attempt.state}")
    return attempt


def _bytes(file: Path) -> bytes:
    """What a ledger holds; nothing where there is none, or something else than a file in its place."""
    return file.read_bytes() if file.is_file() else b""


def _odd(file: Path) -> bool:
    """Whether something else than a file is in the ledger's place."""
    return os.path.lexists(file) and not file.is_file()


def _aside(competition: str) -> list[Path]:
    return sorted(places.runs(competition).glob(f"{ASIDE}*"))


def _mended(file: Path) -> None:
    """Make a ledger whole, to whose end lines can be added. A cut last line goes, since what it announces was not
    tried; after any other damage the ledger is kept under another name, and its readable lines go on."""
    parsed = _parse(text := _bytes(file))
    if not parsed.damaged and not _odd(file):
        if parsed.cut:
            os.truncate(file, text.rindex(b"\n") + 1 if b"\n" in text else 0)
        return
    names = (file.with_name(f"{ASIDE}{number}") for number in range(1, 10**6))
    if _odd(file):
        file.rename(kept := next(name for name in names if not os.path.lexists(name)))
        what = "is no file"
    else:
        # Copied, so that a kill leaves the damaged ledger, the mended one or both; the copy of a killed call is enough.
        kept = next(name for name in names if not os.path.lexists(name) or _bytes(name) == text)
        with places.whole(kept) as part:
            shutil.copy2(file, part)
        with places.whole(file) as part:
            part.write_bytes(b"".join(line + b"\n" for line in parsed.lines))
        what = f"has {count(parsed.damaged, 'damaged line')}, {len(parsed.lines):,} could be read"
    tell(f"{file} {what}. It is kept as {kept.name}; {client.place()} is asked what it has before anything is sent.")
