"""Batches as tf_keras trains on them, without a wait at the end of each epoch. For recipes alone, as `pieces.py`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras


def still(batches: tf_keras.utils.Sequence) -> tf.data.Dataset:
    """The batches of a Sequence, two made ahead, by a pipeline that does not tune itself.

    tf_keras puts a Sequence through one that does, whose end is waited for, up to as long as the epoch took
    (`networks.ahead`). Nobody tells the Sequence then that an epoch has ended: `follower` does.
    """
    spec = tf.nest.map_structure(lambda part: tf.TensorSpec((None,) * len(part.shape), part.dtype), batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    made = tf.data.Dataset.from_generator(
        lambda: (batches[number] for number in range(len(batches))), output_signature=spec
    )
    return made.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2).with_options(options)


def follower(batches: tf_keras.utils.Sequence) -> Any:
    """A callback that tells the Sequence that an epoch has ended."""
    return tf_keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: batches.on_epoch_end())
