"""Models of texts with different tokens judged together, one word at a time.

A word is here what stands between two spaces, its marks with it. A model of words, of pieces of words or of characters
says how likely a text is to go on with a word and to end the word there: the product over its tokens, times how likely
a space or the end of the text comes next. So a weighted mean over models is a model too (Jelinek and Mercer,
Interpolated Estimation of Markov Source Parameters, 1980).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kit.task.sampling import Sampling
from kit.toolbox.language.model import LEAST, Inside, Language, ranked
from kit.toolbox.language.vocabulary import UNKNOWN, plain

ROUNDS = 50
"""Steps of expectation and maximisation, after which weights of a few models stand still."""


def of_words(inside: Inside, texts: Sequence[str]) -> np.ndarray:
    """The logarithm to base 2 of the probability of each word of `texts`, and of the end behind each: float64, one
    after another. Their sum over a text is that of the text."""
    known = inside.vocabulary
    split = [known.split(plain(text)) for text in texts]
    encoded = [np.array([known.number.get(token, UNKNOWN) for token in tokens], np.int64) for tokens in split]
    p, parting = (np.log2(np.maximum(part, LEAST)) for part in inside.weighed(encoded, known.parting))
    made, at = [np.zeros(0)], 0
    for tokens in split:
        begins = [place for place, token in enumerate(tokens) if place == 0 or token.startswith(" ")]
        each = p[at : at + len(tokens) + 1] - [*map(known.spelled, tokens), 0.0]
        # A word begins where the one before has ended: that it does so belongs to the one before.
        ends = parting[at + np.array([*begins[1:], len(tokens)])] if tokens else np.zeros(0)
        words = np.add.reduceat(each, [*begins, len(tokens)])
        words[1:] -= ends
        words[:-1] += ends
        made.append(words)
        at += len(tokens) + 1
    return np.concatenate(made)


class Mixture:
    """Models of texts as one: `members` by name, and the weight of each where probabilities of words are mixed.

    Only those `guessing` name the next word and write: characters spell words slowly. The heaviest of these writes.
    """

    def __init__(self, members: Mapping[str, Inside], share: Mapping[str, float], guessing: Sequence[str]) -> None:
        self.members, self.share = members, share
        self.guessing = {name: Language(members[name]) for name in guessing}

    def bits(self, texts: Sequence[str]) -> np.ndarray:
        """The bits that each text takes with its end, float64 of (n,)."""
        parts = [
            of_words(inside, texts) + np.log2(max(self.share[name], LEAST)) for name, inside in self.members.items()
        ]
        each = -np.logaddexp2.reduce(parts)
        ends = np.cumsum([len(text.split()) + 1 for text in texts])
        return np.add.reduceat(each, np.append(0, ends[:-1])) if len(texts) else np.zeros(0)

    def likeliest(self, contexts: Sequence[str], most: int) -> list[dict[str, float]]:
        """Words that come next behind a space and their probabilities, the weighted mean of what the models say that
        guess; 0 of a word that is none of a model's `most` likeliest."""
        whole = sum(self.share[name] for name in self.guessing)
        made: list[dict[str, float]] = [{} for _ in contexts]
        for name, language in self.guessing.items():
            for words, said in zip(made, language.likeliest(contexts, most), strict=True):
                for word, p in said.items():
                    words[word] = words.get(word, 0.0) + self.share[name] / whole * p
        return made

    def guesses(self, contexts: Sequence[str], most: int = 5) -> list[list[str]]:
        """The likeliest words that come next, likeliest first, at most `most` for each context."""
        # Twice as many of each model, so that what is the sixth for both can be among the first five.
        return [ranked(said)[:most] for said in self.likeliest(contexts, 2 * most)]

    def write(self, prompt: str, sampling: Sampling, words: int, seed: int) -> Iterator[str]:
        """What follows `prompt`, by the heaviest of the models that guess."""
        return self.guessing[max(self.guessing, key=lambda name: self.share[name])].write(prompt, sampling, words, seed)


def weights(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The weights of models, float64 of (models,), by which the weighted mean of the probabilities `parts` that each
    gives is likeliest: by expectation and maximisation on texts that none was fitted on.

    What stands at one place may be multiplied by the same number for all models.
    """
    p = np.maximum(np.stack(parts), LEAST)
    share = np.full(len(p), 1 / len(p))
    for _ in range(ROUNDS if p.shape[1] else 0):
        weighted = share[:, None] * p
        share = (weighted / weighted.sum(0)).mean(1)
    return share
