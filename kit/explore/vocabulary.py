"""The words of texts as a vocabulary: how it grows, what its commonest words cover, how many of a text must be read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.drawing import style

WORD = re.compile(r"[\w']+")

POINTS = 60
"""Points of a curve."""

SHARES = (0.9, 0.95, 0.99)
"""Shares of the train text of which it is told how many words cover them."""

SIZES = (5_000, 10_000, 20_000, 50_000)
"""Sizes of a vocabulary of which it is told how much of the test text they cover."""

LENGTHS = (50, 100, 200, 400, 800)
"""Numbers of words of which it is told how many texts have no more."""


class Vocabulary(NamedTuple):
    """How a vocabulary grows and what it covers.

    `read` and `known`, int64 of (points,), are words read and different words among them. `sizes`, int64, are sizes of
    a vocabulary of the commonest train words, `train` and `test`, float64, the shares of the texts' words that they
    cover. `once` is how many words stand in the train texts once.
    """

    read: np.ndarray
    known: np.ndarray
    sizes: np.ndarray
    train: np.ndarray
    test: np.ndarray
    once: int


def measure(texts: Sequence[str], others: Sequence[str]) -> Vocabulary:
    """The vocabulary of train `texts`, judged by the test texts `others` too; words in lower case."""
    counts: Counter[str] = Counter()
    marks = set(np.linspace(1, len(texts), min(POINTS, len(texts))).astype(int).tolist())
    read, known, total = [0], [0], 0
    for number, text in enumerate(texts, 1):
        found = WORD.findall(text.lower())
        counts.update(found)
        total += len(found)
        if number in marks:
            read.append(total)
            known.append(len(counts))
    ranked = sorted(counts.values(), reverse=True)
    place = {word: rank for rank, (word, _) in enumerate(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))}
    ranks = np.array([place.get(word, len(place)) for text in others for word in WORD.findall(text.lower())], np.int64)
    seen = np.cumsum(np.bincount(ranks, minlength=len(place) + 1)[: len(place)]) / max(len(ranks), 1)
    most = max(len(ranked), 1)
    sizes = np.unique(np.geomspace(1, most, POINTS).astype(np.int64))
    share = np.cumsum(ranked, dtype=np.float64) / max(total, 1) if ranked else np.zeros(1)
    test = seen if ranked else np.zeros(1)
    return Vocabulary(
        np.array(read), np.array(known), sizes, share[sizes - 1], test[sizes - 1], sum(count == 1 for count in ranked)
    )


def facts(held: Vocabulary, lengths: np.ndarray) -> dict[str, str | int | float]:
    """What of it is told in figures. `lengths` are the numbers of words of the train texts."""
    told: dict[str, str | int | float] = {
        "different words in train": int(held.known[-1]),
        "of them that stand there once": held.once,
    }
    for share in SHARES:
        if held.train[-1] >= share:
            size = int(held.sizes[np.argmax(held.train >= share)])
            told[f"words that cover {share:.0%} of train"] = size
    covers = [f"{size:,}: {_covered(held, size):.1%}" for size in SIZES if size < held.known[-1]]
    if covers:
        told["test words covered by the commonest"] = ", ".join(covers)
    shares = [f"{most}: {np.mean(lengths <= most):.0%}" for most in LENGTHS if most < lengths.max(initial=0)]
    if shares:
        told["train texts of at most so many words"] = ", ".join(shares)
    return told


def draw(held: Vocabulary, to: Path) -> Path:
    """Different words by words read, and the share of the text that the commonest words cover."""
    made, (growth, cover) = style.charts(2, "Vocabulary", size=(5.2, 3.4))
    growth.plot(held.read, held.known, color=style.BLUE, linewidth=1.4)
    growth.set_title("how it grows", fontsize=style.NORMAL, loc="left")
    growth.locator_params(axis="x", nbins=4)
    style.label(growth, "words of train read", "different words")
    for name, share, colour in (("train", held.train, style.BLUE), ("test", held.test, style.RED)):
        cover.plot(held.sizes, share * 100, color=colour, linewidth=1.4, label=f"{name}, {share[-1]:.1%} by all")
    cover.set_xscale("log")
    cover.xaxis.set_major_formatter("{x:,.10g}")
    cover.set_title("what the commonest words cover", fontsize=style.NORMAL, loc="left")
    cover.legend(fontsize=style.SMALL, frameon=False)
    style.label(cover, "size of the vocabulary, the commonest words of train", "share of the words, %")
    return style.save(made, to)


def _covered(held: Vocabulary, size: int) -> float:
    """The share of the test words that the `size` commonest train words cover."""
    return float(np.interp(np.log(size), np.log(held.sizes), held.test))
