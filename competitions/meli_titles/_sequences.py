"""Titles as sequences of words for a network: the number of each word, and the numbers of its pieces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kit.rows import spilled
from kit.rows.views import Rows
from kit.toolbox import cooccurrence, ngrams

from . import _titles

PADDING, UNKNOWN, FIRST = 0, 1, 2
FILE = "words.json"

PART = 50_000
"""Titles that are read at a time."""


class Words:
    """The words of a vocabulary, and how titles become arrays of their numbers.

    `length` words of a title are read, and of each word at most `pieces` pieces of three to five letters, in `buckets`
    buckets; with none there is no second array.
    """

    def __init__(self, words: tuple[str, ...], *, length: int, pieces: int, buckets: int, read: dict[str, Any]) -> None:
        self.words, self.length, self.pieces, self.buckets, self.read = words, length, pieces, buckets, read
        self._number = {word: number for number, word in enumerate(words, FIRST)}

    def __len__(self) -> int:
        return len(self.words) + FIRST

    def __call__(self, titles: list[str]) -> Any:
        """Numbers of words, int32 of (n, length), 0 behind the end; with pieces also theirs, int32 of (n, length x
        pieces), 0 where there are fewer."""
        told = [cooccurrence.words(title)[: self.length] for title in _titles.normalised(titles, **self.read)]
        numbers = np.zeros((len(told), self.length), np.int32)
        for line, each in zip(numbers, told, strict=True):
            line[: len(each)] = [self._number.get(word, UNKNOWN) for word in each]
        if not self.pieces:
            return numbers
        return numbers, self._pieces(told)

    def stored(self, titles: Rows) -> Any:
        """The arrays that a call gives, as Rows of temporary files: they are made part by part, so that memory does
        not grow with the number of titles."""
        parts = (self(titles[start : start + PART].take()) for start in range(0, len(titles), PART))
        if not self.pieces:
            return Rows(spilled.joined(parts))
        # The pieces follow from the words alone, but are far more: both are written in one go.
        both = spilled.joined(np.concatenate(part, axis=1) for part in parts)
        return Rows(both[:, : self.length]), Rows(both[:, self.length :])

    def _pieces(self, told: list[list[str]]) -> np.ndarray:
        different = sorted({word for each in told for word in each})
        place = {word: number for number, word in enumerate(different, 1)}
        made = ngrams.bags(different, words=(), chars=(3, 5), buckets=self.buckets)
        counts = np.diff(made.ends, prepend=0)
        table = np.zeros((len(different) + 1, self.pieces), np.int32)
        row = np.repeat(np.arange(1, len(different) + 1), counts)
        at = np.arange(len(made.ids)) - np.repeat(made.ends - counts, counts)
        kept = at < self.pieces
        table[row[kept], at[kept]] = made.ids[kept] + 1
        words = np.zeros((len(told), self.length), np.int64)
        for line, each in zip(words, told, strict=True):
            line[: len(each)] = [place[word] for word in each]
        return table[words].reshape(len(told), -1)

    def save(self, dir: Path) -> None:
        """Keep the vocabulary beside a model."""
        dir.mkdir(parents=True, exist_ok=True)
        said = {name: getattr(self, name) for name in ("words", "length", "pieces", "buckets", "read")}
        (dir / FILE).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def restored(cls, dir: Path) -> Words:
        """The vocabulary that `save` kept."""
        said = json.loads((dir / FILE).read_text(encoding="utf-8"))
        return cls(tuple(said.pop("words")), **said)
