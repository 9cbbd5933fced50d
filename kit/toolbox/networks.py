"""What every Keras recipe needs and none should copy: a fresh start, a fit that reports, weights on disk, a Predict.

Works on any Keras backend; Keras is imported when a function is called.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task.contract import Diverged, Fitted, Fold

WEIGHTS = "model.keras"
SETTINGS = "settings.json"


def begin(fold: Fold, *, precision: str = "float32") -> None:
    """Forget every earlier model and seed all that is random, so that a fold is the same whatever ran before it.

    `precision` is the Keras dtype policy of the layers to come: `float32`, `mixed_bfloat16`, or `auto`, the fastest
    that is known to be safe here.
    """
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(fold.seed)
    if parallel() > 1:  # which the session has forgotten
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    keras.config.set_dtype_policy(_fastest() if precision == "auto" else precision)


def _fastest() -> str:
    """`mixed_bfloat16` for TensorFlow on a processor with matrix units for it, else `float32`.

    On a Xeon with AMX it takes 4.1 s instead of 10.3 s for 12,800 images through six convolutions; a processor without
    such units only imitates it, and other backends and GPUs were not measured.
    """
    import keras

    if keras.backend.backend() != "tensorflow" or any("cpu" not in name for name in keras.distribution.list_devices()):
        return "float32"
    described = Path("/proc/cpuinfo")
    return "mixed_bfloat16" if described.is_file() and "amx_bf16" in described.read_text() else "float32"


def parallel() -> int:
    """Among how many devices a batch is shared out: all that JAX sees, such as the 8 cores of a TPU; else 1.

    Source: https://keras.io/guides/distribution, whose DataParallel is of JAX only.
    """
    import keras

    return len(keras.distribution.list_devices()) if keras.backend.backend() == "jax" else 1


def shared(rows: np.ndarray) -> np.ndarray:
    """Numbers of rows, of which the first are repeated until all devices get as many: JAX refuses to share out others.
    Fewer rows are repeated than there are devices; with one device, none."""
    return np.resize(rows, -(-len(rows) // (devices := parallel())) * devices)


def steps(fold: Fold, batch: int, epochs: int) -> int:
    """How many batches a training of `epochs` has."""
    return max(1, -(-len(fold.train.ids) // batch) * epochs)


def schedule(name: str, rate: float, total: int) -> Any:
    """The learning rate of each of `total` steps: `one_cycle` or `constant`."""
    if name == "constant":
        return rate
    if name == "one_cycle":
        return one_cycle(rate, total)
    raise KitError(f"there is no schedule {name!r}", "Known ones: one_cycle, constant.")


def one_cycle(rate: float, total: int, *, warmup: float = 0.2) -> Any:
    """A learning rate that climbs to `rate` over the first `warmup` of `total` steps and falls to 0 along a cosine."""
    import keras

    climb = int(total * warmup)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate / 10 if climb else rate,
        decay_steps=max(1, total - climb),
        warmup_target=rate if climb else None,
        warmup_steps=climb,
    )


def optimizer(name: str, rate: Any, **settings: Any) -> Any:
    """The Keras optimiser `name`, such as `adam` or `sgd`; `rate` is a number or a schedule."""
    import keras

    try:
        kind = type(keras.optimizers.get(name))
    except ValueError as error:
        raise KitError(f"Keras knows no optimizer {name!r}", "Known ones: adam, adamw, sgd, rmsprop, nadam.") from error
    return kind(learning_rate=rate, **settings)


def fit(
    model: Any,
    fold: Fold,
    *,
    epochs: int,
    batch: int,
    optimizer: Any,
    loss: Any = "sparse_categorical_crossentropy",
    transform: Any = None,
    trained: Any = None,
    train: Any = None,
    valid: Any = None,
    callbacks: tuple[Any, ...] = (),
    steps_per_execution: int = 8,
) -> Any:
    """Train `model` on the fold and return it; every epoch goes to `fold.report`.

    `transform` is a layer through which training batches pass first and which is no part of `model`; `trained` is a
    model of the same weights to be trained in its place, where such a layer must come later. `train` and `valid` are
    what the model reads where that is not the fold's `x`, row for row, or a `keras.utils.PyDataset` of batches with
    their labels. A fold without validation rows trains without validation. Where several devices share a batch, some
    rows of the last one count twice.
    """
    import keras

    if trained is None:
        trained = keras.Model(model.input, model(model.input if transform is None else transform(model.input)))
    trained.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        # Keras refuses more than one with PyTorch.
        steps_per_execution=1 if keras.backend.backend() == "torch" else steps_per_execution,
    )
    held_out: Any = None
    if len(fold.valid.ids):
        held_out = _shared_out(fold.valid.x.take() if valid is None else valid, fold.valid.y)
        held_out = held_out[0] if held_out[1] is None else held_out
    x, y = _shared_out(fold.train.x.take() if train is None else train, fold.train.y)
    trained.fit(
        x,
        y,
        epochs=epochs,
        batch_size=None if y is None else len(shared(np.arange(batch))),
        validation_data=held_out,
        validation_batch_size=512,
        callbacks=[_reporter(fold, epochs), *callbacks],
        verbose=0,
    )
    return model


def _shared_out(x: Any, y: Any) -> tuple[Any, Any]:
    """Rows and labels, or a PyDataset of batches and None, in numbers that all devices can share."""
    import keras

    if not isinstance(x, keras.utils.PyDataset):
        if parallel() == 1:
            return x, y
        rows = shared(np.arange(len(y)))
        return keras.tree.map_structure(lambda part: part[rows], x), y[rows]
    if parallel() == 1:
        return x, None
    whole = x

    class Shared(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(whole)

        def __getitem__(self, number: int) -> Any:
            batch = whole[number]
            rows = shared(np.arange(len(batch[1])))
            return keras.tree.map_structure(lambda part: part[rows], batch)

        def on_epoch_end(self) -> None:
            whole.on_epoch_end()

    return Shared(), None


def _reporter(fold: Fold, epochs: int) -> Any:
    """A callback that hands the figures of each epoch to `fold.report`."""
    import keras

    class Reporter(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            figures = {name: float(value) for name, value in (logs or {}).items()}
            if not np.isfinite(figures["loss"]):
                raise Diverged(
                    f"The loss is {figures['loss']} after epoch {epoch + 1} of {epochs}.",
                    "A lower learning rate keeps the training from diverging.",
                )
            fold.report(epoch + 1, epochs, **figures)

    return Reporter()


def save(model: Any, dir: Path, **settings: Any) -> None:
    """Write `model` and what else `load` needs to predict into `dir`; an earlier model stays until the new is whole."""
    dir.mkdir(parents=True, exist_ok=True)
    partial = dir / f"partial-{WEIGHTS}"
    model.save(partial)
    os.replace(partial, dir / WEIGHTS)
    (dir / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n")


def load(dir: Path) -> tuple[Any, dict[str, Any]]:
    """The model that `save` wrote and its settings."""
    import keras

    return keras.saving.load_model(Path(dir) / WEIGHTS, compile=False), json.loads((Path(dir) / SETTINGS).read_text())


def predictor(model: Any, *, batch: int = 512) -> Fitted:
    """A Fitted for any number of rows, 0 too: chunks of one constant shape, so that the model is compiled once.

    The last chunk is filled up with its first row; those extra predictions are dropped. Gives float32.
    """

    def predict(x: Any) -> np.ndarray:
        parts, whole = [np.zeros((0, *model.output_shape[1:]), np.float32)], len(shared(np.arange(batch)))
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            filled = np.concatenate([part, np.repeat(part[:1], whole - len(part), axis=0)])
            parts.append(np.asarray(model.predict_on_batch(filled), np.float32)[: len(part)])
        return np.concatenate(parts)

    return Fitted(predict, model.count_params())
