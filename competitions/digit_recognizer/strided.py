"""Two stages of three convolutions, the third of which halves the image by its stride, and a dense layer.

Source: Chris Deotte, 25 Million Images! [0.99757] MNIST, a notebook of this competition; it has a batch of 64 images, other
rates and 45 epochs. It is nearly as good as `vgg`, makes other mistakes, and blends well with it.
"""

import keras
from keras import layers

from kit.toolbox import networks

from . import _images

SMOKE = {"epochs": 4, "batch": 32, "filters": (16, 32), "units": 32, "tta": 3}
EXTRA = "keras"


def fit(
    fold,
    *,
    epochs: int = 25,
    rate: float = 3e-3,
    batch: int = 128,
    filters: tuple = (32, 64),  # of the three convolutions of each stage
    units: int = 128,
    dropout: float = 0.4,
    tta: int = 5,
    precision: str = "auto",  # bfloat16 where the processor has matrix units for it
    **views: _images.augmentation,
):
    networks.begin(fold, precision=precision)
    model = _network(filters, units, dropout)
    networks.fit(
        model,
        fold,
        epochs=epochs,
        batch=batch,
        optimizer=keras.optimizers.Adam(networks.one_cycle(rate, networks.steps(fold, batch, epochs))),
        transform=_images.augmentation(seed=fold.seed, **views),
    )
    return _images.save(model, fold.dir, tta=tta)


def _network(filters, units, dropout):
    inputs, images = _images.pixels()
    for count in filters:
        for kernel, stride, padding in ((3, 1, "valid"), (3, 1, "valid"), (5, 2, "same")):
            images = layers.Conv2D(
                count, kernel, stride, padding=padding, activation="relu", kernel_initializer="he_normal"
            )(images)
            images = layers.BatchNormalization(momentum=0.95)(images)
        images = layers.Dropout(dropout)(images)
    hidden = layers.Dense(units, activation="relu")(layers.Flatten()(images))
    hidden = layers.Dropout(dropout)(layers.BatchNormalization(momentum=0.95)(hidden))
    return keras.Model(inputs, layers.Dense(_images.CLASSES, activation="softmax", dtype="float32")(hidden))


load = _images.load
