"""Submissions: made of files and of notebooks, listed, and counted. One function for each method of the service."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from pathlib import Path
from sqlite3 import Row
from typing import Any, NamedTuple

from kit.emulator import clock, files, outcomes, standings, uploads
from kit.emulator.hosting import Hosted
from kit.emulator.reruns import most_bytes, mounted
from kit.emulator.sessions import OFF, Session
from kit.emulator.site import Call, Site
from kit.emulator.wire import Redirect, Refusal, page
from kit.sandbox import opened

_SITE = "https://www.kaggle.com"


def start_submission_upload(call: Call) -> dict[str, Any]:
    """A place to upload a submission to."""
    hosted = call.competition()
    _check_entered(call, hosted)
    return uploads.start(call, call.text("fileName") or "submission.csv", most=most_bytes(hosted))


def create_submission(call: Call) -> dict[str, Any]:
    """Submit what was uploaded. It stays pending until it is graded."""
    hosted = call.competition()
    _check_entered(call, hosted)
    if hosted.kernels_only:
        raise Refusal(400, "This competition only accepts Submissions from Notebooks.")
    blob = uploads.finished(call, call.text("blobFileTokens"))
    path = Path("blobs") / blob["token"]
    return _submit(call, hosted, blob["name"], path, call.text("submissionDescription"))


def create_code_submission(call: Call) -> dict[str, Any]:
    """Submit a file that a version of a notebook has written. In a code competition that version is run again, on the
    hidden files, and what counts is the file of that name that it writes then."""
    hosted = call.competition()
    _check_entered(call, hosted)
    owner, slug, number = call.text("kernelOwner"), call.text("kernelSlug"), call.number("kernelVersion")
    session = call.site.sessions.find(owner, slug, number)
    if session is None or (owner != call.user.name and session.private):
        # The misleading words are Kaggle's, as users report them.
        raise Refusal(403, "Permission 'kernelSessions.get' was denied")
    if session.status != "COMPLETE":
        why = f": {OFF}" if session.failure == OFF else ""
        raise Refusal(400, f"Notebook version {number} has not finished successfully (status {session.status}){why}")
    name = call.text("fileName") or "submission.csv"
    blob = Path("blobs") / secrets.token_urlsafe(24)
    try:
        opened.copy(session.working, name, call.store.folder / blob, most=uploads.MOST)
    except opened.Refused:
        raise Refusal(400, f"Notebook version {number} has no output file {name}") from None
    if hosted.code is None:
        return _submit(call, hosted, name, blob, call.text("submissionDescription"))
    (call.store.folder / blob).unlink()
    _check_requirements(call, hosted, session)
    return _submit(call, hosted, name, None, call.text("submissionDescription"), session)


def list_submissions(call: Call) -> dict[str, Any]:
    """The caller's submissions, newest first."""
    hosted = call.competition()
    _check_entered(call, hosted)
    sql = "SELECT * FROM submissions WHERE slug = ? AND user = ? ORDER BY ref DESC"
    rows = call.store.all(sql, hosted.slug, call.user.name)
    if call.text("group") == "SUBMISSION_GROUP_SUCCESSFUL":
        rows = [row for row in rows if row["status"] == "COMPLETE"]
    if call.text("sortBy") == "SUBMISSION_SORT_BY_NAME":
        rows.sort(key=lambda row: row["name"])
    if call.text("sortBy") == "SUBMISSION_SORT_BY_PUBLIC_SCORE":
        sign = -1 if hosted.metric.higher_is_better else 1
        rows.sort(key=lambda row: sign * float(row["public"]) if row["public"] else float("inf"))
    shown, token = page(rows, call.body)
    return {"submissions": [_submission(call, hosted, row) for row in shown], "nextPageToken": token}


def get_submission(call: Call) -> dict[str, Any]:
    """One of the caller's submissions."""
    row, hosted = _own(call, "ref")
    return _submission(call, hosted, row)


def download_submission(call: Call) -> Redirect:
    """The file of one of the caller's submissions."""
    row, _ = _own(call, "submissionId")
    if _rerun(call, row) is not None:
        raise Refusal(403, "Permission 'submissions.download' was denied")
    copy = call.store.folder / "files" / "submissions" / str(row["ref"]) / Path(row["name"]).name
    files.built(copy, lambda part: part.write_bytes((call.store.folder / row["path"]).read_bytes()))
    return Redirect(call.link(copy.parent, copy.name))


def get_submission_limits(call: Call) -> dict[str, Any]:
    """How many submissions are made, and how many may be made now."""
    hosted = call.competition()
    _check_entered(call, hosted)
    today, total = _made(call, hosted)
    left = max(hosted.daily - today, 0)
    by_total = bool(hosted.total) and hosted.total - total < left
    left = max(min(left, hosted.total - total), 0) if hosted.total else left
    return {"numToday": today, "numTotal": total, "numAllowedNow": left, "limitedByTotal": by_total}


class Sent(NamedTuple):
    """A submission as a page shows it: when, the file or the version of a notebook, and its score, the kind of its
    error, or that it is pending."""

    at: str
    what: str
    outcome: str


def lately(site: Site, hosted: Hosted, user: str, most: int) -> list[Sent]:
    """The newest submissions of a user."""
    sql = """SELECT * FROM submissions LEFT JOIN reruns USING (ref) WHERE slug = ? AND user = ?
             ORDER BY ref DESC LIMIT ?"""
    return [_sent(row) for row in site.store.all(sql, hosted.slug, user, most)]


def _sent(row: Row) -> Sent:
    what = row["name"]
    if row["session"]:
        session = Session(**json.loads(row["session"]))
        what = f"{session.slug}, version {session.number}"
    outcomes = {"COMPLETE": row["public"], "PENDING": "pending", "ERROR": row["kind"] or "error"}
    return Sent(row["at"], what, outcomes[row["status"]])


def _check_entered(call: Call, hosted: Hosted) -> None:
    if not call.store.has_accepted(hosted.slug, call.user.name):
        raise Refusal(403, "You cannot submit until you accept the competition rules")


def _check_requirements(call: Call, hosted: Hosted, session: Session) -> None:
    """Raises Refusal for a version that a code competition does not take. The words on internet access are Kaggle's."""
    if call.site.sessions.mode == "off":
        raise Refusal(400, OFF)
    if session.internet:
        raise Refusal(
            400,
            "Your Notebook cannot use internet access in this competition. Please disable internet in the Notebook "
            "editor and save a new version.",
        )
    if not mounted(session, hosted.slug):
        raise Refusal(400, f"Your Notebook must use the competition's data: add {hosted.slug} to its inputs.")


def _submit(
    call: Call, hosted: Hosted, name: str, path: Path | None, description: str, session: Session | None = None
) -> dict[str, Any]:
    """Submit a file of the server's folder, or in a code competition the session of a notebook's version."""
    if call.site.over(hosted) and not hosted.late:
        raise Refusal(400, "The competition deadline has passed: submissions are closed.")
    size = (call.store.folder / path).stat().st_size if path else 0
    if size > most_bytes(hosted):
        raise Refusal(400, f"The submission file may have at most {most_bytes(hosted)} bytes")
    with call.store.change():  # counting and inserting in one, or two clients would take the last slot at once
        today, total = _made(call, hosted)
        if today >= hosted.daily:
            hours = (_midnight(call) - call.site.clock.now()) / timedelta(hours=1)
            raise Refusal(
                400,
                f"Your team has used its daily Submission allowance ({hosted.daily}) today, "
                f"please try again tomorrow UTC ({hours:.1f} hours from now).",
            )
        if hosted.total and total >= hosted.total:
            raise Refusal(400, f"Your team has used its total Submission allowance ({hosted.total}).")
        standings.team(call.store, hosted.slug, call.user.name, call.now)
        ref = call.store.number()
        call.store.run(
            "INSERT INTO submissions (ref, slug, user, name, description, bytes, path, at, status) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PENDING')",
            *(ref, hosted.slug, call.user.name, name, description, size, str(path or ""), call.now),
        )
        if session:
            call.site.reruns.note(ref, session)
    (call.site.reruns if session else call.site.grader).add(ref)
    return {"message": f"Successfully submitted to {hosted.title}", "ref": ref}


def _made(call: Call, hosted: Hosted) -> tuple[int, int]:
    """Submissions of today (UTC) and of all days. Files that could not be scored are not counted, and re-runs that
    failed are, unless the system was to blame."""
    today = clock.text(_midnight(call) - timedelta(days=1))
    sql = """SELECT count(*) AS total, sum(at >= ?) AS today FROM submissions LEFT JOIN reruns USING (ref)
             WHERE slug = ? AND user = ? AND (status != 'ERROR' OR kind != ?)"""
    row = call.store.one(sql, today, hosted.slug, call.user.name, outcomes.SYSTEM.kind)
    return (0, 0) if row is None else (row["today"] or 0, row["total"])


def _midnight(call: Call) -> Any:
    """The coming midnight in UTC."""
    return (call.site.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _own(call: Call, key: str) -> tuple[Row, Hosted]:
    row = call.store.one("SELECT * FROM submissions WHERE ref = ?", call.number(key))
    if row is None or row["user"] != call.user.name or row["slug"] not in call.site.hosted:
        raise Refusal(404, f"Submission {call.number(key)} not found")
    return row, call.site.hosted[row["slug"]]


def _rerun(call: Call, row: Row) -> Row | None:
    """What is known of the re-run of a submission; None for one of a file."""
    return call.store.one("SELECT kind FROM reruns WHERE ref = ?", row["ref"])


def _submission(call: Call, hosted: Hosted, row: Row) -> dict[str, Any]:
    # A re-run that failed is COMPLETE, without a score and with an error. Source: several users' answers of 2026.
    status = "COMPLETE" if row["status"] == "ERROR" and _rerun(call, row) is not None else row["status"]
    shown = call.site.private_scores or call.site.over(hosted)
    return {
        "ref": row["ref"],
        "totalBytes": row["bytes"],
        "date": row["at"],
        "description": row["description"],
        "errorDescription": row["error"],
        "fileName": row["name"],
        "publicScore": row["public"],
        "privateScore": row["private"] if shown else "",
        "status": status,
        "submittedBy": row["user"],
        "submittedByRef": row["user"],
        "teamName": row["user"],
        "url": f"{_SITE}/submissions/{row['ref']}/{row['ref']}.raw",
    }
