"""Sparse features of tweets: a block each for text, keyword and hashtags, every one with its own vectoriser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from kit.errors import KitError
from kit.rows.texts import LINK, hashtags
from kit.task.contract import Fitted, Fold
from kit.toolbox import estimators


def learn(
    fold: Fold,
    *,
    words: tuple = (1, 1),  # the shortest and longest n-gram of words
    chars: tuple = (),  # and of characters; without them there is no such block
    rarest: int = 1,
    sublinear: bool = False,
    stop_words: bool = True,  # scikit-learn's list, which holds "fire"
    counts: bool = False,
    links: bool = True,
) -> tuple[Blocks, sparse.csr_matrix]:
    """Blocks learned from the training rows of a fold, and their features, (n, terms) float32.

    The defaults are settings of every recipe that does not name them itself. Raises KitError where no row has a word.
    """
    settings = {"words": words, "chars": chars, "rarest": rarest, "sublinear": sublinear}
    blocks = Blocks(**settings, stop_words=stop_words, counts=counts, links=links)
    return blocks, blocks.fit(fold.train.x.take())


Predictor = Callable[..., Fitted]
"""Blocks, and the fitted estimators and arrays of a recipe by name, to its Fitted."""


def stored(dir: Path, predictor: Predictor, blocks: Blocks, **parts: Any) -> Fitted:
    """Store all that `predictor` makes a Fitted of, and give that Fitted."""
    estimators.save(dir, blocks=blocks.state(), **parts)
    return predictor(blocks, **parts)


def loader(predictor: Predictor) -> Callable[[Path], Fitted]:
    """The function `load` of a recipe whose models `stored` stores."""

    def load(dir: Path) -> Fitted:
        parts = estimators.load(dir)
        return predictor(Blocks.restored(parts.pop("blocks")), **parts)

    return load


class Blocks:
    """TF-IDF of the text's words, optionally of its character n-grams, of keyword and hashtags, side by side.

    Settings as `learn` has them. With `counts` a word is worth how often it stands in the tweet; without `links` these
    are left out first.

    Source: scikit-learn's TfidfVectorizer and CountVectorizer; English stop words, accents stripped, lower case.
    """

    def __init__(
        self,
        *,
        words: tuple[int, ...],
        chars: tuple[int, ...],
        rarest: int,
        sublinear: bool,
        stop_words: bool,
        counts: bool,
        links: bool,
    ) -> None:
        self.settings = {name: value for name, value in locals().items() if name != "self"}

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

    def state(self) -> dict[str, Any]:
        """All that `restored` needs, as plain values. Vocabularies are one text each: skops writes 150,000 terms as
        150,000 objects, which takes 8 s to write and 7 s to read."""
        learned = {str(number): v for number, v in enumerate(self._vectorisers()) if number not in self.empty}
        return {
            "settings": json.dumps(self.settings),
            "terms": {number: json.dumps(v.get_feature_names_out().tolist()) for number, v in learned.items()},
            "idf": {number: v.idf_ for number, v in learned.items() if isinstance(v, TfidfVectorizer)},
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Blocks:
        """The blocks whose `state` was stored."""
        blocks = cls(**json.loads(state["settings"]))
        vectorisers = blocks._vectorisers()
        for number, terms in state["terms"].items():
            vectorisers[int(number)].vocabulary_ = {term: place for place, term in enumerate(json.loads(terms))}
        for number, idf in state["idf"].items():
            vectorisers[int(number)].idf_ = idf
        blocks.empty = {number for number in range(len(vectorisers)) if str(number) not in state["terms"]}
        return blocks

    def _vectorisers(self) -> list[CountVectorizer]:
        return [*self.text, self.keyword, self.hashtags]

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
        return list(zip(self._vectorisers(), [*([text] * len(self.text)), keyword, tags], strict=True))


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


def probabilities(score, blocks: Blocks, parameters: int | None = None) -> Fitted:
    """A Fitted that gives float32 (n,): what `score` gives for the features of rows, kept between 0 and 1."""

    def predict(x) -> np.ndarray:
        if not len(x):
            return np.zeros(0, np.float32)
        return np.clip(score(blocks(x)), 0, 1).astype(np.float32)

    return Fitted(predict, parameters)
