"""Competitions: lists, files, leaderboards and discussions. One function for each method of the service."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from kit.emulator import files, standings
from kit.emulator.hosting import Hosted
from kit.emulator.site import Call
from kit.emulator.wire import Download, Redirect, Refusal, page

_SITE = "https://www.kaggle.com"


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
    if hosted.code:
        hours = f"{hosted.code.seconds / 3600:g}"
        pages["code-requirements"] = (
            "Submissions to this competition must be made through Notebooks, which are run again on a hidden test set. "
            f"CPU Notebook <= {hours} hours run-time. GPU Notebook <= {hours} hours run-time. Internet access disabled."
        )
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
