"""Who works on a run: one process at a time, the others wait or are told who it is."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit import places, records
from kit.errors import KitError
from kit.notes import tell
from kit.train.runs import Run

LOCKS = ".locks"
"""The folder of locks in a run store: a lock in the run's own folder would go when the folder is deleted."""


class Busy(KitError):
    """Another process works on what this one wanted to work on."""


class Died(KitError):
    """A process that fitted a fold has died, and the run can be gone on with."""


@contextmanager
def alone(run: Run, *, wait: bool = False) -> Iterator[None]:
    """Nobody else works on the run within the block; the system lifts the lock of a process that dies.

    Raises KitError, naming the process, when another one works on the run and it is not to be waited for.
    """
    with _locked(run.folder.parent, run.name, f"run {run.name}", wait=wait, cure=f"kit runs {run.plan.competition}"):
        yield


@contextmanager
def choosing(competition: str) -> Iterator[None]:
    """Nobody else looks for a run of some plan, and makes one where there is none, within the block."""
    with _locked(places.runs(competition), "sweep", f"the choice of runs of {competition}", wait=True):
        yield


@contextmanager
def searching(competition: str, name: str) -> Iterator[None]:
    """Nobody else searches settings in the folder `name` of the run store within the block.

    Raises KitError, naming the process, when another one does.
    """
    cure = f"kit runs {competition}"
    with _locked(places.runs(competition), name, f"the search {name}", wait=False, cure=cure):
        yield


@contextmanager
def _locked(store: Path, name: str, what: str, *, wait: bool, cure: str = "") -> Iterator[None]:
    if places.on_kaggle():  # a kernel is one process, and what it leaves should be its results only
        yield
        return
    from filelock import FileLock, Timeout

    folder = store / LOCKS
    folder.mkdir(parents=True, exist_ok=True)
    lock, note = FileLock(folder / f"{name}.lock"), folder / f"{name}.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = _who(note)
        if not wait:
            raise Busy(
                f"{who} works on {what}.",
                "One process at a time may, or each would undo what the other does. Wait for it, or stop it.",
                f"{cure}  # shows when it is finished",
            ) from None
        tell(f"Waiting: {who} works on {what}.")
        lock.acquire()
    try:
        facts = {"process": os.getpid(), "machine": platform.node(), "since": records.now()}
        records.write_json(note, facts)
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _who(note: Path) -> str:
    """Who holds a lock, as far as it has said so."""
    try:
        facts = records.read_json(note)
    except KitError:
        facts = {}
    if not facts:
        return "Another process"
    return f"Process {facts.get('process')} on {facts.get('machine')}, since {facts.get('since')},"
