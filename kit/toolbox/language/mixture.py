"""Models of texts with different tokens judged together, one character at a time.

What a model of words says of the next character follows from what it says of words: of all that begin with what is
there of the word so far, the share that goes on with the character. So each model gives a probability of every
character, and a weighted mean of them is a model too (Jelinek and Mercer, Interpolated Estimation of Markov Source
Parameters, 1980).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kit.task import merging
from kit.task.sampling import Sampling
from kit.toolbox.language.counts import END
from kit.toolbox.language.model import LEAST, Inside, Language
from kit.toolbox.language.vocabulary import UNKNOWN, plain

ROUNDS = 50
"""Steps of expectation and maximisation, after which weights of a few models stand still."""

WITHIN = "'-"
"""Characters that go on with a word where a letter follows, and are marks elsewhere."""


def of_characters(inside: Inside, texts: Sequence[str]) -> np.ndarray:
    """The probability of each character of `texts`, and of the end behind each, float64, one after another: as a model
    of characters or of words sees them, whose characters that were never seen cost what they cost alone."""
    texts = [plain(text) for text in texts]
    if inside.vocabulary.kind == "words":
        spelled = Spelled(inside)
        return np.concatenate([np.zeros(0), *(spelled.characters(text) for text in texts)])
    p = inside.likely([inside.vocabulary.encode(text) for text in texts])
    given = np.concatenate([np.zeros(0, int), *(np.append(inside.vocabulary.encode(text), END) for text in texts)])
    # An unknown character is any that there is.
    return np.where(given == UNKNOWN, p / 0x110000, p)


class Mixture:
    """Models of texts as one: `members` by name, and the weight of each where probabilities of characters are mixed.

    Guesses are merged by their places, of those `guessing` only: characters spell words slowly. The heaviest of these
    writes.
    """

    def __init__(self, members: Mapping[str, Inside], share: Mapping[str, float], guessing: Sequence[str]) -> None:
        self.members, self.share = members, share
        self.guessing = {name: Language(members[name]) for name in guessing}

    def bits(self, texts: Sequence[str]) -> np.ndarray:
        """The bits that each text takes with its end, float64 of (n,)."""
        parts = [self.share[name] * of_characters(inside, texts) for name, inside in self.members.items()]
        each = -np.log2(np.maximum(np.sum(parts, axis=0), LEAST))
        ends = np.cumsum([len(plain(text)) + 1 for text in texts])
        return np.add.reduceat(each, np.append(0, ends[:-1])) if len(texts) else np.zeros(0)

    def guesses(self, contexts: Sequence[str], most: int = 5) -> list[list[str]]:
        """The likeliest words that come next, likeliest first, at most `most` for each context."""
        lists = [[" ".join(words) for words in one.guesses(contexts, 2 * most)] for one in self.guessing.values()]
        if len(lists) == 1:
            return [words.split()[:most] for words in lists[0]]
        merged = merging.vote_guesses(list(map(np.array, lists)), [self.share[name] for name in self.guessing])
        return [str(words).split()[:most] for words in merged]

    def write(self, prompt: str, sampling: Sampling, words: int, seed: int) -> Iterator[str]:
        """What follows `prompt`, by the heaviest of the models that guess."""
        return self.guessing[max(self.guessing, key=lambda name: self.share[name])].write(prompt, sampling, words, seed)


class Spelled:
    """A model of words, asked for one character at a time."""

    def __init__(self, inside: Inside) -> None:
        known = inside.vocabulary
        assert known.letters is not None and known.speller is not None  # every vocabulary of words has them
        self.inside, self.vocabulary = inside, known
        self.letters, self.speller = known.letters, known.speller
        self.order = np.array(sorted(range(UNKNOWN + 1, len(known)), key=known.tokens.__getitem__), np.int64)
        self.sorted = [known.tokens[at] for at in self.order]
        self.ranges: dict[str, tuple[int, int]] = {}
        self.spellings: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def characters(self, text: str) -> np.ndarray:
        """The probability of each character of a text and of its end, float64 of (characters + 1,).

        A mark of WITHIN behind a word either goes on with it or stands alone; which of them shows only at the character
        behind it. So the mark has the probability of both ways, and the next character the share of the way that it is.
        """
        numbers = self.vocabulary.encode(text)
        made = np.empty(len(text) + 1)
        state, p = self.inside.read([numbers[:0]])
        at, ended = 0, 1.0  # the probability that the token before ends where it does
        before: tuple[str, np.ndarray] | None = None
        for token, number in zip(self.vocabulary.split(text), numbers, strict=True):
            masses, whole = self._masses(token, p[0])
            shares = masses / np.append(1.0, masses[:-1])
            shares[0] *= ended
            alone = 1.0
            if token in WITHIN and before is not None and _is_word(before[0]):
                begun, _ = self._masses(before[0] + token, before[1])
                both = shares[0] + begun[-1] / begun[-2]
                alone, shares[0] = shares[0] / both, both
            for place in range(1, len(token) - 1):
                if token[place] in WITHIN:
                    both = shares[place] + self._alone(state, token[:place], token[place], p[0])
                    shares[place + 1] *= shares[place] / both
                    shares[place] = both
            made[at : at + len(token)] = shares
            at += len(token)
            ended, before = alone * whole / masses[-1], (token, p[0])
            state, p = self.inside.step(self.inside.pick(state, np.zeros(1, int)), np.array([number]))
        made[at] = ended * p[0, END]
        return made

    def _alone(self, state: Any, word: str, mark: str, p: np.ndarray) -> float:
        """The probability that `word` ends where it does and a mark of its own follows."""
        masses, whole = self._masses(word, p)
        number = self.vocabulary.number.get(word, UNKNOWN)
        _, behind = self.inside.step(self.inside.pick(state, np.zeros(1, int)), np.array([number]))
        marks, _ = self._masses(mark, behind[0])
        return float(whole / masses[-1] * marks[0])

    def _masses(self, token: str, p: np.ndarray) -> tuple[np.ndarray, float]:
        """How likely a token is to begin with each beginning of `token`, float64 of (characters,), and to be it."""
        cumulated = np.append(0.0, np.cumsum(p[self.order], dtype=np.float64))
        bounds = np.array([self._range(token[: end + 1]) for end in range(len(token))])
        begun, ends = self._spelling(token)
        unknown = float(p[UNKNOWN])
        masses = cumulated[bounds[:, 1]] - cumulated[bounds[:, 0]] + unknown * begun
        number = self.vocabulary.number.get(token)
        whole = (0.0 if number is None else float(p[number])) + unknown * ends[-1]
        return np.maximum(masses, LEAST), max(whole, LEAST)

    def _range(self, begun: str) -> tuple[int, int]:
        """Where the tokens lie that begin so, among the sorted ones."""
        if begun not in self.ranges:
            low = bisect_left(self.sorted, begun)
            self.ranges[begun] = (low, bisect_left(self.sorted, begun + "\U0010ffff", low))
        return self.ranges[begun]

    def _spelling(self, token: str) -> tuple[np.ndarray, np.ndarray]:
        """The probabilities that an unknown word begins with each beginning of `token`, and that it is it."""
        if token not in self.spellings:
            encoded = self.letters.encode(token)
            p = self.speller.probabilities([encoded])
            p[:-1] = np.where(encoded == UNKNOWN, p[:-1] / 0x110000, p[:-1])
            begun = np.cumprod(p[:-1])
            self.spellings[token] = begun, begun[-1:] * p[-1]
        return self.spellings[token]


def _is_word(token: str) -> bool:
    return token[-1].isalnum() or token[-1] == "_"


def weights(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The weights of models, float64 of (models,), by which the weighted mean of the probabilities `parts` that each
    gives is likeliest: by expectation and maximisation on texts that none was fitted on."""
    p = np.maximum(np.stack(parts), LEAST)
    share = np.full(len(p), 1 / len(p))
    for _ in range(ROUNDS if p.shape[1] else 0):
        weighted = share[:, None] * p
        share = (weighted / weighted.sum(0)).mean(1)
    return share
