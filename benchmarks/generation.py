"""Characters a second that a trained network writes, with its memory kept, against the loop of Keras's example, which
runs the whole text again for each character.

    python -m benchmarks.generation

Weights are random, as speed does not hang on them; sizes are those of the recipes. The naive loop is that of
keras.io/examples/generative/lstm_character_level_text_generation: a window of the last characters, `model.predict` of
it, the last row of the answer. Both write the same characters, the likeliest each time, which is checked.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from kit.task.sampling import Sampling
from kit.toolbox.language import attention, recurrent
from kit.toolbox.language.model import Inside, Language
from kit.toolbox.language.vocabulary import Vocabulary

LETTERS = Vocabulary("characters", ("\n", "", *map(chr, range(32, 130))))
WINDOW = 128
WRITTEN, NAIVE = 1_000, 60
"""Characters that are written by each; the naive loop is so slow that a few tell its speed."""
PROMPT = "The president said on Monday that"


class Endless:
    """A network that never ends a text, so that all write as many characters."""

    def __init__(self, inside: Inside) -> None:
        self.inside, self.vocabulary = inside, inside.vocabulary

    def read(self, texts):
        state, p = self.inside.read(texts)
        return state, self._open(p)

    def step(self, state, tokens):
        state, p = self.inside.step(state, tokens)
        return state, self._open(p)

    def _open(self, p: np.ndarray) -> np.ndarray:
        p[:, :2] = 0
        return p


def kept(inside: Inside, count: int) -> tuple[str, float]:
    """A text of `count` characters, and characters a second."""
    text: list[str] = []
    started = time.perf_counter()
    for piece in Language(Endless(inside)).write(PROMPT, Sampling(0), 10**9, 0):
        text.append(piece)
        if len(text) == count:
            break
    return "".join(text), count / (time.perf_counter() - started)


def naive(model, count: int) -> tuple[str, float]:
    """The same by running the last WINDOW characters through the Keras model for each one."""
    tokens = [0, *LETTERS.encode(PROMPT).tolist()]
    begun = len(tokens)
    _next(model, tokens)  # compiled
    started = time.perf_counter()
    for _ in range(count):
        tokens.append(_next(model, tokens))
    return LETTERS.decode(tokens[begun:]), count / (time.perf_counter() - started)


def _next(model, tokens: list[int]) -> int:
    last = tokens[-WINDOW:]
    given = np.zeros((1, WINDOW), np.int32)
    given[0, : len(last)] = last
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    scores = np.array(model.predict(given, verbose=0)[0, len(last) - 1])
    scores[:2] = -np.inf
    return int(scores.argmax())


def main() -> None:
    import keras

    keras.utils.set_random_seed(0)
    lstm = recurrent.network(len(LETTERS), 1, WINDOW, units=512, depth=1, width=128, dropout=0.0)
    gpt = attention.network(len(LETTERS), WINDOW, width=192, depth=4, heads=6, dropout=0.0)
    insides = {
        "char_lstm": (recurrent.Recurrent(LETTERS, recurrent.weights(lstm)), lstm),
        "char_transformer": (attention.Attention(LETTERS, attention.weights(gpt), 6, WINDOW), gpt),
    }
    print("| network | characters a second | the naive loop | times |\n| --- | --- | --- | --- |")
    for name, (inside, model) in insides.items():
        text, fast = kept(inside, WRITTEN)
        same, slow = naive(model, NAIVE)
        assert text.startswith(same), (text[:NAIVE], same)
        print(f"| `{name}` | {fast:,.0f} | {slow:,.1f} | {fast / slow:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
