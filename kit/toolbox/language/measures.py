"""How well a model of texts knows texts, and how its own look: bits, perplexity, repetition, copies, unknown words."""

from __future__ import annotations

import re
from collections.abc import Sequence

SPOKEN = re.compile(r"\w+(?:['-]\w+)*")
"""A word, without marks."""

COPIED = 8
"""Words of a run that count as copied: by chance it seldom stands in two texts."""


def characters(text: str) -> int:
    """The characters of a text that models are judged by; its end is one."""
    return len(text) + 1


def words(text: str) -> int:
    """The words of a text that models are judged by, parted by spaces, whatever its tokens are; the end is one."""
    return len(text.split()) + 1


def known(bits: float, characters: int, words: int) -> dict[str, float]:
    """Bits per character, and perplexity per word, of texts that take `bits` altogether."""
    return {"bits_per_character": bits / characters, "perplexity": float(2 ** (bits / words))}


def written(texts: Sequence[str], trained: Sequence[str]) -> dict[str, float]:
    """How texts that a model wrote differ from others, each from 0 to 1.

    `distinct_1`, `distinct_2` and `distinct_3` are the different runs of so many words, of all runs (Li and others, A
    Diversity-Promoting Objective Function, NAACL 2016): little is repetition. `copied` is the share of runs of COPIED
    words that stand in a text of `trained`: much is memory. `unknown` is the share of words that stand in none.
    """
    split = [SPOKEN.findall(text.lower()) for text in texts]
    wanted = {run for words in split for run in _runs(words, COPIED)}
    seen: set[tuple[str, ...]] = set()
    vocabulary: set[str] = set()
    for text in trained:
        words = SPOKEN.findall(text.lower())
        vocabulary.update(words)
        seen.update(wanted.intersection(_runs(words, COPIED)))
    figures = {}
    for length in (1, 2, 3):
        runs = [run for words in split for run in _runs(words, length)]
        figures[f"distinct_{length}"] = len(set(runs)) / max(1, len(runs))
    long = [run for words in split for run in _runs(words, COPIED)]
    every = [word for words in split for word in words]
    figures["copied"] = sum(run in seen for run in long) / max(1, len(long))
    figures["unknown"] = sum(word not in vocabulary for word in every) / max(1, len(every))
    return figures


def _runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]
