"""Weights of a blend by evolution, for metrics that a greedy step sees no slope of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kit import places
from kit.errors import KitError

EVALUATIONS, ROWS = 1_000, 20_000
"""Blends that are scored, and rows that they are scored on, at most."""


def weights(score: Callable[[np.ndarray], float], start: np.ndarray, seed: int) -> np.ndarray:
    """Non-negative weights, the sum 1, of a high score.

    `score` takes weights and gives a number, higher is better, NaN where there is none; `start` are weights to begin
    with, which are kept where none better is met. Source: Hansen and Ostermeier, Completely Derandomized
    Self-Adaptation in Evolution Strategies, Evolutionary Computation 9(2), 2001; for blends judged by balanced accuracy
    Purucker and Beel, CMA-ES for Post Hoc Ensembling in AutoML, AutoML 2023. Raises KitError where `cma` is missing.
    """
    cma = _cma()
    best, highest = start, score(start)

    def loss(values: np.ndarray) -> float:
        nonlocal best, highest
        tried = shares(np.asarray(values))
        reached = score(tried)
        if reached > highest:
            best, highest = tried, reached
        return 1e9 if np.isnan(reached) else -reached

    options: dict[str, Any] = {
        "seed": seed + 1,  # which takes 0 for the time of day
        "maxfevals": EVALUATIONS,
        "verbose": -9,
        "tolflatfitness": 30,
    }
    cma.fmin2(loss, np.asarray(start, np.float64), 0.2, options)
    return best


def shares(values: np.ndarray) -> np.ndarray:
    """Weights of any numbers: what is below 0 is no weight."""
    kept = np.maximum(values, 0)
    return kept / kept.sum() if kept.sum() > 0 else np.full(len(kept), 1 / len(kept))


def _cma() -> Any:
    try:
        import cma
    except ModuleNotFoundError:
        raise KitError(
            "The method cma needs the package 'cma', which is not installed.",
            "It comes with the extra 'blend'.",
            places.install("blend"),
        ) from None
    return cma
