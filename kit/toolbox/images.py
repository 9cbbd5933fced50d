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
    *,
    rotation: float = 0.0,
    shift: float = 0.0,
    zoom: float = 0.0,
    shear: float = 0.0,
    elastic: float = 0.0,
    smooth: float = 4.0,
    seed: int | None = None,
) -> Any:
    """A Keras layer that turns, moves, scales, slants and bends each image of a batch by its own random amounts.

    `rotation` and `shear` are the largest amounts in degrees, `shift` in pixels, `zoom` as a fraction; each amount is
    drawn uniformly between the largest one and its negative. `elastic` is the standard deviation, in pixels, of how far
    each place is moved beside that, and `smooth` says within how many pixels places move together (Simard, Steinkraus
    and Platt, Best Practices for Convolutional Neural Networks, ICDAR 2003). Takes images `(n, height, width)` or
    `(n, height, width, channels)` of any dtype and gives the same shape as floats; what comes into view is 0. It acts
    in training only.
    """
    return _affine_layer()(
        rotation=rotation, shift=shift, zoom=zoom, shear=shear, elastic=elastic, smooth=smooth, seed=seed
    )


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


def bends(height: int, width: int, smooth: float) -> np.ndarray:
    """What random numbers at the knots of a grid make of each pixel, (knots, height x width) float32: sums of them with
    weights that fall off as a normal distribution of the standard deviation `smooth`, in pixels. Of independent numbers
    with variance 1 each pixel's sum has variance 1 too."""
    rows, columns = (
        np.exp(-(((np.arange(side)[:, None] - np.arange(-2 * smooth, side + 2 * smooth, smooth)) / smooth) ** 2) / 2)
        for side in (height, width)
    )
    rows, columns = (one / np.sqrt((one**2).sum(1, keepdims=True)) for one in (rows, columns))
    return np.kron(rows, columns).T.astype(np.float32)


def _sampled(images: Any, x: Any, y: Any) -> Any:
    """Images `(n, height, width, channels)` read at the places `x` and `y`, `(n, height x width)` in pixels: between
    the four nearest pixels, and 0 outside. The same shape."""
    import keras

    ops = keras.ops
    height, width, channels = images.shape[1:]
    # One row and column of zeros before, and two behind, so that all that is outside is read from zeros.
    padded = ops.reshape(ops.pad(images, ((0, 0), (1, 2), (1, 2), (0, 0))), (-1, channels))
    x, y = ops.clip(x, -1.0, float(width)), ops.clip(y, -1.0, float(height))
    left, top = ops.floor(x), ops.floor(y)
    right_share, low_share = (x - left)[..., None], (y - top)[..., None]
    first = ops.arange(ops.shape(images)[0])[:, None] * ((height + 3) * (width + 3))
    at = first + ops.cast(top + 1, "int32") * (width + 3) + ops.cast(left + 1, "int32")
    above = ops.take(padded, at, 0) * (1 - right_share) + ops.take(padded, at + 1, 0) * right_share
    at = at + (width + 3)
    below = ops.take(padded, at, 0) * (1 - right_share) + ops.take(padded, at + 1, 0) * right_share
    return ops.reshape(above * (1 - low_share) + below * low_share, (-1, height, width, channels))


@functools.cache
def _affine_layer() -> Callable[..., Any]:
    """The layer class, made on first use because Keras must not be imported before."""
    import keras

    class RandomAffine(keras.layers.Layer):
        """See `affine`."""

        def __init__(
            self,
            *,
            rotation: float,
            shift: float,
            zoom: float,
            shear: float,
            elastic: float,
            smooth: float,
            seed: int | None,
            **rest: Any,
        ) -> None:
            super().__init__(**rest)
            self.rotation, self.shift, self.zoom, self.shear = rotation, shift, zoom, shear
            self.elastic, self.smooth = elastic, smooth
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
            if self.elastic:
                moved = self.bent(channels, transform)
            else:
                moved = ops.image.affine_transform(channels, transform, data_format="channels_last")
            return moved if len(images.shape) == 4 else moved[..., 0]

        def bent(self, channels: Any, transform: Any) -> Any:
            """The images seen through `transform`, each place moved a little further, in one reading of the pixels."""
            ops = keras.ops
            count, height, width = ops.shape(channels)[0], channels.shape[1], channels.shape[2]
            made = bends(height, width, self.smooth)
            knots = [keras.random.normal((count, len(made)), dtype="float32", seed=self.generator) for _ in range(2)]
            off = [self.elastic * ops.matmul(one, ops.convert_to_tensor(made)) for one in knots]
            grid = np.indices((height, width), "float32").reshape(2, 1, -1)
            row, column = (ops.convert_to_tensor(part) for part in grid)
            a, b, right, c, d, down = (transform[:, at : at + 1] for at in range(6))
            return _sampled(channels, a * column + b * row + right + off[0], c * column + d * row + down + off[1])

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return RandomAffine
