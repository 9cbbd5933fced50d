"""NB-SVM on long texts: terms, each weighted by how much likelier it is in one class, and a linear model on them.

Source: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification, ACL 2012; three words
in a row and logistic regression as in Mesnil et al., Ensemble of Generative and Discriminative Techniques for Sentiment
Analysis of Movie Reviews, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from kit.errors import KitError

PLACES = 1 << 24
"""Terms are known by a hash of 24 bits: millions of them need no dictionary, which would take gigabytes and be most of
what is stored. Of 1.5 million terms one in twelve shares its number with another."""


def ratio(present: Any, y: np.ndarray, smoothing: float) -> np.ndarray:
    """How much likelier each term is in rows of the class 1 than in the others, as a logarithm, float64 of (terms,).

    `present`, a sparse matrix of (n, terms), says how often each term counts in a row.
    """
    other, own = (smoothing + np.asarray(present[y == label].sum(0), np.float64).ravel() for label in (0, 1))
    return np.log((own / own.sum()) / (other / other.sum()))


@dataclass(frozen=True)
class Terms:
    """The runs of words of texts, which a vocabulary of numbers knows.

    `runs` is the shortest and the longest number of words in a row, `columns`, int64 in ascending order, the numbers of
    the terms that are looked at.
    """

    runs: tuple[int, int]
    columns: np.ndarray

    @classmethod
    def learned(cls, texts: Sequence[str], runs: tuple[int, int], rarest: int) -> tuple[Terms, sparse.csr_matrix]:
        """The terms that at least `rarest` of the texts have, and which of them each text has.

        Raises KitError where there are none.
        """
        hashed = _hashed(texts, runs)
        columns = np.flatnonzero(np.bincount(hashed.indices, minlength=PLACES) >= rarest)
        if not len(columns):
            raise KitError(f"No run of words stands in {rarest} texts.", "", "--set rarest=1")
        terms = cls(runs, columns)
        return terms, terms._chosen(hashed)

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Which of the terms each text has, float32 of (n, terms) with ones."""
        return self._chosen(_hashed(texts, self.runs))

    def _chosen(self, hashed: sparse.csr_matrix) -> sparse.csr_matrix:
        """The columns of the terms alone. Slicing by columns would take a list as long as all places."""
        place = np.minimum(np.searchsorted(self.columns, hashed.indices), len(self.columns) - 1)
        known = self.columns[place] == hashed.indices
        ends = np.concatenate([[0], np.cumsum(known)])[hashed.indptr]
        return sparse.csr_matrix((hashed.data[known], place[known], ends), shape=(hashed.shape[0], len(self.columns)))


def _hashed(texts: Sequence[str], runs: tuple[int, int]) -> sparse.csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    settings: dict[str, Any] = {"binary": True, "norm": None, "alternate_sign": False, "dtype": np.float32}
    # Exclamation and question marks are words: they tell moods.
    words = r"(?u)\w+|[!?]+"
    return HashingVectorizer(token_pattern=words, ngram_range=runs, n_features=PLACES, **settings).transform(texts)
