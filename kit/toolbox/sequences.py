"""Texts as word numbers for Keras: a vocabulary, batches of like length, models that read texts themselves.

A text is padded with zeros behind its end, and a model must mask them: then a prediction hangs on no other text, and
the same weights read any padding. The words are those of `keras.layers.TextVectorization`, so that a stored model has
them inside.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kit.notes import tell
from kit.task.contract import Fitted
from kit.toolbox import lengths, networks, vectors

STEP = 20
"""Batches are padded to a multiple of so many words, so that few different shapes occur."""

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""The numbers of what is no word, of words that the vocabulary lacks, and of the commonest word."""

PUNCTUATION = re.compile(rb"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']")
"""What TextVectorization takes out of a text (`lower_and_strip_punctuation`). Its lower case is that of ASCII."""


def words(text: str, ngrams: int = 1) -> list[bytes]:
    """The words of a text as TextVectorization tells them, in UTF-8; behind them the runs of two words, and so on up to
    `ngrams`."""
    told = PUNCTUATION.sub(b"", text.encode("utf-8", "replace").lower()).split()
    runs = [b" ".join(told[at : at + n]) for n in range(2, ngrams + 1) for at in range(len(told) - n + 1)]
    return told + runs


class Vocabulary:
    """The numbers of words. `words` are those it holds, the commonest first, the first of them numbered FIRST; `counts`
    says how often each stands in the texts that it was learned from, and is empty for one that was stored. With
    `ngrams` above 1 runs of so many words at most are words too."""

    def __init__(self, words: Iterable[str], counts: Sequence[int] = (), ngrams: int = 1) -> None:
        self.words, self.counts, self.ngrams = tuple(words), tuple(counts), ngrams
        self._number = {word.encode(): number for number, word in enumerate(self.words, FIRST)}

    @classmethod
    def learned(cls, texts: Sequence[str], size: int, ngrams: int = 1) -> Vocabulary:
        """The commonest words of texts, of equals the first by letters: as many as make `size` numbers in all."""
        counts = Counter(word for text in texts for word in words(text, ngrams))
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[: max(size - FIRST, 1)]
        return cls([word.decode("utf-8") for word, _ in ranked], [count for _, count in ranked], ngrams)

    def __len__(self) -> int:
        return len(self.words) + FIRST

    def __call__(self, texts: Sequence[str], length: int) -> Sequences:
        """The numbers of the words of texts, of a longer text its last `length`: the verdict is at the end."""
        parts = []
        for text in texts:
            told = words(text, self.ngrams)[-length:]
            parts.append(np.fromiter((self._number.get(word, UNKNOWN) for word in told), np.int32, len(told)))
        return Sequences(parts)


def embedding(vocabulary: Vocabulary, file: str) -> np.ndarray:
    """The vectors of a vocabulary's words from a file of GloVe's format, float32 of (len(vocabulary), width), zeros for
    words that the file lacks. A person is told how many it has. Raises KitError as `vectors.read` does."""
    read = vectors.read(file, vocabulary.words)
    covered = f", {read.covered(vocabulary.counts):.1%} of the texts" if vocabulary.counts else ""
    tell(f"{file} has {read.coverage:.1%} of the {len(vocabulary.words):,} words{covered}.")
    return np.concatenate([np.zeros((FIRST, read.width), np.float32), read.matrix])


class Sequences:
    """Word numbers of texts, int32 of one length each."""

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = parts
        self.lengths = np.array([len(part) for part in parts], np.int64)

    def __len__(self) -> int:
        return len(self.parts)

    def padded(self, rows: np.ndarray, least: int = 0) -> np.ndarray:
        """The rows at `rows`, int32 of (n, words): whole STEPs, enough for the longest of them and for `least`."""
        longest = max(least, 1, int(self.lengths[rows].max(initial=0)))
        table = np.zeros((len(rows), -(-longest // STEP) * STEP), np.int32)
        for line, row in zip(table, rows, strict=True):
            line[: self.lengths[row]] = self.parts[row]
        return table


def batches(sequences: Sequences, y: np.ndarray, batch: int, *, seed: int | None = None) -> Any:
    """A `keras.utils.PyDataset` of padded word numbers and labels, as `lengths.batches` puts them together."""
    return lengths.batches(sequences.lengths, y, batch, STEP, lambda rows, *_: sequences.padded(rows), seed=seed)


def predictor(model: Any, vocabulary: Vocabulary, length: int, *, batch: int = 128) -> Fitted:
    """A Fitted for texts by a Keras model of padded word numbers `(n, words)` that gives `(n, 1)`: float32 of (n,).

    Texts of one padded length go together, in batches of one size, so that a row's prediction hangs on no other.
    """

    def predict(texts: Any) -> np.ndarray:
        sequences = vocabulary([str(text) for text in texts], length)
        pred = np.zeros(len(sequences), np.float32)
        width = -(-np.maximum(sequences.lengths, 1) // STEP)
        for each in np.unique(width):
            rows = np.flatnonzero(width == each)
            for start in range(0, len(rows), batch):
                part = rows[start : start + batch]
                filled = np.concatenate([part, np.repeat(part[:1], batch - len(part))])
                given = model.predict_on_batch(sequences.padded(networks.shared(filled)))
                pred[part] = np.asarray(given, np.float32)[: len(part), 0]
        return pred

    return Fitted(predict, model.count_params())


def of_texts(model: Any, vocabulary: Vocabulary, length: int) -> Any:
    """A Keras model of texts, `(n, 1)` strings, around a `model` of word numbers: it needs nothing of kit."""
    import keras
    from keras import ops

    text = keras.Input((1,), dtype="string", name="text")
    ngrams = vocabulary.ngrams if vocabulary.ngrams > 1 else None
    told = keras.layers.TextVectorization(vocabulary=list(vocabulary.words), ngrams=ngrams, name="words")(text)
    # The last `length` words of each text, from its first place on.
    count = ops.sum(ops.cast(ops.not_equal(told, PADDING), "int32"), axis=1, keepdims=True)
    wide = ops.pad(told, ((0, 0), (0, length)))
    place = ops.cumsum(ops.ones_like(wide[:, :length], dtype="int32"), axis=1) - 1 + ops.maximum(count - length, 0)
    return keras.Model(text, model(ops.take_along_axis(wide, ops.cast(place, "int32"), axis=1)), name="of_texts")
