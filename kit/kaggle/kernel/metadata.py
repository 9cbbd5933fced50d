"""How Kaggle runs a kernel: `kernel-metadata.json`, written by hand in Kaggle's own format."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit import limits, records
from kit.errors import KitError
from kit.kaggle import publish
from kit.kaggle.kernel import accelerators, notebook
from kit.kaggle.kernel.accelerators import Accelerator
from kit.task.catalog import Entry
from kit.task.sources import KaggleCompetition, KaggleDataset
from kit.toolbox.encoders import handles
from kit.train.runs import Plan

FILE = "kernel-metadata.json"

USER = "INSERT_USER_HERE"
"""Stands for the name of whoever pushes, so that a repository's kernels serve everybody."""

SOURCES = {
    "competition_sources": "titanic",
    "dataset_sources": "ada/engines",
    "kernel_sources": "ada/a-notebook",
    "model_sources": "keras/bert/keras/small",
}
"""The fields that name sources, and what a name looks like at least; a version may follow."""

Metadata = dict[str, Any]


def first(entry: Entry, plan: Plan, machine: Accelerator) -> Metadata:
    """The metadata of a kernel that has none yet: private, without internet, with the competition's data and the
    encoders that the recipe's settings name.

    Raises KitError for an encoder that cannot be attached.
    """
    competitions, datasets = data(entry)
    encoders, models = attached(entry, plan)
    return described(notebook.name(plan), machine, [*datasets, *encoders], competitions, models)


def data(entry: Entry) -> tuple[list[str], list[str]]:
    """What holds a competition's data on Kaggle: competitions, and datasets."""
    source = entry.competition.source
    if entry.competition.prepare is None and isinstance(source, KaggleCompetition):
        return [source.slug], []
    if entry.competition.prepare is None and isinstance(source, KaggleDataset):
        return [], [source.ref]
    return [], [f"{USER}/{publish.name(entry)}"]


def described(
    name: str,
    machine: Accelerator,
    datasets: Sequence[str] = (),
    competitions: Sequence[str] = (),
    models: Sequence[str] = (),
) -> Metadata:
    """The metadata of a private notebook called `name`, without internet, that attaches these."""
    return {
        "id": f"{USER}/{name}",
        "title": name.replace("-", " "),
        "code_file": notebook.FILE,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        **hardware(machine),
        "enable_internet": False,
        "dataset_sources": [*datasets],
        "competition_sources": [*competitions],
        "kernel_sources": [],
        "model_sources": [*models],
    }


def attached(entry: Entry, plan: Plan) -> tuple[list[str], list[str]]:
    """The datasets and the models of Kaggle that hold the encoders which the plan's settings name.

    Raises KitError for an address that is not one of Kaggle Models.
    """
    recipe, _ = entry.recipe(plan.label)
    # A tiny encoder of speech is made by its recipe. One of texts is written with packages that the image lacks.
    # A setting that names none means one that the recipe makes itself, too.
    made = {"", handles.TINY} if "preprocess" not in recipe.attach else {""}
    named = [plan.settings[name] for name in recipe.attach if plan.settings[name] not in made]
    for handle in named:
        if "://" in handle and not handles.model(handle):
            raise KitError(
                f"A kernel without internet cannot fetch {handle}.",
                "Its address on Kaggle Models, or an imported encoder, can be attached.",
                f"kit encoder import ~/models/{handle.rstrip('/').rpartition('/')[2]}",
            )
    datasets = [f"{USER}/{handles.dataset(handle)}" for handle in named if "://" not in handle]
    models = [handles.model(handle) for handle in named if "://" in handle]
    return list(dict.fromkeys(datasets)), list(dict.fromkeys(models))


def hardware(machine: Accelerator) -> Metadata:
    """The fields that say on what a kernel runs."""
    return {
        "enable_gpu": machine.kind == "gpu",
        "enable_tpu": machine.kind == "tpu",
        "machine_shape": machine.shape,
    }


def read(folder: Path, words: str = "") -> Metadata:
    """The metadata of the kernel in `folder`, checked; `words` are those by which commands name it.

    Raises KitError when it is missing, is not what Kaggle takes, or would be understood by Kaggle otherwise than it
    reads.
    """
    path = folder / FILE
    if not path.exists():
        raise KitError(f"{path} is missing.", "Building writes one.", f"kit kernel build {words}".rstrip())
    described = records.read_json(path)
    check(described, path)
    return described


def check(described: Metadata, path: Path) -> None:
    """Raises KitError for what Kaggle refuses, and for what it takes and changes without a word."""
    owner, _, name = str(described.get("id", "")).partition("/")
    title = str(described.get("title", ""))
    if not owner or not name:
        raise KitError(f"{path}: id {described.get('id')!r} names no kernel.", f'It is "{USER}/NAME" or "YOU/NAME".')
    if len(title) < limits.SHORTEST_TITLE:
        raise KitError(
            f"{path}: title {title!r} is too short.", f"Kaggle wants {limits.SHORTEST_TITLE} characters or more."
        )
    if notebook.slug(title) != name:
        raise KitError(
            f"{path}: title {title!r} would make the kernel {notebook.slug(title)!r}, and id says {name!r}.",
            "Kaggle names a kernel after its title and refuses an id that differs; the two must agree.",
            f'"title": "{name.replace("-", " ")}"  # in {path.name}',
        )
    if not isinstance(described.get("enable_internet"), bool):
        raise KitError(
            f"{path}: enable_internet is not given.",
            "Kaggle's documentation calls false the default, and its client sends true; so it must be written down.",
            f'"enable_internet": false  # in {path.name}',
        )
    if described.get("code_file") != notebook.FILE or described.get("kernel_type") != "notebook":
        raise KitError(
            f"{path}: code_file must be {notebook.FILE!r} and kernel_type 'notebook'.", "kit builds just that file."
        )
    for field, like in SOURCES.items():
        refs = described.get(field, [])
        for ref in refs if isinstance(refs, list) else [refs]:
            parts = ref.split("/") if isinstance(ref, str) else []
            named = all(re.fullmatch(r"[\w.-]+", part) and part.strip(".") for part in parts)
            if not isinstance(refs, list) or len(parts) <= like.count("/") or not named:
                raise KitError(f"{path}: {field} holds {str(ref)[:200]!r}.", f"It is a list of names such as {like!r}.")
    machine = machine_of(described)
    if machine.kind == "tpu" and described.get("docker_image"):
        raise KitError(
            f"{path}: docker_image is pinned, and the accelerator is a TPU.",
            "A pinned image makes Kaggle run the kernel without its TPU (kaggle-cli#1197).",
            f"remove docker_image from {path.name}",
        )


def machine_of(described: Metadata) -> Accelerator:
    """The accelerator that metadata asks for.

    Raises KitError for one that is unknown or retired.
    """
    shape = str(described.get("machine_shape") or "")
    if not shape and described.get("enable_gpu"):
        shape = limits.DEFAULT["gpu"]
    if not shape and described.get("enable_tpu"):
        shape = limits.DEFAULT["tpu"]
    return accelerators.find(shape)


def write(folder: Path, described: Metadata) -> None:
    """Write the metadata of the kernel in `folder`, whole."""
    records.write_json(folder / FILE, described)


def owned(described: Metadata, user: str) -> Metadata:
    """The metadata with `user` in place of USER."""
    return json.loads(json.dumps(described).replace(USER, user))


def mounts(described: Metadata, *, new: bool) -> dict[str, str]:
    """Each input of the kernel, as metadata names it, to its folder below `/kaggle/input` in the new or old layout.

    Source: docs of kaggle 2.2.5 and public notebooks of 2026, which show both.
    """
    places = {slug: f"competitions/{slug}" if new else slug for slug in described.get("competition_sources", [])}
    for ref in described.get("dataset_sources", []):
        owner, slug, *_ = ref.split("/")
        places[ref] = f"datasets/{owner}/{slug}" if new else slug
    for ref in described.get("kernel_sources", []):
        owner, slug, *_ = ref.split("/")
        places[ref] = f"notebooks/{owner}/{slug}" if new else slug
    for ref in described.get("model_sources", []):
        places[ref] = f"models/{ref}" if new else ref.partition("/")[2]
    return places
