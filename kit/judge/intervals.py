"""How far a score may lie from the one over endless rows: bootstrap samples of the rows that judged a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.task import outputs
from kit.task.contract import Metric

RESAMPLES = 400
"""Bootstrap samples: beyond each end of a 95% interval then lie ten of them."""
BLOCK = 128 << 20
"""Bytes of weights, and of terms, that are held at a time."""


class Interval(NamedTuple):
    """From `low` to `high`, in the metric's own unit."""

    low: float
    high: float


def interval(
    metric: Metric,
    y: np.ndarray,
    pred: np.ndarray,
    *,
    level: float = 0.95,
    columns: Mapping[str, Any] | None = None,
    labels: outputs.Values | None = None,
    size: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The percentile interval that holds `level`, 0 to 1, of the bootstrap samples' scores.

    Takes what `replicates` takes, for one run. Raises KitError where no sample can be scored.
    """
    scores = replicates(metric, y, [pred], columns=columns, labels=labels, size=size, resamples=resamples, seed=seed)[0]
    return of(scores, level)


def of(scores: np.ndarray, level: float = 0.95) -> Interval:
    """The interval that holds `level` of the scores, or of differences of scores, of bootstrap samples without the NaN.

    Raises KitError where all are NaN.
    """
    known = scores[np.isfinite(scores)]
    if not len(known):
        raise KitError("No bootstrap sample of these rows can be scored.", "They may hold one class only.")
    low, high = np.quantile(known, (0.5 - level / 2, 0.5 + level / 2))
    return Interval(float(low), float(high))


def replicates(
    metric: Metric,
    y: np.ndarray,
    preds: Sequence[np.ndarray],
    *,
    columns: Mapping[str, Any] | None = None,
    labels: outputs.Values | None = None,
    size: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """The scores of several runs on the same bootstrap samples of rows, (runs, resamples) float64; NaN where a metric
    is not defined for the rows that were drawn.

    `y` and each of `preds` have the same n rows, `columns` and `labels` are as `Metric.score` takes them. Each sample
    draws `size` of the n rows with replacement, n where it is None. All runs are scored on the same samples, so that
    their difference is that of paired samples, and the same seed draws the same samples of as many rows whatever the
    metric. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993.

    A metric with `sums` is not called for each sample: the sums of a sample are a product of its multinomial weights
    and the terms of the rows. AUC is taken linearly, by placement values (DeLong, DeLong and Clarke-Pearson 1988),
    which leaves out terms of order 1/n. Other metrics are called `resamples` times for each run.
    """
    rows = len(y)
    if not rows or any(len(pred) != rows for pred in preds):
        raise KitError(
            f"There are {rows:,} targets, and predictions for {', '.join(f'{len(one):,}' for one in preds)} rows.",
            "All runs need one prediction for each of the same rows.",
        )
    size = rows if size is None else size
    drawn = _draws(rows, resamples, size, seed)
    if (known := linear(metric, y)) is None:
        return _called(metric, y, preds, columns or {}, labels, drawn, resamples)
    terms, score = known
    scores = np.full((len(preds), resamples), np.nan)
    start = 0
    for weights in _weights(drawn, rows, resamples):
        stop = start + weights.shape[1]
        for at, sums in _added(lambda pred: terms(*metric.arguments(y, pred, columns, labels)), preds, weights):
            with np.errstate(invalid="ignore", divide="ignore"):
                scores[at, start:stop] = score(sums, size)
        start = stop
    return scores


def linear(metric: Metric, y: np.ndarray) -> tuple[Callable[..., Any], Callable[..., np.ndarray]] | None:
    """What each row adds, as a function of a metric's arguments, and the score of sums; None for other metrics."""
    if metric.name in ("AUC", "mean column-wise AUC"):
        return _placements, _auc_of_sums
    if (sums := metric.sums) is None or (sums.single and y.size != len(y)):
        return None
    return lambda y, pred, given: sums.terms(y, pred, **given), sums.score


def _draws(rows: int, resamples: int, size: int, seed: int) -> Iterator[np.ndarray]:
    """The rows of each sample, one sample after the other."""
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield random.integers(rows, size=size)


def _weights(drawn: Iterator[np.ndarray], rows: int, resamples: int) -> Iterator[np.ndarray]:
    """How often each row is in each sample, (rows, samples) float32, some samples at a time."""
    most = max(1, BLOCK // (4 * rows))
    for start in range(0, resamples, most):
        block = np.empty((min(most, resamples - start), rows), np.float32)
        for one in block:
            one[:] = np.bincount(next(drawn), minlength=rows)
        yield np.ascontiguousarray(block.T)


def _added(
    terms: Callable[[np.ndarray], Any], preds: Sequence[np.ndarray], weights: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """The number of a run and the weighted sums of its terms, (samples, k). Runs with dense terms are multiplied
    together: then the weights, which are far larger than one run's terms, are read once for many runs."""
    together: list[tuple[int, np.ndarray]] = []
    for at, pred in enumerate(preds):
        each = terms(pred)
        if not isinstance(each, np.ndarray):
            yield at, (each.T @ weights).T
            continue
        together.append((at, each))
        if sum(one.nbytes for _, one in together) >= BLOCK:
            yield from _multiplied(together, weights)
            together = []
    yield from _multiplied(together, weights)


def _multiplied(together: list[tuple[int, np.ndarray]], weights: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    if not together:
        return
    matrix = np.concatenate([each for _, each in together], axis=1)
    sums = (weights.T.astype(matrix.dtype, copy=False) @ matrix).astype(np.float64)
    start = 0
    for at, each in together:
        yield at, sums[:, start : start + each.shape[1]]
        start += each.shape[1]


def _placements(y: np.ndarray, pred: np.ndarray, given: Mapping[str, Any]) -> np.ndarray:
    """Of each target column what a row adds to four sums, (n, 4 columns): for a positive row the share of negative rows
    below it less half of the AUC, and 1; for a negative row the share of positive rows above it less half of the AUC,
    and 1. Equal predictions count half."""
    parts = []
    for true, said in zip(y.reshape(len(y), -1).T, pred.reshape(len(y), -1).T, strict=True):
        positive = true == 1
        many, few = int(np.sum(positive)), int(np.sum(~positive))
        if not many or not few:
            raise KitError(
                f"AUC cannot be computed: all {len(true):,} rows are of one class.", "There must be rows of both."
            )
        # One sort tells of each row how many of either class lie below it: three rankings take three times as long, and
        # a stable sort six times.
        order = np.argsort(said)
        ranked = said[order]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        ones = np.concatenate([[0], np.cumsum(positive[order])[ends]])
        zeros = np.concatenate([[0], ends + 1]) - ones
        tie = np.repeat(np.arange(len(ends)), np.diff(np.concatenate([[-1], ends])))
        placed = np.empty(len(said))
        placed[order] = np.where(
            positive[order],
            (zeros[tie] + zeros[tie + 1]) / (2 * few),
            1 - (ones[tie] + ones[tie + 1]) / (2 * many),
        )
        half = placed[positive].mean() / 2
        parts.append(np.column_stack([positive * (placed - half), positive, ~positive * (placed - half), ~positive]))
    return np.concatenate(parts, axis=1).astype(np.float64)


def _auc_of_sums(sums: np.ndarray, count: Any) -> np.ndarray:
    above, many, below, few = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 4), -1, 0)
    return np.mean(above / many + below / few, axis=-1)


def _called(
    metric: Metric,
    y: np.ndarray,
    preds: Sequence[np.ndarray],
    columns: Mapping[str, Any],
    labels: outputs.Values | None,
    drawn: Iterator[np.ndarray],
    resamples: int,
) -> np.ndarray:
    """The metric's own function for each sample and run."""
    scores = np.full((len(preds), resamples), np.nan)
    for sample, rows in enumerate(drawn):
        rows = np.sort(rows)  # rows in order are read faster
        held = {name: np.asarray(column)[rows] for name, column in columns.items()}
        for at, pred in enumerate(preds):
            try:
                scores[at, sample] = metric.score(y[rows], pred[rows], held, labels)
            except KitError:
                continue  # such as a sample of one class; where every sample is, `of` says so
    return scores
