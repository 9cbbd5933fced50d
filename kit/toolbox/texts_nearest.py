"""The answer of the most similar training row, for targets that are free text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kit.task.contract import Fitted, Fold
from kit.toolbox import terms
from kit.toolbox.tables import Features, featured


def fit(fold: Fold, features: Features) -> Fitted:
    """Predicts, for each row, the target of the training row whose terms are most like its own, a text of (n,).

    Similarity is the cosine of TF-IDF terms. Source: scikit-learn's NearestNeighbors.
    """
    from sklearn.neighbors import NearestNeighbors

    y, train = fold.train.y, fold.train.x.take()
    assert y is not None
    table = featured(features, train, train)
    vocabulary = terms.Vocabulary(_worded(table))
    near = NearestNeighbors(n_neighbors=1, metric="cosine").fit(vocabulary.matrix)

    def predict(rows: Any) -> np.ndarray:
        words = vocabulary(_worded(featured(features, train, rows)))
        return y[near.kneighbors(words, return_distance=False)[:, 0]] if len(rows) else y[:0]

    return Fitted(predict, vocabulary.matrix.shape[1])


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    """All columns as one text, where none holds texts of several words."""
    if terms.text_columns(table):
        return table
    joined = table.astype(object).map(lambda value: "" if pd.isna(value) else str(value)).agg(" ".join, axis=1)
    return pd.DataFrame({"all": joined})
