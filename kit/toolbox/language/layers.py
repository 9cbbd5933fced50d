"""Attention with rotary positions as a layer of Keras, on any backend. It is not stored: what a network has learned is
computed by NumPy afterwards."""

from __future__ import annotations

from typing import Any


def rotary(heads: int) -> Any:
    """A layer without weights: queries, keys and values (batch, length, 3 x width) to what each position hears of those
    before it and itself, (batch, length, width). Positions turn queries and keys.

    Source: Su and others, RoFormer: Enhanced Transformer with Rotary Position Embedding, 2021.
    """
    import keras
    import numpy as np

    from kit.toolbox.language.attention import turns

    class Rotary(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            ops = keras.ops
            _, length, width = x.shape
            size = width // 3 // heads
            cos, sin = (ops.cast(part[None, :, None, :], x.dtype) for part in turns(np.arange(length), size))
            query, key, value = ops.split(ops.reshape(x, (-1, length, 3 * heads, size)), 3, axis=2)

            def turned(part: Any) -> Any:
                one, other = ops.split(part, 2, axis=-1)
                return ops.concatenate([one * cos - other * sin, other * cos + one * sin], axis=-1)

            heard = ops.dot_product_attention(turned(query), turned(key), value, is_causal=True)
            return ops.reshape(heard, (-1, length, width // 3))

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:-1], shape[-1] // 3)

    return Rotary()
