"""What a kernel left on Kaggle, fetched whole: every page, every byte, or nothing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kit import places, records
from kit.errors import KitError
from kit.kaggle import progress, transfer
from kit.kaggle.client import Client
from kit.kaggle.kernel.versions import Pushed
from kit.train import record, runs
from kit.train.runs import Run

PAGE = 100
"""Files asked for at a time."""

LONGEST_NAME = 220
"""Bytes of a file's name: file systems take 255, and what a transfer adds to it while it lasts must fit too."""

LONGEST_PATH = 1_000
"""Bytes of a path below the run's folder: Linux takes 4,096 with all that stands before it."""


class Output(NamedTuple):
    """A file in a kernel's /kaggle/working; `url` carries its own right of access."""

    name: str
    url: str


def listing(client: Client, pushed: Pushed) -> list[Output]:
    """All files of a version's output, page by page.

    Raises KitError for a name that would lie outside the folder that it is fetched into, or that no folder can hold.
    """
    files: list[Output] = []
    token = ""
    while True:
        fields: dict[str, Any] = {**pushed.address, "page_size": PAGE, **({"page_token": token} if token else {})}
        what = f"Listing the output of {pushed.ref} {pushed.label}"
        answer = client.ask(what, "kernels.list_kernel_session_output", safe=True, **fields)
        for file in answer.files or []:
            _check(file.file_name)
            files.append(Output(file.file_name, file.url))
        token = answer.next_page_token or ""
        if not token:
            _check_together({file.name for file in files})
            return files


def fetch(files: dict[str, Output], folder: Path) -> None:
    """Fetch each file to its path below `folder`, whole or not at all; a broken connection is gone on with where it
    broke, and what an earlier, interrupted call has fetched is there already."""
    before = 0
    with progress.transfer(f"{len(files)} files") as show:
        for name, output in files.items():
            to, what = folder / name, f"Downloading {output.name}"
            if not to.exists():
                opened = functools.partial(transfer.get, what, output.url)
                transfer.receive(what, opened, to, _from(before, show))
            before += to.stat().st_size


def land(client: Client, pushed: Pushed, competition: str, *, finished: bool = True) -> Run:
    """The run that a version left, in `submissions/` like any other, with a `kaggle.json` that says whence.

    Without `finished` it is the one that a version which failed, or came to its time limit, had begun: what it holds is
    gone on with here. The run appears whole; a run that is here already is given as it is. Raises KitError when the
    version left none.
    """
    name, files = run_files(client, pushed, competition, finished=finished)
    target = places.runs(competition) / name
    if target.exists():
        here = runs.at(target)
        mine = here.kaggle().get("kernel") or {}
        if (mine.get("ref"), mine.get("version")) == (pushed.ref, pushed.version):
            return here
        raise KitError(
            f"{target} is another run.", "A pulled run keeps its name.", f"mv {target} {target}-other  # and pull again"
        )
    part = target.parent.parent / ".pulled" / f"{pushed.ref.replace('/', '-')}-{pushed.label}"
    fetch(files, part)
    try:
        landed = runs.at(part)
    except KitError as error:
        raise KitError(
            f"The run that {pushed.ref} {pushed.label} left cannot be read: {error.wrong}",
            "A kernel must be built by the kit that pulls its run.",
            f"kit kernel build {competition}  # and push it again",
        ) from None
    if landed.plan.competition != competition:
        raise KitError(f"The run of {pushed.ref} {pushed.label} is not one of {competition}.")
    records.write_json(part / "kaggle.json", {"kernel": {**asdict(pushed), "pulled": records.now()}})
    target.parent.mkdir(parents=True, exist_ok=True)
    part.rename(target)
    return runs.find(competition, name)


def run_files(
    client: Client,
    pushed: Pushed,
    competition: str,
    wanted: Callable[[str], bool] = lambda name: True,
    *,
    finished: bool = True,
) -> tuple[str, dict[str, Output]]:
    """The name of the run that a version left, finished or only begun, and its wanted files by their path below the
    run's folder."""
    start = ("submissions", competition)
    left: dict[str, dict[str, Output]] = {}
    paths: dict[str, set[str]] = {}
    for output in listing(client, pushed):
        parts = PurePosixPath(output.name).parts
        if parts[:2] == start and len(parts) > 3:
            path = "/".join(parts[3:])
            left.setdefault(parts[2], {})
            paths.setdefault(parts[2], set()).add(path)
            if wanted(path):
                left[parts[2]][path] = output
    names = [
        name
        for name, held in paths.items()
        if (record.RUN in held if finished else record.PLAN in held and record.RUN not in held)
    ]
    if len(names) != 1:
        raise KitError(
            f"{pushed.ref} {pushed.label} left {len(names) or 'no'} {'' if finished else 'un'}finished "
            f"run{'s' * (len(names) > 1)} of {competition}.",
            "A complete kernel that kit built leaves just one finished run.",
            f"{pushed.url}  # its output, and its log",
        )
    return names[0], left[names[0]]


def _check(name: str) -> None:
    """Refuse the name of a file that a kernel chose, and that would lead out of its folder or could not be written."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise KitError(f"The output holds {name!r}, which would be written outside its folder.")
    if (
        not name.isprintable()
        or any(len(part.encode()) > LONGEST_NAME for part in path.parts)
        or (len(name.encode()) > LONGEST_PATH)
    ):
        raise KitError(
            f"The output holds a file whose name cannot be used here: {name[:60]!r}.",
            f"A name has at most {LONGEST_NAME} bytes, a path {LONGEST_PATH:,}, and neither has signs that cannot be "
            "printed, such as line ends.",
        )


def _check_together(names: set[str]) -> None:
    """Refuse a name that is both a file's and a folder's."""
    folders = {folder.as_posix() for name in names for folder in PurePosixPath(name).parents}
    if both := sorted(folders & names):
        raise KitError(f"The output holds {both[0]!r} as a file and as a folder.", "It can be one of the two only.")


def _from(before: int, show: progress.Show) -> progress.Show:
    """A Show for one file of many, of which `before` bytes are here."""
    return lambda done, of: show(before + done, None)
