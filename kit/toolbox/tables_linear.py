"""Linear models on tables, by scikit-learn: scaled numbers, one-hot categories, strength chosen inside the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from kit.task.contract import Competition, Fitted, Fold
from kit.toolbox import goals, tables
from kit.toolbox.goals import Goal

LEVELS = 12
"""Different whole numbers up to which a column of numbers also becomes one-hot columns, such as months or grades."""

RAREST = 5
"""Training rows that a category must have for a column of its own; rarer ones share one."""


@dataclass
class Scaled:
    """A matrix of `kit.toolbox.tables` as a sparse one for linear models, learned from training rows.

    Numbers are brought to mean 0 and standard deviation 1, those of a long tail as logarithms first, and missing ones
    become the median with a column that says so. Categories become one column each value.
    """

    long_tail: np.ndarray
    median: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    missing: np.ndarray
    one_hot: list[tuple[int, np.ndarray]]
    numbers: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray, categories: np.ndarray) -> Scaled:
        """The matrix of training rows, and how many categories each column has (0: numbers)."""
        numbers = np.flatnonzero(categories == 0)
        values = matrix[:, numbers].astype(np.float64)
        with np.errstate(all="ignore"):
            median = np.nan_to_num(np.nanmedian(values, axis=0)) if len(values) else np.zeros(len(numbers))
            low, high = np.nanquantile(values, [0.05, 0.99], axis=0)
            long_tail = (np.nanmin(values, axis=0) >= 0) & (high - median > 5 * (median - low)) & (high > median)
        missing = np.isnan(values).any(0)
        filled = cls._plain(values, long_tail, median)
        one_hot = []
        for place in range(matrix.shape[1]):
            column = matrix[:, place]
            if not categories[place] and not _few(column):
                continue
            levels, counts = np.unique(column[~np.isnan(column)], return_counts=True)
            one_hot.append((place, levels[counts >= min(RAREST, max(1, len(column) // 50))]))
        deviation = filled.std(0)
        deviation[deviation == 0] = 1
        return cls(long_tail, median, filled.mean(0), deviation, missing, one_hot, numbers)

    @staticmethod
    def _plain(values: np.ndarray, long_tail: np.ndarray, median: np.ndarray) -> np.ndarray:
        """Values without gaps, long tails as logarithms."""
        filled = np.where(np.isnan(values), median, values)
        filled[:, long_tail] = np.log1p(np.maximum(filled[:, long_tail], 0))
        return filled

    def __call__(self, matrix: np.ndarray) -> sparse.csr_matrix:
        """Rows of any matrix of the same columns, float64 of (n, more columns)."""
        values = matrix[:, self.numbers].astype(np.float64)
        # Kept within ten deviations of the training rows, so that one odd number does not carry a prediction away.
        scaled = (self._plain(values, self.long_tail, self.median) - self.mean) / self.deviation
        blocks = [
            sparse.csr_matrix(np.clip(scaled, -10, 10)),
            sparse.csr_matrix(np.isnan(values[:, self.missing]) * 1.0),
        ]
        for place, levels in self.one_hot:
            column = matrix[:, place]
            at = np.minimum(np.searchsorted(levels, column), max(len(levels) - 1, 0))
            # The last column is for missing, new and rare values.
            known = levels[at] == column if len(levels) else np.zeros(len(column), bool)
            where = np.where(known, at, len(levels))
            ones = (np.ones(len(column)), (np.arange(len(column)), where))
            blocks.append(sparse.csr_matrix(ones, (len(column), len(levels) + 1)))
        return sparse.hstack(blocks, "csr")


def _few(column: np.ndarray) -> bool:
    levels = np.unique(column[:50_000])
    levels = levels[~np.isnan(levels)]
    return 2 < len(levels) <= LEVELS and bool((levels % 1 == 0).all())


def fit(
    fold: Fold,
    competition: Competition,
    features: tables.Features,
    *,
    strengths: tuple[float, ...],
    parts: int,
) -> Fitted:
    """A linear model for each target: logistic regression for classes and flags, ridge regression for numbers.

    `strengths` are the inverses of the regularisation that are tried on `parts` inner folds of the training rows.
    Source: scikit-learn.
    """
    y = fold.train.y
    assert y is not None
    goal = goals.of(competition, y)
    targets = goal.encoded(y)
    encoder, matrix = tables.fit(features, fold.train.x.take(), goal, targets, group=fold.train.group, seed=fold.seed)
    scaled = Scaled.of(matrix, encoder.categories)
    x = scaled(matrix)
    inside = list(
        tables.inner(goal, targets, folds=max(parts, 2), group=fold.train.group, time=fold.train.time, seed=fold.seed)
    )
    columns = [targets] if goal.kind == "classes" else list(targets.T)
    models = [_chosen(x, column, goal, fold.train.weight, strengths, inside) for column in columns]

    def predict(rows: Any) -> np.ndarray:
        values = scaled(encoder(rows))
        if goal.kind == "classes":
            pred = np.zeros((values.shape[0], len(goal.classes)))
            pred[:, models[0].classes_] = models[0].predict_proba(values)
            return goal.decoded(pred)
        return goal.decoded(np.stack([_predicted(model, values, goal) for model in models], axis=1))

    return Fitted(predict, sum(np.size(model.coef_) + np.size(model.intercept_) for model in models))


def _chosen(
    x: sparse.csr_matrix,
    y: np.ndarray,
    goal: Goal,
    weight: np.ndarray | None,
    strengths: tuple[float, ...],
    inside: list[tuple[np.ndarray, np.ndarray]],
) -> Any:
    """The model of the strength that the inner folds like best, fitted on all rows."""
    losses = np.zeros(len(strengths))
    for place, strength in enumerate(strengths if len(strengths) > 1 else ()):
        for fitted, held in inside:
            model = _fitted(x[fitted], y[fitted], goal, None if weight is None else weight[fitted], strength)
            losses[place] += _loss(model, x[held], y[held], goal)
    return _fitted(x, y, goal, weight, strengths[int(np.argmin(losses))])


def _fitted(x: sparse.csr_matrix, y: np.ndarray, goal: Goal, weight: np.ndarray | None, strength: float) -> Any:
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression, Ridge

    if goal.kind == "numbers":
        return Ridge(alpha=1 / strength, solver="sparse_cg" if x.shape[0] > 50_000 else "auto").fit(x, y, weight)
    if len(np.unique(y)) == 1:
        constant = DummyClassifier().fit(x, y.astype(np.int64))
        constant.coef_, constant.intercept_ = np.zeros(0), np.zeros(0)
        return constant
    return LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(x, y.astype(np.int64), weight)


def _predicted(model: Any, x: sparse.csr_matrix, goal: Goal) -> np.ndarray:
    if goal.kind == "numbers":
        return model.predict(x)
    both = model.predict_proba(x)
    return both[:, list(model.classes_).index(1)] if 1 in model.classes_ else np.zeros(x.shape[0])


def _loss(model: Any, x: sparse.csr_matrix, y: np.ndarray, goal: Goal) -> float:
    """The mean squared error of numbers, the log loss of the others."""
    if goal.kind == "numbers":
        return float(np.mean((model.predict(x) - y) ** 2))
    shares = model.predict_proba(x)
    place = np.searchsorted(model.classes_, y)
    known = (place < len(model.classes_)) & (model.classes_[np.minimum(place, len(model.classes_) - 1)] == y)
    given = np.where(known, shares[np.arange(len(y)), np.minimum(place, shares.shape[1] - 1)], 0)
    return float(-np.mean(np.log(np.maximum(given, 1e-6))))
