"""Texts as a pretrained encoder takes them: word pieces, in batches of like length, and those through a model.

For recipes alone: it imports TensorFlow when it is imported, as they do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (registers the operations of the preprocessing)
import tf_keras

from kit.errors import KitError

with warnings.catch_warnings():
    # It imports pkg_resources, which says at every start that it is deprecated.
    warnings.simplefilter("ignore", UserWarning)
    import tensorflow_hub as hub

STEP = 8
"""Lengths are multiples of this where nothing else is said: a text is padded to the next, and its prediction hangs on
no other text."""


class Inputs:
    """Rows as a model takes them: word pieces of texts, or vectors.

    `take(rows)` gives the inputs at an integer array of rows; `lengths`, where given, are the rows' numbers of word
    pieces, by which they are put together, each padded to a multiple of `step`.
    """

    def __init__(
        self, take: Callable[[np.ndarray], Any], count: int, lengths: np.ndarray | None = None, step: int = STEP
    ) -> None:
        self.take, self.count, self.lengths, self.step = take, count, lengths, step


class Pieces:
    """The preprocessing: texts to word pieces, at most `length` of them a text.

    Where `bucket`, a batch is padded to the next multiple of `step` of its longest text, else to `length`. Raises
    KitError for a `step` below 1.
    """

    def __init__(self, preprocess: str, *, length: int, bucket: bool, step: int = STEP) -> None:
        if step < 1:
            raise KitError(f"Texts cannot be padded to multiples of {step}.", "It must be 1 or more.", "--set step=8")
        preprocessing = hub.load(preprocess)
        self._tokenize, self._pack = preprocessing.tokenize, preprocessing.bert_pack_inputs
        self.length, self.bucket, self.step = length, bucket, step

    def __call__(self, texts: Sequence[str]) -> Inputs:
        ids, lengths = np.zeros((len(texts), self.length), np.int32), np.zeros(len(texts), np.int64)
        # In parts, since a million texts would take gigabytes on the way.
        for start in range(0, len(texts), 4096):
            part = slice(start, start + 4096)
            packed = self._pack([self._tokenize(tf.constant(texts[part]))], seq_length=tf.constant(self.length))
            ids[part], lengths[part] = packed["input_word_ids"], np.sum(packed["input_mask"], axis=1)

        def take(rows: np.ndarray) -> dict[str, np.ndarray]:
            longest = self.length
            if self.bucket:
                longest = min(-(-int(lengths[rows].max()) // self.step) * self.step, self.length)
            mask = (np.arange(longest) < lengths[rows][:, None]).astype(np.int32)
            return {"input_word_ids": ids[rows, :longest], "input_mask": mask, "input_type_ids": np.zeros_like(mask)}

        return Inputs(take, len(texts), lengths if self.bucket else None, self.step)


class Batches(tf_keras.utils.Sequence):
    """Shuffled batches of one epoch after another; texts of like length share one.

    Lengths are sorted within blocks of 32 batches, so that what shares a batch is still mostly chance.
    """

    BLOCK = 32

    def __init__(self, inputs: Inputs, y: np.ndarray, *, batch: int, seed: int) -> None:
        self.inputs, self.y, self.batch = inputs, y.astype(np.float32), batch
        self._random = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self.y) // self.batch)

    def __getitem__(self, index: int) -> tuple[Any, np.ndarray]:
        rows = self._order[index]
        return self.inputs.take(rows), self.y[rows]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        rows, lengths = self._random.permutation(len(self.y)), self.inputs.lengths
        if lengths is not None:
            size = self.BLOCK * self.batch
            blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
            rows = np.concatenate([block[np.argsort(lengths[block], kind="stable")] for block in blocks])
        order = [rows[start : start + self.batch] for start in range(0, len(rows), self.batch)]
        self._order = [order[place] for place in self._random.permutation(len(order))]


def outputs(model: tf_keras.Model, inputs: Inputs, *, batch: int = 64) -> np.ndarray:
    """What `model` gives for each row, float32 of (n, width).

    Rows of one length go together, in batches of one size, so that a row's output does not hang on the others.
    """
    given = np.zeros((inputs.count, model.output_shape[1]), np.float32)
    widths = np.zeros(inputs.count, int) if inputs.lengths is None else -(-inputs.lengths // inputs.step)
    for width in np.unique(widths):
        rows = np.flatnonzero(widths == width)
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            filled = np.concatenate([part, np.repeat(part[:1], batch - len(part))])
            given[part] = model.predict_on_batch(inputs.take(filled))[: len(part)]
    return given
