"""Texts that repeat each other, word for word or nearly so, as groups.

Source: Broder, On the resemblance and containment of documents, 1997: two texts resemble each other by the share of
their runs of words that both have, and candidates are found by the smallest hashes of those runs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

WORDS = 5
"""Words of a run. Two texts by different people seldom have five words in a row in common."""

SKETCH = 16
"""Smallest hashes of a text by which it is looked for: two texts that share half of their runs have none of 16 in
common once in 65,000 times."""

WORD = re.compile(r"\w+")


def groups(texts: Sequence[str], *, alike: float = 0.5, also: Sequence[str] | None = None) -> np.ndarray:
    """The group of each text, int64 of (n,), numbered from 0 in the order of their first texts.

    Texts are one group where they share at least `alike` of all runs of WORDS words that one of them has, apart from
    case and punctuation, or are linked so by others. `also` is a further key of each text, such as a film: texts of one
    key are one group too, but for an empty key. A text without a word is like no other.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    starts, hashes = _runs(texts)
    one, other = _candidates(starts, hashes)
    same = np.array([_alike(starts, hashes, i, j) >= alike for i, j in zip(one, other, strict=True)], bool)
    one, other = one[same], other[same]
    if also is not None:
        first: dict[str, int] = {}
        keyed = [(i, first.setdefault(key, i)) for i, key in enumerate(also) if key]
        linked = np.array(keyed, np.int64).reshape(-1, 2)
        one, other = np.concatenate([one, linked[:, 0]]), np.concatenate([other, linked[:, 1]])
    links = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(texts), len(texts)))
    group = connected_components(links, directed=False)[1]
    first_seen, number = np.unique(group, return_index=True)[1], np.empty(group.max(initial=-1) + 1, np.int64)
    number[np.argsort(first_seen, kind="stable")] = np.arange(len(first_seen))
    return number[group]


def _runs(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The different hashes of the runs of words of all texts, uint64, those of a text side by side in ascending order;
    and where each text's begin, int64 of (n + 1,). A text of fewer than WORDS words is one run."""
    number: dict[str, int] = {}
    starts, parts = np.zeros(len(texts) + 1, np.int64), []
    for at, text in enumerate(texts):
        ids = np.array([number.setdefault(word, len(number) + 1) for word in WORD.findall(text.lower())], np.uint64)
        parts.append(_hashed(ids))
        starts[at + 1] = starts[at] + len(parts[-1])
    return starts, np.concatenate([*parts, np.zeros(0, np.uint64)])


def _hashed(ids: np.ndarray) -> np.ndarray:
    """The different hashes of all runs of the words `ids`, ascending."""
    if not len(ids):
        return ids
    count = max(1, len(ids) - WORDS + 1)
    total = np.zeros(count, np.uint64)
    for place in range(min(WORDS, len(ids))):
        total = total * np.uint64(0x9E3779B97F4A7C15) + ids[place : place + count]
    # The last step of MurmurHash3, without which small numbers would have small hashes.
    total ^= total >> np.uint64(33)
    total *= np.uint64(0xFF51AFD7ED558CCD)
    total ^= total >> np.uint64(33)
    return np.unique(total)


def _candidates(starts: np.ndarray, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of texts that share one of their smallest hashes: of the texts of a hash, each with the one before it, so
    that a run of words that thousands of texts have does not make millions of pairs."""
    counts = np.minimum(np.diff(starts), SKETCH)
    text = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(text)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = hashes[starts[text] + within]
    order = np.argsort(kept, kind="stable")
    kept, text = kept[order], text[order]
    at = np.flatnonzero(kept[1:] == kept[:-1])
    pairs = np.unique(np.stack([text[at], text[at + 1]], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _alike(starts: np.ndarray, hashes: np.ndarray, one: int, other: int) -> float:
    """The share of the runs of two texts that both have, from 0 to 1."""
    a, b = hashes[starts[one] : starts[one + 1]], hashes[starts[other] : starts[other + 1]]
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)
