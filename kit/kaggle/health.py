"""Whether Kaggle can be used from here, and whether it still behaves as this package assumes. Nothing is changed."""

from __future__ import annotations

import csv
import io
import os
import platform
import time
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from kit import __version__, places
from kit.errors import KitError
from kit.kaggle import client, credentials, leaderboard, transfer
from kit.kaggle.client import Client, Refusal
from kit.notes import tell
from kit.task import catalog
from kit.task.sources import KaggleCompetition

Line = tuple[str, str, str]
"""What was examined, what was found, and the cure where something is wrong."""

NOBODY = "kit-doctor-asks-for-what-is-not-there"
"""A slug that nobody has."""

EXAMPLE = "titanic"
"""A competition that has been on Kaggle for years, for checks by a user who has entered none of the catalog's."""


def lines() -> list[Line]:
    """What `kit doctor` says of Kaggle; without credentials it neither imports the client nor goes online."""
    usable = credentials.find()
    if not usable:
        right = credentials.missing().right
        return [("Kaggle credentials", f"none, so only local work is possible. {right}", "")]
    told = [_credentials(usable)]
    try:
        started = time.perf_counter()
        kaggle = client.connect(tries=1)
        answer = kaggle.ask("Asking for competitions", "competitions.list_competitions", safe=False, page_size=1)
        seconds = time.perf_counter() - started
    except KitError as error:
        return [*told, ("Kaggle", error.wrong, error.cure or error.right or "kit doctor --live")]
    count = f"{client.server()} answers {kaggle.user} within {seconds:.1f} s"
    told.append(("Kaggle", count if answer.competitions else f"{count}, with an empty list", ""))
    for entry in catalog.entries():
        if isinstance(entry.competition.source, KaggleCompetition):
            told.append(_entered(kaggle, entry.competition.source.slug))
    told.append(_hours(kaggle))
    return told


def _credentials(usable: list[credentials.Credential]) -> Line:
    first, *others = usable
    text = f"{first.where} ({first.kind})"
    if hidden := list(dict.fromkeys(other.where for other in others if other.where != first.where)):
        text += f", which comes before {', '.join(hidden)}"
    file = places.named(first.where)
    if file.is_file() and file.stat().st_mode & 0o077:
        return ("Kaggle credentials", f"{text}; other users of this machine can read it", f"chmod 600 {file}")
    return ("Kaggle credentials", text, "")


def _entered(kaggle: Client, slug: str) -> Line:
    """Rules and today's limit of a competition."""
    try:
        kaggle.ask(
            f"Listing {slug}",
            "competitions.list_data_files",
            safe=False,
            competition_name=slug,
            page_size=1,
        )
        left = kaggle.ask(
            "Asking for the limit",
            "competitions.get_submission_limits",
            safe=False,
            competition_name=slug,
        )
    except KitError as error:
        return (f"competition {slug}", error.wrong, error.cure or error.right or "kit doctor --live")
    return (f"competition {slug}", f"entered; {left.num_allowed_now} submissions left, {left.num_today} sent today", "")


def _hours(kaggle: Client) -> Line:
    """What is left of the week's accelerator hours."""
    try:
        answer = kaggle.ask("Asking for the quota", "kernels.get_accelerator_quota_statistics", safe=False)
    except KitError as error:
        return ("accelerator hours", f"not known: {error.wrong}", "")
    told = []
    for kind, quota in (("GPU", answer.gpu_quota), ("TPU", answer.tpu_quota)):
        if quota is not None:
            used, total = (span.total_seconds() / 3600 for span in (quota.time_used, quota.total_time_allowed))
            told.append(f"{kind} {max(total - used, 0):.1f} of {total:.0f} left this week")
    return ("accelerator hours", ", ".join(told) or "not told", "")


class Check(NamedTuple):
    """An assumption about Kaggle, and what was seen. `holds` is None where it could not be looked at."""

    assumption: str
    seen: str
    holds: bool | None


Examined = tuple[bool | None, str]


def live() -> list[Check]:
    """Each assumption compared with the server, by reading only: nothing is submitted, uploaded, pushed or accepted.

    Raises KitError when there are no credentials, or they are refused.
    """
    kaggle = client.connect()
    slug = _own_competition(kaggle)
    checks: list[tuple[str, Callable[[], Examined]]] = [
        ("a competition's `ref` ends in its slug, and says whether it is entered", lambda: _listing(kaggle, slug)),
        ("an unknown slug is refused with 403 or 404, and a reason", lambda: _unknown_slug(kaggle)),
        ("data files are listed by name and size, in pages of 200", lambda: _files(kaggle, slug)),
        ("a data file is a redirect to a file of known size that can be resumed", lambda: _resumable(kaggle, slug)),
        ("the limits say how many submissions are left", lambda: _limits(kaggle, slug)),
        ("submissions have ref, size, description, file name and state", lambda: _submissions(kaggle, slug)),
        ("the leaderboard file is a zip file with the known columns", lambda: _board(kaggle, slug)),
        ("the accelerator quota is told in hours", lambda: _quota(kaggle)),
        ("an unknown dataset is refused with 403 or 404", lambda: _unknown_dataset(kaggle)),
        ("an unknown kernel is refused with 403 or 404", lambda: _unknown_kernel(kaggle)),
        ("inputs are mounted under /kaggle/input in a known layout", _mounts),
    ]
    done: list[Check] = []
    for assumption, examine in checks:
        tell(f"Checking that {assumption.replace('`', '')}")
        try:
            holds, seen = examine()
        except KitError as error:
            holds, seen = False, error.wrong
        except Exception as error:  # a field that is gone must become a line of the report, like any other difference
            holds, seen = False, f"{type(error).__name__}: {error}"
        done.append(Check(assumption, _anonymous(seen, kaggle), holds))
    return done


def report(checks: list[Check]) -> str:
    """The checks as Markdown, to be pasted into an issue; without user name or credentials."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("kaggle", "kagglesdk", "requests"))
    signs = {True: "yes", False: "**NO**", None: "not looked at"}
    rows = [f"| {check.assumption} | {signs[check.holds]} | {check.seen.replace('|', '/')} |" for check in checks]
    return "\n".join(
        [
            f"kaggle-kit {__version__}, Python {platform.python_version()}, {versions}, {time.strftime('%Y-%m-%d')}",
            f"Server: {'an emulator' if client.emulated() else client.server()}",
            "",
            "| assumption | holds | seen |",
            "| --- | --- | --- |",
            *rows,
        ]
    )


def _anonymous(text: str, kaggle: Client) -> str:
    told = credentials.redact(" ".join(text.split()))
    return told.replace(kaggle.user, "USER") if kaggle.user else told


def _own_competition(kaggle: Client) -> str:
    """A competition of the catalog that the user has entered; EXAMPLE where there is none."""
    for entry in catalog.entries():
        source = entry.competition.source
        if isinstance(source, KaggleCompetition):
            try:
                kaggle.ask(
                    "Looking for an entered competition",
                    "competitions.list_data_files",
                    safe=True,
                    competition_name=source.slug,
                    page_size=1,
                )
                return source.slug
            except Refusal:
                continue
    return EXAMPLE


def _listing(kaggle: Client, slug: str) -> Examined:
    answer = kaggle.ask("Searching", "competitions.list_competitions", safe=True, search=slug)
    for one in answer.competitions or []:
        if one.ref.rstrip("/").rpartition("/")[2] == slug:
            entered, daily = one.user_has_entered, one.max_daily_submissions
            return daily > 0, f"ref {one.ref}, entered {entered}, {daily} submissions a day"
    return False, f"{slug} is not among {len(answer.competitions or [])} found"


def _unknown_slug(kaggle: Client) -> Examined:
    return _refusal(kaggle, "competitions.list_data_files", competition_name=NOBODY)


def _unknown_dataset(kaggle: Client) -> Examined:
    return _refusal(kaggle, "datasets.get_dataset_status", owner_slug=kaggle.user, dataset_slug=NOBODY)


def _unknown_kernel(kaggle: Client) -> Examined:
    return _refusal(kaggle, "kernels.get_kernel_session_status", user_name=kaggle.user, kernel_slug=NOBODY)


def _refusal(kaggle: Client, method: str, **fields: Any) -> Examined:
    try:
        kaggle.ask("Asking for what is not there", method, safe=True, **fields)
    except Refusal as refusal:
        return refusal.status in (403, 404), f"{refusal.status}, reason {refusal.reason or 'empty'!r}"
    return False, "it was not refused"


def _files(kaggle: Client, slug: str) -> Examined:
    answer = kaggle.ask(
        "Listing files", "competitions.list_data_files", safe=True, competition_name=slug, page_size=200
    )
    files = answer.files or []
    well = bool(files) and all(file.name and file.total_bytes > 0 for file in files)
    return well, "; ".join(f"{file.name} {file.total_bytes:,}" for file in files[:4])


def _resumable(kaggle: Client, slug: str) -> Examined:
    answer = kaggle.ask("Asking for the files", "competitions.download_data_files", safe=True, competition_name=slug)
    answer.close()
    with transfer.get("Asking for one byte", answer.url, {"Range": "bytes=0-0"}) as first:
        mark = [name for name in ("ETag", "Last-Modified") if name in first.headers]
        size = first.headers.get("Content-Range", "no Content-Range")
        well = bool(answer.history) and first.status_code == 206 and size.startswith("bytes 0-0/") and bool(mark)
        return (
            well,
            f"{len(answer.history)} redirects, then {first.status_code}, {size}, {', '.join(mark) or 'no mark'}",
        )


def _limits(kaggle: Client, slug: str) -> Examined:
    left = kaggle.ask("Asking for the limit", "competitions.get_submission_limits", safe=True, competition_name=slug)
    return left.num_allowed_now + left.num_today > 0, f"{left.num_today} today, {left.num_allowed_now} allowed now"


def _submissions(kaggle: Client, slug: str) -> Examined:
    answer = kaggle.ask(
        "Listing submissions",
        "competitions.list_submissions",
        safe=True,
        competition_name=slug,
        page_size=100,
    )
    if not answer.submissions:
        return None, "none were made"
    newest = max(answer.submissions, key=lambda one: one.ref)
    again = kaggle.ask("Asking for one", "competitions.get_submission", safe=True, ref=newest.ref)
    fields = ("ref", "total_bytes", "date", "description", "file_name", "public_score", "status")
    missing = [name for name in fields if not getattr(newest, name)]
    well = again.ref == newest.ref and not {"ref", "total_bytes", "file_name"} & set(missing)
    state = getattr(newest.status, "name", newest.status)
    return well, f"{len(answer.submissions)} listed, newest {state}, empty: {', '.join(missing) or 'nothing'}"


def _board(kaggle: Client, slug: str) -> Examined:
    data = leaderboard.file(kaggle, slug)
    board = leaderboard.read(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = archive.namelist()[0]
        text = archive.read(name)
    header = next(csv.reader([text.decode("utf-8-sig").partition("\n")[0].rstrip("\r")]), [])
    mark = "a" if text[:3] == b"\xef\xbb\xbf" else "no"
    own = "found" if board.own(kaggle.user) else "not found"
    seen = f"{mark} byte order mark; {board.teams:,} teams, {len(board.baselines)} of rank 0; own team {own}"
    return "TeamMemberUserNames" in header, f"{','.join(header)}; {seen}"


def _quota(kaggle: Client) -> Examined:
    text = _hours(kaggle)[1]
    return "left this week" in text, text


def _mounts() -> Examined:
    if not places.on_kaggle():
        return None, "this is no Kaggle kernel"
    root = places.kaggle_root() / "input"
    folders = [Path(folder).relative_to(root).as_posix() for folder, _, held in os.walk(root) if held]
    known = all(folder.count("/") == 0 or folder.split("/")[0] in ("competitions", "datasets") for folder in folders)
    return known, ", ".join(sorted(folders)[:6]) or "nothing is attached"
