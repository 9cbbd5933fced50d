"""TF-IDF of words and pieces of words with a linear model: support vectors or Complement Naive Bayes."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kit.errors import KitError
from kit.task.contract import Fitted
from kit.toolbox import support_vectors

from . import _terms, _titles

VARIANTS = {"bayes": {"model": "bayes"}}
RANGES = {"strength": (0.05, 5.0, "log"), "chars": [(2, 5), (3, 5), (3, 6)], "rarest": (1, 3)}
SMOKE = {"rarest": 1, "bits": 14}


def fit(
    fold,
    *,
    model: str = "svm",
    words: tuple = (1, 2),
    chars: tuple = (2, 5),
    rarest: int = 2,
    bits: int = 20,  # 2 ** bits buckets for words, and as many for pieces
    units: bool = True,
    numbers: str = "keep",
    strength: float = 1.0,  # of support vectors, the inverse of the regularisation
    epochs: int = 4,  # visits of each row
    smoothing: float = 0.3,  # of Complement NB
    least: float = 0.003,  # weights nearer to 0 are dropped
    sharpness: float = 8.0,  # of scores as logits: log loss 0.37 on held-out rows, with 4 it is 0.85
) -> Fitted:
    terms = _terms.Terms(
        {"words": words, "chars": chars, "rarest": rarest, "bits": bits, "units": units, "numbers": numbers}
    )
    x = terms.fit(fold.train.x.take())
    y, count = np.asarray(fold.train.y), _titles.classes(fold)
    if model == "svm":
        dense, bias = support_vectors.fit(
            x, y, count, strength=strength, epochs=epochs, seed=fold.seed, report=fold.report
        )
        dense[np.abs(dense) < least] = 0
        weights, slope = sparse.csr_matrix(dense), np.zeros(count)
    elif model == "bayes":
        weights, bias, slope = complement(x, y, count, smoothing)
    else:
        raise KitError(f"there is no model {model!r}", "Known ones: svm, bayes.", "--set model=svm")
    return _terms.stored(fold.dir, terms, _terms.Scores(weights, bias, slope, sharpness))


load = _terms.load


def complement(x, y: np.ndarray, count: int, smoothing: float) -> tuple:
    """Complement Naive Bayes: weights (terms, count), biases, and what the sum of a row counts.

    A category's score falls with how usual the terms are elsewhere. Of the logarithm of (all - own + smoothing) what
    all categories share, that of (all + smoothing), is left out, so that weights are 0 for terms a category lacks.
    Source: Rennie, Shih, Teevan, Karger, Tackling the Poor Assumptions of Naive Bayes Text Classifiers, ICML 2003.
    """
    own = (sparse.csr_matrix((np.ones(len(y), np.float32), (y, np.arange(len(y)))), (count, len(y))) @ x).tocsr()
    every = np.asarray(own.sum(0)).ravel().astype(np.float64)
    held = every[own.indices]
    weights = own.copy()
    weights.data = (np.log(held + smoothing) - np.log(held - own.data + smoothing)).astype(np.float32)
    rest = (every.sum() + smoothing * len(every)) - np.asarray(own.sum(1)).ravel()
    return weights.T.tocsr(), np.zeros(count), np.log(rest)
