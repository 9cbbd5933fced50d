"""What each row contributes to a score: values whose mean is the score, and whose spread is the noise of its rows.

Of a mean over rows, such as accuracy or log loss, they are the rows' own scores. Of other metrics they are the score
plus the influence of each row on it, so that the standard error of the score is that of their mean. Source: Hampel, The
Influence Curve and its Role in Robust Estimation, JASA 69, 1974. So one matrix product resamples the scores of
hundreds of runs, and one subtraction pairs two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kit.judge import intervals
from kit.task import outputs
from kit.task.contract import Metric

BLOCKS = 20
"""Blocks of rows that are left out one after another where a metric is no function of sums over rows."""

STEP = 1e-5
"""Of a sum, by which it is moved to see how the score follows."""

SUMS = 256
"""Sums that are moved at once: 2 x 256 x 4,764 float64, of 1,588 classes, are 20 MB."""


def of(
    metric: Metric,
    y: np.ndarray,
    pred: np.ndarray,
    columns: Mapping[str, Any] | None = None,
    labels: outputs.Values | None = None,
) -> np.ndarray:
    """A value for each row, float64 of (n,), or one for each of BLOCKS blocks of rows (row i is in block i % BLOCKS)
    where the metric is no function of sums. Their mean is the score; their standard deviation over the root of their
    number is its standard error, with rows taken as independent.

    Arguments and errors are those of `Metric.score`.
    """
    known = intervals.linear(metric, y)
    if known is None:
        return _blocks(metric, y, pred, columns or {}, labels)
    terms, score = known
    each = terms(*metric.arguments(y, pred, columns, labels))
    rows = len(y)
    sums = np.asarray(each.sum(0), np.float64).reshape(-1)
    value = float(score(sums, rows))
    slopes = _slopes(lambda moved: score(moved, rows), sums)
    influence = rows * np.asarray(each @ slopes, np.float64).reshape(-1)
    return value + influence - influence.mean()


def _slopes(score: Callable[[np.ndarray], np.ndarray], sums: np.ndarray) -> np.ndarray:
    """How the score follows each sum, by central differences; 0 for a sum of 0, to which no row adds, or whose rows
    cancel out, and where it cannot be told, as at the root of 0."""
    steps = STEP * np.abs(sums)
    slopes = np.zeros(len(sums))
    moving = np.flatnonzero(steps)
    for start in range(0, len(moving), SUMS):
        at = moving[start : start + SUMS]
        moves = np.zeros((len(at), len(sums)))
        moves[np.arange(len(at)), at] = steps[at]
        with np.errstate(invalid="ignore", divide="ignore"):
            slopes[at] = (score(sums + moves) - score(sums - moves)) / (2 * steps[at])
    return np.where(np.isfinite(slopes), slopes, 0.0)


def _blocks(
    metric: Metric, y: np.ndarray, pred: np.ndarray, columns: Mapping[str, Any], labels: outputs.Values | None
) -> np.ndarray:
    """Pseudo-values of the jackknife over blocks. Source: Shao and Tu, The Jackknife and Bootstrap, 1995, section 1.4.

    Raises KitError where a score without a block cannot be computed.
    """
    score = metric.score(y, pred, columns, labels)
    count = min(BLOCKS, len(y))
    at = np.arange(len(y)) % count
    values = np.empty(count)
    for block in range(count) if count > 1 else ():
        kept = np.flatnonzero(at != block)
        rows = {name: column[kept] for name, column in columns.items()}
        values[block] = count * score - (count - 1) * metric.score(y[kept], pred[kept], rows, labels)
    # The mean of pseudo-values is the score less its bias; the score that is told everywhere else is the one with it.
    return values - values.mean() + score if count > 1 else np.array([score])
