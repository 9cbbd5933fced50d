"""Two runs side by side: in what they differ, and whether one is better on the very same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.judge import contributions, noise
from kit.task import decisions
from kit.task.catalog import Entry
from kit.train import predictions
from kit.train.runs import Run


@dataclass(frozen=True)
class Pair:
    """How much better the second of two runs scores than the first on `rows` rows that judged both.

    `gain` is in the metric's own unit, above 0 where the second is better. 95% of the bootstrap samples of the rows
    give a gain from `low` to `high`; `share` is that of the samples in which the second is better. `folds` are the
    gains of each fold, where both have the same folds.
    """

    rows: int
    metric: str
    first: float
    second: float
    gain: float
    low: float
    high: float
    share: float
    folds: tuple[float, ...] = ()

    def verdict(self) -> str:
        """In a sentence."""
        if self.low <= 0 <= self.high:
            return "The difference is no more than the noise of these rows."
        better = "second" if self.gain > 0 else "first"
        return f"The {better} run is better by more than the noise of these rows."


def differences(first: Run, second: Run) -> dict[str, tuple[Any, Any]]:
    """What the two runs differ in, by name: plan, settings, data, code, versions of packages, machine, scores."""
    one, other = _facts(first), _facts(second)
    names = dict.fromkeys([*one, *other])
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def compare(entry: Entry, first: Run, second: Run, *, seed: int = 0) -> Pair:
    """The two runs on the rows that were held out in both, joined by id, with a paired bootstrap.

    Each bootstrap sample draws rows with replacement, the same for both runs, so that rows that are hard for both
    cancel out. Their scores are those of the rows' contributions (`kit.judge.contributions`). Source: Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993; Berg-Kirkpatrick, Burkett, Klein, An Empirical Investigation of
    Statistical Significance in NLP, EMNLP 2012.

    Raises KitError when one of them has no out-of-fold predictions here, or they share no row.
    """
    competition, metric = entry.competition, entry.competition.metric
    held = [_held(run) for run in (first, second)]
    ids, *at = np.intersect1d(held[0]["ids"], held[1]["ids"], return_indices=True)
    if not len(ids):
        raise KitError(f"{first.name} and {second.name} share no held-out row.", "A comparison needs the same rows.")
    labels = decisions.labels(competition, held[0]["y"])
    judged = [
        decisions.nested(competition, one["fold"], one["y"], one["pred"])[rows]
        for one, rows in zip(held, at, strict=True)
    ]
    y, fold = held[0]["y"][at[0]], held[0]["fold"][at[0]]
    columns = {name: column[at[0]] for name, column in held[0].items() if name not in ("fold", "y", "pred")}
    sign = 1 if metric.higher_is_better else -1

    def scores(rows: Any) -> tuple[float, float]:
        drawn = {name: column[rows] for name, column in columns.items()}
        one, two = (metric.score(y[rows], pred[rows], drawn, labels) for pred in judged)
        return one, two

    one, two = scores(slice(None))
    before, after = (contributions.of(metric, y, pred, columns, labels) for pred in judged)
    gains = noise.resampled(sign * (after - before)[None], seed=seed).means[:, 0]
    low, high = np.quantile(gains, (0.025, 0.975))
    same = np.array_equal(fold, held[1]["fold"][at[1]])
    by_fold = [scores(fold == number) for number in np.unique(fold)] if same else []
    return Pair(
        rows=len(ids),
        metric=metric.name,
        first=one,
        second=two,
        gain=sign * (two - one),
        low=float(low),
        high=float(high),
        share=float(np.mean(gains > 0)),
        folds=tuple(sign * (after - before) for before, after in by_fold),
    )


def _held(run: Run) -> dict[str, np.ndarray]:
    if not run.record.rows.out_of_fold:
        raise KitError(
            f"Run {run.name} has no score: it was trained on all rows.",
            "Only runs with held-out rows can be compared row by row.",
            f"kit train {run.plan.competition} {run.plan.label}",
        )
    held = predictions.load(run.folder / "oof.npz", *predictions.OOF)
    if held["pred"].dtype.names:
        raise KitError(
            f"Run {run.name} keeps only its likeliest classes.", "Row by row, runs with all probabilities are compared."
        )
    return held


def _facts(run: Run) -> dict[str, Any]:
    plan = run.plan
    named = {
        "recipe": plan.label,
        "seed": plan.seed,
        "judged by": plan.scheme,
        "folds": plan.folds,
        "one fold": plan.only,
        "sample": plan.sample,
        "code": plan.code,
        **{f"setting {name}": value for name, value in plan.settings.items()},
        **{f"data {name}": sha256[:16] for name, sha256 in plan.data.items()},
    }
    if not run.finished:
        return named | {"finished": False}
    known = run.record
    return named | {
        "split": known.split,
        "groups": known.groups,
        "device": known.device,
        "where": known.where,
        **({"git": known.git.commit[:12] + (" with changes" if known.git.dirty else "")} if known.git else {}),
        **{f"version {name}": version for name, version in known.versions.items()},
        "parameters": known.parameters,
        "rows judged": known.rows.out_of_fold,
        f"{known.metric} out-of-fold": known.oof_score,
        "mean of folds": known.mean,
        "sd of folds": known.sd,
        **{f"also {name}": score for name, score in known.also.items()},
        "seconds of fitting": known.fit_seconds,
    }
