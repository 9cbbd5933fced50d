"""An LSTM over tokens: trained with Keras, and computed with NumPy afterwards, one token at a time without waiting for
a framework.

Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; tied softmax: Press and Wolf, Using the Output
Embedding to Improve Language Models, EACL 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kit.toolbox.language.attention import normed
from kit.toolbox.language.counts import END
from kit.toolbox.language.vocabulary import Vocabulary

ROWS = 128
"""Texts that are measured side by side."""

State = list[np.ndarray]
"""Of each layer the output and the cell, float32 of (texts, units)."""


def network(tokens: int, lanes: int, length: int, *, units: int, depth: int, width: int, dropout: float) -> Any:
    """The Keras model: tokens (lanes, length) to logits (lanes, length, tokens). What it remembers goes on from batch
    to batch."""
    import keras

    inputs = keras.Input(batch_shape=(lanes, length), dtype="int32")
    embedding = keras.layers.ReversibleEmbedding(tokens, width, name="embedding")
    # Batches come without their number of lanes, and Keras 3.13 takes no memory along where it does not know it.
    laned = keras.ops.reshape(inputs, (lanes, length))
    # Embeddings as small as a softmax wants them would hardly move a gate, and hundreds of steps learn nothing.
    x = keras.layers.RMSNormalization(name="first")(embedding(laned))
    x = keras.layers.Dropout(dropout)(x)
    for number in range(depth):
        x = keras.layers.LSTM(units, return_sequences=True, stateful=True, name=f"lstm_{number}")(x)
        x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(width, name="out")(x)
    return keras.Model(inputs, embedding(x, reverse=True))


def weights(model: Any) -> dict[str, np.ndarray]:
    """The weights of the Keras model by name, float32."""
    found = {"embedding": model.get_layer("embedding").get_weights()[0]}
    (found["first"],) = model.get_layer("first").get_weights()
    found["out"], found["out_bias"] = model.get_layer("out").get_weights()
    lstms = [layer for layer in model.layers if layer.name.startswith("lstm_")]
    for number, layer in enumerate(lstms):
        for name, value in zip(("kernel", "recurrent", "gates"), layer.get_weights(), strict=False):
            found[f"{name}_{number}"] = value
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


class Recurrent:
    """What computes inside of a `model.Language`: the network's own numbers, by NumPy."""

    def __init__(self, vocabulary: Vocabulary, held: Mapping[str, np.ndarray]) -> None:
        self.vocabulary = vocabulary
        self.depth = sum(name.startswith("kernel_") for name in held)
        self.held = dict(held)
        # What the first layer makes of each token is looked up; all tokens of characters are few.
        self.first = normed(held["embedding"], held["first"]) @ held["kernel_0"] + held["gates_0"]
        # One product instead of two: the projection and the tied softmax.
        self.softmax = held["out"] @ held["embedding"].T
        self.bias = held["out_bias"] @ held["embedding"].T

    def likely(self, texts: Sequence[np.ndarray]) -> np.ndarray:
        """The probability of each token of texts, and of the end behind each."""
        return self.weighed(texts, np.zeros(len(self.vocabulary)))[0]

    def weighed(self, texts: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `likely` gives, and at each place the sum over all tokens of probability times weight."""
        made = [np.zeros((2, 0))] * len(texts)
        order = np.argsort([-len(text) for text in texts], kind="stable").tolist()
        for start in range(0, len(order), ROWS):
            part = order[start : start + ROWS]
            longest = len(texts[part[0]]) + 1
            wanted = np.full((len(part), longest), END)
            for row, at in enumerate(part):
                wanted[row, : len(texts[at])] = texts[at]
            state, p = self._begin(len(part))
            columns = np.empty((2, len(part), longest))
            for at in range(longest):
                columns[:, :, at] = p[np.arange(len(part)), wanted[:, at]], p @ weights
                if at + 1 < longest:
                    state, p = self.step(state, wanted[:, at])
            for row, at in enumerate(part):
                made[at] = columns[:, row, : len(texts[at]) + 1]
        p, weighted = np.concatenate([*made, np.zeros((2, 0))], axis=1)
        return p, weighted

    def read(self, texts: Sequence[np.ndarray]) -> tuple[State, np.ndarray]:
        """A state of texts that go on, and the probabilities of what comes next in each."""
        state, p = self._begin(len(texts))
        lengths = np.array([len(text) for text in texts])
        for at in range(lengths.max(initial=0)):
            open_ = np.flatnonzero(lengths > at)
            tokens = np.array([texts[i][at] for i in open_.tolist()])
            moved, p[open_] = self.step([array[open_] for array in state], tokens)
            for array, new in zip(state, moved, strict=True):
                array[open_] = new
        return state, p

    def step(self, state: State, tokens: np.ndarray) -> tuple[State, np.ndarray]:
        """The state when each text has gone on with one of `tokens`, and the probabilities of what comes next."""
        state = self._move(state, tokens)
        logits = state[2 * (self.depth - 1)] @ self.softmax + self.bias
        logits -= logits.max(1, keepdims=True)
        np.exp(logits, out=logits)
        return state, logits / logits.sum(1, keepdims=True)

    def pick(self, state: State, numbers: np.ndarray) -> State:
        """The state of the texts at `numbers`."""
        return [array[numbers] for array in state]

    def _begin(self, count: int) -> tuple[State, np.ndarray]:
        units = self.held["recurrent_0"].shape[0]
        return self.step([np.zeros((count, units), np.float32) for _ in range(2 * self.depth)], np.full(count, END))

    def _move(self, state: State, tokens: np.ndarray) -> State:
        moved: State = []
        for layer in range(self.depth):
            out, cell = state[2 * layer], state[2 * layer + 1]
            given = self.first[tokens] if layer == 0 else moved[-2] @ self.held[f"kernel_{layer}"]
            gates = given + out @ self.held[f"recurrent_{layer}"]
            if layer:
                gates += self.held[f"gates_{layer}"]
            units = cell.shape[1]
            kept = _sigmoid(gates[:, : 2 * units])
            new = np.tanh(gates[:, 2 * units : 3 * units])
            cell = kept[:, units:] * cell + kept[:, :units] * new
            moved += [_sigmoid(gates[:, 3 * units :]) * np.tanh(cell), cell]
        return moved


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # By the hyperbolic tangent, which overflows nowhere.
    return 0.5 * np.tanh(0.5 * x) + 0.5
