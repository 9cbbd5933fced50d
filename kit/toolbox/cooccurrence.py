"""Word vectors from which words stand in the same texts: for short texts, without a network, in seconds.

Vectors are the singular vectors of positive pointwise mutual information. On corpora of this size they are as good as
those of word2vec. Source: Levy, Goldberg, Dagan, Improving Distributional Similarity with Lessons Learned from Word
Embeddings, TACL 2015; its recommended settings: contexts to the power 0.75, square roots of singular values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from kit import places
from kit.notes import tell
from kit.rows.views import Rows
from kit.toolbox import vectors
from kit.toolbox.ngrams import MARKS, plain

SMOOTHING = 0.75
PART = 100_000
"""Texts whose pairs of words are counted at a time."""

ENOUGH = 1_000_000
"""Texts that vectors are learned from; of more rows so many are drawn, so that memory does not grow with them."""


class WordVectors(NamedTuple):
    """`words`, the commonest first, how often each stands in the texts, `counts`, and `matrix`, float32 of (words,
    width), rows of length 1."""

    words: tuple[str, ...]
    counts: np.ndarray
    matrix: np.ndarray


def words(text: str) -> list[str]:
    """The words of a text: lower case, no accents, letters and digits."""
    return MARKS.sub(" ", plain(text)).split()


def drawn(texts: Rows) -> Any:
    """ENOUGH of the texts, evenly over their rows, as a batch of their store's kind; all where they are no more."""
    return texts.take(np.linspace(0, len(texts) - 1, ENOUGH).astype(np.int64) if len(texts) > ENOUGH else None)


def learn(
    texts: Sequence[str],
    *,
    width: int = 100,
    least: int = 2,
    most: int = 200_000,
    seed: int = 0,
    split: Callable[[str], list[str]] = words,
) -> WordVectors:
    """Vectors of the words that stand at least `least` times in the texts, the `most` commonest of them; `split` gives
    the words of a text.

    Two words are seen together when they stand in one text, which suits titles and not books. The same texts and seed
    give the same vectors. With fewer words than `width` the last numbers of each vector are 0.
    """
    from sklearn.utils.extmath import randomized_svd

    told = [split(text) for text in texts]
    number: dict[str, int] = {}
    flat = np.fromiter((number.setdefault(word, len(number)) for each in told for word in each), np.int64)
    often = np.bincount(flat, minlength=len(number))
    names = list(number)
    ranked = sorted((n for n in range(len(names)) if often[n] >= least), key=lambda n: (-often[n], names[n]))[:most]
    if not ranked:
        return WordVectors((), np.zeros(0, np.int64), np.zeros((0, width), np.float32))
    place = np.full(len(names), -1, np.int64)
    place[ranked] = np.arange(len(ranked))
    row = np.repeat(np.arange(len(told)), [len(each) for each in told])
    column, kept = place[flat], place[flat] >= 0
    stands = sparse.csr_matrix(
        (np.ones(int(kept.sum()), np.float32), (row[kept], column[kept])), (len(told), len(ranked))
    )
    stands.data[:] = 1
    pairs = sparse.csr_matrix((len(ranked), len(ranked)), dtype=np.float32)
    for start in range(0, len(told), PART):
        part = stands[start : start + PART]
        pairs = pairs + part.T @ part
    pairs.setdiag(0)
    pairs.eliminate_zeros()
    pairs = pairs.tocoo()
    totals = np.asarray(pairs.sum(1)).ravel().astype(np.float64)
    contexts = totals**SMOOTHING
    total = max(totals.sum(), 1.0)
    expected = totals[pairs.row] * contexts[pairs.col] / max(contexts.sum(), 1.0)
    information = np.log(np.maximum(pairs.data / np.maximum(expected, 1e-12), 1e-12)) if total else pairs.data
    positive = information > 0
    matrix = sparse.csr_matrix(
        (information[positive].astype(np.float32), (pairs.row[positive], pairs.col[positive])), pairs.shape
    )
    made = np.zeros((len(ranked), width), np.float32)
    count = min(width, len(ranked) - 1)
    if count > 0 and matrix.nnz:
        left, values, _ = randomized_svd(matrix, count, random_state=seed, n_iter=4)
        made[:, :count] = left * np.sqrt(values)
    length = np.linalg.norm(made, axis=1, keepdims=True)
    made /= np.maximum(length, 1e-9)
    return WordVectors(tuple(names[n] for n in ranked), often[ranked], made)


class Table(NamedTuple):
    """The vectors that a network begins with, float32 of (special numbers and words, width), the `words` behind the
    special numbers, and the share of all that the texts say whose words have a vector, from 0 to 1."""

    table: np.ndarray
    words: tuple[str, ...]
    coverage: float


def table(texts: Sequence[str], file: str = "", *, width: int, special: int, seed: int) -> Table:
    """Vectors of the words of texts: those in a `file` of GloVe's format, or learned from the texts themselves.

    Number 0, the padding, is zeros. The other `special` numbers, and words that the file lacks, begin at random, as
    long as the others are on average. Of a file the coverage is told to a person. Errors as `vectors.read`.
    """
    learned = learn(texts, width=2 if file else width, seed=seed)
    matrix, known = learned.matrix, np.ones(len(learned.words), bool)
    coverage = 1.0
    if file:
        read = vectors.read(file, learned.words)
        matrix, known, coverage = read.matrix, read.known, read.covered(learned.counts)
        tell(f"{file}: {read.coverage:.1%} of {len(known):,} words have a vector, {coverage:.1%} of what is said")
    made = np.random.default_rng(seed).standard_normal((len(known) + special, matrix.shape[1])).astype(np.float32)
    length = float(np.linalg.norm(matrix[known], axis=1).mean()) if known.any() else 1.0
    made *= length / np.sqrt(matrix.shape[1])
    made[0] = 0
    made[special:][known] = matrix[known]
    return Table(made, learned.words, coverage)


def write(made: WordVectors, file: Path) -> None:
    """Write vectors in GloVe's text format, whole or not at all: a word and its numbers a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with places.whole(file) as part, part.open("w", encoding="utf-8", newline="\n") as text:
        for word, numbers in zip(made.words, made.matrix.tolist(), strict=True):
            text.write(f"{word} {' '.join(f'{number:.6g}' for number in numbers)}\n")
