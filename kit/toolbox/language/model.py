"""What a model of texts can do, whatever computes inside: bits of texts, guesses of the next word, writing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from kit.errors import KitError
from kit.task.sampling import Sampling
from kit.toolbox.language.counts import END
from kit.toolbox.language.vocabulary import UNKNOWN, WORD, Vocabulary, plain

LEAST = 1e-30
"""Probabilities are at least this where their logarithm is taken."""

BEAMS = 12
"""Beginnings of words that are followed for each context."""

LONGEST = 24
"""Characters after which a word that has not ended is given up."""

TOGETHER = 64
"""Contexts that are read side by side. Always so many, so that a guess does not hang on who is beside it."""


class Inside(Protocol):
    """What a model computes, on tokens of `vocabulary`. A state is that of several texts side by side."""

    vocabulary: Vocabulary

    def likely(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability of each token of texts, and of the end behind each: float64, one after another."""

    def weighed(self, texts: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `likely` gives, and at each place the sum over all tokens of probability times weight, float64."""

    def read(self, texts: Sequence[np.ndarray]) -> tuple[Any, np.ndarray]:
        """A state of texts that go on, and the probabilities of what comes next in each, float of (n, tokens)."""

    def step(self, state: Any, tokens: np.ndarray) -> tuple[Any, np.ndarray]:
        """The state when each text has gone on with one of `tokens` (n,), and the probabilities of the next. The state
        that was given is used up."""

    def pick(self, state: Any, numbers: np.ndarray) -> Any:
        """The state of the texts at `numbers`, of which some may come several times. It shares nothing with `state`."""


class Language:
    """A model of texts, of what computes inside and of what all such models share."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.vocabulary = inside.vocabulary

    def bits(self, texts: Sequence[str]) -> np.ndarray:
        """The bits that each text takes with its end, float64 of (n,): of its tokens, and of the characters of those
        that are not known, so that no model gains by not knowing."""
        texts = [plain(text) for text in texts]
        encoded = [self.vocabulary.encode(text) for text in texts]
        each = -np.log2(np.maximum(self.inside.likely(encoded), LEAST))
        ends = np.cumsum([len(tokens) + 1 for tokens in encoded])
        sums = np.add.reduceat(each, np.append(0, ends[:-1])) if len(texts) else np.zeros(0)
        return sums + np.array([self.vocabulary.spelling(text) for text in texts])

    def guesses(self, contexts: Sequence[str], most: int = 5) -> list[list[str]]:
        """The likeliest words that come next behind a space, likeliest first, at most `most` for each context."""
        return [ranked(said) for said in self.likeliest(contexts, most)]

    def likeliest(self, contexts: Sequence[str], most: int) -> list[dict[str, float]]:
        """The `most` likeliest words that come next behind a space, fewer where there are fewer, and how likely each
        is."""
        made: list[dict[str, float]] = []
        for start in range(0, len(contexts), TOGETHER):
            part = [plain(context) for context in contexts[start : start + TOGETHER]]
            filled = part + part[:1] * (TOGETHER - len(part))
            state, p = self.inside.read([self.vocabulary.encode(context) for context in filled])
            ahead = self._words(p, most) if self.vocabulary.kind == "words" else self._spelled(state, p, most)
            made += ahead[: len(part)]
        return made

    def write(self, prompt: str, sampling: Sampling, words: int, seed: int) -> Iterator[str]:
        """What follows `prompt`, token by token, until the text ends or has `words` more words. The same seed gives
        the same text. Raises KitError for a prompt with nothing to go on from.
        """
        if not prompt.strip():
            raise KitError("The prompt is empty.", "It must hold at least one letter.", '--prompt "The president"')
        if words < 1:
            raise KitError(f"--words is {words}.", "It must be 1 or more.", "--words 40")
        return self._alone(self._writing(plain(prompt), sampling, words, np.random.default_rng(seed)))

    @staticmethod
    def _alone(pieces: Iterator[str]) -> Iterator[str]:
        """The pieces, computed by one thread: those that share a product of one row wait for each other longer than
        they work, many times so beside other processes."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            yield from pieces

    def _writing(self, prompt: str, sampling: Sampling, words: int, random: np.random.Generator) -> Iterator[str]:
        state, p = self.inside.read([self.vocabulary.encode(prompt)])
        begun, last = 0, prompt[-1]
        while True:
            p[0, UNKNOWN] = 0  # it has no letters
            token = sampling.draw(p[0], random)
            if token == END:
                return
            text = self.vocabulary.tokens[token]
            begun += text.startswith(" ")
            if begun > words or (begun == words and not last.strip() and not text.strip()):
                return
            yield text
            last = text[-1]
            state, p = self.inside.step(state, np.array([token]))

    def _words(self, p: np.ndarray, most: int) -> list[dict[str, float]]:
        """The likeliest words of a vocabulary of words."""
        shown = np.where(self.vocabulary.words, p, -1)
        order = np.argsort(-shown, axis=1, kind="stable")[:, :most]
        return [
            {self.vocabulary.tokens[at][1:]: float(said[at]) for at in row if self.vocabulary.words[at]}
            for row, said in zip(order.tolist(), p, strict=True)
        ]

    def _spelled(self, state: Any, p: np.ndarray, most: int) -> list[dict[str, float]]:
        """The likeliest words, followed piece by piece to where they end. The likelihood of a word is that of its
        pieces, times that of anything behind it which is no part of a word."""
        rows, tokens = p.shape
        rules = _Rules(self.vocabulary)
        open_ = np.where(rules.opens, _logs(p), -np.inf)[:, None, :]  # (rows, beams, tokens)
        words = [[""]] * rows
        ended: list[dict[str, float]] = [{} for _ in range(rows)]
        for _ in range(LONGEST):
            flat = open_.reshape(rows, -1)
            best = np.argsort(-flat, axis=1, kind="stable")[:, :BEAMS]
            best = np.pad(best, ((0, 0), (0, BEAMS - best.shape[1])), mode="edge")
            scores = np.take_along_axis(flat, best, 1)
            # A beam that was filled in twice must not be followed twice.
            scores[:, 1:][best[:, 1:] == best[:, :-1]] = -np.inf
            beam, token = best // tokens, best % tokens
            words = [
                [words[i][b] + self.vocabulary.tokens[t] for b, t in zip(beam[i], token[i], strict=True)]
                for i in range(rows)
            ]
            kept = self.inside.pick(state, (np.arange(rows)[:, None] * open_.shape[1] + beam).ravel())
            state, p = self.inside.step(kept, token.ravel())
            p = p.reshape(rows, BEAMS, tokens)
            within = (p * rules.inside).sum(2)
            behind = scores + _logs(np.maximum(1 - within, 0))
            bare = np.array([[word == " " for word in row] for row in words])
            for i in range(rows):
                for word, score in zip(words[i], behind[i].tolist(), strict=True):
                    if WORD.fullmatch(word) and score > -np.inf:
                        ended[i][word] = max(score, ended[i].get(word, -np.inf))
            goes = np.where(bare[:, :, None], rules.first, rules.inside)
            open_ = np.where(goes, scores[:, :, None] + _logs(p), -np.inf)
            if all(_settled(done, float(left), most) for done, left in zip(ended, scores.max(1), strict=True)):
                break
        return [{word[1:]: float(np.exp(done[word])) for word in ranked(done)[:most]} for done in ended]


def ranked(said: Mapping[str, float]) -> list[str]:
    """Words from the likeliest to the least likely; of equally likely ones the first in the order of their letters."""
    return sorted(said, key=lambda word: (-said[word], word))


class _Rules:
    """Which tokens may begin a word behind its space, come first behind a space that is a token, and go on with a word:
    bool of (tokens,) each."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        def those(pattern: str) -> np.ndarray:
            return np.array([bool(re.fullmatch(pattern, token)) for token in vocabulary.tokens])

        self.opens, self.first, self.inside = those(r" (?:\w[\w'-]*)?"), those(r"\w[\w'-]*"), those(r"[\w'-]+")


def _settled(ended: dict[str, float], left: float, most: int) -> bool:
    """Whether no word that is still open can be among the `most` likeliest: `left` is the likelihood of the best."""
    return len(ended) >= most and sorted(ended.values(), reverse=True)[most - 1] >= left


def _logs(p: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(p, LEAST))
