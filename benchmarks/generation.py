"""Characters a second that a network writes with its memory kept, against a loop that runs the whole text each time.

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


def kept(inside: Inside, count: int) -> tuple[str, float, float]:
    """A text of `count` characters, and characters a second: of the clock, and of one processor at work."""
    text: list[str] = []
    started, worked = time.perf_counter(), time.process_time()
    for piece in Language(Endless(inside)).write(PROMPT, Sampling(0), 10**9, 0):
        text.append(piece)
        if len(text) == count:
            break
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    return "".join(text), count / seconds, count / work


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
    gpt = attention.network(len(LETTERS), WINDOW, width=192, depth=4, heads=2, dropout=0.0, convolution=5)
    insides = {
        "char_lstm": (recurrent.Recurrent(LETTERS, recurrent.weights(lstm)), lstm),
        "char_transformer": (attention.Attention(LETTERS, attention.weights(gpt), 2, WINDOW), gpt),
    }
    print("| network | characters a second | of one processor | the naive loop | times |")
    print("| --- | --- | --- | --- | --- |")
    for name, (inside, model) in insides.items():
        text, fast, working = kept(inside, WRITTEN)
        same, slow = naive(model, NAIVE)
        assert text.startswith(same), (text[:NAIVE], same)
        print(f"| `{name}` | {fast:,.0f} | {working:,.0f} | {slow:,.1f} | {fast / slow:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
