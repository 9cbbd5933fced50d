"""Whether the order of the file, or the ids, tell the label: what no model should live on, and many do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SHUFFLES = 200
"""Shuffled labels that the measures are compared with."""

SIGMAS = 6.0
"""Standard deviations of the shuffled ones that count as told: two measures of two columns are looked at."""

PARTS = 20
"""Parts of the order whose mean targets are compared."""

ROWS = 50_000
"""Rows that are looked at: more tell nothing else."""


class Told(NamedTuple):
    """What tells the label: `by` is "the order of the file" or "the ids"; `sigmas` how far it is from chance; `share`
    of neighbouring rows that share a label, None where the target is a number; `usual` that of shuffled ones."""

    by: str
    sigmas: float
    share: float | None
    usual: float | None


def told(ids: np.ndarray, y: np.ndarray, seed: int = 0) -> list[Told]:
    """The orders that tell a label: rows near each other share it, or it is commoner in one part than in another.

    Ids that are numbers, or texts that end in one, are an order too where it is another than the file's. Labels are
    shuffled for the null, so that any difference beyond SIGMAS is of the order alone.
    """
    if y.ndim > 1 or len(y) < 2 * PARTS:
        return []
    orders = {"the order of the file": np.arange(len(y))}
    if (numbers := numbered(ids)) is not None and not (np.diff(numbers) >= 0).all():
        orders["the ids"] = np.argsort(numbers, kind="stable")
    found = []
    for by, order in orders.items():
        values = y[order][:ROWS]
        classes = values.dtype.kind not in "f" or len(np.unique(values)) <= 20
        codes = np.unique(values, return_inverse=True)[1] if classes else np.argsort(np.argsort(values)) / len(values)
        random = np.random.default_rng(seed)
        mine = _measures(codes, classes)
        null = np.array([_measures(random.permutation(codes), classes) for _ in range(SHUFFLES)])
        sigmas = (mine - null.mean(0)) / np.maximum(null.std(0), 1e-12)
        if sigmas.max() > SIGMAS and (mine > null.max(0)).any():
            share = (float(mine[0]), float(null.mean(0)[0])) if classes else (None, None)
            found.append(Told(by, float(sigmas.max()), *share))
    return found


def numbered(ids: np.ndarray) -> np.ndarray | None:
    """Ids as numbers: themselves, or the digits at their end; None where they have none."""
    if ids.dtype.kind in "iuf":
        return ids.astype(np.float64)
    texts = ids.astype(str)
    ends = [text[len(text.rstrip("0123456789")) :] for text in texts.tolist()]
    return np.array([float(end) for end in ends]) if all(ends) else None


def _measures(codes: np.ndarray, classes: bool) -> np.ndarray:
    """How alike neighbours are, and how unlike the means of PARTS parts."""
    part = np.arange(len(codes)) * PARTS // len(codes)
    if classes:
        neighbours = np.mean(codes[1:] == codes[:-1])
        counts = np.bincount(part * (codes.max() + 1) + codes, minlength=PARTS * (codes.max() + 1)).reshape(PARTS, -1)
        shares = counts / counts.sum(1, keepdims=True)
        return np.array([neighbours, np.sum(np.var(shares, axis=0))])
    neighbours = -np.mean(np.abs(np.diff(codes)))
    means = np.bincount(part, weights=codes) / np.bincount(part)
    return np.array([neighbours, np.var(means)])
