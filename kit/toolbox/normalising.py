"""Batch normalisation as one operation, where TensorFlow has one for processors: `FusedBatchNormV3`.

Keras 3 normalises a batch in a dozen operations, each of which reads and writes all of it, in float32 even where the
model computes in bfloat16. For maps of images the operation takes a third to a fifth of the time; see
benchmarks/digit_recognizer.md.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from kit.toolbox import recurrent


@contextlib.contextmanager
def fused(layers: Sequence[Any]) -> Iterator[None]:
    """Within this, each `keras.layers.BatchNormalization` among the layers of a model is trained as one operation.

    The numbers are Keras's to the rounding of the type that the model computes in. A layer's weights, its predictions
    and how it is stored are not touched. A layer with a mask, with renormalisation, over another axis than the last or
    without its scale or offset stays as it is. On other backends nothing is changed, nor on GPUs, where it was not
    measured.
    """
    import keras

    normal = keras.layers.BatchNormalization
    layers = [layer for layer in layers if type(layer) is normal and _suits(layer)] if recurrent.fuses() else []
    for layer in layers:
        layer.call = functools.partial(_normalised, layer, layer.call)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _suits(layer: Any) -> bool:
    """Whether the operation can do what the layer is set to."""
    last = layer.built and layer.axis in (-1, layer.input_spec.ndim - 1)
    renormalises = getattr(layer, "renorm", False)  # which Keras 3.13.2, of Kaggle's images, has not
    return last and layer.scale and layer.center and not renormalises and not layer.synchronized


def _normalised(layer: Any, call: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """What `call`, the layer's own, gives for a batch `(n, ..., channels)`. The moving mean and variance move on."""
    import tensorflow as tf

    if not (training and layer.trainable) or mask is not None or inputs.dtype not in (tf.float32, tf.bfloat16):
        return call(inputs, training=training, mask=mask)
    channels = inputs.shape[-1]
    images = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (-1, 1, 1, channels))
    # The raw operation, since `tf.compat.v1.nn.fused_batch_norm` raises a small epsilon to 1e-5.
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images,
        scale=tf.convert_to_tensor(layer.gamma, tf.float32),
        offset=tf.convert_to_tensor(layer.beta, tf.float32),
        mean=tf.zeros(0),
        variance=tf.zeros(0),
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The operation gives the variance of the population that the batch was drawn from, Keras that of the batch.
    count = tf.cast(tf.size(inputs) // channels, tf.float32)
    variance *= (count - 1) / count
    for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + now * (1 - layer.momentum))
    outputs = outputs if images is inputs else tf.reshape(outputs, tf.shape(inputs))
    return tf.cast(outputs, layer.compute_dtype)
