"""Neural networks on tables, by Keras: embeddings for categories, numbers by rank, early stopping inside the training
rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.toolbox.foreign import Foreign
from kit.toolbox.goals import Goal, Scale
from kit.toolbox.problems import Learned, Prepared, Problem

WIDEST = 24
"""Numbers that a category is embedded in at most."""


@dataclass(frozen=True)
class Network:
    """Layers of `units` with dropout, trained by Adam for `epochs` at most.

    `patience` epochs without a gain on the rows set aside end the training, and the best weights are taken.

    Numbers are brought to a normal distribution by their ranks among the training rows, missing ones to 0 beside a
    column that says so. Source of the embeddings: Guo and Berkhahn, Entity Embeddings of Categorical Variables, 2016.
    """

    units: tuple[int, ...] = (256, 128)
    dropout: float = 0.2
    rate: float = 1e-3
    batch: int = 256
    epochs: int = 60
    patience: int = 8

    def __call__(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int) -> Learned:
        """One network for all classes or columns."""
        return self._learned(problem, fitted, held, seed, 0)

    def _learned(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, epochs: int) -> Learned:
        """As above; with `epochs`, that many and no stopping."""
        import keras

        keras.utils.set_random_seed(seed)
        goal, matrix = problem.goal, problem.rows.matrix
        inputs = _Inputs(matrix[fitted], problem.encoder.categories)
        scale = Scale.of(goal, problem.targets[fitted])
        model = self._model(inputs, goal)
        weight = problem.weights(fitted)
        stopping = keras.callbacks.EarlyStopping(patience=self.patience, restore_best_weights=True)
        watched = not epochs and len(held) > 0
        history = model.fit(
            inputs(matrix[fitted]),
            scale.scaled(problem.targets[fitted]),
            sample_weight=weight,
            epochs=epochs or self.epochs,
            batch_size=max(8, min(self.batch, len(fitted) // 20)),
            validation_data=(inputs(matrix[held]), scale.scaled(problem.targets[held])) if watched else None,
            callbacks=[stopping] if watched else [],
            verbose=0,
        )
        best = int(np.argmin(history.history["val_loss"])) + 1 if watched else epochs or self.epochs

        def again(all_: np.ndarray) -> Learned:
            return self._learned(problem, all_, held[:0], seed, best)

        return Learned(Layers(Foreign("keras", model), inputs, scale), model.count_params(), again)

    def _model(self, inputs: _Inputs, goal: Goal) -> Any:
        import keras
        from keras import layers

        numbers = keras.Input((inputs.width,))
        parts, given = [numbers], [numbers]
        for count in inputs.counts:
            code = keras.Input((1,), dtype="int32")
            width = min(WIDEST, 1 + round(1.6 * count**0.56))
            parts.append(layers.Flatten()(layers.Embedding(count + 1, width)(code)))
            given.append(code)
        hidden = layers.Concatenate()(parts) if len(parts) > 1 else numbers
        for units in self.units:
            hidden = layers.Dense(units)(hidden)
            hidden = layers.BatchNormalization(momentum=0.9)(hidden)
            hidden = layers.Dropout(self.dropout)(layers.Activation("silu")(hidden))
        count = len(goal.classes) if goal.kind == "classes" else goal.columns
        kind, loss = {
            "classes": ("softmax", "sparse_categorical_crossentropy"),
            "flags": ("sigmoid", "binary_crossentropy"),
            "numbers": ("linear", "mean_absolute_error" if goal.absolute else "mean_squared_error"),
        }[goal.kind]
        model = keras.Model(given, layers.Dense(count, activation=kind)(hidden))
        model.compile(keras.optimizers.Adam(self.rate, clipnorm=1.0), loss)
        return model


@dataclass
class Layers:
    """A network, what makes its inputs of a matrix, and the scale of its outputs."""

    network: Foreign
    inputs: _Inputs
    scale: Scale

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        return self.scale.back(_predicted(self.network.model, self.inputs(rows.matrix)))

    def gains(self) -> None:
        """A network does not tell."""


class _Inputs:
    """A matrix as a network takes it: numbers by rank with columns for what is missing, and a column of codes for each
    category, 0 for missing and new ones; learned from training rows."""

    def __init__(self, matrix: np.ndarray, categories: np.ndarray) -> None:
        from sklearn.preprocessing import QuantileTransformer

        self.numbers, self.codes = np.flatnonzero(categories == 0), np.flatnonzero(categories)
        self.counts = [int(categories[place]) for place in self.codes]
        values = matrix[:, self.numbers]
        self.missing = np.isnan(values).any(0)
        self.ranks = None
        if len(self.numbers):
            count = max(2, min(1000, len(values)))
            self.ranks = QuantileTransformer(n_quantiles=count, output_distribution="normal", random_state=0)
            self.ranks.fit(np.where(np.isnan(values).all(0), 0, values))
        self.width = len(self.numbers) + int(self.missing.sum())

    def __call__(self, matrix: np.ndarray) -> list[np.ndarray]:
        """Numbers, float32 of (n, width), and codes, int32 of (n, 1) each."""
        values = matrix[:, self.numbers]
        absent = np.isnan(values)
        ranked = values if self.ranks is None else np.clip(self.ranks.transform(values), -4, 4)
        numbers = np.concatenate([np.where(absent, 0, ranked), absent[:, self.missing]], axis=1).astype(np.float32)
        codes = np.nan_to_num(matrix[:, self.codes] + 1).astype(np.int32)
        return [numbers, *(codes[:, place : place + 1] for place in range(codes.shape[1]))]


def _predicted(model: Any, inputs: list[np.ndarray], batch: int = 1024) -> np.ndarray:
    """Predictions of any number of rows, in chunks of one shape, so that the network is compiled once."""
    count = len(inputs[0])
    parts = [np.zeros((0, model.output_shape[-1]), np.float32)]
    for start in range(0, count, batch):
        part = [each[start : start + batch] for each in inputs]
        short = batch - len(part[0])
        filled = [np.concatenate([each, np.repeat(each[:1], short, axis=0)]) for each in part]
        parts.append(np.asarray(model.predict_on_batch(filled), np.float32)[: len(part[0])])
    return np.concatenate(parts)
