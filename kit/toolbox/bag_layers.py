"""The layer and the optimizer of `bags`, which are TensorFlow's: it alone changes single rows of a table.

Only `bags.fit` imports this file, so that stored bags predict without a learning framework.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class Bag(keras.layers.Layer):
    """A layer from the arrays of a `bags.Batch` to the vectors of its texts, float32 of (texts, width), by a table of
    `buckets` vectors."""

    def __init__(self, buckets: int, width: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.buckets, self.width = buckets, width

    def build(self, shapes: Any) -> None:
        bound = keras.initializers.RandomUniform(-1 / self.width, 1 / self.width, seed=keras.random.SeedGenerator())
        self.table = self.add_weight(shape=(self.buckets, self.width), initializer=bound, name="table")

    def call(self, inputs: Any) -> Any:
        used, row, place, share = inputs
        vectors = tf.gather(self.table.value, used)  # of the variable itself, so that its gradient is of these rows
        shape = tf.stack([tf.size(share, tf.int64), tf.size(used, tf.int64)])
        entries = tf.SparseTensor(tf.stack([row, place], 1), tf.ones_like(row, tf.float32), shape)
        return tf.sparse.sparse_dense_matmul(entries, vectors) * share[:, None]

    def compute_output_shape(self, shapes: Any) -> Any:
        return (None, self.width)


class RowAdagrad(keras.optimizers.Optimizer):
    """Adagrad that keeps one sum for each row of a table, and touches only the rows of the batch."""

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        shapes = [(v.shape[0], 1) if v.name == "table" else v.shape for v in variables]
        self.sums = [self.add_variable(shape, initializer="zeros", name="sum") for shape in shapes]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        sums = self.sums[self._get_variable_index(variable)].value
        rate = tf.cast(learning_rate, tf.float32)
        if isinstance(gradient, tf.IndexedSlices):  # its rows are different ones: those of `used`
            values, at = gradient.values, gradient.indices
            total = tf.gather(sums, at) + tf.reduce_mean(tf.square(values), 1, keepdims=True)
            sums.scatter_update(tf.IndexedSlices(total, at))
            variable.scatter_sub(tf.IndexedSlices(rate * values * tf.math.rsqrt(total + 1e-10), at))
        else:
            sums.assign_add(tf.square(gradient))
            variable.assign_sub(rate * gradient * tf.math.rsqrt(sums + 1e-10))

    def get_config(self) -> dict[str, Any]:
        return super().get_config()
