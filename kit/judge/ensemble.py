"""Blends of runs: mean, rank mean, or weights found by hill climbing on out-of-fold predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from kit.errors import KitError
from kit.judge import choose
from kit.task import decisions
from kit.task.catalog import Entry
from kit.task.contract import Competition, Metric
from kit.train import finish, predictions, provenance, runs
from kit.train.runs import Plan, Run

Method = Literal["mean", "rank", "hill-climb"]

BAGS, ROUNDS = 20, 30
"""Bags of rows, and models added in each; the score is flat after some 20 additions of a few models."""


class Blend(NamedTuple):
    """A finished blend. `nested` is its score when each fold's weights, and decision where one is chosen, are found on
    the other folds: what the out-of-fold score gains over it is optimism of choosing on the rows that judge."""

    run: Run
    weights: dict[str, float]
    nested: float


class Aligned(NamedTuple):
    """Out-of-fold predictions of runs that share ids and folds: `pred` is (runs, rows) or (runs, rows, classes)."""

    ids: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    pred: np.ndarray


def blend(entry: Entry, members: Sequence[Run], *, method: Method = "hill-climb", seed: int = 0) -> Blend:
    """A run made of other runs, compared, submitted and blended like any other.

    Raises KitError for fewer than two runs, an unknown method, or runs that differ in ids, folds or labels.
    """
    started = time.perf_counter()
    if method not in get_args(Method):
        raise KitError(f"No method is called {method!r}.", f"Known: {', '.join(get_args(Method))}.")
    oof = align(members)
    metric = decisions.judge(entry.competition)
    known = shaped(oof.pred, method)
    weights = weigh(metric, oof.y, known, method, seed)
    nested = _nested(entry.competition, oof, known, method, seed)

    tests = [predictions.load(run.folder / "test.npz") for run in members]
    for run, test in zip(members, tests, strict=True):
        if not np.array_equal(test["ids"], tests[0]["ids"]):
            raise _differ(members[0], run, "the ids of their test rows")
    first = members[0].plan
    entry = replace(entry, sample=first.sample)
    plan = Plan(
        entry.name,
        "blend",
        method,
        {run.name: round(float(weight), 6) for run, weight in zip(members, weights, strict=True)},
        seed=seed,
        scheme=first.scheme,
        folds=first.folds,
        only=first.only,
        sample=first.sample,
        data=first.data,
    )
    run = finish.conclude(
        entry.competition,
        runs.create(plan),
        oof={"ids": oof.ids, "fold": oof.fold, "y": oof.y, "pred": combine(known, weights)},
        test={
            "ids": tests[0]["ids"],
            "pred": combine(shaped(np.stack([test["pred"] for test in tests]), method), weights),
        },
        sample=entry.public() / entry.competition.submission.sample,
        train_rows=members[0].record.rows.train,
        facts={
            "nested_score": nested,
            "split": members[0].record.split,
            "groups": members[0].record.groups,
            "fit_seconds": round(sum(run.record.fit_seconds for run in members), 1),
            "seconds": round(time.perf_counter() - started, 1),
            "where": provenance.where(),
            "device": provenance.device(),
            "versions": provenance.versions(),
            "git": provenance.git(entry.folder),
        },
    )
    return Blend(run, dict(plan.settings), nested)


def align(members: Sequence[Run]) -> Aligned:
    """The out-of-fold predictions of runs, row by row.

    Raises KitError for fewer than two runs, unfinished ones, predictions that are not dense arrays, and runs of other
    data, ids, folds or labels, naming where they first differ.
    """
    if len(members) < 2:
        raise KitError(f"{len(members)} run cannot be blended.", "A blend needs two or more.", "kit runs")
    if twice := [run.name for at, run in enumerate(members) if run in members[:at]]:
        raise KitError(f"Run {twice[0]} is named twice.", "Each run of a blend is named once.", "kit runs")
    first, *others = [predictions.load(choose.sendable(run).folder / "oof.npz") for run in members]
    if first["pred"].dtype.names:
        raise KitError("These runs keep only their likeliest classes.", "A blend needs every class's probability.")
    for run, other in zip(members[1:], others, strict=True):
        if run.plan.sample != members[0].plan.sample:
            raise _differ(members[0], run, "their data: one is of the sample")
        if len(other["ids"]) != len(first["ids"]):
            raise _differ(members[0], run, f"held-out rows: {len(first['ids']):,} and {len(other['ids']):,}")
        for column in ("ids", "fold", "y"):
            same = other[column] == first[column]
            if not np.all(same):
                row = int(np.argmin(same))
                values = f"{first[column][row]} and {other[column][row]}"
                raise _differ(members[0], run, f"{column} of {np.sum(~same):,} rows, first in row {row:,}: {values}")
        if other["pred"].shape != first["pred"].shape:
            raise _differ(members[0], run, f"shapes: {first['pred'].shape} and {other['pred'].shape}")
    return Aligned(first["ids"], first["fold"], first["y"], np.stack([first["pred"], *(one["pred"] for one in others)]))


def shaped(pred: np.ndarray, method: Method) -> np.ndarray:
    """Predictions of (runs, rows, ...) as they are, or each column's ranks among the rows, 0 to 1, for `rank`."""
    if method != "rank":
        return pred
    from scipy.stats import rankdata

    return rankdata(pred, axis=1) / pred.shape[1]


def _nested(competition: Competition, oof: Aligned, known: np.ndarray, method: Method, seed: int) -> float:
    """The score of the blend when all that is chosen for a fold is chosen on the others."""
    metric = decisions.judge(competition)
    judged: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    for number in np.unique(oof.fold):
        held = oof.fold == number
        weights = weigh(metric, oof.y[~held], known[:, ~held], method, seed)
        pred = combine(known[:, held], weights)
        if decisions.fits(competition):
            pred = decisions.fit(competition, oof.y[~held], combine(known[:, ~held], weights))(pred)
        judged.append(pred)
        rows.append(np.flatnonzero(held))
    return competition.metric.score(oof.y[np.concatenate(rows)], np.concatenate(judged))


def combine(pred: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum over the first axis."""
    return np.tensordot(weights, pred, axes=1)


def weigh(metric: Metric, y: np.ndarray, pred: np.ndarray, method: Method, seed: int) -> np.ndarray:
    """A non-negative weight for each run, the sum 1: equal ones, or those of `hill_climb`."""
    if method != "hill-climb":
        return np.full(len(pred), 1 / len(pred))
    return hill_climb(metric, y, pred, seed)


def hill_climb(metric: Metric, y: np.ndarray, pred: np.ndarray, seed: int) -> np.ndarray:
    """Weights of (runs, rows, ...) predictions by greedy selection with replacement, averaged over bags of rows.

    In each bag the best run starts; then the run is added, again and again, whose addition scores best, and the best
    of all these steps counts. Source: Caruana, Niculescu-Mizil, Crew, Ksikes, Ensemble Selection from Libraries of
    Models, ICML 2004, sections 2.1 and 2.2. Their bags hold half of some thousand models; of a few, such a bag is
    without the best one half of the time, and the blend of twelve runs for disaster-tweets fell from F1 0.803, that of
    the best, to 0.787. Bags here are bootstrap samples of the rows (Breiman, Bagging Predictors, 1996).
    """
    random = np.random.default_rng(seed)
    total = np.zeros(len(pred))
    for _ in range(BAGS):
        bag = np.sort(random.integers(len(y), size=len(y)))
        total += _climb(metric, y[bag], pred[:, bag])
    return total / total.sum()


def _climb(metric: Metric, y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """The share of each run in the best ensemble met while runs are added one by one."""
    sign = 1 if metric.higher_is_better else -1
    counts, best, best_score = np.zeros(len(pred)), np.zeros(len(pred)), -np.inf
    total = np.zeros(pred.shape[1:])
    for step in range(1, ROUNDS + 1):
        scores = [sign * metric.score(y, (total + one) / step) for one in pred]
        chosen = int(np.argmax(scores))
        total += pred[chosen]
        counts[chosen] += 1
        if max(scores) > best_score:
            best, best_score = counts / step, max(scores)
    return best


def _differ(one: Run, other: Run, where: str) -> KitError:
    return KitError(
        f"{one.name} and {other.name} differ in {where}.",
        "Runs are blended on the rows that judged them, so these must be the same, in the same folds.",
        f"kit train {one.plan.competition} {other.plan.label}  # with the same --folds",
    )
