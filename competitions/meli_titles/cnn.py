"""Convolutions of several widths over word vectors, the maximum of each over the title (Kim 2014)."""

from __future__ import annotations

import keras
from keras import layers, ops

from kit.task.contract import Fitted
from kit.toolbox import cooccurrence, networks

from . import _sequences, _titles

EXTRA = "keras"
VARIANTS = {
    # The experiments of the study, of which the last three never ended.
    "1": {"schedule": "constant", "epochs": 3, "filters": 100, "frozen": True, "batch": 128, "rate": 1e-3},
    "2": {"schedule": "constant", "epochs": 3, "filters": 150, "frozen": True, "batch": 128, "rate": 1e-3},
    "3": {"schedule": "constant", "epochs": 2, "filters": 100, "frozen": True, "batch": 128, "rate": 1e-3},
    "4": {"schedule": "constant", "epochs": 5, "filters": 100, "frozen": True, "batch": 128, "rate": 1e-3},
    "5": {"schedule": "constant", "epochs": 10, "filters": 100, "frozen": True, "batch": 128, "rate": 1e-3},
    "6": {"schedule": "constant", "epochs": 10, "filters": 100, "frozen": False, "batch": 128, "rate": 1e-3},
    "7": {"schedule": "constant", "epochs": 10, "filters": 100, "frozen": False, "batch": 256, "rate": 1e-3},
    "8": {"schedule": "constant", "epochs": 3, "filters": 100, "frozen": False, "batch": 256, "rate": 5e-3},
}
SMOKE = {"epochs": 2, "width": 16, "filters": 16, "bits": 9, "batch": 32}


def fit(
    fold,
    *,
    vectors: str = "",  # a file in GloVe's format; without one they are learned from the fold's own titles
    width: int = 100,  # numbers of a vector that is learned here
    frozen: bool = False,
    pieces: int = 0,  # pieces of a word that have vectors too; with 16 an epoch takes four times as long
    bits: int = 16,  # 2 ** bits buckets of pieces
    length: int = 16,  # words of a title that are read: 99.98% of titles have no more
    kernels: tuple = (1, 2, 3),  # words that a convolution sees
    filters: int = 150,
    hidden: int = 256,
    dropout: float = 0.4,
    smoothing: float = 0.1,
    epochs: int = 5,
    rate: float = 5e-3,  # the highest
    batch: int = 256,
    schedule: str = "one_cycle",
    units: bool = True,
    numbers: str = "keep",
) -> Fitted:
    networks.begin(fold)
    titles = _titles.normalised(cooccurrence.drawn(fold.train.x), units=units, numbers=numbers)
    begun = cooccurrence.table(titles, vectors, width=width, special=_sequences.FIRST, seed=fold.seed)
    known = _sequences.Words(
        begun.words, length=length, pieces=pieces, buckets=1 << bits, read={"units": units, "numbers": numbers}
    )
    classes = _titles.classes(fold)
    model = network(begun.table, known, classes, frozen, kernels, filters, hidden, dropout)
    total = networks.steps(fold, batch, epochs)
    networks.fit(
        model,
        fold,
        epochs=epochs,
        batch=batch,
        optimizer=keras.optimizers.Adam(networks.schedule(schedule, rate, total)),
        loss=_smoothed(smoothing, classes),
        trained=model,
        train=known.stored(fold.train.x),
        valid=known.stored(fold.valid.x) if len(fold.valid) else None,
    )
    known.save(fold.dir)
    networks.save(model, fold.dir, coverage=begun.coverage)
    return predictor(model, known)


def load(dir) -> Fitted:
    model, _ = networks.load(dir)
    return predictor(model, _sequences.Words.restored(dir))


def network(table, known, classes, frozen, kernels, filters, hidden, dropout):
    """A model from numbers of words, and of their pieces where there are any, to probabilities of categories."""
    word = keras.Input((known.length,), dtype="int32", name="words")
    inputs = [word]
    embedding = layers.Embedding(
        len(known), table.shape[1], embeddings_initializer=keras.initializers.Constant(table), trainable=not frozen
    )
    x = embedding(word)
    present = ops.cast(ops.not_equal(word, 0), "float32")[:, :, None]
    if known.pieces:
        piece = keras.Input((known.length * known.pieces,), dtype="int32", name="pieces")
        inputs.append(piece)
        there = ops.cast(ops.not_equal(piece, 0), "float32")[:, :, None]
        each = layers.Embedding(known.buckets + 1, table.shape[1], name="piece")(piece) * there
        shape = (known.length, known.pieces, table.shape[1])
        count = ops.sum(ops.reshape(there, (-1, *shape[:2], 1)), axis=2)
        x = x + ops.sum(ops.reshape(each, (-1, *shape)), axis=2) / ops.sqrt(ops.maximum(count, 1.0))
    x = layers.Dropout(dropout / 2, noise_shape=(None, known.length, 1))(x * present)
    pooled = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(filters, kernel, activation="relu", padding="same")(x))
        for kernel in kernels
    ]
    x = layers.Dropout(dropout)(layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0])
    x = layers.Dropout(dropout)(layers.Dense(hidden, activation="relu")(x)) if hidden else x
    return keras.Model(inputs if known.pieces else word, layers.Dense(classes, activation="softmax")(x))


def predictor(model, known) -> Fitted:
    """A Fitted for titles."""
    return networks.predictor(model, read=lambda titles: known(list(titles)))


def _smoothed(smoothing, classes):
    """Cross-entropy of labels `(n,)` of which a share is spread over all classes."""

    def loss(y, pred):
        label = ops.reshape(ops.cast(y, "int32"), (-1,))
        wanted = ops.one_hot(label, classes) * (1 - smoothing) + smoothing / classes
        return keras.losses.categorical_crossentropy(wanted, pred)

    return loss
