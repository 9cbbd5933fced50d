"""Metrics that are functions of sums over rows, so that a weighted or a partial score needs no second look at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sums:
    """How a metric follows from sums over rows.

    `terms` takes what the metric's function takes and gives what each row adds, (n, k): an array of float64, or of
    float32 where it counts, which is exact up to 16 million rows; or a sparse matrix of scipy where k grows with the
    number of classes. `score` takes sums of terms, (..., k), and the number of rows that were added up, (...), and
    gives scores (...). So `score(terms(y, pred).sum(0), n)` is the metric, and with terms times weights it is the
    metric of a bootstrap sample. `single` says that this holds for one target column only.
    """

    terms: Callable[..., Any]
    score: Callable[[np.ndarray, Any], np.ndarray]
    single: bool = False


def mean(rows: Callable[..., np.ndarray]) -> Sums:
    """The mean of what `rows` gives for each row, (n,); of several target columns, (n, targets), over all cells."""

    def terms(y: np.ndarray, pred: np.ndarray, **given: Any) -> np.ndarray:
        return _column(rows(y, pred, **given))

    return Sums(terms, lambda sums, count: sums[..., 0] / count)


def root_mean(rows: Callable[..., np.ndarray]) -> Sums:
    """The square root of `mean`."""
    inner = mean(rows)
    return Sums(inner.terms, lambda sums, count: np.sqrt(inner.score(sums, count)))


def columnwise_root_mean(rows: Callable[..., np.ndarray]) -> Sums:
    """The mean over target columns of the square root of each one's mean."""

    def terms(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
        return np.asarray(rows(y, pred), np.float64).reshape(len(y), -1)

    return Sums(terms, lambda sums, count: np.mean(np.sqrt(sums / np.asarray(count)[..., None]), axis=-1))


def ratio(rows: Callable[..., np.ndarray], by: Callable[..., np.ndarray], root: bool = False) -> Sums:
    """The sum of `rows` over the sum of `by`, or its square root; NaN where nothing is counted."""

    def terms(y: np.ndarray, pred: np.ndarray, **given: Any) -> np.ndarray:
        return np.column_stack([rows(y, pred, **given), by(y, pred, **given)]).astype(np.float64)

    def score(sums: np.ndarray, count: Any) -> np.ndarray:
        share = divided(sums[..., 0], sums[..., 1], np.nan)
        return np.sqrt(share) if root else share

    return Sums(terms, score)


def divided(above: np.ndarray, below: np.ndarray, otherwise: float = 0.0) -> np.ndarray:
    """`above / below`, and `otherwise` where `below` is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    return np.divide(above, below, out=np.full(above.shape, otherwise), where=below != 0)


def by_class(score: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Sums:
    """A metric of how often each class was rightly named, was named at all, and was true: `score` takes these three
    counts, each (..., classes), and gives scores (...)."""

    def terms(y: np.ndarray, pred: np.ndarray, **given: Any) -> Any:
        from scipy.sparse import csr_array

        values, number = np.unique(np.concatenate([y, pred]), return_inverse=True)
        true, said = np.split(number.reshape(-1), 2)
        hit = np.flatnonzero(true == said)
        rows, every = np.arange(len(y)), len(values)
        at = np.concatenate([true[hit], said + every, true + 2 * every])
        return csr_array((np.ones(len(at), np.float32), (np.concatenate([hit, rows, rows]), at)), (len(y), 3 * every))

    def whole(sums: np.ndarray, count: Any) -> np.ndarray:
        hits, said, true = np.split(np.asarray(sums, np.float64), 3, axis=-1)
        return score(hits, said, true)

    return Sums(terms, whole, single=True)


def _column(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows).reshape(len(rows), -1)
    if rows.shape[1] > 1:
        return rows.mean(axis=1, keepdims=True, dtype=np.float64)
    return rows.astype(np.float32 if rows.dtype.kind == "b" else np.float64, copy=False)
