"""Sparse features of tweets: a block each for text, keyword and hashtags, every one with its own vectoriser."""

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from kit.errors import KitError
from kit.rows.texts import LINK, hashtags
from kit.task.contract import Fitted


class Blocks:
    """TF-IDF of the text's words, optionally of its character n-grams, of keyword and hashtags, side by side.

    `words` and `chars` are the shortest and longest n-gram; no `chars`, no such block. With `counts` a word is worth
    how often it stands in the tweet; without `links` these are left out first.

    Source: scikit-learn's TfidfVectorizer and CountVectorizer; English stop words, accents stripped, lower case.
    """

    def __init__(
        self,
        *,
        words: tuple[int, ...] = (1, 1),
        chars: tuple[int, ...] = (),
        rarest: int = 1,
        sublinear: bool = False,
        stop_words: bool = True,
        counts: bool = False,
        links: bool = True,
    ) -> None:
        def block(ngrams, **more):
            usual = {"ngram_range": tuple(ngrams), "strip_accents": "unicode", "dtype": np.float32, **more}
            return CountVectorizer(**usual) if counts else TfidfVectorizer(sublinear_tf=sublinear, **usual)

        stopped = {"stop_words": "english"} if stop_words else {}
        self.text = [block(words, min_df=rarest, **stopped)]
        if chars:
            self.text.append(block(chars, min_df=max(2, rarest), analyzer="char_wb"))
        self.keyword = block((1, 1), **stopped)
        self.hashtags = block((1, 1), **stopped)
        self.links, self.empty = links, set[int]()

    def fit(self, x) -> sparse.csr_matrix:
        """Learn vocabularies and weights from the rows `x` of the competition; their features, (n, terms) float32.

        Raises KitError where no row has a word.
        """
        self.empty = {
            number for number, (vectoriser, texts) in enumerate(self._parts(x)) if not _fit(vectoriser, texts)
        }
        if len(self.empty) == len(self.text) + 2:
            raise KitError("no training row has a word to learn", "Stop words do not count.", "--set stop_words=false")
        return self(x)

    def __call__(self, x) -> sparse.csr_matrix:
        """The features of any rows, (n, terms) float32."""
        parts = enumerate(self._parts(x))
        return sparse.hstack([v.transform(texts) for number, (v, texts) in parts if number not in self.empty], "csr")

    def _parts(self, x) -> list[tuple[CountVectorizer, list[str]]]:
        text, keyword, tags = columns(x)
        text = text if self.links else [LINK.sub(" ", tweet) for tweet in text]
        return [*((vectoriser, text) for vectoriser in self.text), (self.keyword, keyword), (self.hashtags, tags)]


def _fit(vectoriser: CountVectorizer, texts: list[str]) -> bool:
    """Whether there was a word to learn: rows may all be without a keyword or a hashtag."""
    analyse = vectoriser.build_analyzer()
    if not any(analyse(text) for text in texts):
        return False
    vectoriser.fit(texts)
    return True


def columns(x) -> tuple[list[str], list[str], list[str]]:
    """Text, keyword and hashtags of each row, as texts.

    `%20` in a keyword is a space; a missing keyword is filled from the hashtags.
    """
    text = [str(value) for value in x["text"]]
    tags = [" ".join(hashtags(value)) for value in text]
    keyword = [
        known.replace("%20", " ") if isinstance(known, str) else tag
        for known, tag in zip(x["keyword"], tags, strict=True)
    ]
    return text, keyword, tags


def probabilities(score, features: Blocks, parameters: int | None = None) -> Fitted:
    """A Fitted that gives float32 (n,): what `score` gives for the features of rows, kept between 0 and 1."""

    def predict(x) -> np.ndarray:
        if not len(x):
            return np.zeros(0, np.float32)
        return np.clip(score(features(x)), 0, 1).astype(np.float32)

    return Fitted(predict, parameters)
