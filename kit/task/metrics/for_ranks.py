"""Metrics of order: how well predictions rank rows, or a row's guesses its labels."""

from __future__ import annotations

import numpy as np

from kit.errors import KitError
from kit.task import sums
from kit.task.contract import Metric


def _auc(y: np.ndarray, pred: np.ndarray) -> float:
    """The area under the ROC curve; of several target columns the mean of theirs."""
    from sklearn.metrics import roc_auc_score

    _check_both_classes("AUC", y)
    return float(roc_auc_score(y, pred))


def _average_precision(y: np.ndarray, pred: np.ndarray) -> float:
    """The area under the steps of the precision-recall curve; of several target columns the mean of theirs."""
    from sklearn.metrics import average_precision_score

    _check_both_classes("average precision", y)
    return float(average_precision_score(y, pred))


def _gini(y: np.ndarray, pred: np.ndarray) -> float:
    """The normalised Gini coefficient: how much of the total of `y` the highest predictions hold, from 0 for no order
    to 1 for the order of `y` itself. Of 0 and 1 it is 2 AUC - 1.

    Rows of equal predictions share their mean, so that the order of the rows does not count. Source: Kaggle's
    competitions allstate-claim-prediction-challenge and liberty-mutual-fire-peril.
    """
    _check_one_column("Gini", y)
    if (y < 0).any() or y.min() == y.max():
        raise KitError(
            "Gini cannot be computed: the targets are all alike, or some are below 0.", "They must be 0 or more."
        )
    return _concentration(y, pred) / _concentration(y, y)


def _concentration(y: np.ndarray, by: np.ndarray) -> float:
    """The area between the diagonal and the Lorenz curve of `y` in falling order of `by`; equal rows are one step."""
    _, group, count = np.unique(-by, return_inverse=True, return_counts=True)
    total = np.bincount(group.ravel(), weights=y)
    rows = np.concatenate([[0.0], np.cumsum(count) / len(y)])
    held = np.concatenate([[0.0], np.cumsum(total) / y.sum()])
    return float(np.trapezoid(held, rows) - 0.5)


def map_at(k: int) -> Metric:
    """Mean average precision of the first `k` guesses of each row (MAP@k).

    A row scores the mean over its right labels, `k` at most, of the share of right guesses up to each right one; with
    one right label that is 1 over the place of the right guess. A label that was guessed before does not count again.
    Source: Kaggle's evaluation page of expedia-hotel-recommendations and of humpback-whale-identification.
    """

    def score(y: np.ndarray, pred: np.ndarray) -> float:
        return float(np.mean(rows(y, pred)))

    def rows(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
        hits, total = np.zeros(len(y)), np.zeros(len(y))
        for place in range(min(k, pred.shape[1])):
            guess = pred[:, place : place + 1]
            right = (y == guess).any(1) & (guess[:, 0] != "") & ~(pred[:, :place] == guess).any(1)
            hits += right
            total += np.where(right, hits / (place + 1), 0)
        answers = np.sort(y, axis=1)
        several = 1 + np.sum((answers[:, 1:] != answers[:, :-1]) & (answers[:, :-1] != ""), axis=1)
        return total / np.minimum(several, k)

    return Metric(
        f"MAP@{k}",
        score,
        higher_is_better=True,
        predictions="guesses",
        guesses=k,
        names=(f"map@{k}", f"Mean Average Precision @ {k}"),
        sums=sums.mean(rows),
    )


def _check_both_classes(name: str, y: np.ndarray) -> None:
    for column in y.reshape(len(y), -1).T:
        if not np.isin(column, (0, 1)).all():
            raise KitError(f"{name} is for two classes, and the targets hold other values.", "They must be 0 and 1.")
        if column.min() == column.max():
            raise KitError(
                f"{name} cannot be computed: all {len(column):,} rows are of one class.",
                "There must be rows of both classes. `splits.Stratified` puts both into each fold.",
            )


def _check_one_column(name: str, y: np.ndarray) -> None:
    if y.ndim > 1:
        raise KitError(f"{name} is for one target column, and there are {y.shape[1]}.", "It must be one.")


auc = Metric(
    "AUC",
    _auc,
    higher_is_better=True,
    predictions="positive",
    ranks=True,
    names=("auc", "Area Under Receiver Operating Characteristic Curve", "ROC AUC", "AUROC", "ROC AUC Score"),
)
mean_columnwise_auc = Metric(
    "mean column-wise AUC",
    _auc,
    higher_is_better=True,
    predictions="positive",
    ranks=True,
    names=(
        "mean_columnwise_auc",
        "Mean Columnwise Area Under Receiver Operating Characteristic Curve",
        "Mean Column-wise ROC AUC",
        "Mean Column AUC",
        "MCAUC",
    ),
)
average_precision = Metric(
    "average precision",
    _average_precision,
    higher_is_better=True,
    predictions="positive",
    ranks=True,
    names=("average_precision", "Average Precision Score", "PR AUC", "Area Under Precision Recall Curve"),
)
gini = Metric(
    "Gini",
    _gini,
    higher_is_better=True,
    predictions="positive",
    ranks=True,
    names=("gini", "Normalized Gini Index", "Normalized Gini", "Gini Index", "Gini Coefficient"),
)
