"""Which columns of a table a run's models live on: how much the score falls when a column's values are shuffled."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.predict import models
from kit.task import catalog, decisions, splits
from kit.task.catalog import Entry
from kit.toolbox import gains
from kit.train import fold, loop, predictions, progress
from kit.train.fold import Rows
from kit.train.runs import Run

REPEATS, ROWS = 5, 10_000
"""Shuffles of a column, and held-out rows of a fold that are predicted at most: a table of 30 columns is then predicted
150 times, 1.5 million rows a fold."""


class Column(NamedTuple):
    """One column. `drop` is by how much the score gets worse without it, in the metric's unit, the mean over folds, and
    `sd` the standard deviation over folds, None for one fold; about 0 or less for a column of no use. `gain` is its
    share, 0 to 1, of what the models gained by it on their training rows, None where they do not tell."""

    name: str
    drop: float
    sd: float | None
    gain: float | None


@dataclass(frozen=True)
class Importance:
    """All columns, the most important first. `score` is the mean over folds of the untouched rows' score, `rows` is how
    many rows were predicted in all folds together."""

    metric: str
    score: float
    rows: int
    folds: int
    columns: tuple[Column, ...]


def importance(entry: Entry, run: Run, *, repeats: int = REPEATS, rows: int = ROWS, quiet: bool = False) -> Importance:
    """Permutation importance on held-out rows, by the competition's metric, and gain where the models have it.

    In each fold, the fold's own model predicts its held-out rows with one column shuffled, `repeats` times; at most
    `rows` of them, chosen at random but always the same. One model and one copy of these rows are in memory at a time.
    Columns that tell the same lose little each, since the other one stands in. Source: Breiman, Random Forests, Machine
    Learning 45, 2001; Fisher, Rudin, Dominici, All Models are Wrong, but Many are Useful, JMLR 20, 2019.

    Raises KitError when rows are no tables, the run is unfinished, a blend or without held-out rows, the data has
    changed since, or its models are not stored.
    """
    if run.plan.recipe == catalog.BLEND:
        members = [*run.plan.settings]
        raise KitError(
            f"Run {run.name} is a blend, which looks at no column itself.",
            "Ask for the importance of one of its members.",
            f"kit importance {entry.name} {members[0]}",
        )
    if not run.record.rows.out_of_fold:
        raise KitError(
            f"Run {run.name} was trained on all rows, so that there are none to judge its columns by.",
            "A run with folds has held-out rows.",
            f"kit train {entry.name} {run.plan.label}",
        )
    entry = replace(entry, sample=run.plan.sample)
    recipe, _ = entry.recipe(run.plan.label)
    if loop.planned(entry, recipe, run.plan.variant, run.plan.settings).data != run.plan.data:
        raise KitError(
            f"The data of {entry.name} has changed since run {run.name} was trained.",
            "Rows that were held out then may have been trained on.",
            f"kit train {entry.name} {run.plan.label}",
        )
    loaded = fold.load(entry, run.plan)
    if not hasattr(loaded.train.x.store, "iloc"):
        raise KitError(
            f"The rows of {entry.name} are no table (their kind is {entry.competition.kind}): no columns to judge.",
            "kit importance is for competitions whose `load` gives pandas DataFrames.",
            f"kit explore {entry.name}{entry.flag}  # shows what the rows are",
        )
    names = [str(name) for name in loaded.train.x.store.columns]
    folds = [number for number in loop.folds(run.plan, loaded) if number >= 0]
    drops, scores, shares, judged = [], [], [], 0
    with progress.display(quiet=quiet) as show:
        for number in folds:
            held = _sampled(splits.rows(loaded.split, loaded.column, number)[1], rows, number)
            judged += len(held)
            score, fallen = _fold(entry, run, loaded, number, held, repeats, _shown(show, number, len(folds)))
            scores.append(score)
            drops.append(fallen)
            shares.append(gains.read(run.fold(number), names))
    if judged < run.record.rows.out_of_fold:
        tell(f"Judged by {judged:,} of the {run.record.rows.out_of_fold:,} held-out rows; --rows takes more.")
    means, sds = np.mean(drops, axis=0), np.std(drops, axis=0, ddof=1) if len(drops) > 1 else None
    told = [share for share in shares if share is not None]
    table = [
        Column(
            name,
            float(means[at]),
            None if sds is None else float(sds[at]),
            float(np.mean([share[name] for share in told])) if told else None,
        )
        for at, name in enumerate(names)
    ]
    ordered = sorted(table, key=lambda one: (-one.drop, -(one.gain or 0.0), one.name))
    return Importance(entry.competition.metric.name, float(np.mean(scores)), judged, len(folds), tuple(ordered))


def write(done: Importance, to: Path) -> Path:
    """The table as comma-separated values."""
    with places.whole(to) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([Column._fields, *done.columns])
    return to


def _fold(
    entry: Entry,
    run: Run,
    loaded: Rows,
    number: int,
    held: np.ndarray,
    repeats: int,
    shown: Callable[[int, int, str], None],
) -> tuple[float, list[float]]:
    """The score of a fold's model on the rows `held`, and by how much it is worse with each column shuffled."""
    competition, metric = entry.competition, entry.competition.metric
    model = models.of_fold(entry, run, number)
    valid = loaded.train.rows(held)
    y, table = valid.y, valid.x.take()
    assert y is not None  # rows without labels were refused when they were loaded
    needed = decisions.columns(competition, valid)
    decide = decisions.recorded(competition, run.chosen) if decisions.fits(competition) else None
    random = np.random.default_rng(number)

    def score(rows: Any) -> float:
        pred = predictions.run(model.predict, rows, competition.keep)
        return metric.score(y, pred if decide is None else np.asarray(decide(pred)), needed, loaded.labels)

    whole, sign = score(table), 1 if metric.higher_is_better else -1
    drops = []
    for at, name in enumerate(table.columns):
        worse = []
        for _ in range(repeats):
            shuffled = table.copy(deep=False)
            values = table.iloc[:, at].take(random.permutation(len(table)))
            shuffled.isetitem(at, values.set_axis(table.index))
            worse.append(sign * (whole - score(shuffled)))
        drops.append(float(np.mean(worse)))
        shown(at + 1, table.shape[1], str(name))
    return whole, drops


def _sampled(held: np.ndarray, most: int, number: int) -> np.ndarray:
    """At most `most` of the rows, always the same ones, in order."""
    if len(held) <= most:
        return held
    return np.sort(np.random.default_rng(number).choice(held, most, replace=False))


def _shown(show: progress.Display, number: int, folds: int) -> Callable[[int, int, str], None]:
    def shown(done: int, of: int, name: str) -> None:
        show(f"fold {number + 1}/{folds}", done, of, {})

    return shown
