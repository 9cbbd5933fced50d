"""Counted runs and a network over the same tokens as one model: a weighted mean of what both say of the next token.

The weight of the network hangs on how much of what came before was counted: where a long run goes on, counts know names
and phrases by heart, and where none does, they know little. Source: Jelinek and Mercer, Interpolated Estimation of
Markov Source Parameters, 1980, whose weights hang on the counts of the run before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.toolbox.language import learning, mixture
from kit.toolbox.language.model import Inside
from kit.toolbox.language.ngrams import NGrams

COUNTS, NETWORK, SHARES = "counts", "network", "shares.json"
"""Of a folder that keeps both."""

State = tuple[Any, Any]
"""That of the counts and that of the network."""


class Together:
    """What computes inside of a `model.Language`. `shares` is the weight of the network behind a run of so many tokens
    that was counted, float of (order,)."""

    def __init__(self, counted: NGrams, network: Inside, shares: np.ndarray) -> None:
        self.counted, self.network, self.shares = counted, network, shares
        self.vocabulary = network.vocabulary

    def likely(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability of each token of texts, and of the end behind each."""
        counted = self.counted.counts.foretold(texts)
        share = self.shares[counted.seen]
        return share * self.network.likely(texts) + (1 - share) * counted.p

    def weighed(self, texts: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `likely` gives, and at each place the sum over all tokens of probability times weight."""
        counted, network = self.counted.counts.foretold(texts, weights), self.network.weighed(texts, weights)
        share = self.shares[counted.seen]
        said = zip(network, (counted.p, counted.weighted), strict=True)
        p, weighted = (share * one + (1 - share) * other for one, other in said)
        return p, weighted

    def read(self, texts: Sequence[np.ndarray]) -> tuple[State, np.ndarray]:
        """A state of texts that go on, and the probabilities of what comes next in each."""
        return self._joined(self.counted.read(texts), self.network.read(texts))

    def step(self, state: State, tokens: np.ndarray) -> tuple[State, np.ndarray]:
        """The state when each text has gone on with one of `tokens`, and the probabilities of what comes next."""
        return self._joined(self.counted.step(state[0], tokens), self.network.step(state[1], tokens))

    def pick(self, state: State, numbers: np.ndarray) -> State:
        """The state of the texts at `numbers`."""
        return self.counted.pick(state[0], numbers), self.network.pick(state[1], numbers)

    def save(self, folder: Path) -> None:
        """Write counts and shares into `folder`, where `learning.train` has left the network."""
        self.counted.save(folder / COUNTS)
        (folder / SHARES).write_text(json.dumps([round(share, 6) for share in self.shares.tolist()]) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Together:
        """What `save` and `learning.train` wrote."""
        shares = np.array(json.loads((folder / SHARES).read_text()))
        return cls(NGrams.load(folder / COUNTS), learning.load(folder / NETWORK), shares)

    def _joined(self, counted: tuple[Any, np.ndarray], network: tuple[Any, np.ndarray]) -> tuple[State, np.ndarray]:
        share = self.shares[[self.counted.counts.seen(last) for last in counted[0]]][:, None]
        return (counted[0], network[0]), share * network[1] + (1 - share) * counted[1]


def shares(counted: NGrams, network: Inside, texts: Sequence[np.ndarray]) -> np.ndarray:
    """The weights of the network by which the tokens of `texts`, that neither was fitted on, are likeliest: float64 of
    (order,), for each length of a counted run before a token."""
    said = counted.counts.foretold(texts)
    parts = (network.likely(texts), said.p)
    kept = [[part[said.seen == length] for part in parts] for length in range(counted.counts.order)]
    return np.array([mixture.weights(each)[0] for each in kept])
