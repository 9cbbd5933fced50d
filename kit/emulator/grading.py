"""Submissions graded with the competition's own metric, and refused in Kaggle's words."""

from __future__ import annotations

import logging
import queue
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kit.emulator import outcomes
from kit.emulator.hosting import Hosted
from kit.emulator.store import Store
from kit.emulator.values import is_nothing
from kit.errors import KitError
from kit.task import submission

_log = logging.getLogger(__name__)

_WORDS = (
    (r"required column ('.*?') could not be found", r"Required column \1 could not be found"),
    (r"unexpected column '(.*?)'", r"Unexpected Column: \1"),
    (r"column '(.*?)' stands twice", r"Column '\1' is duplicated"),
    (r"it is empty", r"The submission file is empty"),
)
# Wording: errors that users quote in kaggle-cli#400, #414, #419, #509 and #1190, and in threads on kaggle.com.


@dataclass(frozen=True)
class Graded:
    """The scores of a submission, five decimals as Kaggle shows them."""

    public: str
    private: str


class Rejected(Exception):
    """A submission file that cannot be scored; the message is what Kaggle's `errorDescription` says."""


def grade(hosted: Hosted, data: bytes) -> Graded:
    """The scores of a submission file.

    Raises Rejected for a wrong encoding or header, for missing, repeated or unknown ids, and for values that are
    empty or that the target columns cannot hold, and where the metric cannot score them. 28,000 rows take about
    0.05 s.
    """
    form, answers = hosted.form, hosted.answers
    try:
        rows = submission.parse(form, data.decode("utf-8"), Path("submission.csv"))
    except UnicodeDecodeError:
        raise Rejected("The submission file must be UTF-8 encoded.") from None
    except KitError as error:
        raise Rejected(_kaggles_words(", ".join(form.keys), error.wrong)) from None
    if len(rows) != len(answers.ids):
        raise Rejected(f"Submission must have {len(answers.ids)} rows")
    if missing := sum(name not in rows for name in answers.ids):
        raise Rejected(f"Unable to find {missing} required key values in the '{', '.join(form.keys)}' column")
    try:
        pred = answers.values.array(rows, answers.ids)
    except ValueError as error:
        raise _rejected(hosted, rows, str(error)) from None
    return Graded(*(score(hosted, pred, part) for part in (answers.public, answers.private)))


def score(hosted: Hosted, pred: np.ndarray, part: np.ndarray) -> str:
    """The score of predictions, in the order of the answers, on the rows `part`; empty where there are none.

    Raises Rejected where the metric cannot score them.
    """
    if not part.any():
        return ""
    try:
        return f"{hosted.score(pred, part):.5f}"
    except KitError as error:
        _log.info("scoring %s", hosted.slug, exc_info=True)
        raise Rejected(f"Evaluation Exception: {error.wrong}") from error


def _rejected(hosted: Hosted, rows: submission.Rows, wrong: str) -> Rejected:
    """What is said of the first row that holds a text which stands for no value."""
    for line, row in enumerate(rows.values(), 2):
        for column, text in zip(hosted.form.targets, row, strict=True):
            if is_nothing(text) and text not in hosted.answers.values.known:
                return Rejected(f"Submission contains null values: column '{column}' (Line {line})")
        if wrong in row:
            return Rejected(f"Unable to evaluate the value {', '.join(map(repr, row))} (Line {line})")
    raise AssertionError(wrong)


def _kaggles_words(key: str, wrong: str) -> str:
    if repeated := re.search(r"row ([\d,]+), column .* repeats the id (.*)\.$", wrong):
        line = int(repeated[1].replace(",", "")) + 1
        return f"The value '{repeated[2]}' in the key column '{key}' has already been defined (Line {line})"
    for pattern, words in _WORDS:
        if matched := re.search(pattern, wrong):
            return matched.expand(words)
    return wrong.partition("would be refused: ")[2] or wrong


class Grader:
    """Grades submissions one after the other, in a thread of its own.

    One at a time, because grading holds the interpreter: more would only make each slower. What was pending when the
    server stopped is graded after the restart.
    """

    def __init__(self, store: Store, hosted: dict[str, Hosted], seconds: float = 0.0) -> None:
        self._store, self._hosted, self._seconds = store, hosted, seconds
        self._queue: queue.Queue[int | None] = queue.Queue()
        self._open = threading.Event()
        self._open.set()
        self._stopping = False
        waiting = (
            "SELECT ref FROM submissions WHERE status = 'PENDING' AND path != '' ORDER BY ref"  # else it is re-run
        )
        for row in store.all(waiting):
            self._queue.put(row["ref"])
        self._thread = threading.Thread(target=self._work, name="grader", daemon=True)
        self._thread.start()

    def add(self, ref: int) -> None:
        """Grade that submission in its turn."""
        self._queue.put(ref)

    def hold(self) -> None:
        """Leave submissions pending until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Go on grading."""
        self._open.set()

    def settle(self) -> None:
        """Wait until nothing is pending."""
        self._queue.join()

    def stop(self) -> None:
        """Finish what is being graded, and stop."""
        self._stopping = True
        self._open.set()
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while True:
            ref = self._queue.get()
            try:
                self._open.wait()
                if ref is None or self._stopping:
                    return
                if self._seconds:
                    threading.Event().wait(self._seconds)
                self._grade(ref)
            finally:
                self._queue.task_done()

    def _grade(self, ref: int) -> None:
        row = self._store.one("SELECT slug, path FROM submissions WHERE ref = ?", ref)
        hosted = self._hosted.get(row["slug"]) if row else None
        if row is None or hosted is None:
            return
        rerun = self._store.one("SELECT 1 FROM reruns WHERE ref = ?", ref)
        try:
            graded = grade(hosted, (self._store.folder / row["path"]).read_bytes())
            values = ("COMPLETE", "", graded.public, graded.private)
        except Rejected as error:
            values = ("ERROR", str(error), "", "")
            if rerun:  # the reason would tell of hidden rows
                values = ("ERROR", outcomes.SCORING.told, "", "")
                self._store.run("UPDATE reruns SET kind = ? WHERE ref = ?", outcomes.SCORING.kind, ref)
        except Exception:
            # A metric that raises must not end the thread: everybody's next submission would stay pending for ever.
            _log.exception("grading submission %s of %s", ref, row["slug"])
            values = ("ERROR", "Evaluation Exception: the metric could not score this file", "", "")
        self._store.run("UPDATE submissions SET status=?, error=?, public=?, private=? WHERE ref=?", *values, ref)
        if rerun:  # it may hold hidden rows
            (self._store.folder / row["path"]).unlink(missing_ok=True)
