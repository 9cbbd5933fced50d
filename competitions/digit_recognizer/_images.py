"""What the digit recipes share: 28x28 greyscale images, ten classes, and the steps around every network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.rows import views
from kit.rows.views import Rows
from kit.task.contract import Fitted, Fold
from kit.toolbox import estimators, images, networks

SIDE, CLASSES = 28, 10


def augmentation(
    *,
    seed: int,
    rotation: float = 10.0,  # degrees
    shift: float = 2.0,  # pixels
    zoom: float = 0.1,
    shear: float = 10.0,  # degrees
    elastic: float = 0.0,  # pixels, a standard deviation; 1 closes the gap to the training rows, and gains nothing
) -> Any:
    """The training augmentation of the digits, a Keras layer."""
    return images.affine(rotation=rotation, shift=shift, zoom=zoom, shear=shear, elastic=elastic, seed=seed)


def pixels() -> tuple[Any, Any]:
    """The input of a network, images of 0 to 255 `(n, 28, 28)`, and the same scaled to 0 to 1, `(n, 28, 28, 1)`."""
    import keras

    inputs = keras.Input((SIDE, SIDE), name="image")
    return inputs, keras.layers.Reshape((SIDE, SIDE, 1))(keras.layers.Rescaling(1 / 255)(inputs))


def save(model: Any, dir: Path, *, tta: int) -> Fitted:
    """Store a trained network with the number of views it predicts from, and give its Fitted."""
    networks.save(model, dir, tta=tta)
    return images.tta(networks.predictor(model), tta)


def load(dir: Path) -> Fitted:
    """The Fitted of a network that `save` stored, or the mean of those of its members."""
    if members := sorted(dir.glob("member-*")):
        return mean([load(member) for member in members])
    model, settings = networks.load(dir)
    return images.tta(networks.predictor(model), settings["tta"])


def member(fold: Fold, number: int, members: int) -> Fold:
    """The fold as member `number` of several sees it: its own folder, and the seed that the run seeded `number` higher
    would have given it, so that two members predict what the mean of two runs does. One member is the fold itself."""
    if members == 1:
        return fold

    def report(done: int, of: int, **figures: float) -> None:
        fold.report(number * of + done, members * of, **figures)

    return fold._replace(seed=fold.seed + 1000 * number, dir=fold.dir / f"member-{number}", report=report)


def mean(members: Sequence[Fitted]) -> Fitted:
    """A Fitted that gives the mean of several, in float32."""
    if len(members) == 1:
        return members[0]

    def predict(x: np.ndarray) -> np.ndarray:
        return np.mean([each.predict(x) for each in members], axis=0, dtype=np.float64).astype(np.float32)

    return Fitted(predict, sum(each.parameters or 0 for each in members))


def flat(x: np.ndarray | Rows) -> np.ndarray:
    """Images `(n, 28, 28)` as rows of 784 floats of 0 to 1, for models that know no images."""
    images = views.batch(x)
    return images.reshape(len(images), SIDE * SIDE).astype(np.float32) / 255


def rows(probabilities: Callable[[np.ndarray], np.ndarray], classes: np.ndarray, *, chunk: int = 4096) -> Fitted:
    """A Fitted from a scikit-learn `predict_proba`, in chunks; a class without training rows gets probability 0."""

    def predict(x: np.ndarray) -> np.ndarray:
        pred = np.zeros((len(x), CLASSES), np.float32)
        for start in range(0, len(x), chunk):
            pred[start : start + chunk, classes] = probabilities(flat(x[start : start + chunk]))
        return pred

    return Fitted(predict)


def save_estimator(dir: Path, model: Any, classes: np.ndarray | None = None) -> Fitted:
    """Store a fitted classifier and give its Fitted; `classes` are the digits of its columns, where it does not know
    them itself."""
    classes = model.classes_ if classes is None else classes
    estimators.save(dir, model=model, classes=classes)
    return rows(model.predict_proba, classes)


def load_estimator(dir: Path) -> Fitted:
    """The Fitted of a classifier that `save_estimator` stored."""
    parts = estimators.load(dir)
    return rows(parts["model"].predict_proba, parts["classes"])
