"""A classifier of two classes of texts on a pretrained encoder, fine-tuned or frozen: fitted, stored, loaded.

For recipes alone, as `pieces.py`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras

from kit.errors import KitError
from kit.task import splits
from kit.task.contract import Fitted, Fold
from kit.toolbox.encoders import finetuning, handles
from kit.toolbox.encoders.pieces import STEP, Batches, Inputs, Pieces, outputs

WEIGHTS = "weights.npz"
SETTINGS = "settings.json"
PARTS = ("encoder", "preprocess")

Texts = Callable[[Any], list[str]]
"""Rows of a competition to the text of each."""


def fit(
    fold: Fold,
    texts: Texts,
    *,
    encoder: str,
    preprocess: str,
    epochs: int,
    rate: float,
    warmup: float,
    batch: int,
    dropout: float,
    pooling: str,
    length: int,
    bucket: bool,
    holdout: float,
    frozen: bool,
    precision: str,
    xla: bool,
    inner_dropout: bool = True,
    step: int = STEP,
    **own: Any,
) -> Fitted:
    """Fit a classifier of the fold's labels, 0 and 1, and store it in the fold's folder.

    `encoder` and `preprocess` are handles (`handles.locate`). A text has at most `length` word pieces; `bucket` pads a
    batch to the next multiple of `step` of its longest text only. `inner_dropout` is the encoder's own dropout. `rate`
    is the highest of the training, after the share `warmup` of its steps.
    `holdout` is a share of the fitted rows, whole groups, kept aside to stop the training early; the held-out fold
    never decides. With `frozen` each text is encoded once, and only the head is trained. `own` are further settings of
    the recipe, which are stored with the others. Raises Diverged where the loss is no longer finite.
    """
    settings = {key: value for key, value in locals().items() if key not in ("fold", "texts", "own")} | own
    with finetuning.precision(precision):
        model, read = _build(fold.seed, settings, texts)
        train, watched = fold.train, {"val": fold.valid} if len(fold.valid) else {}
        if holdout:
            held = splits.Holdout(holdout, fold.seed)(train) == 0
            watched["stop"], train = train.rows(held), train.rows(~held)
        watch = {name: (read(rows.x.take()), np.asarray(rows.y)) for name, rows in watched.items()}
        batches = Batches(read(train.x.take()), np.asarray(train.y), batch=batch, seed=fold.seed)
        steps = len(batches) * epochs
        finetuning.prepare(model, steps, rate=rate, warmup=warmup, scaled=precision == "float16", xla=xla)
        finetuning.train(model, batches, fold, epochs=epochs, watch=watch)
    _save(model, fold.dir, settings)
    return _predictor(model, read, precision)


def load(dir: Path, texts: Callable[[Mapping[str, Any]], Texts]) -> Fitted:
    """The Fitted whose model `fit` stored in the folder; `texts` gives, for the recipe's settings, what it was given.

    Raises KitError where the encoder it was built with is another one.
    """
    settings = json.loads((Path(dir) / SETTINGS).read_text(encoding="utf-8"))
    with finetuning.precision(settings["precision"]):
        model, read = _build(0, settings, texts(settings))
    _restore(model, dir, settings["encoder"])
    return _predictor(model, read, settings["precision"])


def _build(seed: int, settings: Mapping[str, Any], texts: Texts) -> tuple[tf_keras.Model, Callable[[Any], Inputs]]:
    """The model, and what turns rows of the competition into its inputs."""
    places = [handles.locate(settings[part], part) for part in PARTS]
    finetuning.begin(seed)
    pieces = Pieces(places[1], length=settings["length"], bucket=settings["bucket"], step=settings["step"])
    pooled = functools.partial(finetuning.pooled, places[0], pooling=settings["pooling"], seed=seed)
    encode: Callable[[Sequence[str]], Inputs] = pieces
    if settings["frozen"]:
        key = (*places, *(settings[name] for name in ("pooling", "length", "bucket", "step", "precision")))
        encode = frozen = Vectors(functools.partial(pooled, trainable=False), pieces, key)
        inputs = vectors = tf_keras.Input((frozen.width,), name="vector")
    else:
        encoder = pooled(trainable=True, inner_dropout=settings["inner_dropout"])
        inputs, vectors = encoder.input, encoder.output
    model = finetuning.classifier(inputs, vectors, dropout=settings["dropout"])
    return model, lambda x: encode(texts(x))


_VECTORS: dict[Any, dict[str, np.ndarray]] = {}
"""What frozen encoders gave in this process: by all that a vector depends on, then by text."""


class Vectors:
    """A frozen encoder: texts to its vectors. A text is encoded once in a process, whichever fold or rows it is in."""

    def __init__(self, build: Callable[[], tf_keras.Model], pieces: Pieces, key: Any) -> None:
        """`build` makes the encoder, should a text be new; `key` names all that its vectors depend on."""
        self._build, self._pieces, self._encoder = build, pieces, None
        self._vectors = _VECTORS.setdefault(key, {})

    def __call__(self, texts: Sequence[str]) -> Inputs:
        if new := [text for text in dict.fromkeys(texts) if text not in self._vectors]:
            self._encoder = self._encoder or self._build()
            self._vectors.update(zip(new, outputs(self._encoder, self._pieces(new)), strict=True))
        vectors = np.stack([self._vectors[text] for text in texts]) if len(texts) else np.zeros((0, self.width))
        return Inputs(lambda rows: vectors[rows], len(texts))

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return len(self([""]).take(np.arange(1))[0])


def _predictor(model: tf_keras.Model, read: Callable[[Any], Inputs], name: str) -> Fitted:
    """A Fitted that gives the probability of class 1, float32 of (n,), computed in the precision `name`."""

    def predict(x: Any) -> np.ndarray:
        with finetuning.precision(name):
            logits = outputs(model, read(x))[:, 0]
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)

    return Fitted(predict, model.count_params())


def _save(model: tf_keras.Model, dir: Path, settings: Mapping[str, Any]) -> None:
    """Write the weights, in the model's order, and the settings by which `load` builds the model again."""
    partial = dir / f"partial-{WEIGHTS}"
    np.savez(partial, **{f"{place:04d}": weight for place, weight in enumerate(model.get_weights())})
    partial.replace(dir / WEIGHTS)
    (dir / SETTINGS).write_text(json.dumps(dict(settings), indent=2) + "\n", encoding="utf-8")


def _restore(model: tf_keras.Model, dir: Path, encoder: str) -> None:
    """Give `model` the weights that `save` wrote.

    Raises KitError where the encoder it was built with is another one.
    """
    with np.load(dir / WEIGHTS, allow_pickle=False) as file:
        weights = [file[name] for name in sorted(file.files)]
    if [weight.shape for weight in weights] != [weight.shape for weight in model.get_weights()]:
        raise KitError(
            f"The weights in {dir} belong to another encoder than {SETTINGS} there names.",
            "The encoder has been replaced since. It must be the one of the training.",
            f"kit encoder import ~/models/{Path(encoder).name}",
        )
    model.set_weights(weights)
