"""Competitions: lists, files, submissions and leaderboards. One function for each method of the service."""

from __future__ import annotations

import io
import secrets
import zipfile
from datetime import timedelta
from pathlib import Path
from sqlite3 import Row
from typing import Any

from kit.emulator import clock, files, standings, uploads
from kit.emulator.hosting import Hosted
from kit.emulator.site import Call
from kit.emulator.wire import Download, Redirect, Refusal, page
from kit.sandbox import opened

_SITE = "https://www.kaggle.com"

_LEAST_ROOM, _ROOM = 4 << 20, 20
"""A submission may be so many times as large as the solution, and so many bytes more: `0.1234567890123456` may stand
where the solution has `1`."""


def list_competitions(call: Call) -> dict[str, Any]:
    """Competitions by tab, category and search words."""
    listed = list(call.site.hosted.values())
    if call.text("group") == "COMPETITION_LIST_TAB_ENTERED":
        listed = [hosted for hosted in listed if call.store.has_accepted(hosted.slug, call.user.name)]
    segment = call.text("category").removeprefix("HOST_SEGMENT_").replace("_", " ").lower()
    if segment and segment != "unspecified":
        listed = [hosted for hosted in listed if hosted.category.lower() == segment]
    if words := call.text("search").lower():
        listed = [hosted for hosted in listed if words in f"{hosted.slug} {hosted.title} {hosted.description}".lower()]
    if call.text("sortBy") in ("COMPETITION_SORT_BY_EARLIEST_DEADLINE", "COMPETITION_SORT_BY_LATEST_DEADLINE"):
        listed.sort(key=lambda hosted: hosted.deadline, reverse="LATEST" in call.text("sortBy"))
    if call.text("sortBy") == "COMPETITION_SORT_BY_NUMBER_OF_TEAMS":
        listed.sort(key=lambda hosted: -standings.count(call.store, hosted))
    shown, token = page(listed, call.body)
    return {"competitions": [_described(call, hosted) for hosted in shown], "nextPageToken": token}


def get_competition(call: Call) -> dict[str, Any]:
    """One competition."""
    return _described(call, call.competition())


def list_competition_pages(call: Call) -> dict[str, Any]:
    """The texts of a competition: overview, evaluation, rules."""
    hosted = call.competition()
    columns = ",".join(hosted.form.columns)
    pages = {
        "overview": hosted.description or hosted.title,
        "evaluation": f"Submissions are scored by {hosted.metric.name}. The header is `{columns}`.",
        "rules": f"{hosted.rules} At most {hosted.daily} submissions a day.",
    }
    wanted = call.text("pageName")
    return {
        "pages": [
            {"name": name, "content": content, "isPublished": True, "postTitle": name.title(), "mimeType": "text/plain"}
            for name, content in pages.items()
            if wanted in ("", name)
        ]
    }


def list_data_files(call: Call) -> dict[str, Any]:
    """The files that competitors download."""
    hosted = call.competition(entered=True)
    shown, token = page(hosted.public_files, call.body)
    return {"files": [_file(name, path) for name, path in shown], "nextPageToken": token}


def download_data_file(call: Call) -> Redirect:
    """One file, by the name it is listed under."""
    hosted = call.competition(entered=True)
    return Redirect(call.link(hosted.files, files.listed(hosted.files, call.text("fileName"))))


def download_data_files(call: Call) -> Redirect:
    """All files in one archive."""
    hosted = call.competition(entered=True)
    stamp = max((path.stat().st_mtime_ns for _, path in hosted.public_files), default=0)
    archive = call.store.folder / "files" / "competitions" / f"{stamp}" / f"{hosted.slug}.zip"
    files.zipped(archive, hosted.files)
    return Redirect(call.link(archive.parent, archive.name))


def start_submission_upload(call: Call) -> dict[str, Any]:
    """A place to upload a submission to."""
    hosted = call.competition()
    _check_entered(call, hosted)
    return uploads.start(call, call.text("fileName") or "submission.csv", most=_most_bytes(hosted))


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
    """Submit a file that a version of a notebook has written."""
    hosted = call.competition()
    _check_entered(call, hosted)
    owner, slug, number = call.text("kernelOwner"), call.text("kernelSlug"), call.number("kernelVersion")
    session = call.site.sessions.find(owner, slug, number)
    if session is None or (owner != call.user.name and session.private):
        # The misleading words are Kaggle's, as users report them.
        raise Refusal(403, "Permission 'kernelSessions.get' was denied")
    if session.status != "COMPLETE":
        raise Refusal(400, f"Notebook version {number} has not finished successfully (status {session.status})")
    name = call.text("fileName") or "submission.csv"
    blob = Path("blobs") / secrets.token_urlsafe(24)
    try:
        opened.copy(session.working, name, call.store.folder / blob, most=uploads.MOST)
    except opened.Refused:
        raise Refusal(400, f"Notebook version {number} has no output file {name}") from None
    return _submit(call, hosted, name, blob, call.text("submissionDescription"))


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


def get_leaderboard(call: Call) -> dict[str, Any]:
    """The leaderboard in pages: private after the deadline, unless the caller asks for the public one."""
    hosted = call.competition()
    private = call.site.over(hosted) and not call.flag("overridePublic")
    shown, token = page(standings.board(call.store, hosted, private=private, now=call.now), call.body)
    rows = [
        {"teamId": place.id, "teamName": place.name, "submissionDate": place.at, "score": place.score}
        for place in shown
    ]
    return {"submissions": rows, "nextPageToken": token}


def download_leaderboard(call: Call) -> Download:
    """The whole leaderboard: a CSV file in an archive, sent without a redirect."""
    hosted = call.competition()
    private = call.site.over(hosted)
    table = standings.table(standings.board(call.store, hosted, private=private, now=call.now))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr(f"{hosted.slug}-{'private' if private else 'public'}leaderboard-{call.now[:19]}.csv", table)
    return Download(archive.getvalue(), "application/zip", f"{hosted.slug}.zip")


def list_competition_topics(call: Call) -> dict[str, Any]:
    """The discussions of a competition."""
    hosted = call.competition()
    topics = [topic for topic in call.store.documents("topic") if topic["of"] == f"competitions/{hosted.slug}"]
    shown, _ = page(topics, call.body)
    return {
        "topics": [
            {
                "id": topic["id"],
                "title": topic["title"],
                "topicUrl": f"{_SITE}/competitions/{hosted.slug}/discussion/{topic['id']}",
                "authorName": topic["author"],
                "commentCount": len(topic["comments"]),
                "postDate": topic["at"],
                "lastCommentPostDate": topic["at"],
            }
            for topic in shown
        ],
        "totalCount": len(topics),
    }


def list_topic_messages(call: Call) -> dict[str, Any]:
    """The messages of a discussion."""
    call.competition()
    topic = call.store.get("topic", str(call.number("topicId")))
    if topic is None:
        raise Refusal(404, "Topic not found")
    texts = [topic["content"], *topic["comments"]]
    return {
        "messages": [
            {"id": topic["id"] * 100 + i, "postDate": topic["at"], "content": text, "authorName": topic["author"]}
            for i, text in enumerate(texts)
        ]
    }


def _check_entered(call: Call, hosted: Hosted) -> None:
    if not call.store.has_accepted(hosted.slug, call.user.name):
        raise Refusal(403, "You cannot submit until you accept the competition rules")


def _submit(call: Call, hosted: Hosted, name: str, path: Path, description: str) -> dict[str, Any]:
    if call.site.over(hosted) and not hosted.late:
        raise Refusal(400, "The competition deadline has passed: submissions are closed.")
    size = (call.store.folder / path).stat().st_size
    if size > _most_bytes(hosted):
        raise Refusal(400, f"The submission file may have at most {_most_bytes(hosted)} bytes")
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
            *(ref, hosted.slug, call.user.name, name, description, size, str(path), call.now),
        )
    call.site.grader.add(ref)
    return {"message": f"Successfully submitted to {hosted.title}", "ref": ref}


def _most_bytes(hosted: Hosted) -> int:
    """Bytes that a submission may have: it is read into memory, so that 20 GB must not be sent in."""
    return _LEAST_ROOM + _ROOM * hosted.solution.stat().st_size


def _made(call: Call, hosted: Hosted) -> tuple[int, int]:
    """Submissions of today (UTC) and of all days; those that could not be scored are not counted."""
    today = clock.text(_midnight(call) - timedelta(days=1))
    sql = (
        "SELECT count(*) AS total, sum(at >= ?) AS today FROM submissions WHERE slug=? AND user=? AND status != 'ERROR'"
    )
    row = call.store.one(sql, today, hosted.slug, call.user.name)
    return (0, 0) if row is None else (row["today"] or 0, row["total"])


def _midnight(call: Call) -> Any:
    """The coming midnight in UTC."""
    return (call.site.clock.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def _own(call: Call, key: str) -> tuple[Row, Hosted]:
    row = call.store.one("SELECT * FROM submissions WHERE ref = ?", call.number(key))
    if row is None or row["user"] != call.user.name or row["slug"] not in call.site.hosted:
        raise Refusal(404, f"Submission {call.number(key)} not found")
    return row, call.site.hosted[row["slug"]]


def _submission(call: Call, hosted: Hosted, row: Row) -> dict[str, Any]:
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
        "status": row["status"],
        "submittedBy": row["user"],
        "submittedByRef": row["user"],
        "teamName": row["user"],
        "url": f"{_SITE}/submissions/{row['ref']}/{row['ref']}.raw",
    }


def _described(call: Call, hosted: Hosted) -> dict[str, Any]:
    return {
        "id": 1 + list(call.site.hosted).index(hosted.slug),
        "ref": f"{_SITE}/competitions/{hosted.slug}",
        "title": hosted.title,
        "url": f"{_SITE}/competitions/{hosted.slug}",
        "description": hosted.description,
        "category": hosted.category,
        "reward": hosted.reward,
        "deadline": hosted.deadline,
        "teamCount": standings.count(call.store, hosted),
        "userHasEntered": call.store.has_accepted(hosted.slug, call.user.name),
        "maxDailySubmissions": hosted.daily,
        "maxTeamSize": 1,
        "evaluationMetric": hosted.metric.name,
        "isKernelsSubmissionsOnly": hosted.kernels_only,
        "submissionsDisabled": call.site.over(hosted) and not hosted.late,
    }


def _file(name: str, path: Path) -> dict[str, Any]:
    return {"ref": name, "name": name, "totalBytes": path.stat().st_size, "creationDate": files.modified(path)}
