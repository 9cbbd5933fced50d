"""A kernel on Kaggle, step by step: build, rehearse, push, status, logs, pull. `kit.push` does all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from kit import places, records
from kit.api import training
from kit.api.results import Listing, Result
from kit.errors import KitError
from kit.kaggle import client, publish
from kit.kaggle.kernel import accelerators, inference, metadata, notebook, outputs, sessions, versions, wheels
from kit.kaggle.kernel import probe as probing
from kit.kaggle.kernel import push as pushing
from kit.kaggle.kernel.hidden import Look
from kit.kaggle.kernel.rehearsal import Rehearsal
from kit.kaggle.kernel.sessions import State
from kit.notes import tell
from kit.sandbox import environments, images, imported
from kit.sandbox.images import Image
from kit.task import catalog, splits
from kit.task.catalog import Entry
from kit.toolbox.encoders import handles
from kit.train.runs import Plan, Run
from kit.words import Table

Inputs = Mapping[str, str | Path]
"""Local folders for the further datasets and models that a kernel attaches, by their names on Kaggle."""


@dataclass(frozen=True, repr=False)
class Kernel(Result):
    """A built kernel: the folder of its notebook and its `kernel-metadata.json`, and the plan that it carries out; or
    the run by whose models it predicts, with the plan of that."""

    folder: Path
    plan: Plan
    run: Run | None = None

    @property
    def notebook(self) -> Path:
        """The file that Kaggle runs."""
        return self.folder / notebook.FILE

    @property
    def words(self) -> str:
        """How a command names it: `digit-recognizer cnn:augmented`."""
        return notebook.words(self.plan) if self.run is None else inference.words(self.run)

    def summary(self) -> str:
        return f"kernel {self.folder.name}, {self.notebook.stat().st_size:,} bytes"

    def table(self) -> Table:
        return Table(("what", "value"), list(metadata.read(self.folder).items()))

    def facts(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "bytes": self.notebook.stat().st_size}


class Looks(Listing[Look]):
    """How a kernel that only predicts went here on one test file after the other."""

    def summary(self) -> str:
        return f"{len(self)} test files, {sum(one.passed for one in self)} predicted"

    def table(self) -> Table:
        header = ("test file", "mounts", "rows", "rows/s", "GB", "outcome")
        return Table(
            header,
            [
                (one.what, one.layout, f"{one.rows:,}", f"{one.rate:,.0f}", f"{one.memory / 1e9:.2f}", one.said)
                for one in self
            ],
        )

    def facts(self) -> list[dict[str, Any]]:
        return [one._asdict() for one in self]


class Rehearsals(Listing[Rehearsal]):
    """How a kernel went here under each of Kaggle's mount layouts."""

    def summary(self) -> str:
        return f"{len(self)} rehearsals, all accepted"

    def table(self) -> Table:
        return Table(Rehearsal._fields, [tuple(one) for one in self], spare=("sha256", "environment"))

    def facts(self) -> list[dict[str, Any]]:
        return [one._asdict() for one in self]


@dataclass(frozen=True, repr=False)
class Probe(Result):
    """What is on a machine of Kaggle's, the file that keeps it, and what differs from the list that comes with kit:
    package, version there, version seen."""

    seen: probing.Seen
    file: Path
    differences: tuple[tuple[str, str, str], ...]

    def summary(self) -> str:
        image, devices = self.seen.image, ", ".join(self.seen.devices) or "no accelerator"
        disk = " and ".join(f"{size['free'] / 1e9:.0f} GB free in {place}" for place, size in self.seen.disk.items())
        return (
            f"Python {image.python}, {len(image.packages)} packages, {devices}, {self.seen.cores} cores, "
            f"{self.seen.memory / 1e9:.0f} GB of memory, {disk}; {len(self.differences)} differ from the shipped list"
        )

    def table(self) -> Table:
        return Table(("package", "in kit's list", "seen"), self.differences)

    def facts(self) -> dict[str, Any]:
        return {"file": str(self.file), **asdict(self.seen), "differences": self.differences}


@dataclass(frozen=True, repr=False)
class Pushed(Result):
    """A version of a kernel on Kaggle."""

    version: versions.Pushed

    def summary(self) -> str:
        return f"{self.version.ref} {self.version.label}"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.facts().items()))

    def facts(self) -> dict[str, Any]:
        return asdict(self.version)


@dataclass(frozen=True, repr=False)
class Status(Result):
    """Where a version stands."""

    version: versions.Pushed
    state: State

    def summary(self) -> str:
        return f"{self.version.ref} {self.version.label}: {self.state.status.lower()}"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.facts().items()))

    def facts(self) -> dict[str, Any]:
        return {"ref": self.version.ref, "version": self.version.version, **self.state._asdict()}

    def refuse_failure(self) -> None:
        """Raises KitError, with the end of its log, when the version has finished and did not complete."""
        if self.state.finished:
            sessions.succeeded(client.connect(), self.version, self.state)


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
        code_competitions().refuse_plan([name for name, value in given.items() if value not in ("", None, 0, False)])
        return code_competitions().build(competition, run, accelerator=accelerator, hours=hours)
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
                built.append(code_competitions().build(known[0], known[1], accelerator=accelerator, hours=known[2]))
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
        code_competitions().refuse_plan(["recipe"] * bool(recipe) + ["real_data"] * real_data)
        return code_competitions().rehearse(competition, run, inputs=inputs, image=image, hidden=hidden)
    if hidden:
        raise KitError(
            "--hidden needs --from RUN.",
            "Hidden test files are for a notebook that only predicts.",
            f"kit kernel rehearse {competition} --from last --hidden",
        )
    entry, (folder, words) = catalog.find(competition), _named(competition, recipe, sample=sample)
    text, _ = pushing.fresh(folder, words)
    described = metadata.read(folder, words)
    extra = attached(text, described) | folders_of(inputs)
    local = rehearsal.local_inputs(replace(entry, sample=not real_data and entry.has_sample), described, extra=extra)
    tell(f"Rehearsing {folder.name} under both mount layouts")
    keep = folder / "output" / "rehearsal"
    return rehearsed(entry, text, described, local, keep, image_for(image, described))


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
        code_competitions().refuse_plan(["recipe"] * bool(recipe))
        return code_competitions().push(competition, run, accelerator=accelerator, timeout=timeout)
    folder, words = _named(competition, recipe, sample=sample)
    text, plan = pushing.fresh(folder, words)
    described = metadata.read(folder, words)
    machine = accelerators.find(accelerator) if accelerator else metadata.machine_of(described)
    refuse_other_machine(text, machine, words)
    connected = client.connect()
    expected = _card(text, plan, metadata.owned(described, connected.user), machine, timeout)
    return sent(connected, folder, text, described, machine, timeout, words, expected)


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
    keep(folder, text, described | (metadata.hardware(machine) if accelerator else {}), stored)
    return Kernel(folder, plan)


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
        _, source = code_competitions().located(competition, run)
        folder, words = inference.folder_of(source), inference.words(source)
    return versions.remembered(client.connect(), folder, words, version)


def code_competitions() -> ModuleType:
    """The module that makes notebooks of runs; it imports this one."""
    from kit.api import code_competitions

    return code_competitions
