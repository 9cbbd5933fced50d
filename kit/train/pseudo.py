"""Test rows that join the training rows of a fold, under the labels that another run gives them.

They never validate: a fold's held-out rows stay those of the split. Nor do they carry what the held-out rows' labels
say: the labels of a fold come from the other run's model of the same fold, which has not seen these rows either.
"""

from __future__ import annotations

import numpy as np

from kit.errors import KitError
from kit.rows import views
from kit.task import outputs
from kit.task.contract import Competition, Data, Fold
from kit.train import predictions, runs
from kit.train.record import Plan


def joined(competition: Competition, fold: Fold, test: Data, labels: outputs.Values | None, plan: Plan) -> Fold:
    """The fold with `plan.pseudo_share` of the test rows, the surest, among those that are trained on.

    Source: Lee, Pseudo-Label, ICML Workshop on Challenges in Representation Learning, 2013. Raises KitError where the
    other run has other folds, its predictions are not here or tell no labels, or rows of this kind cannot be joined.
    """
    pred = _predicted(fold, plan)
    if len(pred) != len(test):
        raise KitError(
            f"Run {plan.pseudo} predicted {len(pred):,} test rows, and there are {len(test):,}.",
            "Its data must be that of this run.",
            f"kit runs {plan.competition}",
        )
    said, sure = _labels(competition, fold.train, pred, labels)
    chosen = np.sort(np.argsort(-sure, kind="stable")[: round(len(sure) * plan.pseudo_share)])
    return fold._replace(train=_appended(fold.train, test.rows(chosen), said[chosen]))


def check(plan: Plan) -> None:
    """Raises KitError where the run that gives the labels is none that can: unknown, unfinished, or of other folds."""
    other = runs.find(plan.competition, plan.pseudo)
    asked = (plan.scheme, plan.folds, plan.sample, plan.data)
    if (other.plan.scheme, other.plan.folds, other.plan.sample, other.plan.data) != asked or not other.finished:
        raise KitError(
            f"Run {other.name} is unfinished, or has other folds or data than this one would have.",
            "The labels of a fold come from its model of the same fold, which has not seen the held-out rows.",
            f"kit runs {plan.competition}",
        )
    if other.plan.recipe == "blend" or other.plan.pseudo:
        raise KitError(
            f"Run {other.name} has no models of single folds that saw no other labels.",
            "Labels come from a run that a recipe has fitted on training rows alone.",
            f"kit runs {plan.competition}",
        )


def _predicted(fold: Fold, plan: Plan) -> np.ndarray:
    """What the other run's model of the same fold predicts for the test rows; of all its models for the fold -1, which
    holds out no row."""
    other = runs.find(plan.competition, plan.pseudo)
    if fold.number < 0:
        return predictions.load(other.folder / "test.npz", "pred")["pred"]
    place = other.fold(fold.number)
    held = predictions.load(place / "valid.npz", "ids")["ids"]
    if not np.array_equal(np.sort(held), np.sort(fold.valid.ids)):
        raise KitError(
            f"Fold {fold.number} of run {other.name} holds out other rows.",
            "The labels of a fold come from a model that has not seen its held-out rows.",
            f"kit runs {plan.competition}",
        )
    return predictions.load(place / "test.npz", "pred")["pred"]


def _labels(
    competition: Competition, train: Data, pred: np.ndarray, labels: outputs.Values | None
) -> tuple[np.ndarray, np.ndarray]:
    """The label of each row, as `y` holds them, and how sure the model is of it."""
    y = train.y
    assert y is not None  # checked when the rows were loaded
    if pred.dtype.names or (y.ndim > 1 and pred.shape != y.shape):
        raise KitError("These predictions do not tell one label a row.", "All classes' probabilities must be kept.")
    if competition.metric.predictions in (None, "numbers") or pred.dtype.kind != "f" or y.ndim > 1:
        if competition.metric.predictions not in (None, "numbers") and y.ndim > 1:
            return (pred >= 0.5).astype(y.dtype), np.abs(pred - 0.5).mean(axis=1)
        return pred.reshape(len(pred), *y.shape[1:]).astype(y.dtype), np.zeros(len(pred))
    values = outputs.classes(y, outputs.columns(y, pred), labels)
    chances = outputs.probabilities(pred, values)
    said = np.asarray(values)[chances.argmax(1)]
    if outputs.are_texts(said) and not outputs.are_texts(y):  # `y` holds the numbers of classes
        said = chances.argmax(1)
    return said.astype(y.dtype), chances.max(1)


def _appended(train: Data, test: Data, said: np.ndarray) -> Data:
    assert train.y is not None
    groups = None
    if train.group is not None:
        new = np.array([f"pseudo {row}" for row in test.ids.tolist()])
        groups = (
            np.concatenate([train.group.astype(str), new]) if test.group is None else _both(train.group, test.group)
        )
    weight = None if train.weight is None else np.concatenate([train.weight, np.full(len(test), train.weight.mean())])
    time = None if train.time is None or test.time is None else _both(train.time, test.time)
    # Ids of test rows may be those of train rows: both files may count from 1.
    ids = np.concatenate([train.ids.astype(str), np.array([f"pseudo {row}" for row in test.ids.tolist()])])
    return Data(ids, _rows(train.x, test.x), np.concatenate([train.y, said]), groups, weight, time)


def _both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.concatenate([one, other])


def _rows(one: views.Rows, other: views.Rows) -> views.Rows:
    """The rows of both, as one store of the same kind. They are read into memory."""
    first, second = one.take(), other.take()
    if hasattr(first, "iloc"):
        import pandas as pd

        return views.of(pd.concat([first, second[first.columns]], ignore_index=True))
    if isinstance(first, np.ndarray):
        return views.of(np.concatenate([first, second]))
    if isinstance(first, list):
        return views.of([*first, *second])
    raise KitError(
        f"Rows of the kind {type(first).__name__} cannot be joined with others.",
        "Pseudo-labels are for tables, arrays, images and texts.",
    )
