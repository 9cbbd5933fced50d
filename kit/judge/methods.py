"""Ways to blend runs, each judged on rows that chose nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from kit.errors import KitError
from kit.judge import climb, evolve, scorers, stack
from kit.judge.aligning import Aligned
from kit.judge.scoring import Pool, Scorer
from kit.predict.stacked import Stacked
from kit.task import decisions, merging, metrics
from kit.task.contract import Competition, Merge

Method = Literal["best", "mean", "vote", "rank", "geometric", "log-mean", "hill-climb", "stack", "cma"]
METHODS: tuple[Method, ...] = get_args(Method)

CHOOSING = ("best", "hill-climb", "stack", "cma")
"""Methods that choose something on out-of-fold predictions; the others only merge."""

SAMPLE = 50_000
"""Rows on which it is judged, at most, whether a member is worth keeping."""


class Fitted(NamedTuple):
    """A blend that is ready to merge predictions: `weights` of (runs,), the sum 1, and for stacking the linear model,
    of which the weights are the runs' shares of its coefficients."""

    merge: Merge
    weights: np.ndarray
    stacked: Stacked | None = None

    def __call__(self, preds: Sequence[np.ndarray]) -> np.ndarray:
        """The merged predictions; runs of no weight are not looked at."""
        if self.stacked is not None:
            return self.stacked(preds)
        used = np.flatnonzero(self.weights).tolist()
        return self.merge([preds[at] for at in used], self.weights[used])


class Tried(NamedTuple):
    """What came of a method.

    `score` is nested: for each fold, what the method chooses was chosen on the other folds; None where it chooses and
    there is one fold only. `gain` is by how much it is better than that of the best run, in the metric's own unit,
    above 0 where it is better; `optimism` by how much better it looks on the rows that chose; `log_loss` that of the
    nested predictions, where they are probabilities of classes.
    """

    method: Method
    score: float | None
    gain: float | None
    optimism: float | None
    log_loss: float | None


class Trial(NamedTuple):
    """A method with its predictions for the held-out rows, nested where there are several folds; what it chose on all
    rows, its score on them (None where nothing was chosen), and the members that were dropped, by number."""

    tried: Tried
    pred: np.ndarray
    fitted: Fitted
    chosen_score: float | None
    dropped: tuple[int, ...]


class Trials:
    """The methods that can blend some runs, each tried when it is asked for."""

    def __init__(self, competition: Competition, oof: Aligned, seed: int = 0) -> None:
        self.competition, self.oof, self.seed = competition, oof, seed
        self.labels = decisions.labels(competition, oof.y)
        self.numbers = np.unique(oof.fold)
        self.sign = 1 if competition.metric.higher_is_better else -1
        self._judge = decisions.judge(competition)
        self._merge = merging.declared(competition.metric, oof.preds[0])
        self._scorer: Scorer | None = None
        self.alone = [self.score(pred) for pred in oof.preds]
        self.best = int(np.argmax(self.sign * np.array(self.alone)))

    def score(self, pred: np.ndarray) -> float:
        """The score of out-of-fold predictions, with a decision that is chosen for each fold on the others."""
        oof = self.oof
        judged = decisions.nested(self.competition, oof.fold, oof.y, pred)
        return self.competition.metric.score(oof.y, judged, oof.columns, self.labels)

    def unfit(self, method: Method) -> str:
        """Why a method does not fit what the runs predict or what the metric counts; empty where it does."""
        metric, first = self.competition.metric, self.oof.preds[0]
        adds = "these runs predict labels or texts, which cannot be added up"
        if method == "best":
            return ""
        if merging.are_labels(metric, first):
            return "" if method == "vote" else adds
        if method == "vote":
            return "it is for labels and texts, and these runs predict numbers or probabilities"
        if first.dtype.names and method not in ("mean", "hill-climb"):
            return "these runs keep only their likeliest classes"
        if method == "rank" and not metric.ranks and not decisions.fits(self.competition):
            return f"it keeps only the order of the predictions, and {metric.name} counts their size"
        if method == "geometric" and metric.predictions == "numbers":
            return f"it is for probabilities, and {metric.name} is a metric of numbers"
        if method == "geometric" and any(pred.min() < 0 or pred.max() > 1 for pred in self.oof.preds):
            return "it is for probabilities, and these predictions are not all between 0 and 1"
        if method == "log-mean" and metric.predictions != "numbers":
            return f"it is for numbers, and {metric.name} is not a metric of numbers"
        if method == "log-mean" and any(pred.min() < 0 for pred in self.oof.preds):
            return "it is for numbers of 0 or more, and some predictions are below"
        if method == "cma" and metric.predictions != "labels":
            return f"it is for metrics of labels such as balanced accuracy, and {metric.name} has a slope to climb"
        if method == "stack" and stack.kind(metric, self.oof.y, first, self.labels) is None:
            return "a linear model needs numbers, or probabilities of one target column"
        return ""

    def fitting(self) -> list[Method]:
        """The methods that fit, without cma, which takes a thousand blends for each fold and is tried when asked."""
        return [method for method in METHODS if method != "cma" and not self.unfit(method)]

    def run(self, method: Method) -> Trial:
        """Try a method."""
        oof = self.oof
        if method not in CHOOSING:
            merge = merging.BY_METHOD.get(method) or self._merge
            pred = merge(oof.preds)
            return self._trial(method, pred, Fitted(merge, np.full(len(oof.preds), 1 / len(oof.preds))), True)
        fits: Callable[[int | None], Fitted] = {
            "best": self._best,
            "hill-climb": self._climb,
            "stack": self._stack,
            "cma": self._evolve,
        }[method]
        whole = fits(None)
        if len(self.numbers) < 2:
            return self._trial(method, whole(oof.preds), whole, False)
        each = [fits(at) for at in range(len(self.numbers))]
        trial = self._trial(method, self._nested(each), whole, True)
        if method == "hill-climb":
            each, whole, dropped = _without_idle(self, each, whole)
            without = self._trial(method, self._nested(each), whole, True, dropped)
            seems = self.sign * ((without.chosen_score or 0.0) - self.alone[self.best])
            if dropped and (without.tried.gain or 0.0) >= (trial.tried.gain or 0.0) and seems >= 0:
                return without
        return trial

    def _nested(self, each: Sequence[Fitted]) -> np.ndarray:
        """What the blend of each fold predicts for the rows of that fold."""
        oof, parts = self.oof, []
        for number, fitted in zip(self.numbers, each, strict=True):
            held = oof.fold == number
            ranks = fitted.merge is merging.rank_mean  # which are taken among all rows
            parts.append((held, fitted(oof.preds)[held] if ranks else fitted([pred[held] for pred in oof.preds])))
        nested = np.empty((len(oof.fold), *parts[0][1].shape[1:]), np.result_type(*(part.dtype for _, part in parts)))
        for held, part in parts:
            nested[held] = part
        return nested

    def judged(self, pred: np.ndarray, rows: np.ndarray) -> float:
        """The score of predictions on some rows, with a decision that is chosen on them; NaN where it has none."""
        columns = {name: column[rows] for name, column in self.oof.columns.items()}
        try:
            return self._judge.score(self.oof.y[rows], pred, columns, self.labels)
        except KitError:
            return np.nan

    def _trial(
        self, method: Method, pred: np.ndarray, fitted: Fitted, scored: bool, dropped: tuple[int, ...] = ()
    ) -> Trial:
        chosen = None
        if method in CHOOSING:
            chosen = self.judged(fitted(self.oof.preds), np.ones(len(pred), bool))
        score = self.score(pred) if scored else None
        best = self.alone[self.best]
        tried = Tried(
            method,
            score,
            None if score is None else self.sign * (score - best),
            None if score is None or chosen is None else self.sign * (chosen - score),
            self._log_loss(pred) if scored else None,
        )
        return Trial(tried, pred, fitted, chosen, dropped)

    def _log_loss(self, pred: np.ndarray) -> float | None:
        y, metric = self.oof.y, self.competition.metric
        if pred.dtype.names or pred.dtype.kind != "f" or metric.predictions in (None, "numbers") or y.size != len(y):
            return None
        if pred.min() < 0 or pred.max() > 1:
            return None
        try:
            return metrics.log_loss.score(y, pred, labels=self.labels)
        except KitError:
            return None

    def _rows(self, without: int | None) -> np.ndarray:
        return np.ones(len(self.oof.fold), bool) if without is None else self.oof.fold != self.numbers[without]

    def _best(self, without: int | None) -> Fitted:
        rows = self._rows(without)
        scores = [self.sign * self.judged(pred[rows], rows) for pred in self.oof.preds]
        best = 0 if np.isnan(scores).all() else int(np.nanargmax(scores))
        return Fitted(self._merge, np.eye(len(scores))[best])

    def _climb(self, without: int | None) -> Fitted:
        if self._scorer is None:
            decide, oof = self.competition.submission.decide, self.oof
            at_best = (
                isinstance(decide, decisions.Threshold) and self.competition.metric.function is metrics.f1.function
            )
            pool = Pool(
                self._judge, self._merge, oof.preds, oof.y, oof.fold, oof.columns, self.labels, threshold=at_best
            )
            self._scorer = scorers.of(pool)
        return Fitted(self._merge, climb.weights(climb.climb(self._scorer, without)))

    def _evolve(self, without: int | None) -> Fitted:
        rows = np.flatnonzero(self._rows(without))
        if len(rows) > evolve.ROWS:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, evolve.ROWS, replace=False))
        preds = [pred[rows] for pred in self.oof.preds]
        equal = np.full(len(preds), 1 / len(preds))

        def score(weights: np.ndarray) -> float:
            return self.sign * self.judged(self._merge(preds, weights), rows)

        return Fitted(self._merge, evolve.weights(score, equal, self.seed))

    def _stack(self, without: int | None) -> Fitted:
        oof, rows = self.oof, self._rows(without)
        kind = stack.kind(self.competition.metric, oof.y, oof.preds[0], self.labels)
        assert kind is not None  # else the method does not fit
        parts = [pred[rows] for pred in oof.preds]
        fitted = stack.fit(kind, parts, oof.y[rows], oof.fold[rows], self.labels, self.seed)
        size = np.abs(fitted.coefficients).sum(0).reshape(len(parts), -1).sum(1)
        return Fitted(merging.mean, size / size.sum() if size.sum() else np.full(len(size), 1 / len(size)), fitted)


def _without_idle(trials: Trials, each: list[Fitted], whole: Fitted) -> tuple[list[Fitted], Fitted, tuple[int, ...]]:
    """Blends without the members whose gain is under its optimism.

    The gain of a member is by how much worse a fold scores without it, the mean over folds; its optimism is by how much
    more the rows that chose the weights would lose. Which members go from a fold's blend is judged by the other folds,
    one after the other, the worst first; which go from the blend of all by all folds. Whether these blends are
    used, the nested score says, and that of all rows, which must not be under the best run's.
    """
    oof, random = trials.oof, np.random.default_rng(trials.seed)
    few = np.arange(len(oof.fold))
    if len(few) > SAMPLE:
        few = np.sort(random.choice(few, SAMPLE, replace=False))
    held = [oof.fold[few] == number for number in trials.numbers]
    preds = [pred[few] for pred in oof.preds]
    known: dict[tuple[int, tuple[float, ...]], tuple[float, float]] = {}

    def scores(at: int, weights: np.ndarray) -> tuple[float, float]:
        """Of a fold's blend on the fold and on the other folds, higher is better."""
        key = (at, tuple(weights))
        if key not in known:
            pred = whole._replace(weights=weights)(preds)
            masks = (held[at], ~held[at])
            one, other = (trials.sign * trials.judged(pred[mask], few[mask]) for mask in masks)
            known[key] = one, other
        return known[key]

    def idle(folds: list[int]) -> tuple[int, ...]:
        gone: list[int] = []
        while True:
            excess = np.full(len(preds), np.inf)
            for run in range(len(preds)):
                if run in gone:
                    continue
                differences = []
                for at in folds:
                    before = dropped(each[at].weights, gone)
                    after = dropped(each[at].weights, [*gone, run])
                    if before[run] > 0 and after.sum() > 0:
                        with_it, without = scores(at, before), scores(at, after)
                        gain, apparent = with_it[0] - without[0], with_it[1] - without[1]
                        differences.append(gain - (apparent - gain))
                    elif before[run] > 0:
                        differences.append(np.inf)  # a fold's only member stays
                if differences:
                    excess[run] = np.nansum(differences) / len(folds)
            worst = int(np.argmin(excess))
            if not excess[worst] < 0:
                return tuple(sorted(gone))
            gone.append(worst)

    places = list(range(len(each)))
    kept = [
        fitted._replace(weights=dropped(fitted.weights, idle([other for other in places if other != at])))
        for at, fitted in enumerate(each)
    ]
    gone = idle(places)
    left = dropped(whole.weights, gone)
    if not left.sum():
        return each, whole, ()
    kept = [new if new.weights.sum() else old for new, old in zip(kept, each, strict=True)]
    return kept, whole._replace(weights=left), tuple(run for run in gone if whole.weights[run] > 0)


def dropped(weights: np.ndarray, gone: Sequence[int]) -> np.ndarray:
    """Weights without some runs, the sum 1 again; all 0 where none is left."""
    left = weights.copy()
    left[[*gone]] = 0
    return left / left.sum() if left.sum() else left
