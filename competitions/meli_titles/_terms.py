"""Titles as TF-IDF of hashed words and pieces of words, and linear scores of categories as sparse weights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from kit.task.contract import Fitted
from kit.toolbox import ngrams

from . import _titles

FILE = "linear.npz"
PART = 10_000
"""Rows whose scores are made at a time."""


class Terms:
    """Words and pieces of words of titles, each kind as rows of length 1: float32 of (n, terms), of `kinds` kinds.

    What stands in fewer than `rarest` training titles is left out. A term counts 1 + log(how often), times its rarity
    as scikit-learn's TfidfVectorizer counts it.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.columns: list[np.ndarray] = []
        self.rarity: list[np.ndarray] = []

    def fit(self, titles: list[str]) -> sparse.csr_matrix:
        """Learn which terms there are and how rare; the terms of the titles themselves."""
        for counts in self._counts(titles):
            often = np.bincount(counts.indices, minlength=counts.shape[1])
            self.columns.append(np.flatnonzero(often >= self.settings["rarest"]).astype(np.int32))
            self.rarity.append((1 + np.log((1 + len(titles)) / (1 + often[self.columns[-1]]))).astype(np.float32))
        return self(titles)

    def __call__(self, titles: list[str]) -> sparse.csr_matrix:
        """The terms of any titles."""
        blocks = []
        for counts, columns, rarity in zip(self._counts(titles), self.columns, self.rarity, strict=True):
            kept = counts[:, columns]
            kept.data = 1 + np.log(kept.data)
            kept = kept.multiply(rarity).tocsr().astype(np.float32)
            length = np.sqrt(np.asarray(kept.multiply(kept).sum(1)).ravel())
            blocks.append(sparse.diags_array(1 / np.maximum(length, 1e-9), dtype=np.float32) @ kept)
        return sparse.hstack(blocks, "csr", dtype=np.float32)

    def _counts(self, titles: list[str]) -> list[sparse.csr_matrix]:
        known = self.settings
        made = _titles.normalised(titles, units=known["units"], numbers=known["numbers"])
        kinds = [{"words": tuple(known["words"]), "chars": ()}, {"words": (), "chars": tuple(known["chars"])}]
        buckets = 1 << known["bits"]
        return [ngrams.bags(made, buckets=buckets, **kind).matrix(buckets) for kind in kinds if any(kind.values())]


class Scores:
    """Linear scores of categories: `weights`, sparse float32 of (terms, categories), `bias`, and `slope`, what the sum
    of a row's terms counts for each category. Probabilities are the softmax of scores times `sharpness`."""

    def __init__(self, weights: sparse.csr_matrix, bias: np.ndarray, slope: np.ndarray, sharpness: float) -> None:
        self.weights, self.bias, self.slope, self.sharpness = weights, bias, slope, sharpness

    def __call__(self, x: sparse.csr_matrix) -> np.ndarray:
        """Probabilities, float32 of (n, categories)."""
        made = np.empty((x.shape[0], len(self.bias)), np.float32)
        for start in range(0, x.shape[0], PART):
            part = x[start : start + PART]
            scores = (part @ self.weights).toarray() + self.bias
            scores += np.asarray(part.sum(1)).reshape(-1, 1) * self.slope
            scores = np.exp((scores - scores.max(1, keepdims=True, initial=-np.inf)) * self.sharpness)
            made[start : start + PART] = scores / scores.sum(1, keepdims=True)
        return made


def stored(dir: Path, terms: Terms, scores: Scores) -> Fitted:
    """Keep both in the folder of a fold, and give the Fitted. Weights are kept in half precision."""
    dir.mkdir(parents=True, exist_ok=True)
    weights = scores.weights.tocsr()
    partial = dir / f"partial-{FILE}"
    np.savez(
        partial,
        said=np.array(json.dumps(terms.settings)),
        **{f"columns{number}": columns for number, columns in enumerate(terms.columns)},
        **{f"rarity{number}": rarity for number, rarity in enumerate(terms.rarity)},
        values=weights.data.astype(np.float16),
        indices=weights.indices.astype(np.int16),
        ends=weights.indptr.astype(np.int64),
        bias=scores.bias,
        slope=scores.slope,
        sharpness=np.float64(scores.sharpness),
    )
    os.replace(partial, dir / FILE)
    return load(dir)


def load(dir: Path) -> Fitted:
    """The Fitted that `stored` stored."""
    with np.load(dir / FILE, allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    terms = Terms(json.loads(str(held["said"])))
    kinds = sum(name.startswith("columns") for name in held)
    terms.columns = [held[f"columns{number}"] for number in range(kinds)]
    terms.rarity = [held[f"rarity{number}"] for number in range(kinds)]
    shape = (sum(map(len, terms.columns)), len(held["bias"]))
    parts = (held["values"].astype(np.float32), held["indices"].astype(np.int32), held["ends"])
    scores = Scores(sparse.csr_matrix(parts, shape), held["bias"], held["slope"], float(held["sharpness"]))
    return Fitted(lambda x: scores(terms(list(x))), len(held["values"]))
