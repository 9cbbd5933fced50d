"""Code competitions: the notebook of a submission is run again on the hidden files, and what it leaves is scored.

Nothing that a re-run prints or writes is kept, and no method of the API gives any of it away: neither its log, nor its
files, nor their number or size. All that is told is a score, or the kind of an error.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from dataclasses import asdict, replace
from pathlib import Path

from kit.emulator import outcomes
from kit.emulator.grading import Grader
from kit.emulator.hosting import Hosted
from kit.emulator.outcomes import Outcome
from kit.emulator.sessions import Session, Sessions
from kit.emulator.store import Store
from kit.errors import KitError
from kit.sandbox import keeper, opened

_log = logging.getLogger(__name__)

RERUN = "KAGGLE_IS_COMPETITION_RERUN"
"""The variable by which a notebook knows that it is run again. Source: public notebooks, and kaggle_evaluation."""

LEAST_ROOM, ROOM = 4 << 20, 20
"""A submission may be so many times as large as the solution, and so many bytes more: `0.1234567890123456` may stand
where the solution has `1`."""


def most_bytes(hosted: Hosted) -> int:
    """Bytes that a submission may have: it is read into memory, so that 20 GB must not be sent in."""
    return LEAST_ROOM + ROOM * hosted.solution.stat().st_size


def mounted(session: Session, slug: str) -> str:
    """Where a session has a competition's files below `/kaggle/input`; empty where it has not."""
    places = (f"competitions/{slug}", slug) if slug in session.sources["competitionDataSources"] else ()
    return next((place for place in places if place in session.inputs), "")


class Reruns:
    """Runs notebooks again, those of one user one after the other, and hands what they leave to the grader.

    What was pending when the server stopped is run after the restart.
    """

    def __init__(self, store: Store, hosted: dict[str, Hosted], sessions: Sessions, grader: Grader) -> None:
        self._store, self._hosted, self._sessions, self._grader = store, hosted, sessions, grader
        self._queues: dict[str, queue.Queue[int | None]] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ends: set[threading.Event] = set()
        sql = """SELECT ref FROM submissions JOIN reruns USING (ref)
                 WHERE status = 'PENDING' AND path = '' ORDER BY ref"""
        for row in store.all(sql):
            self.add(row["ref"])

    def note(self, ref: int, session: Session) -> None:
        """Write down which version a submission runs again, as it is now: its notebook may be deleted meanwhile."""
        text = session.source.read_text(encoding="utf-8")
        self._store.run(
            "INSERT INTO reruns (ref, session, text) VALUES (?, ?, ?)", ref, json.dumps(asdict(session)), text
        )

    def add(self, ref: int) -> None:
        """Run the notebook of that submission in its turn; returns at once."""
        row = self._store.one("SELECT user FROM submissions WHERE ref = ?", ref)
        assert row is not None
        with self._lock:
            if row["user"] not in self._queues:
                waiting = self._queues[row["user"]] = queue.Queue()
                thread = threading.Thread(target=self._work, args=(waiting,), name="re-run", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._queues[row["user"]].put(ref)

    def settle(self) -> None:
        """Wait until no notebook is to be run again."""
        for waiting in list(self._queues.values()):
            waiting.join()

    def stop(self) -> None:
        """Stop what runs; it is run again after the next start."""
        self._stop.set()
        for ended in list(self._ends):
            ended.set()
        for waiting in self._queues.values():
            waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, waiting: queue.Queue[int | None]) -> None:
        while (ref := waiting.get()) is not None:
            if not self._stop.is_set():
                self._rerun(ref)
            waiting.task_done()

    def _rerun(self, ref: int) -> None:
        row = self._store.one("SELECT * FROM submissions JOIN reruns USING (ref) WHERE ref = ?", ref)
        hosted = self._hosted.get(row["slug"]) if row else None
        if row is None or hosted is None or hosted.code is None:  # hosted no more: it waits until it is again
            return
        folder = self._store.folder / "reruns" / str(ref)
        try:
            keeper.remove(folder)
            session = replace(Session(**json.loads(row["session"])), folder=str(folder), seconds=hosted.code.seconds)
            left = self._left(hosted, session, row["text"], row["name"])
            if self._stop.is_set():
                return
            if isinstance(left, Outcome):
                return self._end(ref, left)
            blob = Path("reruns") / f"{ref}.left"
            (self._store.folder / blob).write_bytes(left)
            self._store.run("UPDATE submissions SET path = ? WHERE ref = ?", str(blob), ref)
            self._grader.add(ref)
        except Exception:  # or the submissions after it would stay pending for ever
            _log.exception("running the notebook of submission %s again", ref)
            self._end(ref, outcomes.SYSTEM)
        finally:
            keeper.remove(folder)

    def _left(self, hosted: Hosted, session: Session, text: str, name: str) -> bytes | Outcome:
        """The submission that the notebook leaves on the hidden files, or how it fails to."""
        assert hosted.code is not None
        if self._sessions.mode == "off":
            return outcomes.OFF
        inputs = {place: Path(source) for place, source in session.inputs.items()}
        ended = threading.Event()
        self._ends.add(ended)
        if self._stop.is_set():
            ended.set()
        play = None
        inputs[mounted(session, hosted.slug)] = hosted.files if hosted.code.gateway else hosted.code.hidden
        if hosted.code.gateway:
            from kit.emulator import gateways  # which imports pandas

            play = gateways.Play(hosted, hosted.code.gateway, ended)
        try:
            beside = play.beside if play else None
            ending = self._sessions.again(session, text, inputs, {RERUN: "1"}, ended, beside=beside)
        except (ValueError, OSError, KitError) as error:
            _log.warning("The notebook of a submission to %s cannot be run: %s", hosted.slug, error)
            return outcomes.SYSTEM
        finally:
            self._ends.discard(ended)
        if play:
            return play.left(ending)
        if failed := outcomes.of(ending):
            if failed is outcomes.SYSTEM:
                _log.warning("The notebook of a submission to %s could not be run: %s", hosted.slug, ending.failure)
            return failed
        most = most_bytes(hosted)
        try:
            with opened.opened(session.working, name) as file:
                data = file.read(most + 1)
        except opened.Refused:
            return outcomes.NOT_FOUND
        return data if len(data) <= most else outcomes.SCORING

    def _end(self, ref: int, outcome: Outcome) -> None:
        with self._store.change():
            self._store.run("UPDATE reruns SET kind = ? WHERE ref = ?", outcome.kind, ref)
            self._store.run("UPDATE submissions SET status = 'ERROR', error = ? WHERE ref = ?", outcome.told, ref)
