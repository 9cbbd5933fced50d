"""The notebook of a code competition: a run's models are attached, and it only predicts. Same run, same bytes."""

from __future__ import annotations

import json
from pathlib import Path

from kit import places
from kit.errors import KitError
from kit.kaggle import weights
from kit.kaggle.kernel import accelerators, cells, metadata, notebook, packing
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.metadata import Metadata
from kit.limits import RERUN_HOURS as HOURS
from kit.limits import Kind
from kit.predict import models
from kit.task.catalog import Entry, Recipe
from kit.train.runs import Run


def name(run: Run) -> str:
    """The kernel's slug and the name of its folder under `kernels/`: `digit-recognizer-cnn-inference`. Runs of one
    recipe are versions of one kernel."""
    plan = run.plan
    return notebook.slug(f"{plan.competition} {plan.recipe} {plan.variant} {'sample' * plan.sample} inference")


def folder_of(run: Run) -> Path:
    """The folder of the kernel that predicts by a run."""
    return places.kernels() / name(run)


def words(run: Run) -> str:
    """The words by which commands name the kernel."""
    return f"{run.plan.competition} --from {run.name}"


def command(run: Run, hours: float) -> str:
    """What to type to build the notebook."""
    return f"kit kernel build {words(run)}" + (f" --hours {hours:g}" if hours != HOURS else "")


def build(entry: Entry, run: Run, kind: Kind = "cpu", *, hours: float = HOURS) -> str:
    """The text of the notebook that predicts by a run on a machine of that kind, within so many hours.

    Raises KitError when the run, or a member of a blend, has no models, and as `notebook.build` does.
    """
    models.files(entry, run)
    recipes = _recipes(entry, run)
    last = cells.predict(competition=entry.name, dataset=weights.name(run), run=run.name, limit=hours * 3600)
    packed = packing.pack(entry, recipes, last, packing.PREDICTING)
    head = "\n".join(
        [
            f"# {entry.name} · predictions of {run.plan.label}",
            "",
            f"Built by `{command(run, hours)}` of kaggle-kit. Each cell writes one file as it is in the repository;",
            f"the last one loads the models of run `{run.name}` from a dataset that is attached, and predicts the test",
            "rows that are there, in parts, into `submission.csv`. Nothing is trained. It needs no internet.",
        ]
    )
    said = "## The predictions\n\nThe test rows of the file that is there, under its ids and in its order."
    made = {"from": run.name, "competition": entry.name, "hours": hours}
    return notebook.assembled(
        packed, kind, recipes, head=head, said=said, last=last, words=words(run), made=made, first=cells.START
    )


def told(text: str) -> tuple[str, str, float] | None:
    """The competition, the name of the run and the hours that a built notebook predicts by; None for any other."""
    try:
        made = json.loads(text)["metadata"]["kit"]
        return str(made["competition"]), str(made["from"]), float(made["hours"])
    except (ValueError, KeyError, TypeError):
        return None


def fresh(entry: Entry, run: Run) -> tuple[str, float]:
    """The notebook that was built of a run, and its hours.

    Raises KitError when there is none, it was built of another run, or today's files would build another one.
    """
    file = folder_of(run) / notebook.FILE
    if not file.is_file():
        raise KitError(f"{file} is missing.", "It must be built before it is pushed.", command(run, HOURS))
    text = file.read_text(encoding="utf-8")
    known = told(text)
    if known is None or known[1] != run.name:
        raise KitError(
            f"{file} was built of {f'run {known[1]}' if known else 'something else'}.",
            f"It must be built of run {run.name}.",
            command(run, known[2] if known else HOURS),
        )
    kind = metadata.machine_of(metadata.read(file.parent, words(run))).kind
    if build(entry, run, kind, hours=known[2]) != text:
        raise KitError(
            f"{file} is stale: the files that it was built from have changed since.",
            "What runs on Kaggle must be what is in the repository.",
            command(run, known[2]),
        )
    return text, known[2]


def described(entry: Entry, run: Run, machine: Accelerator, stored: Metadata | None) -> Metadata:
    """The metadata of the kernel: the competition's data, the run's dataset and encoders are attached, and there is no
    internet. What a person wrote into `stored` stays, but for the runs that kit has attached before."""
    user = str((stored or {}).get("id", metadata.USER)).partition("/")[0]
    own = f"{user}/{weights.name(run)}"
    if stored is not None:
        kept = [ref for ref in stored.get("dataset_sources", []) if not weights.of_run(str(ref).partition("/")[2])]
        return {**stored, "dataset_sources": [*kept, own], "enable_internet": False}
    competitions, datasets = metadata.data(entry)
    fitted = [metadata.attached(entry, one.plan) for one in models.fitted_by_recipes(run)]
    encoders = dict.fromkeys(ref for one, _ in fitted for ref in one)
    further = dict.fromkeys(ref for _, refs in fitted for ref in refs)
    return metadata.described(name(run), machine, [*datasets, *encoders, own], competitions, [*further])


def machine(described: Metadata | None, word: str | None) -> Accelerator:
    """The machine that a word names, else that of the metadata, else one without an accelerator."""
    return accelerators.find(word or "cpu") if word or not described else metadata.machine_of(described)


def _recipes(entry: Entry, run: Run) -> list[Recipe]:
    """The recipes whose models make the run's."""
    fitted = models.fitted_by_recipes(run)
    return [*{one.plan.recipe: entry.recipes[one.plan.recipe] for one in fitted}.values()]
