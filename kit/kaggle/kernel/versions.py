"""Versions of kernels on Kaggle: how one is named, found again, and looked up."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kit import places, records
from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle.client import Client, Refusal
from kit.kaggle.kernel import metadata, notebook
from kit.train import runs

RECORD = Path("output", "pushed.json")
"""Below a kernel's folder: what was pushed last. Git ignores it."""


@dataclass(frozen=True)
class Pushed:
    """A version of a kernel on Kaggle. `sha256` is the notebook's; `words` are those by which commands name the kernel,
    none for that of a single fold."""

    ref: str
    version: int
    url: str
    accelerator: str
    timeout: int
    sha256: str
    at: str
    words: str = ""

    @property
    def label(self) -> str:
        """The version as the API names it; a bare number would be a 404 (kaggle-cli#1200)."""
        return f"v{self.version}"

    @property
    def address(self) -> dict[str, str]:
        """The fields by which a request names this version."""
        owner, _, slug = self.ref.partition("/")
        return {"user_name": owner, "kernel_slug": slug, "version_label": self.label}


def folder_of(plan: runs.Plan) -> Path:
    """The folder of the kernel that carries out `plan`."""
    return places.kernels() / notebook.name(plan)


def digest(text: str) -> str:
    """The sha256 of a notebook."""
    return hashlib.sha256(text.encode()).hexdigest()


def remember(folder: Path, pushed: Pushed) -> None:
    """Keep what was pushed beside the kernel, for status, logs and pull."""
    records.write_json(folder / RECORD, asdict(pushed))


def recorded(folder: Path) -> Pushed | None:
    """The version of the kernel in `folder` that was pushed last from here; None where there is none.

    Raises KitError when the record is damaged.
    """
    file = folder / RECORD
    stored = records.read_json(file)
    try:
        return records.typed(Pushed, stored) if stored else None
    except ValueError as error:
        raise KitError(
            f"{file} is damaged: {error}.",
            "It tells which version was pushed last. Without it Kaggle is asked for the newest one.",
            f"rm {file}",
        ) from None


def remembered(client: Client, folder: Path, words: str, number: int | None = None) -> Pushed:
    """The version of the kernel in `folder` that was pushed last from here, else Kaggle's newest; or version `number`.
    `words` are those by which commands name the kernel.

    Raises KitError when there is none.
    """
    described = metadata.owned(metadata.read(folder, words), client.user)
    known = recorded(folder)
    ref = str(described["id"])
    # An emulator's versions are not Kaggle's, and the page tells whose a record is.
    if known and known.url == page(ref) and number in (None, known.version):
        return known
    last = newest(client, ref)
    if not last or (number or 0) > last:
        raise KitError(
            f"{connection.place().capitalize()} has no {f'version {number} of ' if last else ''}{ref}.",
            f"Its newest version is {last}." if last else "It was not pushed yet, or its id is another.",
            f"kit kernel push {words}",
        )
    machine = metadata.machine_of(described)
    return Pushed(ref, number or last, page(ref), machine.word, 0, "", "", words)


def newest(client: Client, ref: str) -> int:
    """The number of a kernel's newest version, 0 when there is no such kernel of the user."""
    kernel = stored(client, ref)
    return 0 if kernel is None else int(kernel.metadata.current_version_number or 0)


def stored(client: Client, ref: str) -> Any:
    """What Kaggle knows of a kernel; None for an unknown one, which it denies as if it were another user's."""
    owner, _, slug = ref.partition("/")
    try:
        return client.ask(f"Looking up {ref}", "kernels.get_kernel", user_name=owner, kernel_slug=slug, safe=True)
    except Refusal as refusal:
        if refusal.status in (403, 404):
            return None
        raise


def page(ref: str) -> str:
    """Where a person sees the kernel."""
    return f"{connection.site()}/code/{ref}"
