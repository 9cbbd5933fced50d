"""One fold of a run: it loads for itself, so that it can be fitted in any process on any machine that has the run
folder and the data."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.task import catalog, checks, decisions, outputs, splits
from kit.task.catalog import Entry
from kit.task.contract import Competition, Data, Fitted, Fold
from kit.toolbox import determinism
from kit.train import predictions, progress, provenance, record, runs
from kit.train.record import Done, Plan
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


def fit_fold(folder: Path, number: int, show: progress.Display = progress.nothing) -> None:
    """Fit one fold of the run in `folder`, and leave its predictions of held-out and test rows in the fold's own
    folder, `done.json` last. Where an earlier attempt left a checkpoint there, the recipe goes on with it.

    The fold is seeded by the run's seed and its own number, so that it does not matter which folds were fitted before
    it, or where. Raises KitError when the recipe's package is missing, its code or the data is not what the run was
    planned with, or predictions are not one finite row a row.
    """
    # TensorFlow's start-up notes, its complaint (as an error) about an attribute that its own deterministic map sets,
    # and its warning that each fold's new model is traced anew would break the bars; its exceptions stay.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    run = runs.at(folder)
    entry, recipe = _declared(run.plan)
    rows = of(run)
    determinism.switch(run.plan.deterministic)
    module = recipe.module()
    place = runs.begin_fold(run, number)
    kept, held = splits.rows(rows.split, rows.column, number, rows.train.time)
    name = f"fold {number + 1}/{rows.column.max() + 1}" if number >= 0 else "all rows"
    fold = Fold(
        number=number,
        train=rows.train.rows(kept),
        valid=rows.train.rows(held),
        seed=run.plan.seed * 1000 + number + 1,
        dir=place,
        report=progress.reporter(place, name, show),
    )
    started = time.perf_counter()
    fitted = module.fit(fold, **run.plan.settings)
    seconds = time.perf_counter() - started
    if not isinstance(fitted, Fitted):
        raise KitError(
            f"`fit` of recipe {recipe.name} returned {type(fitted).__name__}.",
            "It must return a Fitted: `from kit.task.contract import Fitted`, then `return Fitted(predict)`.",
        )
    competition, score = entry.competition, None
    if len(held):
        valid = fold.valid
        assert valid.y is not None  # `checks.load` refuses train rows without labels.
        pred = predictions.run(fitted.predict, valid.x, competition.keep)
        columns = decisions.columns(competition, valid)
        score = competition.metric.score(valid.y, pred, columns, rows.labels)
        own = {"ids": valid.ids, "fold": rows.column[held], "y": valid.y, "pred": pred}
        predictions.save(place / "valid.npz", **columns | own)
    predictions.save(place / "test.npz", pred=predictions.run(fitted.predict, rows.test.x, competition.keep))
    done = Done(
        seconds=round(seconds, 2),
        rows=len(fold.train),
        where=provenance.where(),
        device=provenance.device(),
        versions=provenance.versions(),
        peak_memory_bytes=provenance.peak_memory(),
        score=score,
        parameters=fitted.parameters,
    )
    record.write(place / record.DONE, done)
    runs.end_fold(run, number)


_KEPT: dict[Path, Rows] = {}
"""The rows of the run that this process works on: loaded once, not once a fold."""


def of(run: Run) -> Rows:
    """The rows of a run, kept in this process until `forget`.

    Raises KitError when the data or the code is not what the run was planned with, and as `load` does.
    """
    if run.folder not in _KEPT:
        entry, recipe = _declared(run.plan)
        plan = run.plan
        runs.same_origin(
            run,
            data=provenance.data(entry.public()) if plan.data else {},
            code=provenance.code(recipe.files) if plan.code else "",
            encoders=provenance.encoders(recipe, plan.settings) if plan.encoders else {},
        )
        forget()
        _KEPT[run.folder] = load(entry, plan)
    return _KEPT[run.folder]


def keep(run: Run, rows: Rows) -> None:
    """Keep the rows of a run that was just planned, where they are loaded already."""
    forget()
    _KEPT[run.folder] = rows


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
