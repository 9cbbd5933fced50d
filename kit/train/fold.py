"""One fold of a run: it loads for itself, so that it can be fitted in any process on any machine that has the run
folder and the data."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.task import catalog, checks, decisions, merging, outputs, splits, submission
from kit.task.catalog import Entry
from kit.task.contract import Competition, Data, Diverged, Fitted, Fold, Report, silent
from kit.toolbox import determinism, quiet
from kit.train import averaging, begun, predictions, progress, provenance, pseudo, record, runs
from kit.train.record import Done, Plan, Trial
from kit.train.runs import Run


class Rows(NamedTuple):
    """What every fold shares: the rows, the fold number of each training row, and the label values in the order of
    the probability columns, None where these are numbered from 0.

    `judged` are the training rows as the split sees them: without groups where it may cut them.
    """

    train: Data
    test: Data
    judged: Data
    split: splits.Split
    column: np.ndarray
    labels: outputs.Values | None


class Scored(NamedTuple):
    """Predictions of rows, (n, ...), the columns besides them that the metric asks for, and the score."""

    pred: np.ndarray
    columns: dict[str, np.ndarray]
    score: float


def fit_fold(folder: Path, number: int, show: progress.Display = progress.nothing) -> None:
    """Fit one fold of the run in `folder`, and leave its predictions of held-out and test rows in the fold's own
    folder, `done.json` last. Where an earlier attempt left a checkpoint there, the recipe goes on with it. A trial of a
    search (`record.Trial`) leaves its score only.

    The fold is seeded by the run's seed and its own number, so that it does not matter which folds were fitted before
    it, or where. Raises KitError when the recipe's package is missing, its code or the data is not what the run was
    planned with, or predictions are not finite or not one for each row.
    """
    run = runs.at(folder)
    entry, recipe, rows, _, trial = _kept(run)
    provenance.measure_memory_anew()
    ready(run.plan)
    recipe.module()  # what it lacks shows before an earlier attempt is taken away
    begun.take_up(run, number)
    place = runs.begin_fold(run, number)
    name = f"fold {number + 1}/{rows.column.max() + 1}" if number >= 0 else "all rows"
    fold = cut(rows, run.plan, number, place, progress.reporter(place, name, show))
    if run.plan.pseudo:
        fold = pseudo.joined(entry.competition, fold, rows.test, rows.labels, run.plan)
    try:
        done = _done(entry.competition, recipe, fold, rows, run.plan, show, name, keep=trial is None)
    except Diverged as error:
        error.cure = _slower(run.plan)
        raise
    if trial is None and number == splits.numbers(rows.column)[0]:
        _try_decide(entry, run, number)
    record.write(place / record.DONE, done)
    runs.end_fold(run, number)


def ready(plan: Plan) -> None:
    """Before a fold is fitted in this process: operations as deterministic as `plan` asks, and a quiet TensorFlow."""
    quiet.begin()
    determinism.switch(plan.deterministic)


def cut(rows: Rows, plan: Plan, number: int, place: Path, report: Report = silent) -> Fold:
    """Fold `number` of `rows`, with the seed that `plan` gives it; the recipe may write into the folder `place`."""
    kept, held = splits.rows(rows.split, rows.column, number, rows.train.time)
    return Fold(
        number=number,
        train=rows.train.rows(kept),
        valid=rows.train.rows(held),
        seed=plan.seed * 1000 + number + 1,
        dir=place,
        report=report,
    )


def fitted_by(recipe: catalog.Recipe, fold: Fold, settings: dict[str, Any]) -> Fitted:
    """What the recipe's `fit` returned. Raises KitError when that is no Fitted."""
    fitted = recipe.module().fit(fold, **settings)
    if not isinstance(fitted, Fitted):
        raise KitError(
            f"`fit` of recipe {recipe.name} returned {type(fitted).__name__}.",
            "It must return a Fitted: `from kit.task.contract import Fitted`, then `return Fitted(predict)`.",
        )
    return fitted


def scored(competition: Competition, fitted: Fitted, valid: Data, labels: outputs.Values | None) -> Scored:
    """Predictions of held-out rows, and what the competition's metric makes of them. Raises KitError as `run` does."""
    assert valid.y is not None  # `checks.load` refuses train rows without labels.
    pred = predictions.run(fitted.predict, valid.x, competition.keep)
    columns = decisions.columns(competition, valid)
    return Scored(pred, columns, competition.metric.score(valid.y, pred, columns, labels))


def _done(
    competition: Competition,
    recipe: catalog.Recipe,
    fold: Fold,
    rows: Rows,
    plan: Plan,
    show: progress.Display,
    name: str,
    *,
    keep: bool,
) -> Done:
    """Fit, predict, check, score; with `keep` predictions are left in the fold's folder."""
    started = time.perf_counter()
    if plan.seeds == 1:
        fitted = fitted_by(recipe, fold, plan.settings)
    else:
        fitted = averaging.fit(
            fold, plan.seeds, lambda one: fitted_by(recipe, one, plan.settings), show, name, competition.metric
        )
    seconds = time.perf_counter() - started
    valid, score = fold.valid, None
    if len(valid):
        pred, columns, score = scored(competition, fitted, valid, rows.labels)
        assert valid.y is not None
        own = {"ids": valid.ids, "fold": np.full(len(valid), fold.number, np.int16), "y": valid.y, "pred": pred}
        if keep:
            predictions.save(fold.dir / "valid.npz", **columns | own)
    if keep:
        predictions.save(fold.dir / "test.npz", pred=predictions.run(fitted.predict, rows.test.x, competition.keep))
    return Done(
        seconds=round(seconds, 2),
        rows=len(fold.train),
        where=provenance.where(),
        device=provenance.device(),
        versions=provenance.versions(),
        peak_memory_bytes=provenance.peak_memory(),
        score=score,
        parameters=fitted.parameters,
    )


def _try_decide(entry: Entry, run: Run, number: int) -> None:
    """Raises KitError, after the first fold and not after the last, where `decide` gives what would be refused.

    The fold is taken away: the run cannot go on, since a mended competition.py is other code.
    """
    competition = entry.competition
    pred = predictions.load(run.fold(number) / "test.npz")["pred"]
    merged = merging.declared(competition.metric, pred)([pred])
    try:
        submission.try_decide(competition.submission, merged, entry.public() / competition.submission.sample)
    except KitError as error:
        shutil.rmtree(run.fold(number))
        error.cure = f"kit train {run.plan.competition} {run.plan.label}  # when competition.py is mended"
        raise


def _slower(plan: Plan) -> str:
    """What to type for a third of the learning rate; nothing where the recipe has no setting of that name."""
    rate = plan.settings.get("rate")
    flag = " --sample" if plan.sample else ""
    return f"kit train {plan.competition} {plan.label}{flag} --set rate={rate / 3:.2g}" if rate else ""


class _Kept(NamedTuple):
    """A run's competition and recipe as they were looked up, its rows and its plan, and what makes it a trial of a
    search if it is one."""

    entry: Entry
    recipe: catalog.Recipe
    rows: Rows
    plan: Plan
    trial: Trial | None = None

    @property
    def shift(self) -> int:
        """What was added to the seed of the split."""
        return self.trial.shift if self.trial else 0


_KEPT: dict[Path, _Kept] = {}
"""Of the runs that this process works on, all on the same rows: loaded once and not once a fold, and not looked up
again when its user edits the recipe meanwhile."""


def of(run: Run) -> Rows:
    """The rows of a run, kept in this process until `forget`.

    Raises KitError when the data, the code or the encoders are not what the run was planned with, and as `load` does.
    """
    return _kept(run).rows


def keep(run: Run, rows: Rows) -> None:
    """Keep the rows of a run that was just planned, where they are loaded already."""
    forget()
    _KEPT[run.folder] = _Kept(*_declared(run.plan), rows, run.plan, _trial(run))


def _kept(run: Run) -> _Kept:
    if run.folder not in _KEPT:
        entry, recipe = _declared(run.plan)
        plan = run.plan
        runs.same_origin(
            run,
            data=provenance.data(entry.public()) if plan.data else {},
            code=provenance.code(recipe.files) if plan.code else "",
            encoders=provenance.encoders(recipe, plan.settings) if plan.encoders else {},
        )
        trial = _trial(run)
        shift = trial.shift if trial else 0
        same = [kept for kept in _KEPT.values() if _same_rows(kept, entry, plan)]
        kept = next((kept for kept in same if kept.shift == shift), same[0] if same else None)
        if kept is None:
            forget()
            rows, by = load(entry, plan), shift
        else:
            rows, by = kept.rows, shift - kept.shift
        _KEPT[run.folder] = _Kept(entry, recipe, elsewhere(rows, by) if by else rows, plan, trial)
    return _KEPT[run.folder]


def _trial(run: Run) -> Trial | None:
    return record.read(Trial, run.folder / record.TRIAL, run.folder)


def elsewhere(rows: Rows, by: int) -> Rows:
    """The same rows in other folds: those of the split whose seed is larger by `by`."""
    split = replace(rows.split, seed=rows.split.seed + by)  # type: ignore[type-var,attr-defined]
    return rows._replace(split=split, column=splits.column(split, rows.judged))


def _same_rows(kept: _Kept, entry: Entry, plan: Plan) -> bool:
    """Whether a run of `plan` has the rows and folds that are kept: a declaration that was edited is another object."""
    same = all(getattr(kept.plan, name) == getattr(plan, name) for name in ("sample", "data", "scheme", "folds"))
    return same and kept.entry.name == entry.name and kept.entry.competition is entry.competition


def forget() -> None:
    """Let go of the rows that are kept."""
    _KEPT.clear()


def load(entry: Entry, plan: Plan) -> Rows:
    """The competition's rows, and the fold column that `plan` asks for.

    Raises KitError when there is no data, it is not fit to be trained on (`checks.load`), or lacks a column
    that the metric needs.
    """
    train_rows, test_rows = checks.load(entry)
    assert train_rows.y is not None
    decisions.columns(entry.competition, train_rows)  # raised here, before anything is fitted
    split = scheme(entry.competition, plan)
    # A split by name is there to be compared with work that cut groups; it is never the one that runs are chosen by.
    judged = replace(train_rows, group=None) if plan.scheme in entry.competition.splits else train_rows
    labels = decisions.labels(entry.competition, train_rows.y)
    return Rows(train_rows, test_rows, judged, split, splits.column(split, judged), labels)


def scheme(competition: Competition, plan: Plan) -> splits.Split:
    """The split that `plan` asks for: the declared one, perhaps with other folds, one by name, a holdout, or none."""
    if plan.scheme in competition.splits:
        return competition.splits[plan.scheme]
    if plan.scheme == "holdout":
        return splits.Holdout()
    if plan.scheme == "full":
        return splits.AllRows()
    return competition.split if plan.folds is None else splits.with_folds(competition.split, plan.folds)


def _declared(plan: Plan) -> tuple[Entry, catalog.Recipe]:
    entry = catalog.find(plan.competition, sample=plan.sample)
    return entry, entry.recipe(plan.label)[0]
