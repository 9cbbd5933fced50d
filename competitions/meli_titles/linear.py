"""TF-IDF of words and pieces of words with a linear model: support vectors, ridge regression or Complement NB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import sparse

from kit.errors import KitError
from kit.task.contract import Fitted

from . import _terms, _titles

VARIANTS = {"bayes": {"model": "bayes", "sharpness": 0.5}}
RANGES = {"strength": (0.05, 5.0, "log"), "chars": [(2, 5), (3, 5), (3, 6)], "rarest": (1, 3)}
SMOKE = {"rarest": 1, "bits": 14}

AT_ONCE = 40
"""Categories that are fitted at a time: their dense weights, 40 x 300,000 terms in float64, take 96 MB."""


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
    strength: float = 0.5,  # of support vectors, the inverse of the regularisation
    smoothing: float = 0.1,  # of Complement NB
    least: float = 0.003,  # weights nearer to 0 are dropped
    sharpness: float = 4.0,  # what scores are multiplied by before they become probabilities
) -> Fitted:
    terms = _terms.Terms(
        {"words": words, "chars": chars, "rarest": rarest, "bits": bits, "units": units, "numbers": numbers}
    )
    x = terms.fit(fold.train.x.take())
    y, count = np.asarray(fold.train.y), _titles.classes(fold)
    if model == "svm":
        weights, bias = support_vectors(x, y, count, strength, least, fold.seed)
        slope = np.zeros(count)
    elif model == "bayes":
        weights, bias, slope = complement(x, y, count, smoothing)
    else:
        raise KitError(f"there is no model {model!r}", "Known ones: svm, bayes.", "--set model=svm")
    return _terms.stored(fold.dir, terms, _terms.Scores(weights, bias, slope, sharpness))


load = _terms.load


def support_vectors(x, y: np.ndarray, count: int, strength: float, least: float, seed: int) -> tuple:
    """One support vector machine for each category against all others: weights (terms, count), and biases.

    Source: Fan et al., LIBLINEAR, JMLR 2008, as scikit-learn's LinearSVC. It takes 64-bit rows, copied once a call, and
    works without Python's lock.
    """
    from sklearn.svm import LinearSVC

    x = x.astype(np.float64)

    def some(start: int) -> tuple[sparse.csr_matrix, np.ndarray]:
        wanted = np.arange(start, min(start + AT_ONCE, count))
        # All other categories are one more, which is fitted and thrown away.
        label = np.where((y >= wanted[0]) & (y <= wanted[-1]), y - start, len(wanted))
        present = np.unique(label)
        machine = LinearSVC(C=strength, tol=0.1, random_state=seed).fit(x, label)
        weights = np.zeros((len(wanted) + 1, x.shape[1]), np.float32)
        bias = np.full(len(wanted) + 1, -1.0)
        if len(present) == 2:  # scikit-learn gives one row for two classes
            weights[present] = np.concatenate([-machine.coef_, machine.coef_])
            bias[present] = [-machine.intercept_[0], machine.intercept_[0]]
        else:
            weights[present], bias[present] = machine.coef_, machine.intercept_
        weights[np.abs(weights) < least] = 0
        return sparse.csr_matrix(weights[: len(wanted)]), bias[: len(wanted)]

    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(some, range(0, count, AT_ONCE)))
    return sparse.vstack([part for part, _ in parts]).T.tocsr(), np.concatenate([bias for _, bias in parts])


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
