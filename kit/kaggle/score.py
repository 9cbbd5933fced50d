"""The score of a submission: waited for, and recorded in the ledger and beside the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kit import places, records
from kit.errors import KitError
from kit.kaggle import client, leaderboard, ledger, progress
from kit.kaggle.client import Client, Refusal
from kit.kaggle.ledger import Attempt
from kit.notes import tell
from kit.task.catalog import Entry

WAITS = (0.3, 0.7, 1.0, 2.0, 3.0, 5.0, 10.0)
"""Seconds between two looks; the last one for all that follow. Small files are scored within seconds."""

PATIENCE = 1800.0
"""Seconds that a score is waited for: competitions that score slowly take minutes."""

LAG = 30.0
"""Seconds in which a submission that was just made may still be unknown."""


def settle(entry: Entry, attempt: Attempt, kaggle: Client, name: str) -> Attempt:
    """The attempt with its score and rank, recorded; at once where they are known already.

    Raises KitError when Kaggle could not score the file, or takes longer than PATIENCE.
    """
    facts: dict[str, Any] = {}
    if attempt.state == ledger.SENT:
        with progress.waiting(f"Submission {attempt.ref}") as show:
            scored = _scored(attempt.ref, kaggle, name, show)
        facts = {
            "state": ledger.ERROR if _failed(scored) else ledger.COMPLETE,
            "public_score": _number(scored.public_score),
            "private_score": _number(scored.private_score),
            "reason": scored.error_description or "",
        }
    if facts.get("state", attempt.state) == ledger.COMPLETE and attempt.teams is None:
        facts |= _place(kaggle, name)
    if facts:
        with ledger.locked(entry.name) as book:
            attempt = book.change(attempt, **facts)
    record(entry, attempt)
    if attempt.state == ledger.ERROR:
        place = "The emulator" if client.emulated() else "Kaggle"
        raise KitError(
            f"{place} could not score submission {attempt.ref}: {attempt.reason or 'no reason given'}",
            "The same bytes would fail again; --force sends them all the same.",
            f"kit submit {entry.name} {attempt.run or attempt.file} --dry-run",
        )
    return attempt


def record(entry: Entry, attempt: Attempt) -> None:
    """Write what is known of an attempt into its run's `kaggle.json`; `run.json` is never changed."""
    file = places.runs(entry.name) / (attempt.run or "") / "kaggle.json"
    if attempt.run is None or not file.parent.is_dir():  # what was sent stays sent, even if the run is gone
        return
    records.write_json(
        file,
        records.read_json(file)  # a pulled run's holds its kernel
        | {
            "ref": attempt.ref,
            "status": {ledger.SENT: "pending"}.get(attempt.state, attempt.state),
            "public_score": attempt.public_score,
            "private_score": attempt.private_score,
            "rank": attempt.rank,
            "teams": attempt.teams,
            "when": attempt.at,
            "server": attempt.server,
            "user": attempt.user,
            "message": attempt.message,
            "sha256": attempt.sha256,
            "error": attempt.reason,
        },
    )


def _scored(ref: int, kaggle: Client, name: str, show: Callable[[str], None]) -> Any:
    """The submission once it is no longer pending."""
    started = time.monotonic()
    for turn in range(10**6):
        waited = time.monotonic() - started
        try:
            submission = kaggle.ask("Asking for the score", "competitions.get_submission", safe=True, ref=ref)
            state = _state(submission)
        except Refusal as refusal:
            if refusal.status not in (403, 404) or waited > LAG:
                raise
            state = "PENDING"
        show(state.lower())
        if state != "PENDING":
            return submission
        if waited > PATIENCE:
            break
        time.sleep(WAITS[min(turn, len(WAITS) - 1)])
    raise KitError(
        f"Submission {ref} has no score after {PATIENCE / 60:.0f} minutes.",
        "It was sent, and stays with Kaggle. The same command asks again, and sends nothing twice.",
        f"https://www.kaggle.com/competitions/{name}/submissions",
    )


def _state(submission: Any) -> str:
    return getattr(submission.status, "name", str(submission.status))


def _failed(submission: Any) -> bool:
    """Whether there will be no score. A notebook whose re-run failed is COMPLETE, with an error and without a score.
    Source: several users' answers of Kaggle's API in 2026."""
    unscored = not (submission.public_score or submission.private_score)
    return _state(submission) == "ERROR" or (unscored and bool(submission.error_description))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _place(kaggle: Client, name: str) -> dict[str, Any]:
    """Rank and number of teams; nothing where the leaderboard cannot be had, which takes nothing from the score."""
    try:
        board = leaderboard.download(kaggle, name)
    except KitError as error:
        tell(f"The leaderboard is not to be had: {error.wrong}")
        return {}
    own = board.own(kaggle.user)
    return {"rank": own.rank if own else None, "teams": board.teams}
