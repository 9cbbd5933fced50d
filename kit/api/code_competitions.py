"""Code competitions from the user's side: a run's models are published, and a notebook that predicts by them is built,
rehearsed, pushed and submitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from kit import limits, records
from kit.api import kernel_steps as steps
from kit.api import submitting, training
from kit.api.kernel_results import Kernel, Looks, Pushed, Rehearsals
from kit.api.kernel_steps import Inputs
from kit.api.submitting import Published
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle import client, publish, weights
from kit.kaggle import submit as checks
from kit.kaggle.kernel import (
    accelerators,
    card,
    hidden,
    inference,
    metadata,
    notebook,
    outputs,
    readback,
    sessions,
    versions,
)
from kit.kaggle.kernel import probe as probing
from kit.notes import tell
from kit.predict.inference import FILE
from kit.sandbox import images
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import runs
from kit.train.runs import Run


def publish_run(competition: str, run: str | Run, *, message: str = "", wait: bool = True) -> Published:
    """Upload what the models of a run are read from as your own private Kaggle dataset, for notebooks to attach.

    Of a blend these are the models of its members. Predictions, curves, plots and checkpoints stay here. A new version
    is made only when bytes changed. `run` is a run, its name or a part of it, or `"last"`. Raises KitError when the
    run has no models, or a member of the blend, and when Kaggle refuses the dataset.
    """
    entry, source = located(competition, run)
    return submitting.published(weights.send(entry, source, client.connect(), message=message, wait=wait))


def located(competition: str, run: str | Run) -> tuple[Entry, Run]:
    """A competition with the data that a run was trained on, and the run.

    Raises KitError when there is none of that name, it is one of another competition, or it is unfinished.
    """
    entry = catalog.find(competition)
    source = training.named(entry, run)
    if source.plan.competition != entry.name:
        raise KitError(
            f"Run {source.name} is one of {source.plan.competition}, and not of {entry.name}.",
            "A notebook predicts the test rows of the competition that its models were fitted for.",
            f"kit runs {entry.name}",
        )
    source.record  # noqa: B018  (raises for an unfinished run)
    return replace(entry, sample=source.plan.sample), source


def refuse_plan(given: list[str]) -> None:
    """Raises KitError for options that say how something is trained, beside a run that is trained already."""
    if given:
        raise KitError(
            f"{', '.join(given)} cannot be given together with a run.",
            "The notebook trains nothing: the run says by which models it predicts.",
        )


def build(competition: str, run: str | Run, *, accelerator: str | None = None, hours: float | None = None) -> Kernel:
    """The notebook that predicts by a run, and its metadata: written into `kernels/`. Raises KitError as
    `kit.kernel.build` does."""
    entry, source = located(competition, run)
    hours = inference.HOURS if hours is None else hours
    if not 0.1 <= hours <= limits.LONGEST["cpu"] / 3600:
        raise KitError(
            f"A notebook cannot have {hours:g} hours.",
            "A code competition's page says how many it may have; most say 9.",
        )
    folder = inference.folder_of(source)
    stored = metadata.read(folder) if (folder / metadata.FILE).exists() else None
    machine = inference.machine(stored, accelerator)
    text = inference.build(entry, source, machine.kind, hours=hours)
    described = inference.described(entry, source, machine, stored) | metadata.hardware(machine)
    steps.keep(folder, text, described, stored)
    return Kernel(folder, source.plan, source)


def rehearse(
    competition: str,
    run: str | Run,
    *,
    inputs: Inputs | None = None,
    image: str | None = None,
    hidden: bool = False,
) -> Rehearsals | Looks:
    """The built notebook, run here on the data that the run was trained on, and with `hidden` on test files that it has
    never seen. Raises KitError as `kit.kernel.rehearse` does."""
    entry, source = located(competition, run)
    folder = inference.folder_of(source)
    text, _ = inference.fresh(entry, source)
    described = metadata.read(folder, inference.words(source))
    with weights.laid(entry, source) as models:
        return _rehearsed(entry, source, text, described, models, inputs, image, more=hidden)


def _rehearsed(
    entry: Entry,
    run: Run,
    text: str,
    described: dict[str, Any],
    models: Path,
    inputs: Inputs | None,
    image: str | None,
    *,
    more: bool,
) -> Rehearsals | Looks:
    from kit.kaggle.kernel import rehearsal

    own = [ref for ref in described["dataset_sources"] if ref.partition("/")[2] == weights.name(run)]
    extra = steps.attached(text, described) | dict.fromkeys(own, models) | steps.folders_of(inputs)
    local = rehearsal.local_inputs(entry, described, extra=extra)
    folder = inference.folder_of(run)
    keep, chosen = folder / "output" / "rehearsal", steps.image_for(image, described)
    if not more:
        tell(f"Rehearsing {folder.name} under both mount layouts")
        return steps.rehearsed(entry, text, described, local, keep, chosen)
    tell(f"Rehearsing {folder.name} on the visible test file and on others")
    public = fetch.sample(entry) / "public" if entry.sample else entry.public()
    looks = hidden.rehearse(
        entry,
        run,
        text,
        described,
        local,
        public,
        echo=lambda line: tell(f"  {line}"),
        told=tell,
        keep=keep,
        image=chosen,
    )
    return Looks(tuple(looks))


def push(competition: str, run: str | Run, *, accelerator: str | None = None, timeout: int | None = None) -> Pushed:
    """Push the built notebook, as `kit.kernel.push` does."""
    entry, source = located(competition, run)
    text, hours = inference.fresh(entry, source)
    folder, words = inference.folder_of(source), inference.words(source)
    described = metadata.read(folder, words)
    machine = inference.machine(described, accelerator)
    steps.refuse_other_machine(text, machine, words)
    connected = client.connect()
    rows, seen = source.record.rows.test, hidden.rate(folder / "output" / "rehearsal")
    image = images.known(machine.kind, probing.server())
    timeout = accelerators.timeout(machine, timeout or min(round(hours * 3600), limits.LONGEST[machine.kind]))
    time, owned = card.room(seen, rows, hours, words), metadata.owned(described, connected.user)
    for line in card.lines(owned, machine, image, notebook.lacking(text), time, timeout):
        tell(f"  {line}")
    expected = rows / seen.rate + seen.loading if seen else 0.0
    if expected > timeout:
        tell("Warning: even the visible test rows take longer than that. A faster recipe or fewer folds are needed.")
    return steps.sent(connected, folder, text, described, machine, timeout, words, expected)


def submit(
    competition: str,
    run: str | Run,
    *,
    accelerator: str | None = None,
    timeout: int | None = None,
    hours: float | None = None,
    inputs: Inputs | None = None,
    rehearsed: bool = True,
    wait: bool = True,
    code: bool = True,
) -> Run | Pushed:
    """Publish the run's models, build the notebook, rehearse it, push it, wait for it, and with `code` submit the
    version. What was done before is not done again: a version that was pushed of the same notebook and the same models
    is waited for, and a version is submitted once. Raises KitError as each step does."""
    entry, source = located(competition, run)
    if entry.sample and code and not client.emulated():
        raise KitError(
            "Kaggle cannot score a submission for the embedded sample, and it would use one of today's submissions.",
            "Send it to an emulator that hosts the sample, or push it without --code.",
            f"kit push {entry.name} --from {source.name}",
        )
    built = build(competition, source, accelerator=accelerator, hours=hours)
    connected = client.connect()
    weights.send(entry, source, connected, message="", wait=True)
    version = _pushed_before(connected, built)
    if version is None:
        if rehearsed:
            rehearse(competition, source, inputs=inputs, hidden=True)
        version = push(competition, source, accelerator=accelerator, timeout=timeout).version
    if not wait:
        return Pushed(version)
    try:
        state = sessions.follow(connected, version, echo=lambda line: tell(f"  | {line}"))
    except KeyboardInterrupt:
        tell(f"\nThe notebook runs on at {version.url}. The same command goes on with it.")
        raise
    sessions.succeeded(connected, version, state)
    file = _fetched(connected, version, built.folder)
    parcel = checks.pack(entry, file, source, code=True)._replace(kernel=f"{version.ref}/{version.version}")
    if code:
        tell(submitting.sent(submitting.card_of(entry, parcel), code=True).summary())
    else:
        tell(f"Its submission would be accepted. Submit it: kit push {built.words} --code")
    return runs.find(entry.name, source.name)


def _pushed_before(connected: client.Client, built: Kernel) -> versions.Pushed | None:
    """The version that was pushed of the very same notebook, models and metadata, and has not failed; None where there
    is none."""
    known = versions.recorded(built.folder)
    text = built.notebook.read_text(encoding="utf-8")
    if known is None or known.url != versions.page(known.ref) or known.sha256 != versions.digest(text):
        return None
    assert built.run is not None
    if str(records.read_json(built.run.folder / publish.RECORD).get("at")) > known.at:
        return None  # it has the models that were published before
    described = metadata.owned(metadata.read(built.folder), connected.user)
    machine = metadata.machine_of(described)
    if known.accelerator != machine.word or versions.newest(connected, known.ref) != known.version:
        return None
    try:
        readback.check(connected, known.ref, known.version, text, described, machine)
        state = sessions.status(connected, known)
    except KitError:
        return None
    if state.finished and state.status != "COMPLETE":
        return None
    tell(f"{known.ref} {known.label} is this notebook, with these models; nothing is pushed again.")
    return known


def _fetched(connected: client.Client, version: versions.Pushed, folder: Path) -> Path:
    """The submission that a version left for the visible test rows, with what it told of its speed."""
    left = {output.name: output for output in outputs.listing(connected, version)}
    if "submission.csv" not in left:
        raise KitError(
            f"{version.ref} {version.label} left no submission.csv.",
            "A notebook that kit built leaves one.",
            f"{version.url}  # its log",
        )
    place = folder / "output" / notebook.slug(client.server()) / version.label
    outputs.fetch({name: left[name] for name in ("submission.csv", FILE) if name in left}, place)
    return place / "submission.csv"
