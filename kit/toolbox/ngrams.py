"""Words, pairs of words and pieces of words of many texts at once, as numbers of buckets: the hashing trick.

Texts become numbers in NumPy, without Python's work for each piece. Sources: Weinberger, Dasgupta, Langford, Smola,
Attenberg, Feature Hashing for Large Scale Multitask Learning, ICML 2009; Bojanowski, Grave, Joulin, Mikolov, Enriching
Word Vectors with Subword Information, TACL 2017.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

BASE = 0x9E3779B97F4A7C15  # an odd number, so that it has an inverse modulo 2^64
INVERSE = pow(BASE, -1, 1 << 64)
MIX = np.uint64(0xD6E8FEB86659FD93)
"""An odd constant with bits in all places. Source: Kaplan, Fast splittable hash functions, rrmxmx."""

SPACE, END = 32, 10
MARKS = re.compile(r"[^a-z0-9]+")
"""What parts words in a text without accents, in lower case."""


class Bags(NamedTuple):
    """The buckets of texts: `ids`, int32, holds those of all of them, and text i has `ids[ends[i - 1] : ends[i]]`.

    A bucket that stands in a text several times is there several times.
    """

    ids: np.ndarray
    ends: np.ndarray

    def matrix(self, buckets: int) -> sparse.csr_matrix:
        """How often each bucket stands in each text, float32 of (texts, buckets)."""
        bounds = np.concatenate([np.zeros(1, np.int64), self.ends])
        made = sparse.csr_matrix((np.ones(len(self.ids), np.float32), self.ids, bounds), (len(self.ends), buckets))
        made.sum_duplicates()
        return made


def plain(text: str) -> str:
    """A text in lower case, without accents, of letters a to z, digits and spaces; line ends and END stay what they
    are."""
    return unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()


def bags(
    texts: Sequence[str], *, words: tuple[int, ...] = (1, 2), chars: tuple[int, ...] = (3, 5), buckets: int = 1 << 18
) -> Bags:
    """The buckets of each text, from 0 to `buckets - 1`, a power of two.

    `words` are the shortest and the longest run of words that counts, `chars` those of pieces within a word, whose
    beginning and end count as a letter; an empty tuple leaves the kind out. Accents and case are dropped, and all but
    letters and digits parts words. The same text gives the same buckets, whatever stands beside it.
    """
    if buckets & (buckets - 1):
        raise ValueError(f"{buckets} is no power of two")
    lines = plain("\n".join(text.replace("\n", " ") for text in texts)).split("\n") if len(texts) else []
    joined = "\n".join(f" {MARKS.sub(' ', line).strip()} " for line in lines) + "\n"
    letters = np.frombuffer(joined.encode("ascii"), np.uint8) if lines else np.zeros(0, np.uint8)
    hashes = _Hashes(letters)
    kinds = [hashes.words(length) for length in _lengths(words)] + [hashes.pieces(n) for n in _lengths(chars)]
    return _merged(kinds, len(lines), buckets)


def _lengths(bounds: tuple[int, ...]) -> range:
    return range(bounds[0], bounds[-1] + 1) if bounds else range(0)


class _Hashes:
    """Hashes of stretches of `letters`, texts with a space before, between and behind their words, each with END."""

    def __init__(self, letters: np.ndarray) -> None:
        self.letters = letters
        # The hash of a stretch is the sum of letter x BASE^place, shifted back to place 0, all modulo 2^64.
        powers = np.multiply.accumulate(np.full(len(letters) + 1, BASE, np.uint64)) * np.uint64(INVERSE)
        self.shift = np.multiply.accumulate(np.full(len(letters) + 1, INVERSE, np.uint64)) * np.uint64(BASE)
        self.sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(letters.astype(np.uint64) * powers[:-1])])
        gap = (letters == SPACE) | (letters == END)
        self.line = np.cumsum(letters == END) - (letters == END)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], gap, [True]]).astype(np.int8)))
        self.starts, self.stops = edges[::2], edges[1::2]
        self.gaps = np.concatenate([[0], np.cumsum(gap)])

    def words(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The text and the hash of each run of `count` words."""
        many = len(self.starts) - count + 1
        if many < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        first, last = self.starts[:many], self.stops[count - 1 :]
        same = self.line[first] == self.line[last - 1]
        return self.line[first[same]], self._of(first[same], last[same], 64 + count)

    def pieces(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """The text and the hash of each piece of `length` letters of a word, the spaces around it counted."""
        many = len(self.letters) - length + 1
        if many < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.uint64)
        first = np.arange(many)
        inner = self.gaps[first + length - 1] == self.gaps[first + 1]  # no gap but at the two ends
        filled = self.gaps[first + length] - self.gaps[first] < length
        within = inner & filled & (self.letters[first] != END) & (self.letters[first + length - 1] != END)
        first = first[within]
        return self.line[first], self._of(first, first + length, length)

    def _of(self, first: np.ndarray, last: np.ndarray, kind: int) -> np.ndarray:
        hashed = (self.sums[last] - self.sums[first]) * self.shift[first] + np.uint64(kind)
        hashed ^= hashed >> np.uint64(32)
        hashed *= MIX
        return hashed ^ (hashed >> np.uint64(32))


def _merged(kinds: list[tuple[np.ndarray, np.ndarray]], texts: int, buckets: int) -> Bags:
    """The hashes of several kinds, each in the order of the texts, put together text by text."""
    counts = [np.bincount(line, minlength=texts) for line, _ in kinds]
    total = np.sum(counts, axis=0) if counts else np.zeros(texts, np.int64)
    ends = np.cumsum(total).astype(np.int64)
    place = ends - total
    ids = np.empty(int(ends[-1]) if texts else 0, np.int32)
    for (line, hashed), count in zip(kinds, counts, strict=True):
        within = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
        ids[place[line] + within] = (hashed & np.uint64(buckets - 1)).astype(np.int32)
        place = place + count
    return Bags(ids, ends)
