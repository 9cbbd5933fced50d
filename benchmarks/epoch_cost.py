"""Where an epoch's time goes: one thing changed at a time in the training of the practical's network.

    python -m benchmarks.epoch_cost

Each line is one process that trains on 12,800 random images of 28x28; the figure is the quicker of the second and third
epoch, since the first one compiles. The ratio is to the first line.
"""

from __future__ import annotations

import subprocess
import sys

ROWS = 12_800

WAYS: dict[str, dict[str, object]] = {
    "the practical's way: batch 32, its order of layers": {"batch": 32},
    "batch 128": {},
    "batch 512": {"batch": 512},
    "steps_per_execution 8": {"together": 8},
    "steps_per_execution 32": {"together": 32},
    "jit_compile": {"jit": True},
    "bfloat16": {"precision": "mixed_bfloat16"},
    "pooling before normalisation": {"pool_first": True},
    "pooling before normalisation, bfloat16": {"pool_first": True, "precision": "mixed_bfloat16"},
    "no normalisation": {"normalised": False},
    "no normalisation, bfloat16": {"normalised": False, "precision": "mixed_bfloat16"},
    "first convolution strided instead of pooled": {"strided": True},
    "images as a tf.data.Dataset with prefetch": {"dataset": True},
    "augmentation in four Keras layers": {"augment": "four"},
    "augmentation in one resampling": {"augment": "one"},
    "everything that helped, augmented": {
        "together": 8,
        "pool_first": True,
        "precision": "mixed_bfloat16",
        "augment": "one",
    },
}


def seconds(
    batch: int = 128,
    together: int = 1,
    jit: bool = False,
    precision: str = "float32",
    pool_first: bool = False,
    normalised: bool = True,
    strided: bool = False,
    dataset: bool = False,
    augment: str = "",
) -> float:
    """Seconds of an epoch when trained that way."""
    import time

    import keras
    import numpy as np
    from keras import layers

    from kit.toolbox import images as augmentation

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(precision)
    inputs = keras.Input((28, 28, 1))
    images = layers.Rescaling(1 / 255)(inputs)
    if augment == "four":
        for layer in (
            layers.RandomRotation(10 / 360, fill_mode="constant"),
            layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant"),
            layers.RandomZoom(0.1, fill_mode="constant"),
            layers.RandomShear(0.17, 0.17, fill_mode="constant"),
        ):
            images = layer(images)
    elif augment == "one":
        images = augmentation.affine(rotation=10, shift=2, zoom=0.1, shear=10, seed=0)(images)
    for number, (count, kernel) in enumerate(((32, 5), (32, 3), (64, 3))):
        stride = 2 if strided and number == 0 else 1
        images = layers.Conv2D(count, kernel, stride, padding="same", use_bias=not normalised)(images)
        pool = layers.MaxPooling2D(2) if stride == 1 else layers.Identity()
        images = pool(images) if pool_first else images
        images = layers.BatchNormalization()(images) if normalised else images
        images = layers.Activation("relu")(images)
        images = layers.Dropout(0.1)(images if pool_first else pool(images))
    hidden = layers.Dense(256, activation="relu")(layers.Flatten()(images))
    model = keras.Model(inputs, layers.Dense(10, activation="softmax", dtype="float32")(hidden))
    model.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit,
        steps_per_execution=together,
    )
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (ROWS, 28, 28, 1), np.uint8)
    y = random.integers(0, 10, ROWS)
    rows: dict[str, object] = {"x": x, "y": y, "batch_size": batch}
    if dataset:
        import tensorflow

        rows = {"x": tensorflow.data.Dataset.from_tensor_slices((x, y)).shuffle(ROWS).batch(batch).prefetch(2)}
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        model.fit(**rows, epochs=1, verbose=0)
        taken.append(time.perf_counter() - started)
    return min(taken[1:])


def main() -> None:
    """Print a line for each way."""
    if len(sys.argv) > 1:
        print(seconds(**WAYS[sys.argv[1]]))  # type: ignore[arg-type]
        return
    first = 0.0
    for way in WAYS:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.epoch_cost", way], check=True, capture_output=True, text=True
        )
        found = float(done.stdout.splitlines()[-1])
        first = first or found
        print(f"{way:52} {found:6.2f} s  {found / first:5.2f}", flush=True)


if __name__ == "__main__":
    main()
