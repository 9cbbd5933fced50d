"""Decisions that are chosen on out-of-fold predictions, such as the probability from which a row counts as positive,
and what a competition's metrics judge by."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from kit.task import outputs
from kit.task.contract import Competition, Data, Decide, Metric


@dataclass(frozen=True)
class Threshold:
    """The second of two labels from the probability `at` on. `fit` chooses the one of the highest F1.

    Predictions are (n,) or (n, 1) float, the probability of the second label, or (n, 2).
    """

    at: float = 0.5
    labels: tuple[Any, Any] = field(default=(0, 1), metadata={"chosen": False})

    def __call__(self, pred: np.ndarray) -> np.ndarray:
        """One of the labels for each row, (n,)."""
        return np.asarray(self.labels)[(outputs.positive(pred) >= self.at).astype(np.int64)]

    def fit(self, y: np.ndarray, pred: np.ndarray) -> Threshold:
        """The threshold whose labels have the highest F1 against `y`, halfway between two predictions.

        F1 changes only where a prediction is passed, so that every different one is tried. Source: Lipton, Elkan,
        Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, ECML 2014. Without a row of the
        second label the threshold stays.
        """
        p = outputs.positive(pred).astype(np.float64)
        order = np.argsort(-p)  # rows of one prediction may lie in any order, and a stable sort takes six times as long
        return self._best(p[order], y[order] == self.labels[1])

    def without(self, fold: np.ndarray, y: np.ndarray, pred: np.ndarray) -> dict[int, Threshold]:
        """For each fold by its number the threshold that `fit` chooses on the others; the rows are sorted once."""
        p = outputs.positive(pred).astype(np.float64)
        order = np.argsort(-p)
        ranked, hit, of = p[order], y[order] == self.labels[1], fold[order]
        kept = ((number, of != number) for number in np.unique(fold).tolist())
        return {number: self._best(ranked[others], hit[others]) for number, others in kept}

    def _best(self, ranked: np.ndarray, hit: np.ndarray) -> Threshold:
        """The threshold of the highest F1 over rows in falling order of their prediction; `hit` are those of the second
        label."""
        hits = np.cumsum(hit)
        if not len(hits) or hits[-1] == 0:
            return self
        # F1 of calling the first k rows positive; rows of one prediction are called alike, so only their last k counts.
        score = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
        score[:-1][ranked[:-1] == ranked[1:]] = -1
        best = int(np.argmax(score))
        return replace(self, at=float(ranked[best] + ranked[min(best + 1, len(ranked) - 1)]) / 2)


@dataclass(frozen=True)
class Cuts:
    """One of several ordered labels that are numbers, by where a predicted number lies among the cuts between them.

    `labels` are in order; without `cuts` these lie halfway between two labels. `fit` chooses cuts of high quadratic
    weighted kappa. Predictions are (n,) or (n, 1) float.
    """

    labels: tuple[Any, ...] = field(metadata={"chosen": False})
    cuts: tuple[float, ...] = ()

    def __call__(self, pred: np.ndarray) -> np.ndarray:
        """One of the labels for each row, (n,)."""
        values = np.asarray(self.labels)
        cuts = self.cuts if len(self.cuts) else (values[1:] + values[:-1]) / 2
        return values[np.searchsorted(np.asarray(cuts, np.float64), pred.reshape(len(pred)), side="right")]

    def fit(self, y: np.ndarray, pred: np.ndarray) -> Cuts:
        """Cuts of a higher quadratic weighted kappa against `y` than those that give each label its share of the rows.

        One cut after the other is moved to the best of 24 places between its neighbours, until none is moved. Source:
        the winners of Kaggle's crowdflower-search-relevance and prudential-life-insurance-assessment chose cuts so.
        """
        pred = pred.reshape(len(pred)).astype(np.float64)
        true = y.astype(np.float64)
        shares = np.cumsum([np.mean(true == label) for label in self.labels])[:-1]
        cuts = np.quantile(pred, np.clip(shares, 0, 1))
        low, high = pred.min(), pred.max()
        best = _kappa(true, replace(self, cuts=tuple(cuts.tolist()))(pred))
        moved = True
        for _ in range(20):
            if not moved:
                break
            moved = False
            for place in range(len(cuts)):
                before = low if place == 0 else cuts[place - 1]
                after = high if place == len(cuts) - 1 else cuts[place + 1]
                for value in np.linspace(before, after, 26)[1:-1]:
                    tried = (*cuts[:place].tolist(), float(value), *cuts[place + 1 :].tolist())
                    score = _kappa(true, replace(self, cuts=tried)(pred))
                    if score > best + 1e-9:
                        best, cuts, moved = score, np.array(tried), True
        return replace(self, cuts=tuple(float(cut) for cut in cuts))


def _kappa(y: np.ndarray, pred: np.ndarray) -> float:
    """Quadratic weighted kappa of numbers."""
    said = pred.astype(np.float64)
    chance = np.mean(y**2) + np.mean(said**2) - 2 * np.mean(y) * np.mean(said)
    return float(1 - np.mean((y - said) ** 2) / chance) if chance > 0 else 0.0


def fits(competition: Competition) -> bool:
    """Whether the competition's decision is chosen on out-of-fold predictions."""
    return hasattr(competition.submission.decide, "fit")


def fit(competition: Competition, y: np.ndarray, pred: np.ndarray) -> Decide:
    """The competition's decision, chosen on these rows where it is one that can be chosen."""
    decide = competition.submission.decide
    return decide.fit(y, pred) if fits(competition) else decide  # type: ignore[attr-defined]


def nested(competition: Competition, fold: np.ndarray, y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """What the metric is to judge: predictions as they are, or where the decision is chosen, labels, each fold's
    decided as chosen on the other folds.

    Source: Cawley and Talbot, On Over-fitting in Model Selection and Subsequent Selection Bias in Performance
    Evaluation, JMLR 2010. With fewer than two folds the decision stays as declared.
    """
    if not fits(competition):
        return pred
    decide = competition.submission.decide
    decided = np.asarray(decide(pred))
    numbers = np.unique(fold).tolist()
    if len(numbers) < 2:
        return decided
    chosen = decide.without(fold, y, pred) if isinstance(decide, Threshold) else {}
    for number in numbers:
        held = fold == number
        by = chosen[number] if chosen else fit(competition, y[~held], pred[~held])
        decided[held] = by(pred[held])
    return decided


def judge(competition: Competition) -> Metric:
    """The metric by which predictions are compared on the rows that a decision is chosen on."""
    metric = competition.metric
    if not fits(competition):
        return metric

    def score(y: np.ndarray, pred: np.ndarray, **given: Any) -> float:
        return metric.score(y, fit(competition, y, pred)(pred), given, given.get("labels"))

    return replace(metric, function=score, predictions=None, sums=None)


def labels(competition: Competition, y: np.ndarray) -> outputs.Values | None:
    """The label values in the order of the probability columns, where `y` are all targets that are known.

    These are the labels that the submission declares; the target columns, where `y` holds their names; else the
    different values of `y`, sorted. None where the number of columns says it (integers from 0 on), and for numbers.
    """
    form = competition.submission
    if form.labels is not None:
        return form.labels
    if y.ndim > 1 or competition.metric.predictions in (None, "numbers"):
        return None
    if outputs.are_texts(y):
        values = np.unique(y.astype(str))
        return form.targets if len(form.targets) > 1 and set(values.tolist()) <= set(form.targets) else values
    if y.dtype.kind == "b" or competition.metric.predictions == "positive":
        return None
    values = np.unique(y)
    return None if np.array_equal(values, np.arange(len(values))) else values


def columns(competition: Competition, data: Data) -> dict[str, np.ndarray]:
    """The columns of `data` that the competition's metrics need beside targets and predictions, by name.

    Raises KitError when one is missing.
    """
    asked = [metric.columns(data) for metric in (competition.metric, *competition.also)]
    return {name: column for columns in asked for name, column in columns.items()}


def facts(decide: Any) -> dict[str, Any]:
    """What was chosen, by name, such as `{"at": 0.41}`."""
    return {each.name: getattr(decide, each.name) for each in fields(decide) if each.metadata.get("chosen", True)}


def recorded(competition: Competition, chosen: dict[str, Any] | None) -> Decide:
    """The decision with what a run has `chosen`, as `facts` gave it; the declared one where nothing was chosen."""
    decide: Any = competition.submission.decide
    return replace(decide, **chosen) if chosen else decide
