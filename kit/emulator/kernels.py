"""Notebooks: pushed, versioned, run, and asked about. One function for each method of the service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kit import limits
from kit.emulator import clock, datasets, files, models
from kit.emulator.sessions import UNFINISHED, Session
from kit.emulator.site import Call
from kit.emulator.wire import Download, Redirect, Refusal, Stream, page
from kit.sandbox import opened

_LANGUAGES = ("python", "r", "rmarkdown")
_KINDS = ("script", "notebook")
_DENIED = "Permission 'kernels.get' was denied"


def save_kernel(call: Call) -> dict[str, Any]:
    """Save a version of a notebook and run it. What is wrong with it is in the reply's `error`, not in its status."""
    owner, _, slug = call.text("slug").partition("/")
    title = call.text("newTitle") or slug
    if told := _by_id(call, call.number("id")):
        owner, slug = told["owner"], told["slug"]
    if owner != call.user.name:
        raise Refusal(403, "Permission 'kernels.update' was denied")
    if len(title) < limits.SHORTEST_TITLE:
        return {"error": "Notebook title must be at least five characters"}
    if call.text("language") not in _LANGUAGES:
        return {"error": f"Invalid language: {call.text('language')}"}
    if call.text("kernelType") not in _KINDS:
        return {"error": f"Invalid kernel type: {call.text('kernelType')}"}
    kernel = call.store.get("kernel", f"{owner}/{slug}")
    if kernel is None:
        slug = slugged(title)  # a new notebook is named by its title, whatever the id says
        if call.store.get("kernel", f"{owner}/{slug}") is not None:
            words = f'The requested title "{title}" is already in use by a notebook. Please choose another title.'
            raise Refusal(409, words)
    elif kernel["kind"] != call.text("kernelType"):
        return {"error": "The type of a notebook cannot be changed after it was created"}
    machine = _machine(call)
    kind = limits.kind(machine)
    quick = call.text("kernelExecutionType") == "QUICK_SAVE"
    inputs, invalid = _inputs(call)
    with call.store.change():  # two pushes at once must not take the same version, nor the same last slot
        if not quick and (error := _refused(call, kind)):
            return {"error": error}
        kernel = call.store.get("kernel", f"{owner}/{slug}") or {
            "id": call.store.number(),
            "owner": owner,
            "slug": slug,
            "kind": call.text("kernelType"),
            "versions": 0,
        }
        kernel["versions"] += 1
        kernel |= {"title": title, "language": call.text("language"), "at": call.now, "machine": machine}
        kernel["private"] = call.flag("isPrivate", True)
        kernel["internet"] = call.flag("enableInternet")
        call.store.put("kernel", f"{owner}/{slug}", kernel)
        number = kernel["versions"]
        folder = call.store.folder / "sessions" / owner / slug / str(number)
        session = Session(
            id=call.store.number(),
            owner=owner,
            slug=slug,
            number=number,
            status="NEW_SCRIPT" if quick else "QUEUED",
            private=kernel["private"],
            machine=machine,
            language=kernel["language"],
            kind=kernel["kind"],
            seconds=min(call.number("sessionTimeoutSeconds") or limits.LONGEST[kind], limits.LONGEST[kind]),
            folder=str(folder),
            sources={key: call.texts(key) for key in _SOURCES},
            inputs={place: str(source) for place, source in inputs.items()},
            internet=kernel["internet"],
        )
        call.site.sessions.keep(session)
        session.source.write_text(call.text("text"), encoding="utf-8")
    if not quick:
        call.site.sessions.start(session, call.text("text"), inputs)
    return {
        "ref": f"/code/{owner}/{slug}",
        "url": f"https://www.kaggle.com/code/{owner}/{slug}",
        "versionNumber": number,
        "kernelId": kernel["id"],
        **invalid,
    }


def get_kernel_session_status(call: Call) -> dict[str, Any]:
    """Where a version's run stands."""
    session = _session(call)
    return {"status": session.status, "failureMessage": session.failure}


def list_kernel_session_output(call: Call) -> dict[str, Any]:
    """The files that a version's run wrote, in pages, and its log."""
    session = _session(call)
    shown, token = page(_outputs(session), call.body)
    log = [] if session.status in UNFINISHED else list(call.site.sessions.entries(session))
    return {
        "files": [{"url": call.base + call.link(session.working, one.name), "fileName": one.name} for one in shown],
        "log": json.dumps(log) if log else "",
        "nextPageToken": token,
    }


def list_kernel_files(call: Call) -> dict[str, Any]:
    """The files that a version's run wrote, with their sizes."""
    shown, token = page(_outputs(_session(call)), call.body)
    rows = [{"name": one.name, "size": one.size, "creationDate": files.moment(one.modified)} for one in shown]
    return {"files": rows, "nextPageToken": token}


def download_kernel_output(call: Call) -> Redirect:
    """One of the files that a version's run wrote, or all in one archive."""
    number = call.number("versionNumber")
    call.body |= {"userName": call.text("ownerSlug"), "versionLabel": f"v{number}" if number else ""}
    session = _session(call)
    if wanted := call.text("filePath"):
        return Redirect(call.link(session.working, files.listed(session.working, wanted)))
    if session.status in UNFINISHED:
        raise Refusal(404, "The output is complete when the session has ended")
    archive = Path(session.folder) / "archive" / f"{session.slug}.zip"
    files.zipped(archive, session.working)
    return Redirect(call.link(archive.parent, archive.name))


def log_stream(call: Call) -> Stream | Download:
    """The log: as server-sent events while the session runs, as one JSON array after it."""
    session = _session(call)
    if session.status not in UNFINISHED:
        entries = list(call.site.sessions.entries(session))
        return Download(json.dumps(entries).encode(), "text/plain; charset=utf-8", "log.json")

    def events() -> Iterator[bytes]:
        for entry in call.site.sessions.entries(session, follow=True):
            yield f"data: {json.dumps(entry)}\n\n".encode()
        yield b"data: END_OF_LOG\n\n"

    return Stream(events(), "text/event-stream")


def get_kernel(call: Call) -> dict[str, Any]:
    """The source of a version, and what is known of the notebook."""
    session = _session(call)
    kernel = call.store.document("kernel", f"{session.owner}/{session.slug}")
    source = session.source.read_text(encoding="utf-8")
    blob = {"source": source, "language": session.language, "kernelType": session.kind, "slug": session.slug}
    return {"metadata": _described(call, kernel, session), "blob": blob}


def list_kernels(call: Call) -> dict[str, Any]:
    """Notebooks that the caller may see, the last run first."""
    listed = []
    for kernel in call.store.documents("kernel"):
        session = call.site.sessions.find(kernel["owner"], kernel["slug"], kernel["versions"])
        if session is not None and _visible(call, kernel) and _wanted(call, kernel, session):
            listed.append((kernel, session))
    listed.sort(key=lambda pair: pair[0]["at"], reverse=True)
    shown, token = page(listed, call.body)
    return {"kernels": [_described(call, *pair) for pair in shown], "nextPageToken": token}


def delete_kernel(call: Call) -> dict[str, Any]:
    """Forget a notebook with all its versions."""
    owner, slug = call.text("userName"), call.text("kernelSlug")
    kernel = call.store.get("kernel", f"{owner}/{slug}")
    if kernel is None or owner != call.user.name:
        raise Refusal(403, "Permission 'kernels.delete' was denied")
    for number in range(1, kernel["versions"] + 1):
        if session := call.site.sessions.find(owner, slug, number):
            call.site.sessions.remove(session)
    call.store.drop("kernel", f"{owner}/{slug}")
    return {}


def cancel_kernel_session(call: Call) -> dict[str, Any]:
    """Stop a session, by its own id."""
    wanted = call.number("kernelSessionId")
    for session in call.site.sessions.all():
        if session.id == wanted and session.owner == call.user.name:
            call.site.sessions.cancel(session)
            return {}
    raise Refusal(403, "Permission 'kernelSessions.cancel' was denied")


def get_accelerator_quota_statistics(call: Call) -> dict[str, Any]:
    """Hours of accelerators that the caller used this week. The week starts on Saturday, 0:00 UTC."""
    replies: dict[str, Any] = {"quotaRefreshTime": clock.text(_week(call) + timedelta(days=7))}
    for kind, hours in limits.HOURS.items():
        used = f"{_used(call, kind):.0f}s"
        replies[f"{kind}Quota"] = {"timeUsed": used, "totalTimeAllowed": f"{hours * 3600:.0f}s"}
    return replies


def slugged(title: str) -> str:
    """The slug that a title gives: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "untitled"


_SOURCES = ("competitionDataSources", "datasetDataSources", "kernelDataSources", "modelDataSources")


def _inputs(call: Call) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """What is mounted below /kaggle/input, and the sources that cannot be, by the reply's keys."""
    folders: dict[str, Path] = {}
    invalid: dict[str, list[str]] = {f"invalid{key[0].upper()}{key[1:].replace('Data', '')}": [] for key in _SOURCES}
    new = call.site.new_mounts
    for name in call.texts("competitionDataSources"):
        hosted = call.site.hosted.get(name)
        if hosted is None or not call.store.has_accepted(name, call.user.name):
            invalid["invalidCompetitionSources"].append(name)
        else:
            folders[f"competitions/{name}" if new else name] = hosted.files
    for ref in call.texts("datasetDataSources"):
        owner, name, number = [*ref.split("/"), "", ""][:3]
        source = datasets.folder(call, owner, name, int(number) if number.isdecimal() else 0)
        if source is None:
            invalid["invalidDatasetSources"].append(ref)
        else:
            folders[f"datasets/{owner}/{name}" if new else name] = source
    for ref in call.texts("kernelDataSources"):
        owner, _, name = ref.partition("/")
        kernel = call.store.get("kernel", ref)
        session = call.site.sessions.find(owner, name, kernel["versions"]) if kernel else None
        if kernel is None or session is None or not _visible(call, kernel):
            invalid["invalidKernelSources"].append(ref)
        else:
            folders[f"notebooks/{owner}/{name}" if new else name] = session.working
    for ref in call.texts("modelDataSources"):
        source = models.folder(call, ref)
        if source is None:
            invalid["invalidModelSources"].append(ref)
        else:
            folders[f"models/{ref.lower()}" if new else ref.partition("/")[2].lower()] = source
    return folders, invalid


def _machine(call: Call) -> str:
    asked = call.text("machineShape")
    asked = limits.RETIRED.get(asked, asked)
    if not asked and call.flag("enableGpu"):
        asked = limits.DEFAULT["gpu"]
    if not asked and call.flag("enableTpu"):
        asked = limits.DEFAULT["tpu"]
    return "" if asked == "None" else asked


def _refused(call: Call, kind: limits.Kind) -> str:
    """Why the caller may not start another session of that kind, empty where they may."""
    running = [
        session
        for session in call.site.sessions.all()
        if session.owner == call.user.name and session.accelerator == kind and session.status in UNFINISHED
    ]
    if len(running) >= limits.AT_ONCE[kind]:
        return f"Maximum batch {kind.upper()} session count of {limits.AT_ONCE[kind]} reached."
    if kind in limits.HOURS and _used(call, kind) >= limits.HOURS[kind] * 3600:
        return f"Maximum weekly {kind.upper()} quota of {limits.HOURS[kind]:.2f} hours reached."
    return ""


def _week(call: Call) -> datetime:
    today = call.site.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=(today.weekday() - 5) % 7)


def _used(call: Call, kind: str) -> float:
    """Seconds of an accelerator that the caller used this week, and what was put down as used beforehand."""
    start = _week(call).timestamp()
    now = call.site.clock.now().timestamp()
    total = (call.store.get("quota", f"{call.user.name}/{kind}") or {"seconds": 0.0})["seconds"]
    for session in call.site.sessions.all():
        if session.owner == call.user.name and session.accelerator == kind and session.started >= start:
            total += session.took or max(now - session.started, 0.0)
    return float(total)


def _by_id(call: Call, id: int) -> dict[str, Any] | None:
    return next((kernel for kernel in call.store.documents("kernel") if kernel["id"] == id), None)


def _visible(call: Call, kernel: dict[str, Any]) -> bool:
    return kernel["owner"] == call.user.name or not kernel["private"]


def _session(call: Call) -> Session:
    """The version that a request names by user, slug and label; the newest without a label.

    A label is `v2`; the bare number is a 404, and an unknown notebook a 403, as with Kaggle.
    """
    owner, slug, label = call.text("userName"), call.text("kernelSlug"), call.text("versionLabel")
    kernel = call.store.get("kernel", f"{owner}/{slug}")
    if kernel is None or not _visible(call, kernel):
        raise Refusal(403, _DENIED)
    if label and not re.fullmatch(r"v\d+", label):
        raise Refusal(404, f"Version {label} not found")
    session = call.site.sessions.find(owner, slug, int(label[1:]) if label else kernel["versions"])
    if session is None:
        raise Refusal(404, f"Version {label} not found")
    return session


def _outputs(session: Session) -> list[opened.Entry]:
    """The files that a version wrote. It may still run, and change them."""
    return opened.listing(session.working)


def _wanted(call: Call, kernel: dict[str, Any], session: Session) -> bool:
    sources = session.sources
    return (
        call.text("user") in ("", kernel["owner"])
        and (call.text("group") != "PROFILE" or kernel["owner"] == call.user.name)
        and call.text("language") in ("", "all", kernel["language"])
        and call.text("kernelType") in ("", "all", kernel["kind"])
        and call.text("competition") in ("", *sources["competitionDataSources"])
        and call.text("dataset") in ("", *sources["datasetDataSources"])
        and call.text("parentKernel") in ("", *sources["kernelDataSources"])
        and call.text("search").lower() in f"{kernel['title']} {kernel['slug']}".lower()
    )


def _described(call: Call, kernel: dict[str, Any], session: Session) -> dict[str, Any]:
    return {
        "id": kernel["id"],
        "ref": f"{kernel['owner']}/{kernel['slug']}",
        "title": kernel["title"],
        "author": kernel["owner"],
        "slug": kernel["slug"],
        "lastRunTime": kernel["at"],
        "language": session.language,
        "kernelType": session.kind,
        "isPrivate": kernel["private"],
        "enableGpu": session.accelerator == "gpu",
        "enableTpu": session.accelerator == "tpu",
        "enableInternet": kernel["internet"],
        "currentVersionNumber": kernel["versions"],
        "machineShape": session.machine,
        **session.sources,
    }
