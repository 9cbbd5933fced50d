"""What the recipes that read a review word after word share: vocabulary, training, a model that reads texts itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kit.task import splits
from kit.task.contract import Fitted, Fold
from kit.toolbox import networks, recurrent, sequences
from kit.toolbox.sequences import PADDING, Vocabulary

from ._reviews import cleaned

OURS = ("spatial_dropout", "dropout", "length", "ngrams")
"""Settings that are stored and not the recipe's own."""

Network = Callable[..., Any]
"""Embedded words `(n, words, width)`, which places hold words, bool `(n, words)`, the class of LSTM layers, and a
recipe's settings as keywords, to features `(n, d)`."""


def train(
    fold: Fold,
    network: Network,
    own: dict[str, Any],
    *,
    ngrams: int,
    vocabulary: int = 20_000,  # numbers of words, that of padding and of unknown words among them
    length: int = 400,  # words of a review that are read, its last ones; 87 % of the reviews have no more
    embedding: int = 100,
    vectors: str = "",  # a file of GloVe's format whose vectors the embedding begins with, and whose width it has
    tuned: bool = True,  # whether the embedding is trained
    spatial_dropout: float = 0.0,  # of whole columns of the embedding
    dropout: float = 0.0,  # before the output
    epochs: int = 10,
    batch: int = 64,
    rate: float = 1e-3,
    # Share of the fitted rows, whole groups, by whose loss the rate is halved and the training is ended, with the best
    # weights. 0 trains on all rows, and all epochs. The held-out fold never decides.
    stop: float = 0.2,
    patience: int = 2,  # epochs without a lower loss after which the training ends; half as many halve the rate
) -> Fitted:
    """Train the network that `network` builds with the settings `own`, store it and give its Fitted.

    It reads runs of up to `ngrams` words, and knows the commonest of them.
    """
    settings = {**own, "spatial_dropout": spatial_dropout, "dropout": dropout, "length": length, "ngrams": ngrams}
    known = Vocabulary.learned(cleaned(fold.train.x), vocabulary, ngrams)
    matrix = sequences.embedding(known, vectors) if vectors else None
    shape = (len(known), embedding if matrix is None else matrix.shape[1])
    model = built(network, settings, shape, recurrent.lstm, tuned=tuned)
    if matrix is not None:
        model.get_layer("embedding").set_weights([matrix])
    within, callbacks = fold, []
    if stop:
        held = splits.Holdout(stop, fold.seed)(fold.train) == 0
        within = fold._replace(train=fold.train.rows(~held), valid=fold.train.rows(held))
        callbacks = [
            keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=max(1, patience // 2)),
        ]
    read = {
        part: sequences.batches(
            known(cleaned(rows.x), length),
            np.asarray(rows.y, np.float32),
            batch,
            seed=fold.seed if part == "train" else None,
        )
        for part, rows in (("train", within.train), ("valid", within.valid))
        if len(rows)
    }
    networks.fit(
        model,
        within,
        epochs=epochs,
        batch=batch,
        optimizer=networks.optimizer("adam", rate),
        loss="binary_crossentropy",
        accuracy=keras.metrics.BinaryAccuracy(name="accuracy"),
        callbacks=tuple(callbacks),
        **read,
    )
    plain = built(network, settings, shape, layers.LSTM, tuned=tuned)
    plain.set_weights(model.get_weights())
    networks.save(sequences.of_texts(plain, known, length), fold.dir, **settings)
    return _predictor(model, known, length)


def load(dir: Path, network: Network) -> Fitted:
    """The Fitted whose model `train` stored."""
    whole, settings = networks.load(dir)
    words = whole.get_layer("words").get_vocabulary()[sequences.FIRST :]
    known = Vocabulary(words, ngrams=settings["ngrams"])
    stored = whole.get_layer("classifier")
    shape = stored.get_layer("embedding").get_weights()[0].shape
    model = built(network, settings, shape, recurrent.lstm)
    model.set_weights(stored.get_weights())
    return _predictor(model, known, settings["length"])


def _predictor(model: Any, known: Vocabulary, length: int) -> Fitted:
    told = sequences.predictor(model, known, length)
    return Fitted(lambda reviews: told.predict(cleaned(reviews)), told.parameters)


def built(network: Network, settings: dict[str, Any], shape: tuple[int, int], lstm: Any, *, tuned: bool = True) -> Any:
    """A model of word numbers `(n, words)` that gives the probability that a review is favourable, `(n, 1)`."""
    own = {name: value for name, value in settings.items() if name not in OURS}
    words = keras.Input((None,), dtype="int32", name="numbers")
    there = ops.not_equal(words, PADDING)
    x = layers.Embedding(*shape, trainable=tuned, name="embedding")(words)
    if settings["spatial_dropout"]:
        x = layers.SpatialDropout1D(settings["spatial_dropout"])(x)
    x = layers.Dropout(settings["dropout"])(network(x, there, lstm, **own))
    return keras.Model(words, layers.Dense(1, activation="sigmoid")(x), name="classifier")
