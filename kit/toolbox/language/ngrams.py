"""A model of texts made of counted runs of tokens; it is fitted in seconds and the measure of all others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kit.toolbox.language import counts
from kit.toolbox.language.counts import END, Counts
from kit.toolbox.language.vocabulary import Vocabulary

State = list[tuple[int, ...]]
"""Of each text the last tokens that a run can have before the next one, the end's before the first."""


class NGrams:
    """Counted runs as what computes inside of a `model.Language`."""

    def __init__(self, vocabulary: Vocabulary, counted: Counts) -> None:
        self.vocabulary, self.counts = vocabulary, counted
        self.kept = max(1, counted.order - 1)

    def likely(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability of each token of texts, and of the end behind each."""
        return self.counts.probabilities(texts)

    def weighed(self, texts: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `likely` gives, and at each place the sum over all tokens of probability times weight."""
        said = self.counts.foretold(texts, weights)
        return said.p, said.weighted

    def read(self, texts: Sequence[np.ndarray]) -> tuple[State, np.ndarray]:
        """A state of texts that go on, and the probabilities of what comes next in each."""
        return self._next([(END, *map(int, text[-self.kept :]))[-self.kept :] for text in texts])

    def step(self, state: State, tokens: np.ndarray) -> tuple[State, np.ndarray]:
        """The state when each text has gone on with one of `tokens`, and the probabilities of what comes next."""
        return self._next([(*last, int(token))[-self.kept :] for last, token in zip(state, tokens, strict=True)])

    def pick(self, state: State, numbers: np.ndarray) -> State:
        """The state of the texts at `numbers`."""
        return [state[at] for at in numbers]

    def _next(self, state: State) -> tuple[State, np.ndarray]:
        known: dict[tuple[int, ...], np.ndarray] = {}
        for last in state:
            if last not in known:
                known[last] = self.counts.after(last)
        return state, np.stack([known[last] for last in state])

    def save(self, folder: Path) -> None:
        """Write vocabulary and counts into `folder`."""
        self.vocabulary.save(folder)
        self.counts.save(folder / "counts")

    @classmethod
    def load(cls, folder: Path) -> NGrams:
        """What `save` wrote; the counts stay on disk until they are asked for."""
        vocabulary = Vocabulary.load(folder)
        return cls(vocabulary, Counts.load(folder / "counts", len(vocabulary)))


def fit(texts: Sequence[str], vocabulary: Vocabulary, order: int) -> NGrams:
    """Count runs of up to `order` tokens in `texts`."""
    return NGrams(vocabulary, counts.count([vocabulary.encode(text) for text in texts], len(vocabulary), order))
