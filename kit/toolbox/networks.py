"""What every Keras recipe needs and none should copy: a fresh start, a fit that reports, weights on disk, a Predict.

Works on any Keras backend; Keras is imported when a function is called.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.notes import tell
from kit.rows import views
from kit.task.contract import Diverged, Fitted, Fold
from kit.toolbox import normalising, resume

WEIGHTS = "model.keras"
SETTINGS = "settings.json"

NEWER_SETTINGS: dict[str, Any] = {
    **{"input_axes": None, "output_axes": None},  # initializers
    **{"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99},  # BatchNormalization
    **{"sliding_window": None, "use_gate": False},  # attention
    "salt": None,  # look-ups
}
"""Settings of layers and initializers that Keras 3.15.0 writes and 3.13.2 does not know, with the defaults that mean
what 3.13.2 does. Source: the signatures of all classes of both, compared."""

LARGEST = 256 << 20
"""Bytes of rows up to which they are copied whole, for speed; a larger array or memory map is read batch by batch."""

JUDGED = 512
"""Held-out rows that are judged at a time."""


def begin(fold: Fold, *, precision: str = "float32", threads: int = 0) -> None:
    """Forget every earlier model and seed all that is random, so that a fold is the same whatever ran before it.

    `precision` is the Keras dtype policy of the layers to come: `float32`, `mixed_bfloat16`, or `auto`, the fastest
    that is known to be safe here. `threads` are those that share an operation of TensorFlow's, 0 for one a core; a
    process that has computed before keeps what it had.
    """
    import keras

    if threads and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)

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
    accuracy: Any = None,
    transform: Any = None,
    trained: Any = None,
    train: Any = None,
    valid: Any = None,
    callbacks: tuple[Any, ...] = (),
    steps_per_execution: int = 8,
) -> Any:
    """Train `model` on the fold and return it; every epoch goes to `fold.report`.

    `accuracy` is the Keras metric of that name, where the model does not give a column a class. `transform` is a layer
    through which training batches pass first and which is no part of `model`; `trained` is a model of the same weights
    to be trained in its place, where such a layer must come later. `train` and `valid` are what the model reads where
    that is not the fold's `x`, row for row, or a `keras.utils.PyDataset` of batches with their labels, which are read
    in its own order. A fold without validation rows trains without validation. Rows of more than LARGEST bytes are
    never copied whole: batches are taken from the view.

    After each epoch the state is kept in the fold's folder, and a fold that was killed goes on after the last one that
    was kept, with the same bytes as without a kill. For that a PyDataset in `train` must be the same after the same
    number of `on_epoch_end`, and one in `valid` the same in each epoch; batches must hang on their number alone, and
    what is random in a layer on a `keras.random.SeedGenerator`. What callbacks hold in numbers, texts and arrays is
    kept too; a callback that holds something else, such as an open file, leaves the training without checkpoints, and a
    person is told so. Where several devices share a batch, up to one row less than devices counts twice in it.
    """
    import keras

    if trained is None:
        trained = keras.Model(model.input, model(model.input if transform is None else transform(model.input)))
    trained.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=[accuracy or keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        # Keras refuses more than one with PyTorch.
        steps_per_execution=1 if keras.backend.backend() == "torch" else steps_per_execution,
    )
    keeper = _keeper(trained, fold, epochs, batch, loss, callbacks)
    order = Order(len(fold.train), fold.seed)
    if isinstance(train, keras.utils.PyDataset):
        for _ in range(keeper.first):
            train.on_epoch_begin()
            train.on_epoch_end()
    with normalising.fused(layers(trained)):
        trained.fit(
            ahead(_shared_out(_fed(fold.train.x if train is None else train, fold.train.y, batch, order))),
            shuffle=False,  # by `order`, which is known for every epoch
            epochs=epochs,
            initial_epoch=keeper.first,
            validation_data=_judging(fold.valid.x if valid is None else valid, fold.valid.y)
            if len(fold.valid)
            else None,
            validation_batch_size=JUDGED,
            callbacks=[_follower(order), _reporter(fold, epochs), *callbacks, keeper],
            verbose=0,
        )
    return model


def _shared_out(batches: Any) -> Any:
    """Batches in numbers that all devices can share; as they are with one device. Those that are none are arrays."""
    import keras

    if parallel() == 1:
        return batches
    whole = batches if isinstance(batches, keras.utils.PyDataset) else _batches(batches[0], batches[1], JUDGED, None)

    class Shared(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(whole)

        def __getitem__(self, number: int) -> Any:
            batch = whole[number]
            rows = shared(np.arange(len(keras.tree.flatten(batch)[0])))
            return keras.tree.map_structure(lambda part: part[rows], batch)

        def on_epoch_begin(self) -> None:
            whole.on_epoch_begin()

        def on_epoch_end(self) -> None:
            whole.on_epoch_end()

    return Shared()


class Order:
    """The order of the training rows in each epoch: a function of the seed and the epoch, whatever was before it."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rows, self.seed, self.epoch = rows, seed, 0

    def __call__(self) -> np.ndarray:
        """The numbers of all rows, int64 of (rows,), as they are shuffled in this epoch."""
        return np.random.default_rng((self.seed, self.epoch)).permutation(self.rows)


def _fed(x: Any, y: np.ndarray | None, batch: int, order: Order) -> Any:
    """What Keras trains on: a `PyDataset` as it is; small rows in a pipeline of TensorFlow's, which gathers batches
    without Python; others in batches that are taken from the view."""
    import keras

    if isinstance(x, keras.utils.PyDataset):
        return x
    if keras.backend.backend() == "tensorflow" and not _large(x):
        return _pipeline(_taken(x), y, batch, order)
    return _batches(x, y, batch, order)


def _judging(x: Any, y: np.ndarray | None) -> Any:
    """The held-out rows as Keras takes them."""
    import keras

    if isinstance(x, keras.utils.PyDataset):
        return ahead(_shared_out(x))
    return ahead(_shared_out(_batches(x, y, JUDGED, None) if _large(x) else (_taken(x), y)))


def ahead(batches: Any) -> Any:
    """Batches of a PyDataset made two ahead of the training, in a thread of Keras's own; all else as it is.

    A PyDataset of one worker goes through a pipeline of TensorFlow's that tunes itself. At the end of an epoch that was
    often waited for until it next looked, up to as long as the epoch had taken: a training of 48 s an epoch took 80.
    """
    import keras

    if keras.backend.backend() != "tensorflow" or not isinstance(batches, keras.utils.PyDataset):
        return batches
    if type(batches).on_epoch_begin is not keras.utils.PyDataset.on_epoch_begin:
        return batches  # Keras would ask for the first ones before it calls that

    class Ahead(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__(workers=2, max_queue_size=2)
            self.lock = threading.Lock()  # batches may be made of what only one can read at a time

        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, number: int) -> Any:
            with self.lock:
                return batches[number]

        def on_epoch_end(self) -> None:
            batches.on_epoch_end()

    return Ahead()


def _large(x: Any) -> bool:
    """Whether rows of arrays or memory maps, one or several beside each other, take more than LARGEST bytes; other
    kinds are taken whole."""
    parts = x if isinstance(x, tuple) else (x,)
    if not all(isinstance(part, views.Rows) and isinstance(part.store, np.ndarray) for part in parts):
        return False
    return sum(part.store[:1].nbytes * len(part) for part in parts) > LARGEST


def _taken(x: Any, at: np.ndarray | None = None) -> Any:
    """The rows at `at`, or all of them, of Rows or arrays, which may be nested."""
    import keras

    def some(part: Any) -> Any:
        if isinstance(part, views.Rows):
            return part.take(at)
        return part if at is None else part[at]

    return keras.tree.map_structure(some, x)


def _pipeline(x: Any, y: np.ndarray | None, batch: int, order: Order) -> Any:
    """A `tf.data.Dataset` of batches of arrays, or of nested ones, in the order of the epoch.

    It is the pipeline that Keras builds for arrays (`ArrayDataAdapter`), but for the order: Keras draws it from a state
    that cannot be set, so that no later epoch could be gone on with.
    """
    import tensorflow as tf

    whole = order.rows // batch * batch
    drawn = tf.data.Dataset.from_generator(
        lambda: iter([order()]), output_signature=tf.TensorSpec((order.rows,), tf.int64)
    )

    def cut(numbers: Any) -> Any:
        full = tf.data.Dataset.from_tensor_slices(tf.reshape(numbers[:whole], (-1, batch)))
        return full if whole == order.rows else full.concatenate(tf.data.Dataset.from_tensors(numbers[whole:]))

    def gather(numbers: Any, rows: Any) -> Any:
        return tf.nest.map_structure(lambda column: tf.gather(column, numbers), rows)

    rows = tf.data.Dataset.from_tensors((x, y)).repeat()
    batches = tf.data.Dataset.zip((drawn.flat_map(cut), rows)).map(gather, num_parallel_calls=2)
    options = tf.data.Options()
    options.autotune.enabled = False  # see `ahead`
    options.experimental_optimization.apply_default_optimizations = False  # they would copy the rows into the graph
    counted = batches.with_options(options).apply(tf.data.experimental.assert_cardinality(-(-order.rows // batch)))
    return counted.prefetch(2)


def _batches(x: Any, y: np.ndarray | None, batch: int, order: Order | None) -> Any:
    """A `keras.utils.PyDataset` that takes each batch from the rows when it is its turn; in their own order without an
    `order`. Arrays may be nested."""
    import keras

    rows = len(y) if y is not None else order.rows if order else 0

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self._epoch, self._numbers = -1, np.arange(rows)

        def __len__(self) -> int:
            return -(-rows // batch)

        def __getitem__(self, number: int) -> tuple[Any, Any]:
            if order is not None and self._epoch != order.epoch:
                self._epoch, self._numbers = order.epoch, order()
            # In ascending order, since neighbours lie side by side in a memory map.
            at = np.sort(self._numbers[number * batch : (number + 1) * batch])
            return _taken(x, at), None if y is None else y[at]

    return Batches()


def _follower(order: Order) -> Any:
    """A callback that tells the order which epoch it is."""
    import keras

    class Follower(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            order.epoch = epoch

    return Follower()


def _keeper(trained: Any, fold: Fold, epochs: int, batch: int, loss: Any, callbacks: Sequence[Any]) -> Any:
    """A callback that keeps the state of the training after each epoch; `first` is the epoch to begin with, for which
    it has given the model, its optimizer and all that is random the state of an earlier attempt.

    It must be the last one, so that it sees what the others have done.
    """
    import keras

    trained.optimizer.build(trained.trainable_variables)
    variables = _variables(trained)
    arrays = [_array(variable) for variable in variables]
    described = {
        "batch": batch,
        "layers": [_settings(layer) for layer in layers(trained)],
        "shapes": [(array.shape, array.dtype.name) for array in arrays],
        "optimizer": trained.optimizer.get_config(),
        "loss": loss if isinstance(loss, str) else getattr(loss, "__qualname__", type(loss).__name__),
        "callbacks": [type(callback).__name__ for callback in callbacks],
        "versions": _versions(),
    }
    saved = resume.Saved(fold, epochs, described)
    state = saved.read(arrays)
    known = {
        "less": keras.ops.less,
        "greater": keras.ops.greater,
        "model": trained,
    }  # what Keras's callbacks compare by

    class Keeper(keras.callbacks.Callback):
        first = state.epoch if state else 0
        keeps = True

        def on_train_begin(self, logs: Any = None) -> None:  # after the other callbacks have set themselves back
            self.before = [dict(vars(callback)) for callback in callbacks]
            if state is not None:
                rest = state.arrays[len(variables) :]
                for callback, (facts, begin) in zip(callbacks, state.facts["callbacks"], strict=True):
                    resume.restore(callback, facts, rest[begin:], known)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not self.keeps:
                return
            held: list[tuple[dict[str, Any], int]] = []
            more: list[np.ndarray] = []
            try:
                for callback, before in zip(callbacks, self.before, strict=True):
                    facts, arrays = resume.attributes(callback, known, before)
                    held.append((facts, len(more)))
                    more += arrays
            except resume.Unstorable as error:
                self.keeps = False
                tell(f"This training keeps no checkpoints: {error}, cannot be stored. After a kill it begins anew.")
                return
            # A training that has stopped itself is at its end.
            reached = epochs if trained.stop_training else epoch + 1
            saved.write(reached, [*map(_array, variables), *more], {"callbacks": held})

    if state is not None:
        for variable, array in zip(variables, state.arrays, strict=False):
            variable.assign(array)
    return Keeper()


def _variables(trained: Any) -> list[Any]:
    """All that changes in a training, in a fixed order: weights, statistics, seeds of layers, and the optimizer's."""
    return [*trained.variables, *trained.optimizer.variables]


def _array(variable: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable))


def layers(model: Any) -> list[Any]:
    """All layers of a model, those of models in it too."""
    return [inner for layer in model.layers for inner in (layer, *(layers(layer) if hasattr(layer, "layers") else ()))]


def _settings(layer: Any) -> dict[str, Any]:
    """The plain settings of a layer, such as its rate; not its name, which hangs on what was built before, and not its
    seed, since the state of its generator is kept."""
    try:
        config = layer.get_config()
    except NotImplementedError:  # Keras's word for a layer with settings that it was not told how to store
        config = {}
    plain = {key: value for key, value in config.items() if isinstance(value, (bool, int, float, str, type(None)))}
    return {**plain, "name": type(layer).__name__, "seed": None}


def _versions() -> dict[str, str]:
    """The versions of Keras and of what it computes with."""
    import keras

    backend = keras.backend.backend()
    return {"keras": keras.__version__, backend: importlib.import_module(backend).__version__}


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
    write(model, partial)
    os.replace(partial, dir / WEIGHTS)
    (dir / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n")


def write(model: Any, path: Path) -> None:
    """Write a `.keras` file that Keras 3.13, which is on Kaggle's image, can read too.

    Later ones write settings that 3.13 refuses; they are left out where they have their defaults.
    """
    model.save(path)
    with zipfile.ZipFile(path) as file:
        parts = [(part, file.read(part)) for part in file.infolist()]
    whole = {part.filename: content for part, content in parts}
    described = json.dumps(_without_newer(json.loads(whole["config.json"]))).encode()
    if described != whole["config.json"]:
        with zipfile.ZipFile(path, "w") as file:
            for part, content in parts:
                file.writestr(part, described if part.filename == "config.json" else content)


def _without_newer(described: Any) -> Any:
    """A model's description without the settings in NEWER_SETTINGS that have their defaults."""
    if isinstance(described, list):
        return [_without_newer(inner) for inner in described]
    if not isinstance(described, dict):
        return described
    kept = {key: _without_newer(inner) for key, inner in described.items()}
    if str(kept.get("module", "")).startswith("keras") and isinstance(kept.get("config"), dict):
        config = kept["config"]
        newer = {key for key, usual in NEWER_SETTINGS.items() if key in config and config[key] == usual}
        kept["config"] = {key: inner for key, inner in config.items() if key not in newer}
    return kept


def load(dir: Path) -> tuple[Any, dict[str, Any]]:
    """The model that `save` wrote and its settings."""
    import keras

    return keras.saving.load_model(Path(dir) / WEIGHTS, compile=False), json.loads((Path(dir) / SETTINGS).read_text())


def predictor(model: Any, *, batch: int = 512, read: Callable[[Any], Any] | None = None) -> Fitted:
    """A Fitted for any number of rows, 0 too: chunks of one constant shape, so that the model is compiled once, and all
    devices can share it.

    `read` makes of a chunk of rows what the model takes, an array or nested ones, where that is not the rows. The last
    chunk is filled up with its first row; those extra predictions are dropped. Gives float32.
    """
    import keras

    def predict(x: Any) -> np.ndarray:
        parts, whole = [np.zeros((0, *model.output_shape[1:]), np.float32)], len(shared(np.arange(batch)))
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            filled = np.append(np.arange(len(part)), np.zeros(whole - len(part), np.int64))
            given = keras.tree.map_structure(lambda column, at=filled: column[at], read(part) if read else part)
            parts.append(np.asarray(model.predict_on_batch(given), np.float32)[: len(part)])
        return np.concatenate(parts)

    return Fitted(predict, model.count_params())
