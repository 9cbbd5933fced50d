"""A small GPT over tokens: trained with Keras, and computed with NumPy afterwards, with keys and values kept.

Source: Radford and others, Language Models are Unsupervised Multitask Learners, 2019; RMS norm: Zhang and Sennrich,
Root Mean Square Layer Normalization, NeurIPS 2019; squared ReLU: So and others, Primer, NeurIPS 2021; a convolution
over characters below all layers: Kim and others, Character-Aware Neural Language Models, AAAI 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.toolbox.language.counts import END
from kit.toolbox.language.vocabulary import Vocabulary

ROWS = 16
"""Texts that are measured side by side."""

EPSILON = 1e-6
"""Keras's default of RMSNormalization."""

GROWN = 64
"""Positions by which the room for keys and values grows, so that short texts need little."""


def network(
    tokens: int, length: int, *, width: int, depth: int, heads: int, dropout: float, convolution: int = 0
) -> Any:
    """The Keras model: tokens (batch, length) to logits (batch, length, tokens). Before the first layer `convolution`
    adds to each embedding what it makes of so many, the last ones and its own; with 0 there is none. Raises KitError
    for fewer."""
    if convolution < 0:
        raise KitError(
            f"A convolution of {convolution} tokens is none.",
            "It reads the last 1 or more; 0 leaves it out.",
            "--set convolution=3",
        )
    import keras

    from kit.toolbox.language.layers import rotary

    inputs = keras.Input((length,), dtype="int32")
    embedding = keras.layers.ReversibleEmbedding(tokens, width, name="embedding")
    # Embeddings as small as a softmax wants them would be drowned by what the first layer adds.
    x = keras.layers.RMSNormalization(name="first")(embedding(inputs))
    if convolution:
        x = x + keras.layers.Conv1D(width, convolution, padding="causal", use_bias=False, name="convolution")(x)
    x = keras.layers.Dropout(dropout)(x)

    def dense(size: int, name: str, **settings: Any) -> Any:
        return keras.layers.Dense(size, use_bias=False, name=name, **settings)

    for at in range(depth):
        heard = dense(3 * width, f"qkv_{at}")(keras.layers.RMSNormalization(name=f"before_{at}")(x))
        # What is added begins at nothing, so that a deep network begins as a shallow one.
        heard = dense(width, f"heard_{at}", kernel_initializer="zeros")(rotary(heads)(heard))
        x = x + keras.layers.Dropout(dropout)(heard)
        inner = dense(4 * width, f"up_{at}", activation="relu")(keras.layers.RMSNormalization(name=f"between_{at}")(x))
        inner = dense(width, f"down_{at}", kernel_initializer="zeros")(inner * inner)
        x = x + keras.layers.Dropout(dropout)(inner)
    x = keras.layers.RMSNormalization(name="last")(x)
    return keras.Model(inputs, embedding(x, reverse=True))


def weights(model: Any) -> dict[str, np.ndarray]:
    """The weights of the Keras model by the names of its layers, float32."""
    found = {layer.name: layer.get_weights()[0] for layer in model.layers if layer.get_weights()}
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items() if value.ndim}


def turns(positions: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine by which pairs of numbers are turned at `positions` (...,): float32 of (..., size / 2)."""
    speed = 10_000.0 ** (-np.arange(size // 2) / (size // 2))
    angle = np.asarray(positions)[..., None] * speed
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


@dataclass
class State:
    """Of each text how many tokens were read, int64 of (texts,), and of each layer the last keys and values, float32 of
    (texts, layers, heads, room, size): that of position i lies at i modulo the room, once this is a whole window.
    `last` are the embeddings that a convolution will read again, float32 of (texts, tokens, width)."""

    read: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    last: np.ndarray


class Attention:
    """What computes inside of a `model.Language`: the network's own numbers, by NumPy. A position hears the `window`
    last ones, itself among them."""

    def __init__(self, vocabulary: Vocabulary, held: Mapping[str, np.ndarray], heads: int, window: int) -> None:
        self.vocabulary, self.held, self.heads, self.window = vocabulary, dict(held), heads, window
        self.depth = sum(name.startswith("qkv_") for name in held)
        self.width = held["embedding"].shape[1]
        self.size = self.width // heads
        self.table = np.ascontiguousarray(held["embedding"].T)
        self.convolution: np.ndarray | None = held.get("convolution")  # (tokens, width, width), its own the last
        self.reach = 0 if self.convolution is None else len(self.convolution) - 1

    def likely(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability of each token of texts, and of the end behind each."""
        return self.weighed(texts, np.zeros(len(self.vocabulary)))[0]

    def weighed(self, texts: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `likely` gives, and at each place the sum over all tokens of probability times weight."""
        made = [np.zeros((2, 0))] * len(texts)
        order = np.argsort([-len(text) for text in texts], kind="stable")
        for start in range(0, len(order), ROWS):
            part = order[start : start + ROWS]
            given, _ = _filled([texts[at] for at in part])
            x, _, _ = self._whole(given)
            for row, at in enumerate(part):
                p = self._likely(x[row, : len(texts[at]) + 1])
                made[at] = np.stack([p[np.arange(len(p)), np.append(texts[at], END)], p @ weights])
        p, weighted = np.concatenate([*made, np.zeros((2, 0))], axis=1)
        return p, weighted

    def read(self, texts: Sequence[np.ndarray]) -> tuple[State, np.ndarray]:
        """A state of texts that go on, and the probabilities of what comes next in each."""
        # All that a position hears through all layers; what is before it cannot matter.
        given, lengths = _filled([text[-self.window * self.depth - self.reach :] for text in texts])
        x, keys, values = self._whole(given)
        room = min(self.window, -(-(given.shape[1] + 1) // GROWN) * GROWN)
        kept = [np.zeros((*keys.shape[:3], room, self.size), np.float32) for _ in range(2)]
        last = lengths[:, None] + np.arange(self.reach)  # behind the zeros that stand before all
        state = State(lengths, kept[0], kept[1], self._embedded(given)[np.arange(len(texts))[:, None], last])
        for row, length in enumerate(lengths):
            at = np.arange(max(0, length - room), length)
            state.keys[row][:, :, at % room] = keys[row][:, :, at]
            state.values[row][:, :, at % room] = values[row][:, :, at]
        return state, self._likely(x[np.arange(len(texts)), lengths - 1])

    def step(self, state: State, tokens: np.ndarray) -> tuple[State, np.ndarray]:
        """The state when each text has gone on with one of `tokens`, and the probabilities of what comes next."""
        room = state.keys.shape[3]
        if room < self.window and state.read.max() >= room:
            more = min(GROWN, self.window - room)
            wider = ((0, 0), (0, 0), (0, 0), (0, more), (0, 0))
            state = State(state.read, np.pad(state.keys, wider), np.pad(state.values, wider), state.last)
            room += more
        count = len(tokens)
        rows, place = np.arange(count), state.read % room
        cos, sin = (part[:, None, :] for part in turns(state.read, self.size))
        empty = np.arange(room) > state.read[:, None]  # nothing was written there yet
        embedded = np.concatenate([state.last, normed(self.held["embedding"][tokens[:, None]], self.held["first"])], 1)
        x = self._convolved(embedded)[:, 0]
        for at in range(self.depth):
            qkv = (normed(x, self.held[f"before_{at}"]) @ self.held[f"qkv_{at}"]).reshape(count, 3, self.heads, -1)
            query = _turned(qkv[:, 0], cos, sin)
            state.keys[rows, at, :, place] = _turned(qkv[:, 1], cos, sin)
            state.values[rows, at, :, place] = qkv[:, 2]
            scores = np.matmul(state.keys[:, at], query[..., None])[..., 0] / np.float32(self.size**0.5)
            scores[np.broadcast_to(empty[:, None], scores.shape)] = -np.inf
            heard = np.matmul(_softmax(scores)[:, :, None], state.values[:, at])[:, :, 0]
            x = self._rest(x, heard.reshape(count, -1), at)
        return State(state.read + 1, state.keys, state.values, embedded[:, 1:]), self._likely(x)

    def pick(self, state: State, numbers: np.ndarray) -> State:
        """The state of the texts at `numbers`."""
        return State(state.read[numbers], state.keys[numbers], state.values[numbers], state.last[numbers])

    def _whole(self, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens (texts, length) all at once: what the last layer makes of each, and keys and values (texts, layers,
        heads, length, size)."""
        count, length = given.shape
        cos, sin = turns(np.arange(length), self.size)
        apart = np.arange(length)[:, None] - np.arange(length)
        deaf = (apart < 0) | (apart >= self.window)
        x = self._convolved(self._embedded(given))
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        for at in range(self.depth):
            qkv = normed(x, self.held[f"before_{at}"]) @ self.held[f"qkv_{at}"]
            parts = qkv.reshape(count, length, 3, self.heads, self.size).transpose(2, 0, 3, 1, 4)
            query, key = _turned(parts[0], cos, sin), _turned(parts[1], cos, sin)
            scores = np.matmul(query, key.swapaxes(-1, -2)) / np.float32(self.size**0.5)
            scores[..., deaf] = -np.inf
            heard = np.matmul(_softmax(scores), parts[2]).transpose(0, 2, 1, 3).reshape(count, length, -1)
            x = self._rest(x, heard, at)
            kept.append((key, parts[2]))
        return x, np.stack([key for key, _ in kept], axis=1), np.stack([value for _, value in kept], axis=1)

    def _embedded(self, given: np.ndarray) -> np.ndarray:
        """Embeddings of tokens (texts, length), and zeros before them for the convolution to read, (texts, reach +
        length, width)."""
        x = normed(self.held["embedding"][given], self.held["first"])
        return np.pad(x, ((0, 0), (self.reach, 0), (0, 0)))

    def _convolved(self, embedded: np.ndarray) -> np.ndarray:
        """Of (texts, reach + length, width) what the first layer reads, (texts, length, width)."""
        if self.convolution is None:
            return embedded
        length = embedded.shape[1] - self.reach
        x = embedded[:, self.reach :].copy()
        for at, kernel in enumerate(self.convolution):
            x += embedded[:, at : at + length] @ kernel
        return x

    def _rest(self, x: np.ndarray, heard: np.ndarray, at: int) -> np.ndarray:
        x = x + heard @ self.held[f"heard_{at}"]
        inner = np.maximum(normed(x, self.held[f"between_{at}"]) @ self.held[f"up_{at}"], 0)
        return x + (inner * inner) @ self.held[f"down_{at}"]

    def _likely(self, x: np.ndarray) -> np.ndarray:
        return _softmax(normed(x, self.held["last"]) @ self.table)


def _filled(texts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Texts with END before each, filled up to the length of the longest; and their lengths, with the END."""
    lengths = np.array([len(text) + 1 for text in texts])
    given = np.full((len(texts), lengths.max(initial=1)), END)
    for row, text in enumerate(texts):
        given[row, 1 : len(text) + 1] = text
    return given, lengths


def _turned(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    one, other = np.split(x, 2, axis=-1)
    return np.concatenate([one * cos - other * sin, other * cos + one * sin], axis=-1)


def normed(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """What Keras's RMSNormalization makes of `x` (..., width)."""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(EPSILON)) * scale


def _softmax(scores: np.ndarray) -> np.ndarray:
    made = np.exp(scores - scores.max(-1, keepdims=True))
    return made / made.sum(-1, keepdims=True)
