"""Blends of runs: merged as the competition declares, by ranks, by vote, or with weights found by hill climbing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from kit.errors import KitError
from kit.judge import choose
from kit.task import decisions, merging, outputs
from kit.task.catalog import Entry
from kit.task.contract import Merge, Metric
from kit.train import finish, judged, keeping, predictions, provenance, runs
from kit.train.record import Plan
from kit.train.runs import Run

Method = Literal["mean", "rank", "geometric", "log-mean", "vote", "hill-climb"]

BAGS, ROUNDS = 20, 30
"""Bags of rows, and models added in each; the score is flat after some 20 additions of a few models."""


class Blend(NamedTuple):
    """A finished blend, and the weight of each member by its name.

    Where weights are chosen, the out-of-fold predictions of the blend are those of weights chosen for each fold on the
    other folds, as those of a model are of one that was fitted on the others. So its score is nested, and a blend of
    blends is no better than it looks. With one fold there are no others, and the blend has no score.
    """

    run: Run
    weights: dict[str, float]


class Aligned(NamedTuple):
    """Out-of-fold predictions of runs that share ids and folds: `pred` is (runs, rows) or (runs, rows, classes),
    `columns` what the metric needs of each row, by name."""

    ids: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    pred: np.ndarray
    columns: dict[str, np.ndarray]


def blend(entry: Entry, members: Sequence[Run], *, method: Method | None = None, seed: int = 0) -> Blend:
    """A run made of other runs, compared, submitted and blended like any other.

    Without a method labels and texts are merged by vote, and all else with weights found by hill climbing. Raises
    KitError for fewer than two runs, an unknown method, one that does not fit the predictions or the metric, runs that
    differ in ids, folds or labels, and runs that were judged in another way than the competition declares today.
    """
    started = time.perf_counter()
    if method not in (None, *get_args(Method)):
        raise KitError(f"No method is called {method!r}.", f"Known: {', '.join(get_args(Method))}.")
    oof = align(members)
    _check_judging(entry, members)
    competition = entry.competition
    method = method or ("vote" if merging.are_labels(competition.metric, oof.pred) else "hill-climb")
    _check_method(entry, members, oof.pred, method)
    merge = merging.BY_METHOD.get(method) or merging.declared(competition.metric, oof.pred)
    labels = decisions.labels(competition, oof.y)
    weighing = _Weighing(decisions.judge(competition), merge, oof, labels, seed if method == "hill-climb" else None)
    weights = weighing.weigh(np.ones(len(oof.y), bool))
    chosen, honest = merge([*oof.pred], weights), weighing.out_of_fold()

    tests = [predictions.load(run.folder / "test.npz", "ids", "pred") for run in members]
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
    with keeping.fresh(runs.create(plan)) as run:
        run = finish.conclude(
            competition,
            run,
            oof={
                **oof.columns,
                "ids": oof.ids,
                "fold": oof.fold,
                "y": oof.y,
                "pred": chosen if honest is None else honest,
            },
            test={"ids": tests[0]["ids"], "pred": merge([test["pred"] for test in tests], weights)},
            sample=entry.public() / competition.submission.sample,
            train_rows=members[0].record.rows.train,
            labels=labels,
            facts={
                "chosen_score": None
                if weighing.seed is None
                else weighing.metric.score(oof.y, chosen, oof.columns, labels),
                "split": members[0].record.split,
                "groups": members[0].record.groups,
                "fit_seconds": round(sum(run.record.fit_seconds for run in members), 1),
                "seconds": round(time.perf_counter() - started, 1),
                "where": provenance.where(),
                "device": provenance.device(),
                "versions": provenance.versions(),
                "git": provenance.git(entry.folder),
            },
            scored=honest is not None,
        )
    return Blend(run, dict(plan.settings))


def align(members: Sequence[Run]) -> Aligned:
    """The out-of-fold predictions of runs, row by row.

    Raises KitError for fewer than two runs, unfinished ones, predictions that are not dense arrays, and runs of other
    data, ids, folds or labels, naming where they first differ.
    """
    if len(members) < 2:
        raise KitError(f"{len(members)} run cannot be blended.", "A blend needs two or more.", "kit runs")
    if twice := [run.name for at, run in enumerate(members) if run in members[:at]]:
        raise KitError(f"Run {twice[0]} is named twice.", "Each run of a blend is named once.", "kit runs")
    first, *others = [predictions.load(choose.sendable(run).folder / "oof.npz", *predictions.OOF) for run in members]
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
        if (other["pred"].dtype.kind == "f") != (first["pred"].dtype.kind == "f"):
            raise _differ(members[0], run, "what they predict: one labels or texts, the other numbers")
    pred = np.stack([first["pred"], *(one["pred"] for one in others)])
    columns = {name: column for name, column in first.items() if name not in ("fold", "y", "pred")}
    return Aligned(first["ids"], first["fold"], first["y"], pred, columns)


def hill_climb(
    metric: Metric,
    y: np.ndarray,
    pred: np.ndarray,
    seed: int,
    *,
    columns: Mapping[str, np.ndarray] | None = None,
    labels: outputs.Values | None = None,
    merge: Merge = merging.mean,
) -> np.ndarray:
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
        drawn = {name: column[bag] for name, column in (columns or {}).items()}

        def score(blended: np.ndarray, y: np.ndarray = y[bag], drawn: Mapping[str, np.ndarray] = drawn) -> float:
            return metric.score(y, blended, drawn, labels) * (1 if metric.higher_is_better else -1)

        total += _climb(score, pred[:, bag], merge)
    return total / total.sum()


def _climb(score: Callable[[np.ndarray], float], pred: np.ndarray, merge: Merge) -> np.ndarray:
    """The share of each run in the best ensemble met while runs are added one by one; a higher score is better."""
    counts, best, best_score = np.zeros(len(pred)), np.zeros(len(pred)), -np.inf
    total = np.zeros(pred.shape[1:])
    for step in range(1, ROUNDS + 1):
        if merge is merging.mean:
            # A running sum instead of all runs merged anew, which would cost as many additions as there are runs.
            scores = [score((total + one) / step) for one in pred]
        else:
            scores = [score(merge([*pred], counts + one)) for one in np.eye(len(pred))]
        chosen = int(np.argmax(scores))
        total += pred[chosen]
        counts[chosen] += 1
        if max(scores) > best_score:
            best, best_score = counts / step, max(scores)
    return best


class _Weighing(NamedTuple):
    """How the members of a blend get their weights: by hill climbing with `seed`, equal ones where that is None."""

    metric: Metric
    merge: Merge
    oof: Aligned
    labels: outputs.Values | None
    seed: int | None

    def weigh(self, rows: np.ndarray) -> np.ndarray:
        """A non-negative weight for each run, the sum 1, chosen on the rows of a mask."""
        pred = self.oof.pred
        if self.seed is None:
            return np.full(len(pred), 1 / len(pred))
        columns = {name: column[rows] for name, column in self.oof.columns.items()}
        return hill_climb(
            self.metric,
            self.oof.y[rows],
            pred[:, rows],
            self.seed,
            columns=columns,
            labels=self.labels,
            merge=self.merge,
        )

    def chosen_score(self, pred: np.ndarray) -> float | None:
        """What the blend scores on the rows that chose its weights; None where none were chosen."""
        return None if self.seed is None else self.metric.score(self.oof.y, pred, self.oof.columns, self.labels)

    def out_of_fold(self) -> np.ndarray | None:
        """What the blend predicts for each row with weights that were chosen on the other folds; None where weights are
        chosen and there is one fold only."""
        pred, numbers = [*self.oof.pred], np.unique(self.oof.fold)
        if self.seed is None:
            return self.merge(pred, None)
        if len(numbers) < 2:
            return None
        merged: np.ndarray | None = None
        for number in numbers:
            held = self.oof.fold == number
            each = self.merge(pred, self.weigh(~held))  # of all rows, since ranks are taken among them
            merged = each if merged is None else np.where(held.reshape(-1, *[1] * (each.ndim - 1)), each, merged)
        return merged


def _check_judging(entry: Entry, members: Sequence[Run]) -> None:
    """Raises KitError for a run that was judged in another way than the competition declares today, or by the very rows
    that chose its weights."""
    today = judged.Today(entry)
    for run in members:
        if run.score is None:
            raise KitError(
                f"{run.name} has no score on rows that it had not seen.",
                "A blend is made of runs that have one: its weights are chosen by them.",
                f"kit runs {entry.name}",
            )
        if why := today.changed(run):
            raise KitError(
                f"{run.name} {why}.",
                "A blend is made of runs that are judged as the competition declares it today.",
                f"kit train {entry.name} {run.plan.label}{' --sample' * run.plan.sample}  # judged anew",
            )


def _check_method(entry: Entry, members: Sequence[Run], pred: np.ndarray, method: Method) -> None:
    """Raises KitError where a method does not fit what the runs predict or what the metric counts."""
    metric = entry.competition.metric
    right, fitting = "", "hill-climb"
    if merging.are_labels(metric, pred):
        if method == "vote":
            return
        wrong, fitting = "these runs predict labels or texts, which cannot be added up", "vote"
    elif method == "vote":
        wrong = "it is for labels and texts, and these runs predict numbers or probabilities"
    elif method == "rank" and not metric.ranks and not decisions.fits(entry.competition):
        wrong = f"it keeps only the order of the predictions, and {metric.name} counts their size"
        right = "Ranks are for metrics of order, such as AUC."
    elif method == "geometric" and metric.predictions == "numbers":
        wrong = f"it is for probabilities, and {metric.name} is a metric of numbers"
    elif method == "log-mean" and metric.predictions != "numbers":
        wrong = f"it is for numbers, and {metric.name} is not a metric of numbers"
    else:
        return
    names = " ".join(run.name for run in members)
    raise KitError(
        f"--method {method} does not fit: {wrong}.", right, f"kit ensemble {entry.name} {names} --method {fitting}"
    )


def _differ(one: Run, other: Run, where: str) -> KitError:
    return KitError(
        f"{one.name} and {other.name} differ in {where}.",
        "Runs are blended on the rows that judged them, so these must be the same, in the same folds.",
        f"kit train {one.plan.competition} {other.plan.label}  # with the same --folds",
    )
