"""What held-out predictions say beside the truth: which class for which, or which value, and the worst mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kit.drawing import classes, style
from kit.task import decisions, outputs
from kit.task.contract import Competition


class Mistake(NamedTuple):
    """A held-out row that was taken for another one: its place among the held-out rows, what it is and what was
    predicted as texts, and the probability of that, None for numbers."""

    at: int
    true: str
    predicted: str
    surety: float | None


@dataclass(frozen=True)
class Classes:
    """Labels as numbers of classes: `y` and `label`, (n,), what was true and what was predicted, by `names`; `pred` as
    it was stored; `values` are the labels themselves where they are others than their numbers."""

    y: np.ndarray
    label: np.ndarray
    pred: np.ndarray
    names: list[str]
    values: outputs.Values | None = None

    @property
    def wrong(self) -> np.ndarray:
        """The places of the mistakes."""
        return np.flatnonzero(self.label != self.y)

    def counts(self) -> np.ndarray:
        """How often each true class (a line) was predicted as each class, (classes, classes)."""
        many = len(self.names)
        return np.bincount(self.y * many + self.label, minlength=many * many).reshape(many, many)

    def worst(self, most: int) -> list[Mistake]:
        """The surest mistakes: the surer of the wrong class and the less of the right one, the worse."""
        wrong = self.wrong
        surety = classes.probability(self.pred[wrong], self.label[wrong])
        regret = classes.probability(self.pred[wrong], self.y[wrong]) - surety
        order = np.argsort(regret, kind="stable")[:most]
        return [
            Mistake(int(at), self.names[self.y[at]], self.names[self.label[at]], float(sure))
            for at, sure in zip(wrong[order], surety[order], strict=True)
        ]


@dataclass(frozen=True)
class Values:
    """Numbers: what was true and what was predicted, (n, targets) each."""

    y: np.ndarray
    pred: np.ndarray

    def worst(self, most: int) -> list[Mistake]:
        """The rows furthest from their true values."""
        order = np.argsort(-np.abs(self.pred - self.y).max(1), kind="stable")[:most]
        return [Mistake(int(at), _several(self.y[at]), _several(self.pred[at]), None) for at in order]


def of(competition: Competition, chosen: dict[str, Any] | None, oof: dict[str, np.ndarray]) -> Classes | Values | None:
    """What out-of-fold predictions say, by the decision that a run has `chosen`; None of free texts."""
    by_label = competition.metric.predictions not in (None, "numbers")
    values = decisions.labels(competition, oof["y"]) if by_label else None
    if (numbered := classes.numbered(oof["y"], oof["pred"], values)) is not None:
        return _classes(competition, chosen, *numbered, values)
    if outputs.are_texts(oof["y"]) or outputs.are_texts(oof["pred"]):
        return None
    if not classes.are(oof["y"], oof["pred"]):
        y = oof["y"].reshape(len(oof["y"]), -1).astype(float)
        return Values(y, oof["pred"].reshape(y.shape).astype(float))
    count = classes.count(oof["y"], oof["pred"])
    names = classes.names(competition.submission, count, more=bool(oof["pred"].dtype.names))
    return _classes(competition, chosen, oof["y"], oof["pred"], names, None)


def _classes(
    competition: Competition,
    chosen: dict[str, Any] | None,
    y: np.ndarray,
    pred: np.ndarray,
    names: list[str],
    values: outputs.Values | None,
) -> Classes:
    label = classes.labels(pred)
    if decisions.fits(competition):
        decided = np.asarray(decisions.recorded(competition, chosen)(pred))
        label = decided if values is None else outputs.index(decided, values)
    return Classes(y.astype(np.int64), label.astype(np.int64), pred, names, values)


def _several(values: np.ndarray) -> str:
    return ", ".join(style.number(value) for value in values[:3])
