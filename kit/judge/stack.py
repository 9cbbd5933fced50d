"""Stacking: a regularised linear model on out-of-fold predictions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from kit.predict.stacked import Kind, Stacked, features
from kit.task import metrics, outputs
from kit.task.contract import Metric

ROWS = 100_000
"""Rows that a model is fitted on at most, drawn at random: some hundred coefficients need no more."""
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Inverse strengths of the penalty of a logistic regression that are tried."""
PENALTIES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
"""Penalties of a ridge regression that are tried, in parts of the sum of squares of the inputs."""


def kind(metric: Metric, y: np.ndarray, pred: np.ndarray, labels: outputs.Values | None) -> Kind | None:
    """What kind of linear model serves; None where none does: for labels, texts, guesses, several columns of
    probabilities, and where only the likeliest classes are kept."""
    if pred.dtype.names or pred.dtype.kind != "f":
        return None
    if metric.predictions in (None, "numbers"):
        if outputs.are_texts(y) or y.size != pred.size:
            return None
        logarithms = metric.function in (metrics.rmsle.function, metrics.mean_columnwise_rmsle.function)
        return "logarithms" if logarithms else "numbers"
    if y.size != len(y):
        return None
    classes = outputs.classes(y, outputs.columns(y, pred), labels)
    if pred.size == len(pred) or pred.shape[1] == 2:
        return "binary" if len(classes) == 2 and pred.min() >= 0 and pred.max() <= 1 else None
    return "classes" if pred.min() >= 0 else None


def fit(
    kind: Kind,
    parts: Sequence[np.ndarray],
    y: np.ndarray,
    fold: np.ndarray,
    labels: outputs.Values | None,
    seed: int,
) -> Stacked:
    """The model fitted on these rows. The strength of the penalty is the one that serves best on the rows of the last
    fold by a model fitted on the others; with one fold it is the middle one.

    Source: Wolpert, Stacked Generalization, 1992; Ting and Witten, Issues in Stacked Generalization, JAIR 1999, on log
    odds instead of labels.
    """
    if len(y) > ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(y), ROWS, replace=False))
        parts, y, fold = [part[rows] for part in parts], y[rows], fold[rows]
    x = features(kind, parts)
    if kind in ("numbers", "logarithms"):
        target = y.reshape(len(y), -1).astype(np.float64)
        return _ridge(kind, x, np.log1p(np.maximum(target, 0)) if kind == "logarithms" else target)
    classes = outputs.classes(y, outputs.columns(y, parts[0]), labels)
    true = outputs.index(y.reshape(-1), classes)
    numbers = np.unique(fold)
    strength = STRENGTHS[len(STRENGTHS) // 2]
    if len(numbers) > 1:
        held = fold == numbers[-1]
        losses = [_loss(_logistic(x[~held], true[~held], one, len(classes)), x[held], true[held]) for one in STRENGTHS]
        strength = STRENGTHS[int(np.argmin(losses))]
    coefficients, intercepts = _logistic(x, true, strength, len(classes))
    return Stacked(kind, coefficients, intercepts)


def _logistic(x: np.ndarray, true: np.ndarray, strength: float, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and intercepts, one row for two classes, else one for each class; of a class that these rows lack
    the intercept is that of a probability of nearly 0."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    present = np.unique(true)
    rows = 1 if classes == 2 else classes
    if len(present) < 2:
        sure = np.where(np.arange(classes) == present[0], 5.0, -5.0)
        return np.zeros((rows, x.shape[1])), sure[-rows:]
    # Matrices this narrow gain nothing by several threads, which on a busy machine took seven times the seconds. 200
    # steps are enough for a blend, converged or not.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model: Any = LogisticRegression(C=strength, max_iter=200).fit(x, true)
    if classes == 2:
        return model.coef_, model.intercept_
    coefficients, intercepts = np.zeros((classes, x.shape[1])), np.full(classes, -30.0)
    if len(present) == 2:
        coefficients[present[1]], intercepts[present[0]], intercepts[present[1]] = (
            model.coef_[0],
            0,
            model.intercept_[0],
        )
    else:
        coefficients[present], intercepts[present] = model.coef_, model.intercept_
    return coefficients, intercepts


def _loss(model: tuple[np.ndarray, np.ndarray], x: np.ndarray, true: np.ndarray) -> float:
    height = x @ model[0].T + model[1]
    if height.shape[1] == 1:
        height = np.concatenate([np.zeros_like(height), height], axis=1)
    height -= height.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(height).sum(1)) - height[np.arange(len(true)), true]))


def _ridge(kind: Kind, x: np.ndarray, target: np.ndarray) -> Stacked:
    """One ridge regression a target column, its penalty chosen by generalised cross-validation."""
    from sklearn.linear_model import RidgeCV

    coefficients, intercepts = [], []
    for column in range(target.shape[1]):
        inputs = x[:, :, column]
        scale = max(float(inputs.std()), 1e-12) ** 2 * len(inputs)
        model: Any = RidgeCV(alphas=[scale * one for one in PENALTIES])
        model.fit(inputs, target[:, column])
        coefficients.append(model.coef_)
        intercepts.append(model.intercept_)
    return Stacked(kind, np.array(coefficients, np.float64), np.array(intercepts, np.float64))
