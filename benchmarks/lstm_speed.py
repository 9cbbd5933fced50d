"""Samples a second of LSTM networks: kit's batches of like length and layers as one operation, against plain Keras.

The same network (embedding of 20,000 words and 100 columns, LSTM of 64 units, one output), weights at the beginning,
optimizer, batch size and reviews. Plain Keras reads every review padded to 400 words and masked, as `model.fit` of a
table of word numbers does. The two train in turns, an epoch each, in one process, on the same two cores; both are
judged on reviews that neither was trained on. What is measured is `model.fit`, after a first epoch of a few batches.

    kit download imdb-sentiment --from imdb-sentiment.zip
    python -m benchmarks.lstm_speed
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np

LENGTH, WORDS, WIDTH, UNITS, BATCH = 400, 20_000, 100, 64, 64


def main() -> None:
    """Print a table: samples a second, the ratio, and accuracy on held-out reviews, of both kinds of network."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=6_000)
    asked.add_argument("--epochs", type=int, default=4)
    options = asked.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print("network        samples a second: kit  plain Keras  ratio   accuracy: kit  plain Keras")
    for both in (False, True):
        kit, plain = _compared(options.rows, options.epochs, both)
        name = "bidirectional" if both else "LSTM"
        print(
            f"{name:14} {kit[0]:21.0f}  {plain[0]:11.0f}  {kit[0] / plain[0]:5.2f}  {kit[1]:14.4f}  {plain[1]:11.4f}",
            flush=True,
        )


def _compared(count: int, epochs: int, both: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Samples a second and accuracy of kit and of plain Keras."""
    import keras

    from kit.task import catalog
    from kit.toolbox import networks, recurrent, sequences
    from kit.toolbox.sequences import Vocabulary

    entry = catalog.find("imdb-sentiment")
    train, _ = entry.competition.load(entry.public())
    order = np.random.default_rng(0).permutation(len(train))
    rows, held = train.rows(order[:count]), train.rows(order[count : count + 4_000])
    known = Vocabulary.learned(list(rows.x.take()), WORDS)
    read, judged = known(list(rows.x.take()), LENGTH), known(list(held.x.take()), LENGTH)
    y, held_y = np.asarray(rows.y, np.float32), np.asarray(held.y, np.float32)

    def network(lstm: Any) -> Any:
        keras.utils.set_random_seed(0)
        words = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(len(known), WIDTH)(words)
        layer = lstm(UNITS)
        layer = keras.layers.Bidirectional(layer) if both else layer
        out = layer(x, mask=keras.ops.not_equal(words, 0))
        model = keras.Model(words, keras.layers.Dense(1, activation="sigmoid")(out))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"], steps_per_execution=8)
        return model

    ours, theirs = network(recurrent.lstm), network(keras.layers.LSTM)
    theirs.set_weights(ours.get_weights())
    whole = read.padded(np.arange(count), LENGTH)
    batches = networks.ahead(sequences.batches(read, y, BATCH, seed=0))  # as `networks.fit` feeds them
    begin = ours.get_weights()
    ours.fit(sequences.batches(known(list(rows.x.take(np.arange(640))), LENGTH), y[:640], BATCH, seed=0), verbose=0)
    theirs.fit(whole[:640], y[:640], batch_size=BATCH, verbose=0)
    for model in (ours, theirs):
        model.set_weights(begin)
    seconds = np.zeros(2)
    for _ in range(epochs):
        for place, fit in enumerate(
            (
                lambda: ours.fit(batches, shuffle=False, verbose=0),
                lambda: theirs.fit(whole, y, batch_size=BATCH, verbose=0),
            )
        ):
            start = time.perf_counter()
            fit()
            seconds[place] += time.perf_counter() - start
    right = sequences.batches(judged, held_y, BATCH)
    accuracies = [model.evaluate(right, verbose=0)[1] for model in (ours, theirs)]
    speed = epochs * count / seconds
    return (speed[0], accuracies[0]), (speed[1], accuracies[1])


if __name__ == "__main__":
    main()
