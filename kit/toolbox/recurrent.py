"""LSTM layers that run as one operation where TensorFlow has one for processors: `BlockLSTM`.

On a processor Keras runs one step of the sequence after the other, each as a dozen small operations. A layer from here
has the weights of Keras's own and gives the same numbers, so that a model is trained with it and stored with Keras's.
"""

from __future__ import annotations

import functools
from typing import Any


def lstm(units: int, **settings: Any) -> Any:
    """A layer with the settings of `keras.layers.LSTM`: as one operation on TensorFlow's processor, else Keras's own.

    Its mask must be of rows that are followed by padding. A layer with dropout inside, which the operation lacks, is
    Keras's own, and on a GPU Keras has cuDNN's.
    """
    import keras

    if settings.get("recurrent_dropout") or settings.get("dropout") or not fuses():
        return keras.layers.LSTM(units, **settings)
    return _fused()(units, **settings)


def fuses() -> bool:
    """Whether this machine and backend have the operation, and nothing faster."""
    import keras

    return keras.backend.backend() == "tensorflow" and all("cpu" in name for name in keras.distribution.list_devices())


@functools.cache
def _fused() -> Any:
    import keras
    import tensorflow as tf

    @keras.saving.register_keras_serializable("kit")
    class FusedLSTM(keras.layers.LSTM):
        def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
            """The last output of each row, (n, units), or with `return_sequences` all of them, (n, steps, units).

            Outputs behind the end of a row are of no use, and a caller must mask them. Source of the operation:
            Sak, Senior, Beaufays, Long Short-Term Memory Recurrent Neural Network Architectures, 2014.
            """
            steps = tf.transpose(sequences, (1, 0, 2))
            count, rows = tf.shape(steps)[0], tf.shape(steps)[1]
            ends = tf.fill([rows], count) if mask is None else tf.reduce_sum(tf.cast(mask, tf.int32), 1)
            if self.go_backwards:
                steps = tf.reverse_sequence(steps, ends, seq_axis=0, batch_axis=1)
            nothing, peephole = tf.zeros((rows, self.units)), tf.zeros((self.units,))
            # BlockLSTMV2 has Keras's order of gates, but TensorFlow 2.20 gives it the gradient of BlockLSTM, whose
            # order is another: it trains to nonsense. A test compares the gradients with Keras's.
            kernel = tf.concat([tf.convert_to_tensor(self.cell.kernel), self.cell.recurrent_kernel], 0)
            states = tf.raw_ops.BlockLSTM(
                seq_len_max=tf.cast(count, tf.int64),
                x=steps,
                cs_prev=nothing,
                h_prev=nothing,
                w=_reordered(kernel, 1),
                b=_reordered(tf.convert_to_tensor(self.cell.bias), 0),
                wci=peephole,
                wcf=peephole,
                wco=peephole,
                forget_bias=0.0,
                cell_clip=-1.0,
            ).h
            if self.return_sequences:
                return tf.transpose(states, (1, 0, 2))
            last = tf.gather_nd(states, tf.stack([tf.maximum(ends - 1, 0), tf.range(rows)], 1))
            return tf.where(ends[:, None] > 0, last, nothing)  # of a row without a step Keras has the first state

    def _reordered(weights: Any, axis: int) -> Any:
        """Keras's gates input, forget, cell, output in the operation's order: input, cell, forget, output."""
        one, forget, cell, output = tf.split(weights, 4, axis)
        return tf.concat([one, cell, forget, output], axis)

    return FusedLSTM
