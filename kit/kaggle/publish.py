"""What kernels attach, as the user's own private Kaggle datasets: the public files of a prepared task, and encoders."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kit import places, records
from kit.errors import KitError
from kit.kaggle import client, progress, transfer
from kit.kaggle.client import Client, Refusal
from kit.notes import tell
from kit.task import checks
from kit.task.catalog import Entry
from kit.toolbox.encoders import handles

RECORD = "published.json"
"""Beside the data: which bytes are in which dataset."""

LICENSE = "other"
"""The dataset is private and holds what others own; the licence is theirs to say."""

PATIENCE = 1800.0
"""Seconds that Kaggle may take to process a version."""

LOOKS = (0.0, 1.0, 3.0)
"""Seconds before each look for a version whose answer was lost."""

WAITS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between two looks at the state; the last one for all that follow."""


def publish(entry: Entry, kaggle: Client, *, message: str, wait: bool) -> dict[str, Any]:
    """Make the dataset, or a new version of it if bytes changed; `ref`, `state` and whether it was `changed`.

    Raises KitError when the sample file is not what the declaration says, when private answers lie among the public
    files, when Kaggle refuses the dataset, or does not get ready with it.
    """
    public = entry.public()
    checks.sample(entry.competition.submission, public)  # kernels would only fail on it hours later
    _refuse_answers(entry, public, _digests(public))
    record = entry.data / RECORD
    return folder(public, name(entry), record, kaggle, message=message, wait=wait)


def encoder(handle: str, kaggle: Client, *, message: str, wait: bool) -> dict[str, Any]:
    """Make the dataset of an imported encoder, or a new version of it, as `publish` does for a task.

    Raises KitError when no encoder is called `handle`, and where Kaggle refuses the dataset.
    """
    place = Path(handles.locate(handle, "encoder")).parent
    if not (place / handles.CARD).is_file():
        raise KitError(
            f"{place} is not an imported encoder.",
            "Importing writes the models that recipes load.",
            f"kit encoder import ~/models/{place.name}",
        )
    record = places.encoders() / f"{place.name}.{RECORD}"
    return folder(place, handles.dataset(handle), record, kaggle, message=message, wait=wait)


def command(slug: str) -> str:
    """What to type to make the dataset `slug`."""
    for path in sorted(places.encoders().glob(f"*/{handles.CARD}")):
        if handles.dataset(path.parent.name) == slug:
            return f"kit encoder publish {path.parent.name}"
    return f"kit publish {slug.removeprefix('kit-')}"


def folder(place: Path, slug: str, record: Path, kaggle: Client, *, message: str, wait: bool) -> dict[str, Any]:
    """Make the private dataset `slug` of the files in a folder, or a new version of it where bytes have changed.

    `record` is the file that remembers what was sent. Raises KitError as `publish` does.
    """
    digests = _digests(place)
    ref = f"{kaggle.user}/{slug}"
    version = _version(kaggle, slug)
    known = records.read_json(record)
    same = known.get("ref") == ref and known.get("server") == client.server() and known.get("files") == digests
    if not version or not same:
        tell(f"{'A new version of' if version else 'Making'} {ref}: {len(digests)} files")
        with _packed(place) as files:
            tokens = [
                transfer.upload(kaggle, "blobs.start_blob_upload", file, type="DATASET", name=file.name)
                for file in files
            ]
        _made(kaggle, slug, tokens, message or command(slug), version)
        records.write_json(record, {"ref": ref, "server": client.server(), "at": records.now(), "files": digests})
    else:
        tell(f"{ref} holds these bytes already; nothing was sent.")
    state = _ready(kaggle, slug, ref) if wait else "SENT"
    return {"ref": ref, "state": state.lower(), "changed": not (version and same), "files": sorted(digests)}


def name(entry: Entry) -> str:
    """The dataset's slug: 6 to 50 letters, which is what Kaggle allows."""
    return f"kit-{entry.name}"[:50].rstrip("-").ljust(6, "0")


def _digests(public: Path) -> dict[str, str]:
    return {
        path.relative_to(public).as_posix(): records.sha256(path)
        for path in sorted(public.rglob("*"))
        if path.is_file()
    }


def _refuse_answers(entry: Entry, public: Path, digests: dict[str, str]) -> None:
    """Stop before anything is sent when an answer file lies among the public ones, by name or by bytes."""
    private = public.parent / "private"
    answers = {records.sha256(path): path.name for path in private.rglob("*") if path.is_file()}
    for file, digest in digests.items():
        if Path(file).name in answers.values() or digest in answers:
            raise KitError(
                f"{file} among the public files of {entry.name} holds private answers.",
                "Nothing was sent. The public folder must hold what competitors see, and no more.",
                f"kit download {entry.name} --force",
            )


@contextmanager
def _packed(public: Path) -> Iterator[list[Path]]:
    """What is uploaded: files as they are, and each folder as a zip file, which Kaggle unpacks."""
    with TemporaryDirectory(prefix="kit-publish-") as temporary:
        files = []
        for path in sorted(public.iterdir()):
            if path.is_file():
                files.append(path)
                continue
            archive = Path(temporary) / f"{path.name}.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
                for inner in sorted(item for item in path.rglob("*") if item.is_file()):
                    opened.write(inner, inner.relative_to(path).as_posix())
            files.append(archive)
        yield files


def _made(kaggle: Client, slug: str, tokens: list[str], message: str, version: int) -> None:
    """Make the version after `version` of the uploads; one whose answer is lost is looked for, and not made again."""
    try:
        _create(kaggle, slug, tokens, message, new=not version)
    except Refusal as refusal:
        if not refusal.unknown:
            raise
        for wait in LOOKS:
            time.sleep(wait)
            if _version(kaggle, slug) > version:
                return
        raise


def _create(kaggle: Client, slug: str, tokens: list[str], message: str, *, new: bool) -> None:
    files = [{"token": token} for token in tokens]
    if new:
        answer = kaggle.ask(
            f"Making {slug}",
            "datasets.create_dataset",
            safe=False,
            owner_slug=kaggle.user,
            slug=slug,
            title=slug,
            license_name=LICENSE,
            is_private=True,
            files=files,
        )
    else:
        answer = kaggle.ask(
            f"Making a version of {slug}",
            "datasets.create_dataset_version",
            safe=False,
            owner_slug=kaggle.user,
            dataset_slug=slug,
            body={"versionNotes": message, "files": files},
        )
    if answer.error or str(answer.status).lower() == "error":
        raise KitError(f"{client.place().capitalize()} refuses the dataset {slug}: {answer.error or answer.status}")


def _version(kaggle: Client, slug: str) -> int:
    """The number of the newest version; 0 where there is no such dataset."""
    what = "Asking for the dataset"
    try:
        answer = kaggle.ask(what, "datasets.get_dataset", safe=True, owner_slug=kaggle.user, dataset_slug=slug)
    except Refusal as refusal:
        if refusal.status in (403, 404):  # Kaggle denies what is not there
            return 0
        raise
    return max(answer.current_version_number or 0, 1)


def _state(kaggle: Client, slug: str) -> str | None:
    """The dataset's state; None while it is denied."""
    try:
        answer = kaggle.ask(
            "Asking for the dataset",
            "datasets.get_dataset_status",
            safe=True,
            owner_slug=kaggle.user,
            dataset_slug=slug,
        )
    except Refusal as refusal:
        if refusal.status in (403, 404):
            return None
        raise
    return getattr(answer.status, "name", str(answer.status)).upper()


def _ready(kaggle: Client, slug: str, ref: str) -> str:
    started = time.monotonic()
    with progress.waiting(ref) as show:
        for turn in range(10**6):
            # A first version that is being processed is denied like one that is not there (kagglehub#181).
            state = _state(kaggle, slug) or "RUNNING"
            show(state.lower())
            if state == "READY":
                return state
            if state in ("FAILED", "ERROR", "DELETED"):
                raise KitError(
                    f"Kaggle could not process {ref}: {state.lower()}.", "", f"{client.site()}/datasets/{ref}"
                )
            if time.monotonic() - started > PATIENCE:
                break
            time.sleep(WAITS[min(turn, len(WAITS) - 1)])
    raise KitError(
        f"{ref} is not ready after {PATIENCE / 60:.0f} minutes.",
        "It was sent; Kaggle goes on with it.",
        command(slug),
    )
