"""Image augmentation for Keras recipes: random affine views for training, fixed ones for prediction.

Every function works on any Keras backend; Keras is imported when one is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kit.task.contract import Fitted

VIEWS = (
    # degrees, pixels right, pixels down, zoom
    (0.0, 0.0, 0.0, 1.0),
    (0.0, 0.6, 0.0, 1.0),
    (0.0, -0.6, 0.0, 1.0),
    (0.0, 0.0, 0.6, 1.0),
    (0.0, 0.0, -0.6, 1.0),
    (6.0, 0.0, 0.0, 1.0),
    (-6.0, 0.0, 0.0, 1.0),
    (0.0, 0.0, 0.0, 0.95),
    (0.0, 0.0, 0.0, 1.06),
)
"""The views that `tta` can average, the untouched image first."""


def affine(
    *, rotation: float = 0.0, shift: float = 0.0, zoom: float = 0.0, shear: float = 0.0, seed: int | None = None
) -> Any:
    """A Keras layer that turns, moves, scales and slants each image of a batch by its own random amounts.

    `rotation` and `shear` are the largest amounts in degrees, `shift` in pixels, `zoom` as a fraction; each amount is
    drawn uniformly between the largest one and its negative. Takes images `(n, height, width)` or
    `(n, height, width, channels)` of any dtype and gives the same shape as floats; what comes into view is 0. It acts
    in training only.
    """
    return _affine_layer()(rotation=rotation, shift=shift, zoom=zoom, shear=shear, seed=seed)


def pipeline(*layers: Any) -> Any:
    """One Keras layer that applies `layers` in turn, say `affine(...)` and `keras.layers.RandomErasing(...)`."""
    import keras

    return keras.layers.Pipeline(list(layers))


def tta(fitted: Fitted, views: int, *, batch: int = 1024) -> Fitted:
    """Test-time augmentation: a Fitted that gives the mean of `fitted` over the first `views` of VIEWS.

    0 or 1 views give `fitted` itself.
    """
    if views <= 1:
        return fitted
    if views > len(VIEWS):
        raise ValueError(f"{views} views asked for, there are {len(VIEWS)}")

    def mean(x: np.ndarray) -> np.ndarray:
        total = fitted.predict(x)
        for degrees, right, down, zoom in VIEWS[1:views]:
            total = total + fitted.predict(_view(x, degrees, right, down, zoom, batch))
        return (total / views).astype(np.float32)

    return replace(fitted, predict=mean)


def _view(x: np.ndarray, degrees: float, right: float, down: float, zoom: float, batch: int) -> np.ndarray:
    """Images `(n, height, width[, channels])` seen turned, moved and scaled, as float32."""
    import keras

    height, width = x.shape[1:3]
    angle, none, scale = (np.full(1, value, "float32") for value in (np.deg2rad(degrees), 0.0, 1.0 / zoom))
    one = matrices(np, angle, none, scale, -np.full(1, right), -np.full(1, down), height, width).astype("float32")
    seen = [np.zeros((0, *x.shape[1:]), np.float32)]
    for start in range(0, len(x), batch):
        part = x[start : start + batch].astype(np.float32)
        channels = part if part.ndim == 4 else part[..., None]
        moved = keras.ops.image.affine_transform(
            channels, np.repeat(one, len(part), axis=0), data_format="channels_last"
        )
        seen.append(keras.ops.convert_to_numpy(moved).reshape(part.shape))
    return np.concatenate(seen)


def matrices(ops: Any, angle: Any, slant: Any, scale: Any, right: Any, down: Any, height: int, width: int) -> Any:
    """The eight numbers a row of `keras.ops.image.affine_transform`, `(n, 8)`: where each output pixel is read from.

    All of `angle`, `slant` (radians), `scale`, `right`, `down` (pixels) are `(n,)`; turning and scaling go about the
    middle of the image. `ops` is numpy or keras.ops.
    """
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    cosine, sine = ops.cos(angle) * scale, ops.sin(angle) * scale
    slope = ops.tan(slant)
    a, b = cosine, cosine * slope - sine
    c, d = sine, sine * slope + cosine
    offset_x = middle_x - a * middle_x - b * middle_y + right
    offset_y = middle_y - c * middle_x - d * middle_y + down
    return ops.stack([a, b, offset_x, c, d, offset_y, 0 * a, 0 * a], axis=1)


@functools.cache
def _affine_layer() -> Callable[..., Any]:
    """The layer class, made on first use because Keras must not be imported before."""
    import keras

    class RandomAffine(keras.layers.Layer):
        """See `affine`."""

        def __init__(
            self, *, rotation: float, shift: float, zoom: float, shear: float, seed: int | None, **rest: Any
        ) -> None:
            super().__init__(**rest)
            self.rotation, self.shift, self.zoom, self.shear = rotation, shift, zoom, shear
            self.generator = keras.random.SeedGenerator(seed)

        def draw(self, count: Any, most: float) -> Any:
            """`count` numbers between -most and most."""
            return keras.random.uniform((count,), -most, most, dtype="float32", seed=self.generator)

        def call(self, images: Any, training: bool = False) -> Any:
            ops = keras.ops
            images = ops.cast(images, "float32")
            if not training:
                return images
            count, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]
            transform = matrices(
                ops,
                self.draw(count, np.deg2rad(self.rotation)),
                self.draw(count, np.deg2rad(self.shear)),
                1.0 + self.draw(count, self.zoom),
                self.draw(count, self.shift),
                self.draw(count, self.shift),
                height,
                width,
            )
            channels = images if len(images.shape) == 4 else images[..., None]
            moved = ops.image.affine_transform(channels, transform, data_format="channels_last")
            return moved if len(images.shape) == 4 else moved[..., 0]

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return RandomAffine
