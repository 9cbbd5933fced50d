"""Which scorer serves a metric, a way of merging and the predictions of some runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kit.judge.passes import Classes, Coarse, LogLoss, Order, Squares, TwoClasses
from kit.judge.scoring import ROWS, Called, Pool, Scorer
from kit.task import merging, metrics, outputs

LARGEST = 1 << 30
"""Bytes of all classes' probabilities that are kept for one scorer; with more the metric's own function is called."""


def of(pool: Pool) -> Scorer:
    """The quickest scorer that serves the metric, the way of merging and these predictions."""
    first = pool.preds[0]
    if first.dtype.names or first.dtype.kind != "f":
        return Called(pool)
    known = pool.metric.function
    if known in (metrics.rmsle.function, metrics.mean_columnwise_rmsle.function):
        return _squares(pool) if pool.merge is merging.log_mean else Called(pool)
    if pool.merge is not merging.mean:
        return Called(pool)
    if pool.metric.predictions == "numbers":
        return (
            _squares(pool)
            if known in SQUARES and (known is not metrics.r2.function or pool.y.ndim == 1)
            else Called(pool)
        )
    if pool.y.size != len(pool.y):
        return Called(pool)
    return _of_classes(pool) or Called(pool)


SQUARES: dict[Any, Callable[[np.ndarray, float], np.ndarray]] = {
    metrics.mse.function: lambda sums, rows: sums.mean(-1) / rows,
    metrics.rmse.function: lambda sums, rows: np.sqrt(sums.mean(-1) / rows),
    metrics.rmsle.function: lambda sums, rows: np.sqrt(sums.mean(-1) / rows),
    metrics.mean_columnwise_rmse.function: lambda sums, rows: np.mean(np.sqrt(sums / rows), axis=-1),
    metrics.mean_columnwise_rmsle.function: lambda sums, rows: np.mean(np.sqrt(sums / rows), axis=-1),
    # R2 of the same rows is in the order of minus the squared error.
    metrics.r2.function: lambda sums, rows: -sums.mean(-1) / rows,
}
"""Scores of sums of squared errors, (runs, columns), over so many rows."""


def _squares(pool: Pool) -> Scorer:
    logarithms = pool.merge is merging.log_mean
    y = pool.y.reshape(len(pool.y), -1).astype(np.float64)

    def errors(pred: np.ndarray, rows: slice) -> np.ndarray:
        said = pred[rows].reshape(-1, y.shape[1]).astype(np.float64)
        return np.log1p(np.maximum(said, 0)) - np.log1p(y[rows]) if logarithms else said - y[rows]

    return Squares(pool, errors, SQUARES[pool.metric.function])


def _of_classes(pool: Pool) -> Scorer | None:
    """A quick scorer for probabilities of one target column; None where none serves."""
    first, metric = pool.preds[0], pool.metric
    values = outputs.classes(pool.y, outputs.columns(pool.y, first), pool.labels)
    single = first.size == len(first)
    if single and len(values) != 2:
        return None
    true = outputs.index(pool.y.reshape(-1), values)
    if pool.threshold or metric.function in (metrics.auc.function, metrics.gini.function):
        if not single and first.shape[1] != 2:
            return None
        try:
            return Order(pool, true, outputs.positive)
        except Coarse:
            return None
    if metric.function is metrics.log_loss.function:
        return LogLoss(pool, true) if single or all(_shares(pred) for pred in pool.preds) else None
    if metric.predictions != "labels" or metric.sums is None:
        return None
    if len(values) == 2 and (metric.sums.single or metric.function in (metrics.f1.function, metrics.accuracy.function)):
        if single:
            return TwoClasses(pool, true, lambda pred: pred.reshape(-1) - np.float32(0.5), at_zero=True)
        return TwoClasses(pool, true, lambda pred: pred[:, 1] - pred[:, 0], at_zero=False)
    several = metric.function in (metrics.accuracy.function, metrics.balanced_accuracy.function)
    if several and not single and 4 * first.size * len(pool.preds) <= LARGEST:
        return Classes(pool, true)
    return None


def _shares(pred: np.ndarray) -> bool:
    """Whether the probabilities of each row add up to 1, so that those of a mean of runs do."""
    ones = np.ones(pred.shape[1], pred.dtype)
    for start in range(0, len(pred), ROWS):
        part = pred[start : start + ROWS]
        added = part @ ones  # a sum along short rows takes ten times as long
        if not (added.min() > 1 - 1e-4 and added.max() < 1 + 1e-4 and part.min() >= 0):
            return False
    return True
