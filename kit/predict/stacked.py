"""A linear model on top of the predictions of several runs: what it computes, and how it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from kit.train import predictions

FILE = "stack.npz"
"""In the folder of a blend by stacking."""

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1 where their logarithm is taken: a run that is sure and wrong must not
outweigh all others."""

Kind = Literal["binary", "classes", "numbers", "logarithms"]


@dataclass(frozen=True)
class Stacked:
    """Coefficients (outputs, features) and intercepts (outputs,) float64 on `features`.

    `binary`: one output, the log odds of the second class. `classes`: one output a class, whose softmax are the
    probabilities. `numbers`: one output a target column, each of the runs' predictions of that column; `logarithms`:
    the same of log(1 + value).
    """

    kind: Kind
    coefficients: np.ndarray
    intercepts: np.ndarray

    def __call__(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """The prediction for rows of which `parts` holds each run's, in the order of the runs; shaped as the first."""
        first, x = parts[0], features(self.kind, parts)
        if self.kind == "binary":
            second = 1 / (1 + np.exp(-(x @ self.coefficients[0] + self.intercepts[0])))
            pred = np.stack([1 - second, second], axis=1) if first.size != len(first) else second.reshape(first.shape)
        elif self.kind == "classes":
            height = x @ self.coefficients.T + self.intercepts
            pred = np.exp(height - height.max(1, keepdims=True))
            pred /= pred.sum(1, keepdims=True)
        else:
            number = np.einsum("nrt,tr->nt", x, self.coefficients) + self.intercepts
            pred = (np.expm1(number) if self.kind == "logarithms" else number).reshape(first.shape)
        return pred.astype(first.dtype if first.dtype.kind == "f" else np.float64)


def features(kind: Kind, parts: Sequence[np.ndarray]) -> np.ndarray:
    """What the linear model sees: log odds (n, runs), log probabilities (n, runs x classes), or numbers
    (n, runs, targets)."""
    if kind in ("numbers", "logarithms"):
        numbers = np.stack([part.reshape(len(part), -1).astype(np.float64) for part in parts], axis=1)
        return np.log1p(np.maximum(numbers, 0)) if kind == "logarithms" else numbers
    columns = []
    for part in parts:
        p = np.clip(part.reshape(len(part), -1).astype(np.float64), LEAST, 1 - LEAST)
        if kind == "binary":
            p = p[:, -1:]
            columns.append(np.log(p) - np.log1p(-p))
        else:
            columns.append(np.log(p))
    return np.concatenate(columns, axis=1)


def save(folder: Path, stacked: Stacked) -> None:
    """Write `stack.npz` into the folder of a run."""
    kinds = np.full(len(stacked.coefficients), stacked.kind)
    predictions.save(folder / FILE, kind=kinds, coefficients=stacked.coefficients, intercepts=stacked.intercepts)


def load(folder: Path) -> Stacked:
    """What `save` wrote. Raises KitError when it is missing or damaged."""
    stored = predictions.load(folder / FILE, "kind", "coefficients", "intercepts")
    return Stacked(str(stored["kind"][0]), stored["coefficients"], stored["intercepts"])  # type: ignore[arg-type]
