"""What the linear recipes share: terms of reviews weighted by naive Bayes, and logistic regression on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from kit.toolbox import ngrams
from kit.toolbox.texts_nbsvm import ratio

PLACES = 1 << 22
PART = 4096
"""Reviews whose pieces are made at a time: of 25,000 at once they would take 2 GB on the way."""

LAST = 60
"""Words of a review's end, where its verdict is."""

SMOOTHING = 1.0


class Block(NamedTuple):
    """Terms of one kind: `kind` names a function of KINDS, `columns` are the places of its terms that count, int32 in
    ascending order, `weights` theirs by naive Bayes, float32."""

    kind: str
    columns: np.ndarray
    weights: np.ndarray

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """The weighted terms of reviews, float32 of (n, terms), of length 1 a review."""
        return weighted(KINDS[self.kind](texts)[:, self.columns], self.weights, True)


def learned(kind: str, texts: Sequence[str], y: np.ndarray, rarest: int) -> tuple[Block, sparse.csr_matrix]:
    """The block of the terms that at least `rarest` of the reviews have, and the reviews' own weighted terms."""
    x = KINDS[kind](texts)
    columns = np.flatnonzero(np.bincount(x.indices, minlength=PLACES) >= rarest)
    x = x[:, columns]
    weights = ratio(x, y, SMOOTHING).astype(np.float32)
    return Block(kind, columns.astype(np.int32), weights), weighted(x, weights, True)


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


def _pieces(texts: Sequence[str]) -> sparse.csr_matrix:
    """Pieces of words, of four to six letters."""
    return _present(texts, words=(), chars=(4, 6))


def _ends(texts: Sequence[str]) -> sparse.csr_matrix:
    """Words and pairs of words of the reviews' ends."""
    return _present([" ".join(text.split()[-LAST:]) for text in texts], words=(1, 2), chars=())


def _present(texts: Sequence[str], **kinds: tuple[int, ...]) -> sparse.csr_matrix:
    """Ones where a review has a term, float32 of (n, PLACES)."""
    parts = []
    for start in range(0, len(texts), PART):
        part = ngrams.bags(texts[start : start + PART], buckets=PLACES, **kinds).matrix(PLACES)
        part.data[:] = 1
        parts.append(part)
    return sparse.vstack(parts, "csr") if parts else sparse.csr_matrix((0, PLACES), dtype=np.float32)


KINDS: dict[str, Callable[[Sequence[str]], sparse.csr_matrix]] = {"pieces": _pieces, "ends": _ends}
