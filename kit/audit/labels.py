"""Labels that are likely wrong, by confident learning from out-of-fold predictions.

Source: Northcutt, Jiang, Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 70, 2021.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Doubts(NamedTuple):
    """`rows` whose label is likely wrong, the least likely label first; `suggested` is the class that each likely
    belongs to, and `own` the probability that its label was given."""

    rows: np.ndarray
    suggested: np.ndarray
    own: np.ndarray


def doubtful(y: np.ndarray, p: np.ndarray) -> Doubts:
    """Rows that a model which has not seen them takes for another class with as much confidence as it has in that
    class's own rows.

    `y` are class numbers (n,), `p` out-of-fold probabilities (n, classes). The threshold of a class is the mean
    probability that its own rows give it (equation 2), so that a class the model is unsure of asks for less; a row
    counts where another class than its label is over its threshold, and is the likeliest of those that are (the
    confident joint's entries off the diagonal), and likelier than the label.
    """
    classes = p.shape[1]
    own = p[np.arange(len(y)), y]
    rows = np.maximum(np.bincount(y, minlength=classes), 1)
    threshold = np.bincount(y, weights=own, minlength=classes) / rows
    over = np.where(p >= np.where(threshold > 0, threshold, np.inf), p, -1.0)
    suggested = over.argmax(1)
    wrong = (over.max(1) >= 0) & (suggested != y) & (p[np.arange(len(y)), suggested] > own)
    order = np.flatnonzero(wrong)
    order = order[np.argsort(own[order], kind="stable")]
    return Doubts(order, suggested[order], own[order])
