"""Batches as tf_keras trains on them, without a wait at the end of each epoch."""

from __future__ import annotations

from typing import Any


def still(batches: Any) -> Any:
    """The batches of a `tf_keras.utils.Sequence`, two made ahead: a `tf.data.Dataset` that does not tune itself.

    tf_keras puts a Sequence through one that does, whose end is waited for, up to as long as the epoch took
    (`networks.ahead`). Nobody tells the Sequence then that an epoch has ended: `follower` does.
    """
    import tensorflow as tf

    spec = tf.nest.map_structure(lambda part: tf.TensorSpec((None,) * len(part.shape), part.dtype), batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    made = tf.data.Dataset.from_generator(
        lambda: (batches[number] for number in range(len(batches))), output_signature=spec
    )
    return made.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2).with_options(options)


def follower(batches: Any) -> Any:
    """A callback that tells the Sequence that an epoch has ended."""
    import tf_keras

    return tf_keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: batches.on_epoch_end())
