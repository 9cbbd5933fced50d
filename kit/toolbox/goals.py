"""What a recipe must predict, told from the competition's metric and targets: classes, numbers or yes-or-no columns.

A recipe that asks here follows `competition.py`: where its metric becomes RMSLE, the recipe fits logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kit.errors import KitError
from kit.task import decisions, outputs
from kit.task.contract import Competition

Kind = Literal["classes", "numbers", "flags"]
"""`classes`: one of several labels a row. `numbers`: one or several numbers. `flags`: several yes-or-no columns."""

LOGARITHMIC = ("RMSLE", "mean column-wise RMSLE")
"""Metrics that compare log(1 + value)."""

ABSOLUTE = ("MAE", "weighted MAE", "median absolute error")
"""Metrics whose best guess is the median."""

RELATIVE = ("MAPE", "SMAPE", "RMSPE")
"""Metrics of errors relative to the value: fitted as logarithms, whose differences are relative errors."""

BALANCED = ("balanced accuracy", "macro recall")
"""Metrics in which each class counts alike."""

ORDERED = ("quadratic weighted kappa",)
"""Metrics of labels that have an order, and are fitted as numbers."""


@dataclass(frozen=True)
class Goal:
    """What is predicted for each row.

    Of `classes` the label values, in the order of the columns that are predicted; empty for other kinds. `logarithm`
    says that numbers are fitted as log(1 + value), `absolute` that their median is wanted and not their mean, and
    `balanced` that each class counts alike, whatever the number of its rows. `least` and `most` bound what numbers are
    predicted: the range of the training rows, a value for each target column.
    """

    kind: Kind
    classes: np.ndarray
    columns: int = 1
    balanced: bool = False
    logarithm: bool = False
    absolute: bool = False
    least: np.ndarray | float = -np.inf
    most: np.ndarray | float = np.inf

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Targets as models take them: class numbers, int64 of (n,); else float64 of (n, columns)."""
        if self.kind == "classes":
            texts = y.astype(str) if self.classes.dtype.kind in "US" else y
            order = np.argsort(self.classes, kind="stable")
            return order[np.searchsorted(self.classes[order], texts)].astype(np.int64)
        numbers = y.reshape(len(y), -1).astype(np.float64)
        return np.log1p(numbers) if self.logarithm else numbers

    def weights(self, targets: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """The weight of each row, for encoded `targets`: the rows' own, times what makes classes count alike."""
        if not self.balanced:
            return weight
        counts = np.maximum(np.bincount(targets, minlength=len(self.classes)), 1)
        alike = len(targets) / (np.count_nonzero(counts) * counts[targets])
        return alike if weight is None else alike * weight

    def decoded(self, pred: np.ndarray) -> np.ndarray:
        """What a model of `encoded` targets predicts, as the competition wants it.

        Of classes, probabilities (n, classes) as they are; of numbers (n,) or (n, columns), turned back and kept in
        the range of the training rows; of flags, probabilities between 0 and 1.
        """
        if self.kind == "classes":
            return pred
        pred = pred.reshape(len(pred), -1).astype(np.float64)
        if self.kind == "flags":
            pred = np.clip(pred, 0, 1)
        else:
            pred = np.clip(np.expm1(pred) if self.logarithm else pred, self.least, self.most)
        return pred[:, 0] if self.columns == 1 else pred


@dataclass(frozen=True)
class Scale:
    """Encoded targets as networks learn them: numbers at mean 0 and standard deviation 1, others as they are."""

    mean: np.ndarray | float = 0.0
    deviation: np.ndarray | float = 1.0

    @classmethod
    def of(cls, goal: Goal, targets: np.ndarray) -> Scale:
        """The scale of training rows."""
        if goal.kind != "numbers":
            return cls()
        return cls(targets.mean(0), np.maximum(targets.std(0), 1e-12))

    def scaled(self, targets: np.ndarray) -> np.ndarray:
        """What the network is to give."""
        return targets if isinstance(self.mean, float) else (targets - self.mean) / self.deviation

    def back(self, pred: np.ndarray) -> np.ndarray:
        """What a network's output means."""
        return pred * self.deviation + self.mean


def of(competition: Competition, y: np.ndarray) -> Goal:
    """What `competition` asks to be predicted, of training rows with targets `y`.

    Targets that are floats are numbers; other single targets are labels, and several columns of whole numbers are
    flags. Labels whose order counts by the metric are numbers too. Raises KitError for targets that cannot be learned:
    all alike, or too low for the logarithms that the metric compares.
    """
    name = competition.metric.name
    ordered = name in ORDERED and y.dtype.kind in "iuf"
    if y.ndim == 1 and y.dtype.kind != "f" and not ordered:
        return Goal("classes", classes(competition, y), balanced=name in BALANCED)
    numbers = y.reshape(len(y), -1)
    if numbers.dtype.kind not in "biuf":
        raise KitError("Several target columns hold texts.", "Recipes for tables predict numbers, or one label a row.")
    if y.ndim > 1 and numbers.dtype.kind in "biu":
        return Goal("flags", np.zeros(0), numbers.shape[1])
    numbers = numbers.astype(np.float64)
    least, most = numbers.min(0), numbers.max(0)
    relative = name in RELATIVE and bool((least >= 0).all())
    if name in LOGARITHMIC and not (least > -1).all():
        raise KitError(
            f"{name} compares log(1 + value), and the least target is {least.min():g}.",
            "Targets must be above -1. Another metric is set in competition.py.",
        )
    return Goal(
        "numbers",
        np.zeros(0),
        numbers.shape[1],
        logarithm=name in LOGARITHMIC or relative,
        absolute=name in ABSOLUTE or (relative and name != "RMSPE"),
        least=least,
        most=most,
    )


def classes(competition: Competition, y: np.ndarray) -> np.ndarray:
    """The label values in the order of the columns that a recipe predicts.

    Declared labels may be texts or booleans where `y` holds the numbers of classes.
    """
    labels = decisions.labels(competition, y)
    values = outputs.classes(y, None, labels)
    values = values.astype(str) if values.dtype.kind == "O" else values
    if labels is not None and y.dtype.kind in "iu" and values.dtype.kind in "USb":
        return np.arange(len(values))
    return values
