"""The main path: from a recipe to a run."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit import records
from kit.errors import KitError
from kit.task import decisions, merging, outputs, splits
from kit.task.catalog import Entry, Recipe
from kit.task.contract import Competition, Data, Fitted, Fold
from kit.train import finish, predictions, progress, provenance, record, runs
from kit.train.executors import Executor, local
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


def train(entry: Entry, run: Run, *, executor: Executor = local, quiet: bool = False) -> Run:
    """Fit the folds of `run` that are not done, and finish it: out-of-fold and test predictions, submission, record.

    Raises KitError when the recipe's package is missing, predictions are not one finite row a row, or the submission
    would be refused.
    """
    started = time.perf_counter()
    entry = replace(entry, sample=run.plan.sample)
    recipe, _ = entry.recipe(run.plan.label)
    rows = load(entry, run.plan)
    wanted = folds(run.plan, rows)
    with progress.display(quiet=quiet) as show:
        todo = [number for number in wanted if not run.done(number)]
        executor(partial(fit_fold, entry.competition, recipe, run, rows, show=show), todo)

    done = [fold for number in wanted if (fold := run.done(number))]
    tests = [predictions.load(run.fold(number) / "test.npz")["pred"] for number in wanted]
    merge = merging.declared(entry.competition.metric, tests[0])
    return finish.conclude(
        entry.competition,
        run,
        oof=gathered(run, rows, [number for number in wanted if number >= 0]),
        test={"ids": rows.test.ids, "pred": merge(tests)},
        sample=entry.public() / entry.competition.submission.sample,
        train_rows=len(rows.train.ids),
        labels=rows.labels,
        facts={
            "split": provenance.split(rows.split),
            "groups": provenance.groups(rows.judged.group),
            "parameters": next((fold.parameters for fold in done if fold.parameters), None),
            "fit_seconds": round(sum(fold.seconds for fold in done), 1),
            "seconds": round(time.perf_counter() - started, 1),
            "peak_memory_bytes": max(provenance.peak_memory(), *(fold.peak_memory_bytes for fold in done)),
            "where": ", ".join(dict.fromkeys(fold.where for fold in done)),
            "device": ", ".join(dict.fromkeys(fold.device for fold in done)),
            "versions": {name: version for fold in done for name, version in fold.versions.items()},
            "git": provenance.git(entry.folder),
        },
    )


def gathered(run: Run, rows: Rows, held: list[int]) -> dict[str, np.ndarray]:
    """The out-of-fold predictions of the folds `held`, in the order of the training rows: ids, fold, y, pred."""
    if not held:
        return {"ids": rows.train.ids[:0], "fold": rows.column[:0]}
    parts = [predictions.load(run.fold(number) / "valid.npz") for number in held]
    order = np.argsort(np.concatenate([splits.rows(rows.split, rows.column, number)[1] for number in held]))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def fit_fold(
    competition: Competition, recipe: Recipe, run: Run, rows: Rows, number: int, *, show: progress.Display
) -> None:
    """Fit one fold, and leave its predictions of held-out and test rows in its folder, `done.json` last.

    The fold is seeded by the run's seed and its own number, so that it does not matter which folds were fitted before
    it in this process.
    """
    # TensorFlow's start-up notes, its complaint (as an error) about an attribute that its own deterministic map sets,
    # and its warning that each fold's new model is traced anew would break the bars; its exceptions stay.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if run.plan.deterministic:
        # Read by TensorFlow at its first operation. Source: its documentation of enable_op_determinism.
        os.environ["TF_DETERMINISTIC_OPS"] = "1"
    module = recipe.module()
    folder = runs.discard_fold(run, number)
    kept, held = splits.rows(rows.split, rows.column, number)
    name = f"fold {number + 1}/{rows.column.max() + 1}" if number >= 0 else "all rows"
    fold = Fold(
        number=number,
        train=rows.train.rows(kept),
        valid=rows.train.rows(held),
        seed=run.plan.seed * 1000 + number + 1,
        dir=folder,
        report=progress.reporter(folder, name, show),
    )
    started = time.perf_counter()
    fitted = module.fit(fold, **run.plan.settings)
    seconds = time.perf_counter() - started
    if not isinstance(fitted, Fitted):
        raise KitError(
            f"`fit` of recipe {recipe.name} returned {type(fitted).__name__}.",
            "It must return a Fitted: `from kit.task.contract import Fitted`, then `return Fitted(predict)`.",
        )
    score = None
    if len(held):
        valid = fold.valid
        assert valid.y is not None  # `load` below refuses train rows without labels.
        pred = predictions.run(fitted.predict, valid.x, competition.keep)
        columns = decisions.columns(competition, valid)
        score = competition.metric.score(valid.y, pred, columns, rows.labels)
        own = {"ids": valid.ids, "fold": rows.column[held], "y": valid.y, "pred": pred}
        predictions.save(folder / "valid.npz", **columns | own)
    predictions.save(folder / "test.npz", pred=predictions.run(fitted.predict, rows.test.x, competition.keep))
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
    record.write(folder / record.DONE, done)


def load(entry: Entry, plan: Plan) -> Rows:
    """The competition's rows, and the fold column that `plan` asks for.

    Raises KitError when there is no data, or ids repeat, or labels or a column that the metric needs are missing.
    """
    train_rows, test_rows = entry.competition.load(entry.public())
    for what, data in (("train", train_rows), ("test", test_rows)):
        if len(np.unique(data.ids)) != len(data.ids) or len(data.ids) != len(data.x):
            raise KitError(
                f"`load` of {entry.name} returned {len(data.x):,} {what} rows under {len(np.unique(data.ids)):,} ids.",
                "Each row needs an id of its own.",
            )
    if train_rows.y is None:
        raise KitError(f"`load` of {entry.name} returned train rows without labels.", "Data(..., y=...) holds them.")
    decisions.columns(entry.competition, train_rows)  # raised here, before anything is fitted
    split = scheme(entry.competition, plan)
    # A split by name is there to be compared with work that cut groups; it is never the one that runs are chosen by.
    judged = replace(train_rows, group=None) if plan.scheme in entry.competition.splits else train_rows
    labels = decisions.labels(entry.competition, train_rows.y)
    return Rows(train_rows, test_rows, judged, split, splits.column(split, judged), labels)


def planned(entry: Entry, recipe: Recipe, variant: str, settings: dict[str, Any], **rest: Any) -> Plan:
    """The plan of a run of `recipe`, with digests of the data and of the code; `rest` are other fields of a Plan.

    Raises KitError when the data is not here.
    """
    digest = provenance.code(recipe.files)
    data = digests(entry.public())
    return Plan(entry.name, recipe.name, variant, settings, sample=entry.sample, data=data, code=digest, **rest)


def scheme(competition: Competition, plan: Plan) -> splits.Split:
    """The split that `plan` asks for: the declared one, perhaps with other folds, one by name, a holdout, or none."""
    if plan.scheme in competition.splits:
        return competition.splits[plan.scheme]
    if plan.scheme == "holdout":
        return splits.Holdout()
    if plan.scheme == "full":
        return splits.AllRows()
    return competition.split if plan.folds is None else splits.with_folds(competition.split, plan.folds)


def folds(plan: Plan, rows: Rows) -> list[int]:
    """The folds to fit: all, or the one that `plan.only` names.

    Raises KitError when there is no such fold.
    """
    known = splits.numbers(rows.column)
    if plan.only is None:
        return known
    if plan.only not in known:
        raise KitError(
            f"There is no fold {plan.only}.",
            f"Folds are {known[0]} to {known[-1]}.",
            f"kit train {plan.competition} {plan.label} --fold {known[0]}",
        )
    return [plan.only]


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each public file: from the manifest where there is one, else computed."""
    listed = records.read_json(folder.parent / "manifest.json").get("public")
    if listed:
        return {name: facts["sha256"] for name, facts in listed.items()}
    return {path.name: records.sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}
