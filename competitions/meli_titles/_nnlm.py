"""What stands around a text embedding module: the layers on it, training, the weights on disk. All of it is tf_keras,
the Keras 2 that hub.KerasLayer is made of."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from kit.errors import KitError
from kit.task.contract import Data, Diverged, Fitted, Fold
from kit.toolbox import cooccurrence, networks
from kit.toolbox.encoders import feeding, handles, nnlm

from . import _titles

with warnings.catch_warnings():
    # It imports pkg_resources, which says at every start that it is deprecated.
    warnings.simplefilter("ignore", UserWarning)
    import tensorflow_hub as hub

WEIGHTS = "weights.npz"
SETTINGS = "settings.json"
OWN = "titles"
"""The folder, in that of a fold, of a module that was made of its titles."""

BATCH = 1024


def made(fold: Fold, width: int, normalised: bool) -> str:
    """A module made of the training titles of a fold, in its folder."""
    nnlm.write(cooccurrence.drawn(fold.train.x), fold.dir / OWN, width=width, normalised=normalised, seed=fold.seed)
    return str(fold.dir / OWN)


def fit(
    fold: Fold, *, module: str, trainable: bool, units: int, dropout: float, epochs: int, rate: float, batch: int
) -> Fitted:
    """Train the layers, and the module where it is `trainable`; store them, and give the Fitted."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(fold.seed)
    settings = {"trainable": trainable, "units": units, "dropout": dropout, "classes": _titles.classes(fold)}
    model = _model(module, **settings)
    model.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])

    class Reporter(tf_keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not np.isfinite(logs["loss"]):
                raise Diverged(
                    f"The loss is {logs['loss']} after epoch {epoch + 1}.", "A lower rate is the usual cure."
                )
            fold.report(epoch + 1, epochs, **{name: float(value) for name, value in logs.items()})

    batches = Batches(fold.train, batch, fold.seed)
    model.fit(
        feeding.still(batches),
        shuffle=False,  # by themselves
        epochs=epochs,
        validation_data=feeding.still(Batches(fold.valid, BATCH)) if len(fold.valid) else None,
        callbacks=[feeding.follower(batches), Reporter()],
        verbose=0,
    )
    fold.dir.mkdir(parents=True, exist_ok=True)
    partial = fold.dir / f"partial-{WEIGHTS}"
    np.savez(partial, **{f"w{number:03}": value for number, value in enumerate(model.get_weights())})
    os.replace(partial, fold.dir / WEIGHTS)
    own = module == str(fold.dir / OWN)
    (fold.dir / SETTINGS).write_text(json.dumps(settings | {"module": OWN if own else module}, indent=2) + "\n")
    return _predictor(model)


def load(dir: Path) -> Fitted:
    """The Fitted that `fit` stored."""
    settings = json.loads((dir / SETTINGS).read_text())
    module = settings.pop("module")
    tf_keras.backend.clear_session()
    model = _model(str(dir / OWN) if module == OWN else module, **settings)
    with np.load(dir / WEIGHTS, allow_pickle=False) as stored:
        model.set_weights([stored[name] for name in sorted(stored.files)])
    return _predictor(model)


def _model(module: str, *, trainable: bool, units: int, dropout: float, classes: int) -> Any:
    layers = tf_keras.layers
    text = tf_keras.Input((), dtype=tf.string)
    x = _layer(module, trainable)(text)
    for _ in range(2):
        x = layers.Dropout(dropout)(layers.Dense(units, activation="relu")(x))
    return tf_keras.Model(text, layers.Dense(classes, activation="softmax")(x))


def _layer(module: str, trainable: bool) -> Any:
    """The module as a layer. Raises KitError where it cannot be fetched."""
    place = handles.locate(module, nnlm.PART)
    try:
        return hub.KerasLayer(place, trainable=trainable, name="module")
    except (OSError, ValueError) as error:
        raise KitError(
            f"The module {module} cannot be loaded: {str(error).splitlines()[0]}",
            "It may need a network. kit makes one of the same form of the titles at hand.",
            "kit embedding train meli-titles --no-normalisation  # then: kit train meli-titles nnlm:titles-dim128",
        ) from error


class Batches(tf_keras.utils.Sequence):
    """Batches of texts and class numbers, taken from the rows when it is their turn; with a seed in another order each
    epoch."""

    def __init__(self, data: Data, batch: int, seed: int = -1) -> None:
        self.data, self.batch, self.order = data, batch, networks.Order(len(data), seed) if seed >= 0 else None
        self.numbers = self.order() if self.order else np.arange(len(data))

    def __len__(self) -> int:
        return -(-len(self.data) // self.batch)

    def __getitem__(self, number: int) -> tuple[tf.Tensor, np.ndarray]:
        at = np.sort(self.numbers[number * self.batch : (number + 1) * self.batch])
        assert self.data.y is not None
        return tf.constant(list(self.data.x.take(at)), tf.string), np.asarray(self.data.y[at], np.int32)

    def on_epoch_end(self) -> None:
        if self.order:
            self.order.epoch += 1
            self.numbers = self.order()


def _predictor(model: Any) -> Fitted:
    def predict(x: Any) -> np.ndarray:
        titles = list(x)
        parts = [np.zeros((0, model.output_shape[1]), np.float32)]
        for start in range(0, len(titles), BATCH):
            parts.append(model(tf.constant(titles[start : start + BATCH])).numpy())
        return np.concatenate(parts)

    return Fitted(predict, model.count_params())
