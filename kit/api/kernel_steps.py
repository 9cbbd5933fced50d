"""What kernels that train and kernels that only predict have in common on their way to Kaggle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit import places
from kit.api.kernel_results import Pushed, Rehearsals
from kit.errors import KitError
from kit.kaggle import client, publish
from kit.kaggle.kernel import accelerators, metadata, notebook, versions, wheels
from kit.kaggle.kernel import probe as probing
from kit.kaggle.kernel import push as pushing
from kit.notes import tell
from kit.sandbox import environments, images, imported
from kit.sandbox.images import Image
from kit.task.catalog import Entry
from kit.toolbox.encoders import handles

Inputs = Mapping[str, str | Path]
"""Local folders for the further datasets and models that a kernel attaches, by their names on Kaggle."""


def keep(folder: Path, text: str, described: dict[str, Any], stored: dict[str, Any] | None) -> None:
    """Write a notebook into its folder, and its metadata where they are not as `stored`; the wheels that the image
    lacks are attached."""
    machine = metadata.machine_of(described)
    image, lacking = images.known(machine.kind), notebook.lacking(text)
    wheels.refuse_conflicts(imported.needed(text), image)
    if lacking:
        try:
            wheels.folder(lacking, image)
        except wheels.Offline as offline:
            tell(f"{offline.wrong} Rehearsing or pushing the kernel tries again.")
    owner = str(described["id"]).partition("/")[0]
    described["dataset_sources"] = wheels.attached(described.get("dataset_sources", []), lacking, owner)
    if described != stored:
        folder.mkdir(parents=True, exist_ok=True)
        metadata.write(folder, described)
    metadata.read(folder)
    with places.whole(folder / notebook.FILE) as part:
        part.write_text(text, encoding="utf-8")


def folders_of(inputs: Inputs | None) -> dict[str, Path]:
    """Local folders that a person gave. Raises KitError for one that is none."""
    given = {ref: places.named(place) for ref, place in (inputs or {}).items()}
    for ref, place in given.items():
        if not place.is_dir():
            raise KitError(
                f"For the input {ref} you gave {place}, which is not a folder.", "Give the folder of a local copy."
            )
    return given


def attached(text: str, described: dict[str, Any]) -> dict[str, Path]:
    """What a kernel attaches that kit makes itself, by the name on Kaggle: wheels, and the tiny encoder of texts."""
    lacking, kind = notebook.lacking(text), notebook.machine(text)
    folders: dict[str, Path] = {}
    for ref in described.get("dataset_sources", []):
        slug = ref.split("/")[1]
        if lacking and slug == wheels.slug(lacking):
            folders[ref] = wheels.folder(lacking, images.known(kind or "cpu"))
        elif slug == handles.dataset(handles.TINY):
            folders[ref] = Path(handles.locate(handles.TINY, "encoder")).parent
    return folders


def send(connected: client.Client, text: str, described: dict[str, Any]) -> None:
    """Make the private datasets that kit itself fills, or new versions of them where bytes have changed."""
    for place in attached(text, described).values():
        if place.name == handles.TINY:
            publish.encoder(handles.TINY, connected, message="", wait=True)
        else:
            wheels.send(place, connected)


def image_for(wanted: str | None, described: dict[str, Any]) -> Image | None:
    """The image by whose packages a kernel is rehearsed; None for kit's own.

    Raises KitError where an image was asked for of which no environment can be made here.
    """
    if wanted == "own":
        return None
    kind = metadata.machine_of(described).kind if wanted in (None, "kernel") else wanted
    image = images.known(str(kind), probing.server())
    if why := environments.lacking(image):
        if wanted is not None:
            raise why
        tell(f"{why.wrong} The rehearsal has kit's own packages instead. {why.cure}")
        return None
    return image


def rehearsed(
    entry: Entry, text: str, described: dict[str, Any], local: dict[str, Path], keep: Path, image: Image | None
) -> Rehearsals:
    """Rehearse a notebook whose inputs are here under both mount layouts, and tell how it went."""
    from kit.kaggle.kernel import rehearsal

    results = rehearsal.rehearse(
        entry, text, described, local, echo=lambda line: tell(f"  {line}"), keep=keep, image=image
    )
    for result in results:
        how = f"executed by {result.runner} in {result.environment}, kept in by {result.walls}"
        what = "submission accepted" if result.sha256 else "found"
        tell(f"{result.layout} mounts: {result.showed} in {result.seconds} s, {what}, {how}")
    if results[0].runner == "Jupyter":
        tell(f"The executed notebook is {keep / 'new' / rehearsal.EXECUTED}")
    else:
        tell(f"Jupyter is not installed: magics and displayed results were not shown. {places.install('notebook')}")
    return Rehearsals(tuple(results))


def refuse_other_machine(text: str, machine: accelerators.Accelerator, words: str) -> None:
    """Raises KitError where a notebook was built for another kind of machine; `words` are those that name it."""
    if notebook.machine(text) != machine.kind:
        raise KitError(
            f"The notebook was built for a {notebook.machine(text)}, and {machine.word} is a {machine.kind}.",
            "Its first cell looks at the device, so that it must be built for the kind of machine that runs it.",
            f"kit kernel build {words} --accelerator {machine.word}",
        )


def sent(
    connected: client.Client,
    folder: Path,
    text: str,
    described: dict[str, Any],
    machine: accelerators.Accelerator,
    timeout: int | None,
    words: str,
    expected: float,
) -> Pushed:
    """Push a notebook with the datasets that kit fills, and remember the version."""
    send(connected, text, described)
    pushed = pushing.push(connected, text, described, machine=machine, timeout=timeout, words=words, expected=expected)
    versions.remember(folder, pushed)
    tell(f"Pushed {pushed.ref} {pushed.label} to {machine.what}, stopped after {pushed.timeout:,} s: {pushed.url}")
    return Pushed(pushed)
