"""A small convolutional network on images in files, which are read as they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.rows.pictures import Pictures
from kit.task.contract import Competition, Fitted, Fold
from kit.toolbox import estimators, goals, networks, normalising
from kit.toolbox.foreign import Foreign
from kit.toolbox.goals import Goal, Scale

KEPT = 2 * 2**30
"""Bytes of small images that are kept in memory once they were read; of more, files are read again in each epoch."""


class Reader:
    """The images of a Pictures in `size` x `size` pixels, uint8 of (n, size, size, colours), each read once where they
    fit into KEPT bytes."""

    def __init__(self, rows: Pictures, size: int, colours: int) -> None:
        self.rows, self.size, self.colours = rows, size, colours
        fits = len(rows) * size * size * colours <= KEPT
        self._kept: dict[int, np.ndarray] | None = {} if fits else None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: np.ndarray) -> np.ndarray:
        """The images at `index`."""
        images = [self._one(int(row)) for row in index]
        return np.stack(images) if images else np.zeros((0, self.size, self.size, self.colours), np.uint8)

    def _one(self, row: int) -> np.ndarray:
        if self._kept is None:
            return self.rows.small(row, self.size, self.colours)
        if row not in self._kept:
            self._kept[row] = self.rows.small(row, self.size, self.colours)
        return self._kept[row]


def fit(
    fold: Fold,
    competition: Competition,
    *,
    size: int,
    epochs: int,
    rate: float,
    batch: int,
    filters: tuple[int, ...],
    dropout: float,
    augment: bool,
) -> Fitted:
    """A network of a block of two convolutions for each of `filters`, halved in between, on images of `size` pixels.

    With `augment` each image is shifted and mirrored at random in training. The network computes in bfloat16 where
    that is faster. Raises KitError for rows that are no images in files, and for targets that cannot be learned.
    """
    import keras

    networks.begin(fold, precision="auto")
    store, y = fold.train.x.take(), fold.train.y
    if not isinstance(store, Pictures):
        raise KitError("This recipe is for images in files.", "`load` gives them by kit.rows.pictures.")
    assert y is not None
    goal = goals.of(competition, y)
    colours = _colours(store)
    scale = Scale.of(goal, goal.encoded(y))
    model = _model(goal, size, colours, filters, dropout)
    trained = _augmented(model, size) if augment else model
    reader = Reader(store, size, colours)
    total = max(1, -(-len(store) // batch) * epochs)
    kind = {"classes": "sparse_categorical_crossentropy", "flags": "binary_crossentropy"}
    loss = kind.get(goal.kind, "mean_absolute_error" if goal.absolute else "mean_squared_error")
    trained.compile(keras.optimizers.Adam(networks.one_cycle(rate, total), clipnorm=1.0), loss)
    weight = goal.weights(goal.encoded(y), fold.train.weight)
    random = np.random.default_rng(fold.seed)
    targets = scale.scaled(goal.encoded(y))
    with normalising.fused(networks.layers(trained)):
        for epoch in range(epochs):
            losses = []
            order = random.permutation(len(store))
            for start in range(0, len(order), batch):
                # The last batch is filled up from the first rows, so that the network is compiled for one shape.
                rows = np.resize(order[start : start + batch], batch) if len(order) >= batch else order
                own = None if weight is None else weight[rows]
                losses.append(float(trained.train_on_batch(reader.take(rows), targets[rows], sample_weight=own)))
            if not np.isfinite(losses[-1]):
                raise KitError(
                    f"The loss is {losses[-1]} after epoch {epoch + 1} of {epochs}.",
                    "A lower learning rate keeps the training from diverging.",
                    f"--set rate={rate / 3:.2g}",
                )
            fold.report(epoch + 1, epochs, loss=float(np.mean(losses)))

    estimators.save(fold.dir, network=Foreign("keras", model), goal=goal, scale=scale, size=size, colours=colours)
    return _fitted(model, goal, scale, size, colours)


def load(dir: Path) -> Fitted:
    """What `fit` stored in the folder of a fold. Errors as `estimators.load`."""
    parts = estimators.load(dir)
    return _fitted(parts["network"].model, parts["goal"], parts["scale"], parts["size"], parts["colours"])


def _fitted(model: Any, goal: Goal, scale: Scale, size: int, colours: int) -> Fitted:
    def predict(x: Any) -> np.ndarray:
        images = Reader(x, size, colours)
        parts = [np.zeros((0, model.output_shape[-1]))]
        for start in range(0, len(x), 256):
            batch_ = images.take(np.arange(start, min(start + 256, len(x))))
            filled = np.concatenate([batch_, np.repeat(batch_[:1], 256 - len(batch_), axis=0)])
            parts.append(np.asarray(model.predict_on_batch(filled), np.float64)[: len(batch_)])
        return goal.decoded(scale.back(np.concatenate(parts)))

    return Fitted(predict, model.count_params())


def _colours(store: Pictures) -> int:
    """1 where the first images are grey, else 3."""
    return 1 if all(store[row].ndim == 2 for row in range(min(len(store), 8))) else 3


def _model(goal: Goal, size: int, colours: int, filters: tuple[int, ...], dropout: float) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((size, size, colours), dtype="uint8")
    hidden = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    for count in filters:
        for _ in range(2):
            hidden = layers.Conv2D(count, 3, padding="same", use_bias=False)(hidden)
            hidden = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(hidden))
        hidden = layers.MaxPooling2D(2)(hidden)
    hidden = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(hidden))
    count = len(goal.classes) if goal.kind == "classes" else goal.columns
    output = {"classes": "softmax", "flags": "sigmoid", "numbers": "linear"}[goal.kind]
    return keras.Model(inputs, layers.Dense(count, activation=output, dtype="float32")(hidden))


def _augmented(model: Any, size: int) -> Any:
    """The same network behind random shifts and mirror images, which act in training only."""
    import keras
    from keras import layers

    inputs = keras.Input(model.input_shape[1:], dtype="uint8")
    hidden = layers.RandomFlip("horizontal")(inputs)
    hidden = layers.RandomTranslation(0.08, 0.08, fill_mode="nearest")(hidden)
    return keras.Model(inputs, model(hidden))
