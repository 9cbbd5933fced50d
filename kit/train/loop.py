"""The main path: from a recipe to a run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.notes import tell
from kit.task import merging, splits
from kit.task.catalog import Entry, Recipe
from kit.toolbox import quiet, resume
from kit.train import (
    executors,
    finish,
    fold,
    judged,
    predictions,
    progress,
    provenance,
    pseudo,
    record,
    rehearsed,
    runs,
    working,
)
from kit.train.executors import Executor
from kit.train.fold import Rows
from kit.train.record import Plan
from kit.train.runs import Run


def train(
    entry: Entry, run: Run, *, executor: Executor = executors.local, quiet: bool = False, wait: bool = False
) -> Run:
    """Fit the folds of `run` that are not done, and finish it: out-of-fold and test predictions, submission, record.

    One process at a time works on a run; with `wait` another one is waited for, and when it has finished the run there
    is nothing left to do. Raises KitError when another process works on it, the recipe's package is missing,
    predictions are not finite or not one for each row, or the submission would be refused.
    """
    started = time.perf_counter()
    with working.alone(run, wait=wait):
        if (now := runs.at(run.folder)).finished:
            return now
        try:
            if rehearsed.looks_only():
                return rehearsed.looked(replace(entry, sample=run.plan.sample), run)
            wanted = _fitted(run, executor, quiet=quiet)
            return finished(replace(entry, sample=run.plan.sample), run, wanted, started)
        except KeyboardInterrupt:
            tell(f"\n{kept(run)}")
            raise
        finally:
            fold.forget()


def kept(run: Run) -> str:
    """What of an unfinished run will not be fitted again, in a sentence: finished folds, and the epoch with which a
    fold will go on."""
    done = sorted(path.parent.name for path in run.folder.glob(f"*/{record.DONE}"))
    parts = [f"{', '.join(done)} {'is' if len(done) == 1 else 'are'} finished"] * bool(done)
    for folder in sorted(path for path in run.folder.iterdir() if path.is_dir() and path.name not in done):
        if holders := runs.checkpoints(folder):
            parts.append(f"{folder.name} goes on {_place(holders)}")
    return f"What was done is kept: {'; '.join(parts)}." if parts else "Nothing was finished yet."


def _place(holders: list[Path]) -> str:
    """Where a fold will go on, which has left checkpoints in these folders."""
    newest = max(holders, key=lambda folder: max(path.stat().st_mtime_ns for path in folder.iterdir()))
    if (epochs := resume.reached(newest)) is None:
        return "from its checkpoint"
    done, of = epochs
    part = "" if newest.parent.name.startswith(("fold", "full")) else f" of {newest.parent.name}"
    return f"with epoch {done + 1} of {of}{part}" if done < of else f"after its last epoch{part}"


def _fitted(run: Run, executor: Executor, *, quiet: bool) -> list[int]:
    """Fit the folds that are not done; the numbers of all that are wanted."""
    wanted = folds(run.plan, fold.of(run))
    with progress.display(quiet=quiet) as show:
        executors.fit(executor, run.folder, [number for number in wanted if not run.done(number)], show)
    return wanted


def finished(entry: Entry, run: Run, wanted: list[int], started: float) -> Run:
    """The run with what its folds left put together: `wanted` are their numbers, `started` is when it was begun."""
    rows = fold.of(run)
    judged.remember(entry, run.plan, rows.train)
    done = [one for number in wanted if (one := run.done(number))]
    tests = [predictions.load(run.fold(number) / "test.npz", "pred")["pred"] for number in wanted]
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
            "parameters": next((one.parameters for one in done if one.parameters), None),
            "fit_seconds": round(sum(one.seconds for one in done), 1),
            "seconds": round(time.perf_counter() - started, 1),
            "peak_memory_bytes": max(provenance.peak_memory(), *(one.peak_memory_bytes for one in done)),
            "where": ", ".join(dict.fromkeys(one.where for one in done)),
            "device": ", ".join(dict.fromkeys(one.device for one in done)),
            "versions": provenance.joined([one.versions for one in done]),
            "git": provenance.git(entry.folder),
        },
    )


def gathered(run: Run, rows: Rows, held: list[int]) -> dict[str, np.ndarray]:
    """The out-of-fold predictions of the folds `held`, in the order of the training rows: ids, fold, y, pred."""
    if not held:
        return {"ids": rows.train.ids[:0], "fold": rows.column[:0]}
    parts = [predictions.load(run.fold(number) / "valid.npz", *predictions.OOF) for number in held]
    order = np.argsort(np.concatenate([splits.rows(rows.split, rows.column, number)[1] for number in held]))
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def prepared(entry: Entry, plan: Plan) -> Rows:
    """The rows of `plan`, when all that can be refused before anything is fitted was looked at.

    Raises KitError as `fold.load` and `folds` do, and when the recipe cannot be imported.
    """
    if plan.pseudo:
        pseudo.check(plan)
    rows = fold.load(entry, plan)
    folds(plan, rows)
    quiet.begin()
    entry.recipe(plan.label)[0].module()
    return rows


def planned(entry: Entry, recipe: Recipe, variant: str, settings: dict[str, Any], **rest: Any) -> Plan:
    """The plan of a run of `recipe`, with digests of the data, the code and the encoders; `rest` are other fields of a
    Plan.

    Raises KitError when the data is not here.
    """
    plan = Plan(
        competition=entry.name,
        recipe=recipe.name,
        variant=variant,
        settings=settings,
        sample=entry.sample,
        data=provenance.data(entry.public()),
        code=provenance.code(recipe.files),
        encoders=provenance.encoders(recipe, settings),
        **rest,
    )
    return rehearsed.shortened(plan, entry, recipe)


def folds(plan: Plan, rows: Rows) -> list[int]:
    """The folds to fit: all, or the one that `plan.only` names; -1, at last, is the model of all rows.

    Raises KitError when there is no such fold.
    """
    known = splits.numbers(rows.column)
    if plan.only is None:
        return known + [-1] * (plan.refit and known != [-1])
    if plan.only not in known:
        raise KitError(
            f"There is no fold {plan.only}.",
            f"Folds are {known[0]} to {known[-1]}.",
            f"kit train {plan.competition} {plan.label} --fold {known[0]}",
        )
    return [plan.only]
