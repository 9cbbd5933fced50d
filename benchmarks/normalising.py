"""Processor seconds of a training step with batch normalisation as one operation, and with Keras's own.

`vgg` of digit-recognizer, which normalises its maps of 7 pixels, the same with all maps normalised, and the network of
`kit new` for pictures (64 pixels, 3 colours), on random images. Steps are made in turns in one process, on one thread,
and the fastest of each kind counts, so that other work beside it matters little.

    taskset -c 0 python -m benchmarks.normalising
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def main() -> None:
    """Print a line a network and precision: milliseconds of a step either way, and the ratio."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--steps", type=int, default=15)
    options = asked.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(f"{'network':10} {'precision':15} {'one operation':>14} {'Keras':>8}  ratio")
    for precision in ("float32", "mixed_bfloat16"):
        for name, made in _networks().items():
            keras.config.set_dtype_policy(precision)
            ours, plain = _fastest(made, options.steps)
            print(
                f"{name:10} {precision:15} {1e3 * ours:11.1f} ms {1e3 * plain:5.1f} ms  {ours / plain:5.2f}", flush=True
            )


def _networks() -> dict[str, Callable[[], Any]]:
    """How to make each network; batches of 128 digits, or of 32 pictures."""
    from competitions.digit_recognizer import vgg
    from kit.toolbox import goals, pictures_network

    def normalised(largest: int) -> Any:
        vgg.NORMALISED = largest
        return vgg._network((32, 64, 128), 0.0)

    goal = goals.Goal("classes", np.arange(10))
    return {
        "vgg": lambda: normalised(7),
        "vgg, all": lambda: normalised(28),
        "pictures": lambda: pictures_network._model(goal, 64, 3, (32, 64, 128), 0.3),
    }


def _fastest(made: Callable[[], Any], steps: int) -> tuple[float, float]:
    """Processor seconds of the fastest of `steps` steps, as one operation and with Keras's own."""
    from kit.toolbox import normalising

    models = [made(), made()]
    shape = models[0].input_shape[1:]
    count = 128 if len(shape) == 2 else 32
    images, labels = np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8), np.arange(count) % 10
    seconds: tuple[list[float], list[float]] = ([], [])
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
    for _ in range(steps + 1):
        for model, took in zip(models, seconds, strict=True):
            with normalising.fused(model.layers) if took is seconds[0] else contextlib.nullcontext():
                start = time.process_time()
                model.train_on_batch(images, labels)
                took.append(time.process_time() - start)
    return min(seconds[0][1:]), min(seconds[1][1:])


if __name__ == "__main__":
    main()
