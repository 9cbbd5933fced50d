"""From recipes to runs: train, sweep, runs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import places, records
from kit.api import engines
from kit.api.engines import Engine
from kit.api.results import Listing, Result
from kit.errors import KitError
from kit.judge import choose
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import keeping
from kit.train import runs as store
from kit.train.runs import Plan, Run
from kit.words import Table, count, duration

if TYPE_CHECKING:
    from kit.train import sweep as grids
    from kit.train.executors import Executor
    from kit.train.fold import Rows


def train(
    competition: str,
    recipe: str = "",
    *,
    scheme: str = "cv",
    folds: int | None = None,
    fold: int | None = None,
    seed: int = 0,
    sample: bool = False,
    resume: str | Run | None = None,
    deterministic: bool = True,
    engine: Engine | None = None,
    jobs: int | None = None,
    address: str = "",
    gpus_per_fold: float | None = None,
    accelerator: str | None = None,
    seeds: int = 1,
    refit: bool = False,
    pseudo: str | Run = "",
    pseudo_share: float = 0.5,
    plots: bool = True,
    track: bool = False,
    **settings: Any,
) -> Run:
    """Train a recipe with cross-validation; the run, which keeps out-of-fold predictions, a submission and pictures.

    `recipe` is `cnn` or, with a variant, `cnn:augmented`; without it the competition's default is trained. `scheme`
    says what judges the run: `cv` the folds that the competition declares (or `folds` of them); `holdout` a tenth of
    the rows, with one model; `full` nothing, with one model on all rows; or another split of the competition, by its
    name. `fold` fits this fold only, counted from 0. `sample` takes the embedded sample and quick settings. `resume`
    goes on with a run that was killed, `"last"` with the newest; it ends with the same bytes. `jobs` folds are fitted
    at once, each in a process of its own with its share of the cores, or by `engine="ray"` in workers of Ray, which is
    started here or joined at `address`; `gpus_per_fold` is then what a fold has of a GPU. By `engine="kaggle"` each is
    fitted in a kernel on Kaggle, on the machine `accelerator`, and comes back when it is finished. With `track`, and
    wherever MLFLOW_TRACKING_URI is set, the run is told to MLflow while it trains.

    `seeds` models of each fold, with seeds of their own, are averaged. With `refit` one more model is fitted on all
    rows, and joins those of the folds for the test rows. `pseudo` is a run of the same folds: `pseudo_share` of the
    test rows, those that it is surest of, are trained on under its labels, and never validate. All other arguments are
    settings of the recipe: `kit.train("digit-recognizer", "cnn", epochs=3)`.

    Raises KitError for an unknown name, a setting of another type, data that is not here, and what a recipe does wrong.
    """
    entry = catalog.find(competition, sample=sample)
    executor = engines.executor(engine, jobs, address=address, gpus_per_fold=gpus_per_fold, accelerator=accelerator)
    if resume is not None:
        run = named(entry, resume)
        entry = replace(entry, sample=run.plan.sample)
        asked = {
            "folds": folds is not None,
            scheme: scheme != "cv",
            "fold": fold is not None,
            "seed": seed != 0,
            "deterministic": not deterministic,
            "seeds": seeds != 1,
            "refit": refit,
            "pseudo": bool(pseudo),
            **dict.fromkeys(settings, True),
        }
        _refuse_changes(run, recipe, [name for name, is_asked in asked.items() if is_asked])
        run = store.resumable(run, planned(entry, run.plan.label, run.plan.settings))
        return fitted(entry, run, plots=plots, executor=executor, track=track)
    scheme = checked_scheme(entry, scheme, folds)
    label, values = chosen(entry, recipe, settings)
    plan = planned(
        entry,
        label,
        values,
        seed=checked_seed(seed),
        scheme=scheme,
        folds=folds,
        only=fold,
        deterministic=deterministic,
        **_further(entry, scheme, seeds, refit, pseudo, pseudo_share),
    )
    from kit.train import loop

    rows = loop.prepared(entry, plan)  # whatever can be refused is refused here, before there is a folder
    with keeping.fresh(store.create(plan)) as run:
        return fitted(entry, run, plots=plots, executor=executor, track=track, rows=rows)


def _further(
    entry: Entry, scheme: str, seeds: int, refit: bool, pseudo: str | Run, pseudo_share: float
) -> dict[str, Any]:
    """What a plan holds of averaging, refitting and pseudo-labels. Raises KitError for what cannot be."""
    from kit.train import averaging

    if not 1 <= seeds <= averaging.MOST:
        raise KitError(f"A fold cannot have {seeds} seeds.", f"It is a number from 1 to {averaging.MOST}.")
    if refit and scheme == "full":
        raise KitError("`full` trains on all rows already.", "refit is for runs that folds or a holdout judge.")
    if not 0 < pseudo_share <= 1:
        raise KitError(f"A share of {pseudo_share:g} of the test rows is none.", "It is above 0 and at most 1.")
    if not pseudo:
        return {"seeds": seeds, "refit": refit}
    return {"seeds": seeds, "refit": refit, "pseudo": named(entry, pseudo).name, "pseudo_share": pseudo_share}


@dataclass(frozen=True, repr=False)
class Sweep(Result):
    """A grid of runs: one row for each cell over its seeds, the best first; `files` are its tables and its pictures."""

    competition: str
    rows: tuple[grids.Row, ...]
    files: tuple[Path, ...]

    def summary(self) -> str:
        return f"sweep of {count(len(self.rows), 'cell')} of {self.competition}"

    def table(self) -> Table:
        from kit.train import sweep as grids

        return Table(
            grids.columns(self.rows),
            [row.cells() for row in self.rows],
            spare=("peak GiB", "seconds", "parameters", "seeds", "oof"),
        )

    def drawn(self) -> Sequence[Path]:
        return [path for path in self.files if path.suffix == ".png"]

    def facts(self) -> list[dict[str, Any]]:
        return [row._asdict() for row in self.rows]


def sweep(
    competition: str,
    recipes: str | Sequence[str],
    *,
    seeds: int = 1,
    scheme: str = "cv",
    folds: int | None = None,
    sample: bool = False,
    engine: Engine | None = None,
    jobs: int | None = None,
    address: str = "",
    gpus_per_fold: float | None = None,
    accelerator: str | None = None,
    track: bool = False,
    **settings: Any,
) -> Sweep:
    """Train a grid of recipes, settings and seeds (0 to `seeds` - 1); a table, which is written with pictures too.

    A setting is given as a list of values to try: `kit.sweep("digit-recognizer", "cnn", rate=[0.001, 0.002])`. With
    several recipes, a setting that one of them does not have is left out for that recipe. What is finished is skipped
    and what was killed goes on, so that the same call continues a sweep. `engine`, `jobs`, `address`,
    `gpus_per_fold` and `accelerator` are those of `train`; without them each run is fitted in a process of its own.
    With `track` the runs are told to MLflow, below one for the sweep. Raises KitError at the end when a run failed.
    """
    from kit.drawing import study_plots, style, sweep_plot
    from kit.train import mirrored, tracking
    from kit.train import sweep as grids

    entry = catalog.find(competition, sample=sample)
    scheme = checked_scheme(entry, scheme, folds)
    words = [recipes] if isinstance(recipes, str) else list(recipes)
    plans: list[Plan] = []
    for word in words:
        recipe, _ = entry.recipe(word)
        known = [name for name in settings if len(words) == 1 or name in recipe.settings]
        axes = [settings[name] if isinstance(settings[name], list) else [settings[name]] for name in known]
        for values, seed in itertools.product(itertools.product(*axes), range(seeds)):
            label, resolved = chosen(entry, word, dict(zip(known, values, strict=True)))
            plan = planned(entry, label, resolved, seed=seed, scheme=scheme, folds=folds)
            plans += [plan] if plan not in plans else []
    executor = engines.executor(engine, jobs, address=address, gpus_per_fold=gpus_per_fold, accelerator=accelerator)
    folder = places.runs(entry.name) / f"sweep-{records.now().replace(':', '').replace('-', '')}"
    if track:
        tracking.refuse_missing()
    with places.environment({mirrored.SWEEP: folder.name} | ({tracking.WANTED: "1"} if track else {})):
        cells = grids.cells(grids.sweep(plans, executor))
    rows = [row for row, _ in cells]
    drawn = [style.attempt(sweep_plot.draw, entry, rows, folder / "sweep.png")]
    drawn += [style.attempt(draw, entry, cells, folder / name) for name, draw in study_plots.DRAWN.items()]
    return Sweep(entry.name, tuple(rows), (*grids.write(folder, rows), *filter(None, drawn)))


@dataclass(frozen=True, repr=False)
class Tracked(Result):
    """A run that a tracking server knows in full: the address of the server, without a password."""

    run: Run
    server: str

    def summary(self) -> str:
        return f"{self.run.name} is in {self.server}"

    def table(self) -> Table:
        return Table(("run", "server"), [(self.run.name, self.server)])

    def facts(self) -> dict[str, Any]:
        return {"run": self.run.name, "server": self.server}


def track(competition: str, run: str | Run) -> Tracked:
    """Tell MLflow all of a run that it does not know, such as what a server missed while it was away.

    It is told to MLFLOW_TRACKING_URI, else to a SQLite file in the workspace, and nothing twice. Raises KitError where
    MLflow is not installed or the server does not answer.
    """
    from kit.train import tracking

    run = named(catalog.find(competition), run)
    return Tracked(run, tracking.shown(tracking.catch_up(run).uri))


@dataclass(frozen=True, repr=False)
class Runs(Listing[Run]):
    """Runs, the best of each competition first.

    `left_out` says of each run that is not ranked why, by its name, as the rest of a sentence that begins with the run.
    """

    left_out: dict[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        return count(len(self), "run") + (f", {len(self.left_out)} not ranked" if self.left_out else "")

    def table(self) -> Table:
        of = {run.plan.competition for run in self}
        notes = {run.name: keeping.listed(run) for run in self}
        kept = ["tags"] if any(said.tags for said in notes.values()) else []
        kept += ["note"] if any(said.text for said in notes.values()) else []
        also = {run.name: run.recorded.also if run.recorded else {} for run in self}
        columns = list(dict.fromkeys(itertools.chain.from_iterable(also.values()))) if len(of) == 1 else []
        rows = [
            (
                run.plan.competition + (" (sample)" if run.plan.sample else ""),
                run.name,
                "unfinished"
                if not run.finished
                else run.plan.scheme
                + ("" if run.plan.only is None else " (one fold)")
                + (", not ranked" if run.name in self.left_out else ""),
                self._score(run),
                run.recorded and run.recorded.sd and f"{run.recorded.sd:.5f}",
                *(f"{also[run.name][name]:.5f}" if name in also[run.name] else None for name in columns),
                duration(run.recorded.fit_seconds if run.recorded else None),
                run.kaggle().get("public_score"),
                *({"tags": ", ".join(notes[run.name].tags), "note": notes[run.name].text}[name] for name in kept),
            )
            for run in self
        ]
        return Table(
            ("competition", "run", "judged by", "score", "sd", *columns, "fitting", "public", *kept),
            rows,
            spare=(*(["competition"] if len({row[0] for row in rows}) == 1 else []), "note", "fitting", "sd", *columns),
        )

    def _score(self, run: Run) -> str | None:
        """The score; with its metric where that, or what else judged the run, is not what judges the others."""
        if run.score is None:
            return None
        return f"{run.record.metric} {run.score:.5f}" if run.name in self.left_out else f"{run.score:.5f}"

    def facts(self) -> list[dict[str, Any]]:
        notes = [keeping.listed(run) for run in self]
        return [
            run.facts() | {"note": said.text, "tags": list(said.tags), "left_out": self.left_out.get(run.name)}
            for run, said in zip(self, notes, strict=True)
        ]


def runs(competition: str | None = None, *, tag: str | None = None) -> Runs:
    """The runs of a competition, else of all, with their scores, the best first; with `tag` those that have it.

    Runs that were judged in another way than the competition declares today come after the others, unranked.
    """
    names = [catalog.find(competition).name] if competition else catalog.names()
    known = [place for name in names for place in choose.ranked(catalog.find(name), store.every(name))]
    shown = [place for place in known if tag is None or tag in keeping.listed(place.run).tags]
    return Runs(tuple(run for run, _ in shown), {run.name: why for run, why in shown if why})


def named(entry: Entry, run: str | Run) -> Run:
    """The run itself, or the one that a word names. Raises KitError for a word that names none, or several."""
    return run if isinstance(run, Run) else store.find(entry.name, run)


def chosen(entry: Entry, word: str, overrides: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A recipe as a plan names it (`cnn:augmented`), and all its settings."""
    recipe, variant = entry.recipe(word)
    label = f"{recipe.name}:{variant}" if variant else recipe.name
    return label, recipe.resolve(variant, overrides, smoke=entry.sample)


def planned(entry: Entry, word: str, settings: dict[str, Any], **rest: Any) -> Plan:
    """The plan of a run; the embedded sample is written first where it is asked for."""
    from kit.data import fetch
    from kit.train import loop

    if entry.sample:
        fetch.sample(entry)
    recipe, variant = entry.recipe(word)
    return loop.planned(entry, recipe, variant, settings, **rest)


def fitted(
    entry: Entry,
    run: Run,
    *,
    plots: bool,
    executor: Executor | None = None,
    track: bool = False,
    rows: Rows | None = None,
) -> Run:
    """The run, trained to its end, drawn, and with `track` told to MLflow. `executor` fits its folds, this process
    where none is given; `rows` are its rows where they are loaded already."""
    from kit.train import tracking

    with places.environment({tracking.WANTED: "1"} if track else {}), tracking.following(run):
        return _fitted(entry, run, plots=plots, executor=executor, rows=rows)


def _fitted(entry: Entry, run: Run, *, plots: bool, executor: Executor | None, rows: Rows | None) -> Run:
    from kit.train import executors, fold, loop

    tell(f"{entry.name} {run.plan.label} in {run.folder}")
    if rows is not None:
        fold.keep(run, rows)
    try:
        run = loop.train(entry, run, executor=executor or executors.local)
    except KeyboardInterrupt:
        tell(f"Go on with: kit train {entry.name} --resume {run.name}")
        raise
    if plots:
        from kit.drawing import run_plots

        for path in run_plots.run(entry, run):
            tell(f"Picture: {path}")
    return run


def checked_scheme(entry: Entry, scheme: str, folds: int | None) -> str:
    """The scheme itself: `cv`, `holdout`, `full` or the name of a split that the competition declares.

    Raises KitError for another word, for a number of folds where the scheme is not `cv`, and for one that cannot be.
    """
    from kit.task import splits

    declared = entry.competition.splits
    if scheme not in ("cv", "holdout", "full", *declared):
        raise KitError(
            f"{entry.name} declares no split {scheme!r}.",
            f"Known: {', '.join(declared)}." if declared else "It declares only the split of cross-validation.",
            f"kit list {entry.name}",
        )
    if folds is not None and scheme != "cv":
        raise KitError(
            f"A number of folds cannot be given together with {scheme!r}.",
            "Only cross-validation has a number of folds to choose.",
            f"kit train {entry.name} --folds {folds}",
        )
    if folds is not None:
        splits.with_folds(entry.competition.split, folds)
    return scheme


def checked_seed(seed: int) -> int:
    """The seed itself. Raises KitError for one that some generator of random numbers would refuse."""
    if not 0 <= seed < 2**20:
        raise KitError(f"{seed} cannot be a seed.", f"A seed is a whole number from 0 to {2**20 - 1:,}.")
    return seed


def _refuse_changes(run: Run, recipe: str, given: list[str]) -> None:
    """A run that goes on does so as it was planned; what would change it is refused, not passed over."""
    if recipe and recipe != run.plan.label:
        given = [*given, recipe]
    if given:
        raise KitError(
            f"A resumed run goes on as it was planned; {', '.join(given)} would change {run.name}.",
            f"It is {run.plan.label} with seed {run.plan.seed}.",
            f"kit train {run.plan.competition} --resume {run.name}",
        )
