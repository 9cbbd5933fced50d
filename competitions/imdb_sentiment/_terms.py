"""What the linear recipes share: terms of reviews weighted by naive Bayes, and logistic regression on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from kit.toolbox import ngrams
from kit.toolbox.texts_nbsvm import ratio

PLACES = 1 << 22
LAST = 60
"""Words of a review's end."""

SMOOTHING = 1.0


class Ends(NamedTuple):
    """Words and pairs of words of the ends of reviews: `columns` are the places of those that count, int32 in ascending
    order, `weights` theirs by naive Bayes, float32."""

    columns: np.ndarray
    weights: np.ndarray

    @classmethod
    def learned(cls, reviews: Sequence[str], y: np.ndarray, rarest: int) -> tuple[Ends, sparse.csr_matrix]:
        """Those that at least `rarest` of the reviews have, and the reviews' own weighted ends."""
        x = _ends(reviews)
        columns = np.flatnonzero(np.bincount(x.indices, minlength=PLACES) >= rarest)
        weights = ratio(x[:, columns], y, SMOOTHING).astype(np.float32)
        return cls(columns.astype(np.int32), weights), weighted(x[:, columns], weights, True)

    def __call__(self, reviews: Sequence[str]) -> sparse.csr_matrix:
        """The weighted ends of reviews, float32 of (n, terms), of length 1 a review."""
        return weighted(_ends(reviews)[:, self.columns], self.weights, True)


def weighted(x: sparse.csr_matrix, weights: np.ndarray, unit: bool) -> sparse.csr_matrix:
    """Terms of reviews, each times its weight; without `unit` as they are, else of length 1 a review."""
    x = x.multiply(weights).tocsr().astype(np.float32)
    if not unit:
        return x
    length = np.sqrt(np.asarray(x.multiply(x).sum(1))).ravel()
    return x.multiply((1 / np.maximum(length, 1e-9))[:, None]).tocsr().astype(np.float32)


def regression(x: Any, y: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """Coefficients, float32 of (columns,), and intercept of a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    # The dual problem is as large as the reviews, the primal one as large as their terms.
    model = LogisticRegression(C=strength, solver="liblinear", dual=True, max_iter=300, tol=1e-3, random_state=0)
    model.fit(x, y)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def probability(logits: np.ndarray) -> np.ndarray:
    """Probabilities of class 1, float32."""
    return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


def _ends(reviews: Sequence[str]) -> sparse.csr_matrix:
    """Ones where the end of a review has a word or a pair, float32 of (n, PLACES)."""
    last = [" ".join(review.split()[-LAST:]) for review in reviews]
    present = ngrams.bags(last, words=(1, 2), chars=(), buckets=PLACES).matrix(PLACES)
    present.data[:] = 1
    return present
