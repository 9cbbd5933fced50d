"""The answer of the most similar training row, for targets that are free text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from kit.task.contract import Fitted, Fold
from kit.toolbox import estimators, terms
from kit.toolbox.featured import Featured, Features


def fit(fold: Fold, features: Features) -> Fitted:
    """Predicts, for each row, the target of the training row whose terms are most like its own, a text of (n,).

    Similarity is the cosine of TF-IDF terms. Source: scikit-learn's NearestNeighbors. The model is stored in the fold's
    folder.
    """
    train = fold.train.x.take()
    assert fold.train.y is not None
    featured = Featured(features, train)
    vocabulary = terms.Vocabulary(_worded(featured(train)))
    matrix, answers = vocabulary.matrix, fold.train.y.astype(str)
    arrays = {"values": matrix.data, "columns": matrix.indices, "starts": matrix.indptr, "width": matrix.shape[1]}
    estimators.save(fold.dir, vocabulary=vocabulary, terms=arrays, answers=answers, train=featured.state())
    return _fitted(featured, vocabulary, matrix, answers)


def load(dir: Path, features: Features) -> Fitted:
    """What `fit` stored in the folder of a fold. Errors as `estimators.load`."""
    parts = estimators.load(dir)
    stored, answers = parts["terms"], parts["answers"]
    arrays = (stored["values"], stored["columns"], stored["starts"])
    matrix = sparse.csr_matrix(arrays, (len(answers), stored["width"]))
    matrix.check_format()  # a damaged file would lead scipy out of its memory
    return _fitted(Featured.restored(features, parts["train"]), parts["vocabulary"], matrix, answers)


def _fitted(featured: Featured, vocabulary: terms.Vocabulary, matrix: Any, answers: np.ndarray) -> Fitted:
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=1, metric="cosine").fit(matrix)

    def predict(rows: Any) -> np.ndarray:
        words = vocabulary(_worded(featured(rows)))
        return answers[near.kneighbors(words, return_distance=False)[:, 0]] if len(rows) else answers[:0]

    return Fitted(predict, matrix.shape[1])


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    """All columns as one text, where none holds texts of several words."""
    if terms.text_columns(table):
        return table
    joined = table.astype(object).map(lambda value: "" if pd.isna(value) else str(value)).agg(" ".join, axis=1)
    return pd.DataFrame({"all": joined})
