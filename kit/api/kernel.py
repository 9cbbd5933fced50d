"""A kernel on Kaggle, step by step: build, rehearse, push, status, logs, pull. `kit.push` does all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit import places, records
from kit.api import code_competitions, training
from kit.api import kernel_steps as steps
from kit.api.kernel_results import Kernel, Looks, Probe, Pushed, Rehearsals, Status
from kit.api.kernel_steps import Inputs
from kit.errors import KitError
from kit.kaggle import client
from kit.kaggle.kernel import accelerators, inference, metadata, notebook, outputs, sessions, versions
from kit.kaggle.kernel import probe as probing
from kit.kaggle.kernel import push as pushing
from kit.notes import tell
from kit.sandbox import images
from kit.task import catalog, splits
from kit.task.catalog import Entry
from kit.train.runs import Plan, Run


def build(
    competition: str,
    recipe: str = "",
    *,
    scheme: str = "cv",
    folds: int | None = None,
    seed: int = 0,
    sample: bool = False,
    accelerator: str | None = None,
    run: str | Run | None = None,
    hours: float | None = None,
    **settings: Any,
) -> Kernel:
    """Write the notebook of a recipe, `kernels/<competition>-<recipe>/kernel.ipynb`, from the files as they are now.

    `scheme`, `folds`, `seed` and settings are as in `kit.train`. `accelerator` (`cpu`, `t4`, `l4`, `tpu`, ...) is
    written to `kernel-metadata.json`, which is made where there is none and is yours after that. With `run`, a run, its
    name or a part of it, the notebook trains nothing and predicts by the models of that run, as code competitions want
    it, within `hours` (9 if not given). Raises KitError for an unknown name or setting, for a run without models, and
    when a file holds what looks like a credential.
    """
    if run is not None:
        given = {"recipe": recipe, "folds": folds, "seed": seed, "full": scheme != "cv", **settings}
        code_competitions.refuse_plan([name for name, value in given.items() if value not in ("", None, 0, False)])
        return code_competitions.build(competition, run, accelerator=accelerator, hours=hours)
    entry, plan = planned(competition, recipe, settings, scheme=scheme, folds=folds, seed=seed, sample=sample)
    return written(entry, plan, accelerator)


def build_all(*, accelerator: str | None = None) -> tuple[Kernel, ...]:
    """Build every kernel of the workspace again, each as it was planned, after a change to kit or to recipes. One that
    predicts by a run whose models are not here is passed over, and a person is told."""
    files = sorted(places.kernels().glob(f"*/{notebook.FILE}"))
    built = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        if known := inference.told(text):
            try:
                built.append(code_competitions.build(known[0], known[1], accelerator=accelerator, hours=known[2]))
            except KitError as error:
                tell(f"Passed over: {file.parent}. {error.wrong}")
        else:
            plan = notebook.plan(text, file)
            built.append(written(catalog.find(plan.competition), plan, accelerator))
    return tuple(built)


def rehearse(
    competition: str,
    recipe: str = "",
    *,
    inputs: Inputs | None = None,
    real_data: bool = False,
    image: str | None = None,
    sample: bool = False,
    run: str | Run | None = None,
    hidden: bool = False,
) -> Rehearsals | Looks:
    """Run the built notebook here as Kaggle would: both mount layouts, inputs read-only, no network, a disk cap.

    It runs on the embedded sample, or with `real_data` on the downloaded data. `inputs` are local folders for what
    else the kernel attaches. `image` says by which packages: those of Kaggle's image `cpu`, `gpu` or `tpu`, of the
    `kernel`'s own machine, or kit's `own`; without it those of the kernel's machine where uv and the image's Python are
    installed. With `run` it is the notebook that predicts by that run, on the data that this was trained on; with
    `hidden` it gets test files that it has never seen too. Raises KitError when a cell fails or the submission would be
    refused, and where an environment that was asked for cannot be made.
    """
    from kit.kaggle.kernel import rehearsal

    if run is not None:
        code_competitions.refuse_plan(["recipe"] * bool(recipe) + ["real_data"] * real_data)
        return code_competitions.rehearse(competition, run, inputs=inputs, image=image, hidden=hidden)
    if hidden:
        raise KitError(
            "--hidden needs --from RUN.",
            "Hidden test files are for a notebook that only predicts.",
            f"kit kernel rehearse {competition} --from last --hidden",
        )
    entry, (folder, words) = catalog.find(competition), _named(competition, recipe, sample=sample)
    text, _ = pushing.fresh(folder, words)
    described = metadata.read(folder, words)
    extra = steps.attached(text, described) | steps.folders_of(inputs)
    local = rehearsal.local_inputs(replace(entry, sample=not real_data and entry.has_sample), described, extra=extra)
    tell(f"Rehearsing {folder.name} under both mount layouts")
    keep = folder / "output" / "rehearsal"
    return steps.rehearsed(entry, text, described, local, keep, steps.image_for(image, described))


def probe(accelerator: str = "cpu") -> Probe:
    """Push a kernel of less than a minute that writes down what is installed on a machine of Kaggle's, and keep it.

    From then on rehearsals use that list in place of the one that comes with kit. Raises KitError when the kernel
    cannot be pushed or fails.
    """
    machine = accelerators.find(accelerator)
    seen = probing.look(client.connect(), machine)
    before = images.read(images.SHIPPED / f"{machine.kind}.json")
    file = images.keep(seen.image, probing.server())
    tell(f"Kept as {file}; rehearsals for a {machine.kind} use it from now on.")
    return Probe(seen, file, tuple(images.differences(before, seen.image)))


def push(
    competition: str,
    recipe: str = "",
    *,
    accelerator: str | None = None,
    timeout: int | None = None,
    sample: bool = False,
    run: str | Run | None = None,
) -> Pushed:
    """Push the built notebook; Kaggle runs it at once, and stops it after `timeout` seconds (9 hours if not given).
    With `run` it is the notebook that predicts by that run.

    Raises KitError for a notebook that today's files would not build, and when Kaggle's answer is not wholly well.
    """
    if run is not None:
        code_competitions.refuse_plan(["recipe"] * bool(recipe))
        return code_competitions.push(competition, run, accelerator=accelerator, timeout=timeout)
    folder, words = _named(competition, recipe, sample=sample)
    text, plan = pushing.fresh(folder, words)
    described = metadata.read(folder, words)
    machine = accelerators.find(accelerator) if accelerator else metadata.machine_of(described)
    steps.refuse_other_machine(text, machine, words)
    connected = client.connect()
    expected = _card(text, plan, metadata.owned(described, connected.user), machine, timeout)
    return steps.sent(connected, folder, text, described, machine, timeout, words, expected)


def status(
    competition: str,
    recipe: str = "",
    *,
    version: int | None = None,
    wait: bool = False,
    sample: bool = False,
    run: str | Run | None = None,
) -> Status:
    """Where the pushed version stands; with `wait` its log is told until it has finished.

    `version` is its number, that of the last push if not given; with `run` it is one of the notebook that predicts by
    that run. Raises KitError when there is none.
    """
    pushed, connected = _remembered(competition, recipe, version, sample=sample, run=run), client.connect()
    state = sessions.follow(connected, pushed, echo=tell) if wait else sessions.status(connected, pushed)
    return Status(pushed, state)


def logs(
    competition: str,
    recipe: str = "",
    *,
    version: int | None = None,
    wait: bool = False,
    sample: bool = False,
    run: str | Run | None = None,
    echo: Callable[[str], None] | None = None,
) -> list[str]:
    """The lines of the pushed version's log; with `wait` until it has finished. `echo` is given each as it comes."""
    pushed, connected = _remembered(competition, recipe, version, sample=sample, run=run), client.connect()
    lines: list[str] = []

    def take(line: str) -> None:
        lines.append(line)
        if echo is not None:
            echo(line)

    if wait:
        sessions.follow(connected, pushed, echo=take)
    else:
        for line in sessions.log(connected, pushed):
            take(line)
        if not (state := sessions.status(connected, pushed)).finished:
            tell(f"{pushed.ref} {pushed.label} is {state.status.lower()}; --wait shows its log as it is written.")
    return lines


def pull(competition: str, recipe: str = "", *, version: int | None = None, sample: bool = False) -> Run:
    """Fetch the run that the pushed version left into `submissions/`, where it is a run like any other.

    Of a version that failed, or came to its time limit, it is an unfinished run, if there is one: finished folds and
    checkpoints are kept, and `kit.train(..., resume=run)` goes on with them. Raises KitError when the version runs
    still, or left no run.
    """
    pushed, connected = _remembered(competition, recipe, version, sample=sample), client.connect()
    name, state = catalog.find(competition).name, sessions.status(connected, pushed)
    if state.finished and state.status != "COMPLETE":
        try:
            run = outputs.land(connected, pushed, name, finished=False)
        except KitError:
            sessions.succeeded(connected, pushed, state)  # raised: what ended it tells more than that it left no run
            raise
        tell(f"{pushed.ref} {pushed.label} ended with {state.status}. {state.failure} What it left of its run is kept.")
        tell(f"Go on with: kit train {name} --resume {run.name}")
        return run
    sessions.succeeded(connected, pushed, state)
    return outputs.land(connected, pushed, name)


def planned(
    competition: str,
    recipe: str,
    settings: dict[str, Any],
    *,
    scheme: str,
    folds: int | None,
    seed: int,
    sample: bool,
) -> tuple[Entry, Plan]:
    """The plan that a kernel is to carry out; its data lies on Kaggle, so that it has no digests."""
    entry = catalog.find(competition, sample=sample)
    name, variant = entry.recipe(recipe)
    values = name.resolve(variant, settings, smoke=sample)
    if folds is not None:
        splits.with_folds(entry.competition.split, folds)
    scheme = training.checked_scheme(entry, scheme, folds)
    seed = training.checked_seed(seed)
    return entry, Plan(entry.name, name.name, variant, values, seed=seed, scheme=scheme, folds=folds, sample=sample)


def written(entry: Entry, plan: Plan, accelerator: str | None) -> Kernel:
    """The notebook of `plan`, and its metadata where there is none, another accelerator is asked for, or other wheels
    are needed than it attaches."""
    folder = versions.folder_of(plan)
    stored = metadata.read(folder) if (folder / metadata.FILE).exists() else None
    machine = accelerators.find(accelerator or "cpu") if accelerator or not stored else metadata.machine_of(stored)
    text = notebook.build(entry, plan, machine.kind)
    described = metadata.first(entry, plan, machine) if stored is None else dict(stored)
    steps.keep(folder, text, described | (metadata.hardware(machine) if accelerator else {}), stored)
    return Kernel(folder, plan)


def _card(
    text: str, plan: Plan, described: dict[str, Any], machine: accelerators.Accelerator, timeout: int | None
) -> float:
    """Tell what is about to be pushed, and warn where it may take longer than it is given; the most seconds that it may
    take, 0 where nothing is known of them."""
    from kit.kaggle.kernel import card, estimate
    from kit.kaggle.kernel.rehearsal import RECORD

    entry = catalog.find(plan.competition, sample=plan.sample)
    folder = versions.folder_of(plan)
    known = records.read_json(entry.data / "manifest.json").get("public", {})
    rows = estimate.rows(entry) or max((facts.get("rows") or 0 for facts in known.values()), default=0)
    left = folder / "output" / "rehearsal" / "new" / RECORD
    time = estimate.of(entry, plan, machine, rows, left) if rows else None
    seconds = accelerators.timeout(machine, timeout)
    image = images.known(machine.kind, probing.server())
    for line in card.lines(described, machine, image, notebook.lacking(text), time, seconds):
        tell(f"  {line}")
    if time is None:
        return 0.0
    if time.most > seconds:
        words, less = notebook.words(plan), estimate.shorter(plan, entry, time, seconds)
        cure = f"kit push {words} {less}" if less == "--folds-as-kernels" else f"kit kernel build {words} {less}"
        tell(f"Warning: the kernel may take longer than the time it is given. Shorter: {cure}")
    return time.most


def _plan(competition: str, recipe: str, *, sample: bool) -> Plan:
    """As much of a plan as names a kernel."""
    entry = catalog.find(competition)
    known, variant = entry.recipe(recipe)
    return Plan(entry.name, known.name, variant, {}, sample=sample)


def _named(competition: str, recipe: str, *, sample: bool) -> tuple[Path, str]:
    """The folder of a kernel, and the words by which commands name it."""
    plan = _plan(competition, recipe, sample=sample)
    return versions.folder_of(plan), notebook.words(plan)


def _remembered(
    competition: str, recipe: str, version: int | None, *, sample: bool, run: str | Run | None = None
) -> versions.Pushed:
    """The version of a kernel that was pushed last from here, or the one with the number `version`."""
    if run is None:
        folder, words = _named(competition, recipe, sample=sample)
    else:
        _, source = code_competitions.located(competition, run)
        folder, words = inference.folder_of(source), inference.words(source)
    return versions.remembered(client.connect(), folder, words, version)
