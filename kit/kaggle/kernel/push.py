"""A kernel to Kaggle: refused when stale, and failed whenever Kaggle did not take just what was sent."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from kit import records
from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle import publish, weights
from kit.kaggle.client import Client, Refusal
from kit.kaggle.kernel import accelerators, metadata, notebook, quota, readback, versions
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.metadata import Metadata
from kit.kaggle.kernel.versions import Pushed, page
from kit.notes import tell
from kit.task import catalog
from kit.train import runs

TRIES = 3
"""How often a push is tried that did not arrive."""

LOOKS = (0.0, 2.0, 5.0)
"""Seconds before each look for a version whose answer was lost and that may still arrive."""


class Full(KitError):
    """No further session may be started now: as many run as the user may have."""


def fresh(folder: Path, words: str = "") -> tuple[str, runs.Plan]:
    """The notebook of the kernel in `folder` and its plan; `words` are those by which commands name it.

    Raises KitError when it is not there, or today's files would build another one.
    """
    file = folder / notebook.FILE
    if not file.is_file():
        raise KitError(
            f"{file} is missing.", "It must be built before it is pushed.", f"kit kernel build {words}".rstrip()
        )
    text = file.read_text(encoding="utf-8")
    plan = notebook.plan(text, file)
    entry = catalog.find(plan.competition)
    if notebook.build(entry, plan, metadata.machine_of(metadata.read(folder, words)).kind) != text:
        raise KitError(
            f"{file} is stale: the files that it was built from have changed since.",
            "What runs on Kaggle must be what is in the repository.",
            notebook.command(entry.recipe(plan.label)[0], plan),
        )
    return text, plan


def push(
    client: Client,
    text: str,
    described: Metadata,
    *,
    machine: Accelerator,
    timeout: int | None = None,
    words: str = "",
    expected: float = 0.0,
) -> Pushed:
    """Send the notebook, which Kaggle then runs; what it became there.

    `machine` and `timeout` (seconds) outrank what the metadata says; `words` are those by which commands name the
    kernel, `expected` the seconds that it may take. Raises Full when too many sessions run, and KitError when Kaggle
    refuses the kernel, takes it without one of its sources, or keeps it otherwise than it was sent.
    """
    described = metadata.owned(described, client.user)
    ref = str(described["id"])
    seconds = accelerators.timeout(machine, timeout)
    quota.show(client, machine, expected)
    before = versions.newest(client, ref)
    answer = _sent(client, text, described, machine, seconds, before)
    number = _checked(answer, ref, words)
    readback.check(client, ref, number, text, described, machine)
    digest = versions.digest(text)
    return Pushed(ref, number, page(ref), machine.word, seconds, digest, records.now(), words)


def _sent(
    client: Client, text: str, described: Metadata, machine: Accelerator, seconds: int, before: int
) -> dict[str, Any]:
    """The answer to the push, which is made once: after a lost answer the version is looked for before another try, as
    a second version would spend the quota a second time."""
    ref = str(described["id"])
    for attempt in range(1, TRIES + 1):
        try:
            return _send(client, text, described, machine, seconds)
        except Refusal as refusal:
            if refusal.status == 409:
                raise _taken(described, refusal) from None
            if not refusal.unknown:
                raise
            for wait in LOOKS if refusal.late else LOOKS[:1]:
                time.sleep(wait)
                if number := arrived(client, ref, before, text):
                    tell("The answer was lost, and the push had arrived.")
                    return {"ref": ref, "versionNumber": number}
            if refusal.late or attempt == TRIES:
                raise KitError(
                    refusal.wrong,
                    "It did not arrive so far. Another push would run the kernel twice, should it still arrive.",
                    f"{page(ref)}  # look there before pushing again",
                ) from None
            time.sleep(connection.FIRST_WAIT * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _send(client: Client, text: str, described: Metadata, machine: Accelerator, seconds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="kit-push-") as place:
        folder = Path(place)
        (folder / notebook.FILE).write_text(text, encoding="utf-8")
        metadata.write(folder, {**described, **metadata.hardware(machine)})
        answer = client.call(
            f"Pushing {described['id']}",
            client.api.kernels_push,
            str(folder),
            timeout=str(seconds),
            acc=machine.shape or None,
            safe=False,
        )
    return answer.to_dict()


def _checked(answer: dict[str, Any], ref: str, words: str = "") -> int:
    """The version number of a push that Kaggle took as it was meant."""
    if error := answer.get("error"):
        if "session count" in error.lower():
            raise Full(
                f"{connection.place().capitalize()} runs as many kernels of yours as it may: {error}",
                "One must end before another can start.",
                f"kit kernel push {words}".rstrip() + "  # again, later",
            )
        raise KitError(f"{connection.place().capitalize()} refuses {ref}: {error}", "Nothing was started.")
    invalid = {key: value for key, value in answer.items() if key.lower().startswith("invalid") and value}
    number = int(answer.get("versionNumber") or 0)
    if invalid:
        listed = "; ".join(f"{key.removeprefix('invalid')}: {', '.join(value)}" for key, value in invalid.items())
        unpublished = [ref for ref in answer.get("invalidDatasetSources", []) if "/kit-" in ref]
        raise KitError(
            f"{connection.place().capitalize()} took {ref}"
            + (f" as version {number}" if number else "")
            + f" without what it does not know: {listed}.",
            "The kernel would fail or train on other data. A competition needs its rules accepted, a dataset its name.",
            f"{_publishing(unpublished[0], words)}  # and push again"
            if unpublished
            else f"{page(ref)}  # stop that version there, and correct {metadata.FILE}",
        )
    if not number:
        raise KitError(
            f"{connection.place().capitalize()} answered the push of {ref} without a version number.",
            "Without one it is not known what runs.",
            page(ref),
        )
    got = str(answer.get("ref") or ref).removeprefix("/code/").strip("/")
    if got.lower() != ref.lower():
        raise KitError(
            f"{connection.place().capitalize()} saved {ref} as {got}.",
            "It names a new kernel after its title; id and title in the metadata must agree.",
            f'"id": "{got}"  # in {metadata.FILE}',
        )
    return number


def _publishing(ref: str, words: str) -> str:
    """What to type to make a dataset of kit's."""
    slug = ref.partition("/")[2]
    return f"kit publish-run {words.replace('--from ', '')}" if weights.of_run(slug) else publish.command(slug)


def arrived(client: Client, ref: str, before: int, text: str) -> int:
    """The version that a push without an answer has become, 0 when it has not arrived.

    Raises KitError when that cannot be told.
    """
    kernel = versions.stored(client, ref)
    if kernel is None or not readback.same_cells(str(kernel.blob.source), text):
        return 0
    number = int(kernel.metadata.current_version_number or 0)
    if not number:
        raise KitError(
            f"The answer to the push of {ref} was lost, and {connection.place()} does not say which version it has.",
            "It holds this notebook, perhaps from before.",
            f"{page(ref)}  # look there before pushing again",
        )
    return number if number > before else 0


def _taken(described: Metadata, refusal: Refusal) -> KitError:
    return KitError(
        f"{connection.place().capitalize()} refuses {described['id']}: {refusal.reason}",
        f"Its title {described['title']!r} belongs to another kernel of yours, or to another id.",
        f'"id" and "title" in {metadata.FILE}  # change both, to words that agree',
    )
