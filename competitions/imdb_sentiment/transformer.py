"""A small Transformer: words attend to each other, and their mean and maximum are judged.

Source: Vaswani et al., Attention Is All You Need, 2017; positions are told by its sines. Expected accuracy and minutes
in the table of README.md.
"""

import numpy as np
from keras import layers, ops

from kit.toolbox import networks

from . import _networks

SMOKE = {"epochs": 6, "embedding": 8, "heads": 2, "hidden": 16, "length": 60, "batch": 16, "rate": 1e-2}
EXTRA = "keras"


def fit(
    fold,
    *,
    depth: int = 1,
    heads: int = 4,
    hidden: int = 128,  # of the layer behind the attention
    embedding: int = 64,
    within: float = 0.1,  # dropout within a block
    dropout: float = 0.3,
    **training: _networks.train,
):
    networks.begin(fold)
    own = {"depth": depth, "heads": heads, "hidden": hidden, "within": within}
    return _networks.train(fold, _network, own, ngrams=1, embedding=embedding, dropout=dropout, **training)


def load(dir):
    return _networks.load(dir, _network)


def _network(x, there, lstm, *, depth, heads, hidden, within):
    width = x.shape[-1]
    x = x + _sines(there, width)
    # A review without a word would attend to nothing: its first place counts as a word.
    first = ops.equal(ops.cumsum(ops.ones_like(there, dtype="int32"), axis=1), 1)
    seen = ops.logical_or(there, ops.logical_and(first, ops.logical_not(ops.any(there, axis=1, keepdims=True))))
    for _ in range(depth):
        attention = layers.MultiHeadAttention(heads, width // heads, dropout=within)
        x = layers.LayerNormalization()(x + attention(x, x, attention_mask=seen[:, None, :]))
        inner = layers.Dense(width)(layers.Dense(hidden, activation="relu")(x))
        x = layers.LayerNormalization()(x + layers.Dropout(within)(inner))
    weight = ops.cast(seen, x.dtype)[:, :, None]
    mean = ops.sum(x * weight, axis=1) / ops.sum(weight, axis=1)
    return ops.concatenate([mean, ops.max(x - 1e4 * (1 - weight), axis=1)], axis=1)


def _sines(there, width):
    """The place of each word as sines and cosines of `width` // 2 wavelengths, (n, words, width)."""
    place = ops.cumsum(ops.ones_like(there, dtype="float32"), axis=1)[:, :, None]
    angle = place * np.exp(-np.log(10_000) * np.arange(width // 2) / (width // 2)).astype(np.float32)
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)
