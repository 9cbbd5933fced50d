"""Training of a pretrained encoder of texts with a head: model, precision, optimizer, going on after a kill.

All of it is tf_keras, the Keras 2 that hub.KerasLayer is made of. For recipes alone, as `pieces.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from kit.errors import KitError
from kit.task.contract import Diverged, Fold
from kit.toolbox import resume
from kit.toolbox.encoders import feeding, seeding
from kit.toolbox.encoders.pieces import Batches, Inputs, hub, outputs

PRECISIONS: dict[str, dict[str, bool]] = {
    "float32": {},
    "bfloat16": {"auto_mixed_precision_onednn_bfloat16": True},
    "float16": {"auto_mixed_precision": True},
}
"""What TensorFlow's graph optimiser is told. A SavedModel has its types written in it, so that a Keras dtype policy
does not reach it; the graph optimiser does. `bfloat16` is for processors, `float16` for GPUs."""


def begin(seed: int) -> None:
    """Forget every earlier model and seed all that is random."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)


def pooled(encoder: str, *, pooling: str, seed: int, trainable: bool, inner_dropout: bool = True) -> tf_keras.Model:
    """The encoder alone: word pieces to one vector a text, float32 of (n, width), by hub.KerasLayer.

    `pooling` is `pooled`, the encoder's own, or `mean` of the outputs at all word pieces. Without `inner_dropout` it is
    trained as it predicts, and nothing is dropped inside it.
    """
    if pooling not in ("pooled", "mean"):
        raise KitError(f"There is no pooling {pooling!r}.", "Known ones: pooled, mean.", "--set pooling=pooled")
    names = ("input_word_ids", "input_mask", "input_type_ids")
    ids = {name: tf_keras.Input((None,), dtype=tf.int32, name=name) for name in names}
    with TemporaryDirectory() as folder:
        place = seeding.seeded(hub.resolve(encoder), seed, Path(folder, "encoder"))
        layer = hub.KerasLayer(str(place), trainable=trainable, name="encoder")
        outputs = layer(ids) if inner_dropout else layer(ids, training=False)
    if pooling == "pooled":
        return tf_keras.Model(ids, outputs["pooled_output"])
    mask = tf.cast(ids["input_mask"], tf.float32)[..., None]
    return tf_keras.Model(ids, tf.reduce_sum(outputs["sequence_output"] * mask, 1) / tf.reduce_sum(mask, 1))


def classifier(inputs: Any, vectors: Any, *, dropout: float) -> tf_keras.Model:
    """The practical's head on `vectors`, which come of `inputs`: dropout and one logit, float32 of (n, 1)."""
    dropped = tf_keras.layers.Dropout(dropout)(vectors)
    return tf_keras.Model(inputs, tf_keras.layers.Dense(1, name="classifier")(dropped))


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Within the block graphs are built that multiply in `name`, `auto` for the fastest; weights and sums stay float32.

    Raises KitError for an unknown name.
    """
    name = _fastest() if name == "auto" else name
    if name not in PRECISIONS:
        raise KitError(f"There is no precision {name!r}.", f"Known ones: auto, {', '.join(PRECISIONS)}.")
    off = {key: False for options in PRECISIONS.values() for key in options}
    tf.config.optimizer.set_experimental_options({**off, **PRECISIONS[name]})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(off)


def _fastest() -> str:
    """`bfloat16` on a processor with instructions for it, else `float32`; GPUs were not measured.

    On an EPYC with avx512_bf16 the product of a layer takes 7 ms instead of 13 ms, and a step 0.49 s instead of 0.83 s.
    """
    described = Path("/proc/cpuinfo")
    flags = described.read_text() if described.is_file() and not tf.config.list_physical_devices("GPU") else ""
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


class Climb(tf_keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that climbs to `rate` over `warmup` steps, and then lies on the line from `rate` at the first of
    `steps` to 0 at the last."""

    def __init__(self, rate: float, warmup: int, steps: int) -> None:
        self.rate, self.warmup, self.steps = rate, warmup, steps

    def __call__(self, step: Any) -> Any:
        done = tf.cast(step, tf.float32)
        falls = self.rate * (1 - tf.minimum(done / self.steps, 1.0))
        return tf.where(done < self.warmup, self.rate * done / max(self.warmup, 1), falls)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "warmup": self.warmup, "steps": self.steps}


class AdamW(tf_keras.optimizers.AdamW):
    """Adam with decoupled weight decay, whose gradients are clipped together to the norm 1, as in BERT's own training.

    The gradient of word embeddings comes row by row, and is clipped so. Then it is made whole: Adam changes every row
    anyway, and so in one pass.
    """

    def apply_gradients(self, grads_and_vars: Any, *rest: Any, **more: Any) -> Any:
        gradients, variables = zip(*grads_and_vars, strict=True)
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        return super().apply_gradients(
            list(zip(map(tf.convert_to_tensor, clipped), variables, strict=True)), *rest, **more
        )


def prepare(
    model: tf_keras.Model, steps: int, *, rate: float, warmup: float, scaled: bool = False, xla: bool = False
) -> None:
    """Compile `model` for a training of `steps`: binary cross-entropy from logits, and AdamW whose rate climbs for the
    share `warmup` of the steps and falls to 0 along a line. With the constants of BERT's own training, of which
    Kaggle's image lacks the package, tf-models-official; a test compares the two.

    `scaled` is for float16, whose small gradients would vanish.
    """
    optimizer = AdamW(Climb(rate, int(warmup * steps), steps), weight_decay=0.01, epsilon=1e-6)
    optimizer.exclude_from_weight_decay(var_names=["LayerNorm", "layer_norm", "bias"])
    model.compile(
        optimizer=tf_keras.mixed_precision.LossScaleOptimizer(optimizer) if scaled else optimizer,
        loss=tf_keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[tf_keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")],
        jit_compile=xla,
    )


def train(
    model: tf_keras.Model, batches: Batches, fold: Fold, *, epochs: int, watch: Mapping[str, tuple[Inputs, np.ndarray]]
) -> None:
    """Train a prepared `model` on `batches`; every epoch goes to `fold.report`.

    `watch` holds rows on which loss and accuracy are reported under a name; on those called `stop` training ends with
    the first epoch that does not lower the loss, and the best weights stay.

    After each epoch the state is kept in the fold's folder, and a fold that was killed goes on after the last one that
    was kept, with the same bytes as without a kill.
    """
    reporter = _Reporter(fold, epochs, watch)
    keeper = _Keeper(model, fold, epochs, len(batches), reporter)
    for _ in range(keeper.first):
        batches.on_epoch_end()
    model.fit(
        feeding.still(batches),
        epochs=epochs,
        initial_epoch=keeper.first,
        shuffle=False,
        callbacks=[_Dropout(fold.seed), feeding.follower(batches), reporter, keeper],
        verbose=0,
    )


class _Dropout(tf_keras.callbacks.Callback):
    """Lets dropout draw from its seeds anew in each epoch, so that an epoch does not hang on those before it.

    The operations of which dropout is made have a state that nobody can read or set. `tf.random.set_seed` is documented
    to set it back. What is dropped in a step of one epoch is dropped in the same step of the next, of other rows.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        tf.random.set_seed(self.seed)


class _Keeper(tf_keras.callbacks.Callback):
    """Keeps the state of the training after each epoch, and gives the model that of an earlier attempt; `first` is the
    epoch to begin with. It must be the last callback, so that it sees what the others have done."""

    def __init__(self, model: tf_keras.Model, fold: Fold, epochs: int, steps: int, reporter: _Reporter) -> None:
        super().__init__()
        self.variables, self.epochs, self.reporter = _variables(model), epochs, reporter
        arrays = [variable.numpy() for variable in self.variables]
        described = {
            "steps": steps,
            "shapes": [(array.shape, array.dtype.name) for array in arrays],
            "watched": [*reporter.watch],
            "versions": {"tf_keras": tf_keras.__version__, "tensorflow": tf.__version__},
        }
        self.saved = resume.Saved(fold, epochs, described)
        state = self.saved.read(arrays)
        self.first = state.epoch if state else 0
        if state:
            for variable, array in zip(self.variables, state.arrays, strict=False):
                variable.assign(array)
            reporter.best, reporter.weights = state.facts["best"], state.arrays[len(arrays) :] or None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        # A training that has stopped itself is at its end.
        reached = self.epochs if self.model.stop_training else epoch + 1
        arrays = [variable.numpy() for variable in self.variables]
        self.saved.write(reached, [*arrays, *(self.reporter.weights or ())], {"best": self.reporter.best})


def _variables(model: tf_keras.Model) -> list[tf.Variable]:
    """All that changes in a training, in a fixed order: the weights, the optimizer's, and the scale of the loss."""
    model.optimizer.build(model.trainable_variables)  # Keras 2 does so in the first step, and not earlier
    scaled = isinstance(model.optimizer, tf_keras.mixed_precision.LossScaleOptimizer)
    scale = [model.optimizer._loss_scale.current_loss_scale, model.optimizer.dynamic_counter] if scaled else []
    return [*model.variables, *model.optimizer.variables, *scale]


class _Reporter(tf_keras.callbacks.Callback):
    """Hands each epoch's figures to `fold.report`, and ends the training early where it has rows to judge by."""

    def __init__(self, fold: Fold, epochs: int, watch: Mapping[str, tuple[Inputs, np.ndarray]]) -> None:
        super().__init__()
        self.fold, self.epochs, self.watch = fold, epochs, watch
        self.best: float = np.inf
        self.weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = {name: float(value) for name, value in (logs or {}).items()}
        if not np.isfinite(figures["loss"]):
            raise Diverged(
                f"The loss is {figures['loss']} after epoch {epoch + 1} of {self.epochs}.",
                "A lower learning rate keeps the training from diverging.",
            )
        for name, (inputs, y) in self.watch.items():
            logits = outputs(self.model, inputs)[:, 0]
            figures[f"{name}_loss"] = float(np.mean(np.logaddexp(0, logits) - y * logits))
            figures[f"{name}_accuracy"] = float(np.mean((logits > 0) == y))
        self.fold.report(epoch + 1, self.epochs, **figures)
        if "stop" not in self.watch:
            return
        if figures["stop_loss"] < self.best:
            self.best, self.weights = figures["stop_loss"], self.model.get_weights()
        else:
            self.model.set_weights(self.weights)
            self.model.stop_training = True
