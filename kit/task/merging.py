"""How predictions of the same rows by several models, folds or members of a blend, become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task import outputs
from kit.task.contract import Merge, Metric

LEAST = 1e-15
"""Probabilities are at least this where their logarithm is taken."""

Parts = Sequence[np.ndarray]
Weights = Sequence[float] | np.ndarray | None


def declared(metric: Metric, pred: np.ndarray) -> Merge:
    """What merges such predictions where `metric` judges: what it declares; else `vote` for labels and texts,
    `vote_guesses` for lists of guesses, and `mean` for all that is added up."""
    if metric.merge is not None:
        return metric.merge
    if not are_labels(metric, pred):
        return mean
    return vote_guesses if metric.predictions == "guesses" else vote


def are_labels(metric: Metric, pred: np.ndarray) -> bool:
    """Whether predictions are labels or texts, which cannot be added up. Whole numbers are labels unless the metric is
    one of numbers, or does not say what it wants."""
    if pred.dtype.names or pred.dtype.kind == "f":
        return False
    return outputs.are_texts(pred) or metric.predictions not in (None, "numbers")


def mean(parts: Parts, weights: Weights = None) -> np.ndarray:
    """The mean, in float64 inside and of the first one's dtype outside.

    Of what `outputs.top` kept, a class that one of them lacks counts as probability 0 there.
    """
    if parts[0].dtype.names:
        return _mean_top(parts, _shares(parts, weights))
    return _floats(_sum(parts, weights), parts[0])


def rank_mean(parts: Parts, weights: Weights = None) -> np.ndarray:
    """The mean of ranks among the rows, above 0 and at most 1, column by column; equal values share their mean rank.

    For predictions of which only the order counts, and whose sizes cannot be compared.
    """
    from scipy.stats import rankdata

    return _floats(_sum(parts, weights, lambda part: rankdata(part, axis=0) / len(part)), parts[0])


def geometric_mean(parts: Parts, weights: Weights = None) -> np.ndarray:
    """The geometric mean of probabilities, scaled so that those of a row add up to 1 again.

    Predictions are (n, classes), or (n,) or (n, 1), the probability of the second of two classes. Source: Heskes,
    Selecting weighting factors in logarithmic opinion pools, NIPS 1997. Raises KitError for what is no probability.
    """
    if any(part.dtype.names or part.min(initial=0) < 0 or part.max(initial=1) > 1 for part in parts):
        raise KitError(
            "The geometric mean is for probabilities, and these predictions are not all between 0 and 1.",
            "Predictions of other kinds can be merged by their mean.",
        )
    single = parts[0].size == len(parts[0])

    def logarithms(part: np.ndarray) -> np.ndarray:
        p = part.astype(np.float64)
        return np.log(np.maximum(np.stack([1 - p, p], axis=-1) if single else p, LEAST))

    product = np.exp(_sum(parts, weights, logarithms))
    shares = product / product.sum(-1, keepdims=True)
    return _floats(shares[..., 1] if single else shares, parts[0])


def log_mean(parts: Parts, weights: Weights = None) -> np.ndarray:
    """The mean of log(1 + prediction), turned back: of all values the one with the least sum of squared logarithmic
    errors against the parts, as RMSLE counts them. Predictions below 0 count as 0."""
    return _floats(np.expm1(_sum(parts, weights, lambda part: np.log1p(np.maximum(part, 0)))), parts[0])


def vote(parts: Parts, weights: Weights = None) -> np.ndarray:
    """The label or text with the most votes, cell by cell; of equal ones that of the first part which has it."""
    share = _shares(parts, weights)
    votes = np.zeros((len(parts), *parts[0].shape))
    for at, part in enumerate(parts):
        for other, weight in zip(parts, share, strict=True):
            votes[at] += weight * (part == other)
    # Sums of equal weights in another order may differ in their last digits, which must not decide.
    first = np.argmax(np.round(votes, 9), axis=0)
    return np.take_along_axis(np.stack(parts), first[None], 0)[0]


def vote_guesses(parts: Parts, weights: Weights = None) -> np.ndarray:
    """Lists of guesses, texts such as `"dog cat emu"` or labels (n, guesses), merged into lists as long as the longest.

    A guess gets 1 over its place from each part that has it, and the highest sums are the guesses, as MAP@k counts
    places; of equal sums the one that was met first is ahead.
    """
    texts = parts[0].ndim == 1 and outputs.are_texts(parts[0])
    rows = [[text.split() for text in part] if texts else part.reshape(len(part), -1).tolist() for part in parts]
    share = _shares(parts, weights)
    merged = []
    for lists in zip(*rows, strict=True):
        sums: dict[Any, float] = {}
        for guesses, weight in zip(lists, share, strict=True):
            for place, guess in enumerate(dict.fromkeys(guesses), 1):
                sums[guess] = sums.get(guess, 0.0) + weight / place
        most = max(map(len, lists))
        ahead = sorted(sums, key=lambda guess: -round(sums[guess], 9))[:most]
        merged.append(ahead if texts else ahead + ahead[-1:] * (most - len(ahead)))
    if texts:
        return np.array([" ".join(guesses) for guesses in merged])
    return np.array(merged, dtype=parts[0].dtype).reshape(parts[0].shape)


BY_METHOD: dict[str, Merge] = {
    "mean": mean,
    "rank": rank_mean,
    "geometric": geometric_mean,
    "log-mean": log_mean,
}
"""What merges the members of a blend by each method; `vote` and `hill-climb` merge as `declared` says."""


def _shares(parts: Parts, weights: Weights) -> np.ndarray:
    return np.full(len(parts), 1 / len(parts)) if weights is None else np.asarray(weights, float) / np.sum(weights)


def _sum(parts: Parts, weights: Weights, of: Callable[[np.ndarray], np.ndarray] = np.asarray) -> np.ndarray:
    """The weighted mean of what `of` makes of each part, in float64, one part after the other: of 50 runs of a million
    rows no more than one is held in float64."""
    total: np.ndarray | None = None
    for part, share in zip(parts, _shares(parts, weights), strict=True):
        values = share * of(part)
        total = values.astype(np.float64, copy=False) if total is None else np.add(total, values, out=total)
    assert total is not None  # there is no mean of nothing
    return total


def _floats(merged: np.ndarray, first: np.ndarray) -> np.ndarray:
    return merged.astype(first.dtype if first.dtype.kind == "f" else np.float64).reshape(first.shape)


def _mean_top(parts: Parts, share: np.ndarray) -> np.ndarray:
    k = parts[0]["label"].shape[1]
    classes = 1 + max(int(part["label"].max(initial=0)) for part in parts)
    kept = []
    for start in range(0, len(parts[0]), outputs.CHUNK):
        rows = parts[0][start : start + outputs.CHUNK]
        total = np.zeros((len(rows), max(classes, k)))
        for part, weight in zip(parts, share, strict=True):
            chunk = part[start : start + outputs.CHUNK]
            np.add.at(total, (np.arange(len(chunk))[:, None], chunk["label"]), weight * chunk["p"].astype(float))
        kept.append(outputs.top(k)(total))
    return np.concatenate(kept) if kept else parts[0]
