"""Texts as terms: TF-IDF of words, pairs of words and pieces of words, learned from the training rows."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from kit.errors import KitError
from kit.rows import dates

WORDS = 3.0
"""Mean number of words from which a column holds texts."""

NUMBERS = re.compile(r"\s*(?:[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?[\s,]+){7,}[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?\s*")

MOST = 200_000
"""Terms of a kind that a column keeps at most, the commonest."""

LETTERS = 20_000_000
"""Letters of the training rows up to which pieces of words are counted too; of more the words alone say enough, and
the pieces would take minutes."""

USUAL: dict[str, Any] = {"sublinear_tf": True, "strip_accents": "unicode", "dtype": np.float32}

BESIDE = 0.3
"""What scaled columns are multiplied by beside TF-IDF, whose rows have length 1: both are regularised alike."""


class Vocabulary:
    """The terms of the columns of texts of a table; `matrix` are those of the table's own rows.

    `others` says whether there is more to see than words: further columns, or how far two texts agree.

    Source: scikit-learn's TfidfVectorizer.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.columns = text_columns(table)
        self.others = len(self.columns) < table.shape[1] or len(self.columns) > 1
        self._vectorisers: list[tuple[str, Any]] = []
        self._kinds: list[dict[str, Any]] = []
        own: list[sparse.csr_matrix] = []
        for column in self.columns:
            own += self._learned(column, texts(table[column]), lists=is_lists(table[column]))
        if not self._vectorisers:
            raise KitError(
                "No column of the rows holds texts with words that repeat.",
                "A recipe for texts needs one. Recipes for tables take any columns.",
            )
        self.matrix = sparse.hstack(own, "csr")

    def _learned(self, column: str, values: list[str], *, lists: bool) -> list[sparse.csr_matrix]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        least = 2 if len(values) < 50_000 else 5
        # Words of one letter and marks count too: who writes is told by them. Items of a list have no order.
        pairs = (1, 1) if lists else (1, 2)
        kinds: list[dict[str, Any]] = [{"ngram_range": pairs, "min_df": least, "token_pattern": r"(?u)\w+|[^\w\s]"}]
        if not lists and sum(map(len, values)) <= LETTERS:
            kinds.append({"analyzer": "char_wb", "ngram_range": (2, 5), "min_df": least + 1})
        own = []
        for kind in kinds:
            vectoriser = TfidfVectorizer(**USUAL, max_features=MOST, **kind)
            try:
                own.append(vectoriser.fit_transform(values))
            except ValueError:  # no term occurs often enough
                continue
            self._vectorisers.append((column, vectoriser))
            self._kinds.append(kind)
        return own

    def __call__(self, table: pd.DataFrame) -> sparse.csr_matrix:
        """The terms of any rows, float32 of (n, terms)."""
        values = {column: texts(table[column]) for column in self.columns}
        return sparse.hstack([vectoriser.transform(values[column]) for column, vectoriser in self._vectorisers], "csr")

    def __getstate__(self) -> dict[str, Any]:
        """Columns and terms as texts, and how rare each term is: not the terms of the training rows."""
        stored = []
        for (column, vectoriser), kind in zip(self._vectorisers, self._kinds, strict=True):
            words = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.get)
            stored.append({"said": json.dumps([column, kind, words]), "rarity": vectoriser.idf_})
        return {"said": json.dumps([self.columns, self.others]), "stored": stored}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.columns, self.others = json.loads(state["said"])
        self._vectorisers, self._kinds = [], []
        for each in state["stored"]:
            column, kind, words = json.loads(each["said"])
            kind["ngram_range"] = tuple(kind["ngram_range"])
            vectoriser = TfidfVectorizer(**USUAL, vocabulary=words, **kind)
            vectoriser.idf_ = each["rarity"]
            self._vectorisers.append((column, vectoriser))
            self._kinds.append(kind)


def text_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a table that hold texts: several words a row, or lists of words, that seldom repeat as a whole."""
    return [str(name) for name, column in table.items() if is_text(column)]


def is_text(column: pd.Series) -> bool:
    """Whether a column holds texts or lists of words."""
    present = column.dropna()
    if column.dtype.kind in "biufM" or present.empty or isinstance(column.dtype, pd.CategoricalDtype):
        return False
    some = present.iloc[:2000]
    if is_lists(column):
        return any(isinstance(item, str) for value in some for item in value)
    if not all(isinstance(value, str) for value in some):
        return False
    if are_numbers(some):
        return False
    return mean_words(some) >= WORDS and present.nunique() > 0.3 * len(present) and dates.pattern(column) is None


def are_numbers(column: pd.Series) -> bool:
    """Whether texts are lists of eight numbers or more, such as the grey levels of an image, parted by spaces."""
    some = column.dropna().iloc[:50]
    return bool(len(some)) and all(isinstance(text, str) and NUMBERS.fullmatch(text) for text in some)


def mean_words(column: pd.Series) -> float:
    """The mean number of words of a column's first 2,000 texts, or of the items of its lists."""
    some = column.dropna().iloc[:2000]
    return float(np.mean([len(value if isinstance(value, list) else str(value).split()) for value in some]))


def is_lists(column: pd.Series) -> bool:
    """Whether a column holds lists."""
    return column.dtype == object and any(isinstance(value, list) for value in column.iloc[:2000])


def texts(column: pd.Series) -> list[str]:
    """The texts of a column, empty where one is missing. Of a list each item is a word, and its own words follow."""
    return [_text(value) for value in column.tolist()]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        items = [str(item) for item in value]
        return " ".join([*(item.replace(" ", "_") for item in items), *items])
    return ""
