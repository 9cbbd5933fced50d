"""What the linear recipes share: terms weighted by naive Bayes, and logistic regression on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


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
