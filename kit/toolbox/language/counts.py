"""Runs of tokens that are counted, and the next token that they foretell: interpolated modified Kneser-Ney.

Source: Chen and Goodman, An Empirical Study of Smoothing Techniques for Language Modeling, 1998, sections 2.7 and 3.
Runs lie in sorted arrays: a run of n tokens is its first n - 1, as their place among all such runs, and its last one.
So each is found by one binary search, all positions of many texts at once, and the arrays can stay on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

END = 0
"""The token behind the last of a text, which also stands before the first."""

USUAL = (0.5, 1.0, 1.5)
"""Discounts of runs that were counted once, twice and more often, where there are too few runs to estimate them."""


class Foretold(NamedTuple):
    """What counts say at each place of texts: the probability of the token that stands there, float64; how many tokens
    before it make the longest run that was counted, int64; and the sum over all tokens of probability times weight,
    float64, empty without weights."""

    p: np.ndarray
    seen: np.ndarray
    weighted: np.ndarray


@dataclass(frozen=True)
class Counts:
    """Probabilities of the next token, by runs of up to `order` tokens.

    Of the runs of n tokens, at place n - 1 of each list: `keys`, sorted int64; `shares`, the discounted share of each
    among those that begin alike, float32; and `rests`, by the place of a run of n - 1 tokens, what the discounts have
    left for shorter runs, float32. `tokens` is the number of different tokens.
    """

    tokens: int
    keys: Sequence[np.ndarray]
    shares: Sequence[np.ndarray]
    rests: Sequence[np.ndarray]

    @property
    def order(self) -> int:
        """Tokens of the longest runs."""
        return len(self.keys)

    @property
    def runs(self) -> int:
        """How many runs are stored."""
        return sum(map(len, self.keys))

    def probabilities(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability of each token of `texts` and of the end behind each, float64 of (tokens and ends,)."""
        return self.foretold(texts).p

    def foretold(self, texts: Sequence[np.ndarray], weights: np.ndarray | None = None) -> Foretold:
        """What counts say of each token of `texts` and of the end behind each; `weights` has one for each token."""
        stream, first = _joined(texts)
        asked = np.flatnonzero(~first)
        since = asked - np.maximum.accumulate(np.where(first, np.arange(len(stream)), 0))[asked]
        p, seen = np.full(len(asked), 1 / self.tokens), np.zeros(len(asked), np.int64)
        weighted = np.zeros(0) if weights is None else np.full(len(asked), np.mean(weights))
        place = np.zeros(len(stream), np.int64)  # of the run of n - 1 tokens that ends before each position
        for n in range(1, self.order + 1):
            # A run that was not seen continues no longer one; -1 goes on through all longer runs.
            at = place[asked]
            ok = (at >= 0) & (since >= n - 1)
            seen[ok] = n - 1
            found, right = self._find(n, at[ok], stream[asked[ok]])
            share = np.where(right, self.shares[n - 1][found], 0)
            rest = self.rests[n - 1][at[ok]]
            p[ok] = share + rest * p[ok]
            if weights is not None:
                weighted[ok] = self._weighted(n, weights)[at[ok]] + rest * weighted[ok]
            if n < self.order:
                place = self._longer(n, place, stream)
        return Foretold(p, seen, weighted)

    def _weighted(self, n: int, weights: np.ndarray) -> np.ndarray:
        """By the place of a run of n - 1 tokens, the sum of the shares of those that go on with it, times weights."""
        before, token = np.divmod(self.keys[n - 1], self.tokens)
        return np.bincount(before, self.shares[n - 1] * weights[token], len(self.rests[n - 1]))

    def after(self, tokens: Sequence[int]) -> np.ndarray:
        """The probability of every token behind `tokens`, of which the first is END where they begin a text: float64
        of (tokens,)."""
        p = np.full(self.tokens, 1 / self.tokens)
        last = list(tokens[-(self.order - 1) :]) if self.order > 1 else []
        for n in range(1, min(self.order, len(last) + 1) + 1):
            at = self._place(last[len(last) - n + 1 :])
            if at < 0:
                break
            keys = self.keys[n - 1]
            low, high = np.searchsorted(keys, (at * self.tokens, (at + 1) * self.tokens))
            p *= self.rests[n - 1][at]
            p[keys[low:high] - at * self.tokens] += self.shares[n - 1][low:high]
        return p

    def seen(self, tokens: Sequence[int]) -> int:
        """How many of the last of `tokens` make the longest run that was counted; the first is END where they begin a
        text."""
        longest = min(self.order - 1, len(tokens))
        return next((n for n in range(longest, 0, -1) if self._place(tokens[len(tokens) - n :]) >= 0), 0)

    def _place(self, run: Sequence[int]) -> int:
        """The place of a run among all of its length; 0 of an empty one, -1 where it was not seen."""
        at = 0
        for n, token in enumerate(run, 1):
            found, right = self._find(n, np.array([at]), np.array([token]))
            if not right[0]:
                return -1
            at = int(found[0])
        return at

    def _find(self, n: int, at: np.ndarray, token: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places of the runs of n tokens that go on from `at` with `token`, and whether they were seen."""
        keys = self.keys[n - 1]
        wanted = at * self.tokens + token
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return found, keys[found] == wanted

    def _longer(self, n: int, place: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """From the places of runs of n - 1 tokens before each position, those of n tokens."""
        longer = np.full(len(stream), -1, np.int64)
        # The run of n tokens before position i + 1 is the run of n - 1 before i, and the token at i.
        ok = np.flatnonzero(place[:-1] >= 0)
        found, right = self._find(n, place[ok], stream[ok])
        longer[ok[right] + 1] = found[right]
        return longer

    def save(self, folder: Path) -> None:
        """Write the arrays into `folder`, each as a file of NumPy's format."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, arrays in (("keys", self.keys), ("shares", self.shares), ("rests", self.rests)):
            for n, array in enumerate(arrays, 1):
                np.save(folder / f"{name}-{n}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, tokens: int) -> Counts:
        """What `save` wrote, as memory maps."""

        def arrays(name: str) -> list[np.ndarray]:
            count = len(list(folder.glob(f"{name}-*.npy")))
            return [np.load(folder / f"{name}-{n}.npy", "r", allow_pickle=False) for n in range(1, count + 1)]

        return cls(tokens, arrays("keys"), arrays("shares"), arrays("rests"))


def count(texts: Sequence[np.ndarray], tokens: int, order: int) -> Counts:
    """Count all runs of up to `order` tokens in `texts`, arrays of integers from 1 to `tokens` - 1.

    Longest runs, and those that begin a text, have the count of their occurrences; others that of the different tokens
    that they follow.
    """
    stream, first = _joined(texts)
    begins = np.flatnonzero(first)
    end = np.append(begins[1:], len(stream))[np.cumsum(first) - 1]  # of the text of each position
    keys: list[np.ndarray] = []
    raw: list[np.ndarray] = []
    suffixes: list[np.ndarray] = []  # of each run of n tokens, the place of its last n - 1
    opening: list[np.ndarray] = []
    place = np.zeros(len(stream), np.int64)  # of the run of n - 1 tokens that begins at each position
    for n in range(1, order + 1):
        start = np.flatnonzero(np.arange(len(stream)) + n <= end)
        start = start[~first[start]] if n == 1 else start  # the mark before a text is never foretold
        if not len(start):  # no text is so long
            order = n - 1
            break
        found, at, inverse, counts = np.unique(
            place[start] * tokens + stream[start + n - 1], return_index=True, return_inverse=True, return_counts=True
        )
        keys.append(found)
        raw.append(counts)
        opening.append(first[start[at]])
        suffixes.append(place[np.minimum(start[at] + 1, len(stream) - 1)])
        longer = np.full(len(stream), -1, np.int64)
        longer[start] = inverse
        if n == 1:  # the mark has the place of the end
            longer[first] = 0
        place = longer
    counted = [
        np.where(opening[n - 1], raw[n - 1], np.bincount(suffixes[n], minlength=len(keys[n - 1])))
        if n < order
        else raw[n - 1]
        for n in range(1, order + 1)
    ]
    shares, rests = [], []
    for n in range(1, order + 1):
        share, rest = _discounted(keys[n - 1] // tokens, counted[n - 1], 1 if n == 1 else len(keys[n - 2]))
        shares.append(share)
        rests.append(rest)
    return Counts(tokens, keys, shares, rests)


def discounts(counts: np.ndarray) -> tuple[float, float, float]:
    """What is taken from runs that were counted once, twice, and more often. Source: Chen and Goodman, equation 26."""
    ones, twos, threes, fours = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not min(ones, twos, threes, fours):
        return USUAL
    y = ones / (ones + 2 * twos)
    made = (1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes)
    return made if all(0 < d < c for c, d in enumerate(made, 1)) else USUAL


def _discounted(begins: np.ndarray, counts: np.ndarray, contexts: int) -> tuple[np.ndarray, np.ndarray]:
    """The discounted share of each run among those that begin alike, and by beginning what the discounts left."""
    taken = np.array([0.0, *discounts(counts)])[np.minimum(counts, 3)]
    total = np.bincount(begins, counts, contexts)
    left = np.bincount(begins, np.minimum(taken, counts), contexts)
    shares = np.maximum(counts - taken, 0) / total[begins]
    rests = np.divide(left, total, out=np.ones(contexts), where=total > 0)
    return shares.astype(np.float32), rests.astype(np.float32)


def _joined(texts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All texts in one stream, each with END before and behind it, int64; and which positions are before a text."""
    lengths = np.array([len(text) + 2 for text in texts], np.int64)
    stream = np.full(int(lengths.sum()), END, np.int64)
    first = np.zeros(len(stream), bool)
    starts = np.cumsum(lengths) - lengths
    first[starts] = True
    inner = np.ones(len(stream), bool)
    inner[starts] = inner[starts + lengths - 1] = False
    if len(texts):
        stream[inner] = np.concatenate([np.asarray(text, np.int64) for text in texts])
    return stream, first
