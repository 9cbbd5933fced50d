"""Decisions that are chosen on out-of-fold predictions, such as the probability from which a row counts as positive."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kit.task.contract import Competition, Decide, Metric


@dataclass(frozen=True)
class Threshold:
    """Class 1 from the probability `at` on. `fit` chooses the one of the highest F1.

    Predictions are (n,) or (n, 1) float, the probability of class 1, or (n, 2).
    """

    at: float = 0.5

    def __call__(self, pred: np.ndarray) -> np.ndarray:
        """Labels 0 and 1, int64 of (n,)."""
        return (positive(pred) >= self.at).astype(np.int64)

    def fit(self, y: np.ndarray, pred: np.ndarray) -> Threshold:
        """The threshold whose labels have the highest F1 against `y`, halfway between two predictions.

        F1 changes only where a prediction is passed, so that every different one is tried. Source: Lipton, Elkan,
        Naryanaswamy, Optimal Thresholding of Classifiers to Maximize F1 Measure, ECML 2014. Without a row of class 1
        the threshold stays.
        """
        p = positive(pred).astype(np.float64)
        order = np.argsort(-p, kind="stable")
        hits = np.cumsum(y[order] == 1)
        if not len(hits) or hits[-1] == 0:
            return self
        # F1 of calling the first k rows positive; rows of one prediction are called alike, so only their last k counts.
        score = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
        ranked = p[order]
        score[:-1][ranked[:-1] == ranked[1:]] = -1
        best = int(np.argmax(score))
        return Threshold(float(ranked[best] + ranked[min(best + 1, len(ranked) - 1)]) / 2)


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
    decided = np.asarray(competition.submission.decide(pred))
    numbers = np.unique(fold)
    for number in numbers if len(numbers) > 1 else ():
        held = fold == number
        decided[held] = fit(competition, y[~held], pred[~held])(pred[held])
    return decided


def judge(competition: Competition) -> Metric:
    """The metric by which predictions are compared on the rows that a decision is chosen on."""
    metric = competition.metric
    if not fits(competition):
        return metric
    return replace(metric, score=lambda y, pred: metric.score(y, fit(competition, y, pred)(pred)))


def facts(decide: Any) -> dict[str, Any]:
    """What was chosen, by name, such as `{"at": 0.41}`."""
    return asdict(decide)


def recorded(competition: Competition, chosen: dict[str, Any] | None) -> Decide:
    """The decision with what a run has `chosen`, as `facts` gave it; the declared one where nothing was chosen."""
    decide: Any = competition.submission.decide
    return replace(decide, **chosen) if chosen else decide


def positive(pred: np.ndarray) -> np.ndarray:
    """The probability of class 1, (n,), of predictions (n,), (n, 1) or (n, 2)."""
    return pred[:, 1] if pred.ndim == 2 and pred.shape[1] == 2 else pred.reshape(len(pred))
