"""Metrics of labels: what share of rows is right, and how rightly each class is named."""

from __future__ import annotations

import warnings

import numpy as np

from kit.errors import KitError
from kit.task import outputs
from kit.task.contract import Metric


def _accuracy(y: np.ndarray, pred: np.ndarray) -> float:
    # scikit-learn's takes 0.8 ms for 7,600 rows, this 0.01 ms, and a blend of twelve runs asks for it 7,200 times.
    # Of several target columns every cell counts.
    return float(np.mean(pred == y))


def _balanced_accuracy(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import balanced_accuracy_score

    with warnings.catch_warnings():  # it warns of predicted classes that the rows lack, which is a mistake like others
        warnings.simplefilter("ignore", UserWarning)
        return float(balanced_accuracy_score(y, pred))


def _f1(y: np.ndarray, pred: np.ndarray, labels: np.ndarray) -> float:
    if len(labels) != 2:
        raise KitError(
            f"F1 is for two classes, and there are {len(labels)} labels.",
            "For more classes there are macro_f1, micro_f1 and weighted_f1.",
        )
    # scikit-learn's takes 3.2 ms for 7,600 rows, this 0.02 ms, and a blend of twelve runs asks for it 7,200 times.
    called, true = pred == labels[1], y == labels[1]
    return float(2 * np.sum(called & true) / max(np.sum(called) + np.sum(true), 1))


def _macro_f1(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(y, pred, average="macro", zero_division=0))


def _micro_f1(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(y, pred, average="micro", zero_division=0))


def _weighted_f1(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(y, pred, average="weighted", zero_division=0))


def _macro_precision(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import precision_score

    return float(precision_score(y, pred, average="macro", zero_division=0))


def _macro_recall(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import recall_score

    return float(recall_score(y, pred, average="macro", zero_division=0))


def _mcc(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(y, pred))


def _quadratic_weighted_kappa(y: np.ndarray, pred: np.ndarray, labels: np.ndarray) -> float:
    """Cohen's kappa with squared distances. Of labels that are numbers the distance is their difference, of texts the
    difference of their places in `labels`.

    Source: Cohen, Weighted kappa, Psychological Bulletin 70(4), 1968. scikit-learn's counts places among the labels
    that occur, so that it changes where a rating between two others occurs in no row.
    """
    if outputs.are_texts(labels):
        y, pred = outputs.index(y, labels), outputs.index(pred, labels)
    true, said = y.astype(np.float64), pred.astype(np.float64)
    # The mean squared distance of all pairs of a true and a predicted rating, without a loop over the pairs.
    chance = np.mean(true**2) + np.mean(said**2) - 2 * np.mean(true) * np.mean(said)
    return 1.0 if chance == 0 else float(1 - np.mean((true - said) ** 2) / chance)


accuracy = Metric(
    "accuracy",
    _accuracy,
    higher_is_better=True,
    predictions="labels",
    names=("accuracy", "Categorization Accuracy", "Accuracy Score", "Multiclass Accuracy"),
)
balanced_accuracy = Metric(
    "balanced accuracy",
    _balanced_accuracy,
    higher_is_better=True,
    predictions="labels",
    names=("balanced_accuracy", "Balanced Accuracy Score"),
)
f1 = Metric(
    "F1",
    _f1,
    higher_is_better=True,
    needs=("labels",),
    predictions="labels",
    names=("f1", "F1 Score", "F-Score", "Binary F1"),
)
macro_f1 = Metric(
    "macro F1",
    _macro_f1,
    higher_is_better=True,
    predictions="labels",
    names=("macro_f1", "F1 Macro", "Macro F-Score", "Macro F1 Score", "Macro-averaged F1"),
)
micro_f1 = Metric(
    "micro F1",
    _micro_f1,
    higher_is_better=True,
    predictions="labels",
    names=("micro_f1", "F1 Micro", "Micro F-Score", "Micro F1 Score", "Micro-averaged F1"),
)
weighted_f1 = Metric(
    "weighted F1",
    _weighted_f1,
    higher_is_better=True,
    predictions="labels",
    names=("weighted_f1", "F1 Weighted", "Weighted F-Score", "Weighted F1 Score"),
)
macro_precision = Metric(
    "macro precision",
    _macro_precision,
    higher_is_better=True,
    predictions="labels",
    names=("macro_precision", "Precision Macro"),
)
macro_recall = Metric(
    "macro recall",
    _macro_recall,
    higher_is_better=True,
    predictions="labels",
    names=("macro_recall", "Recall Macro"),
)
mcc = Metric(
    "MCC",
    _mcc,
    higher_is_better=True,
    predictions="labels",
    names=("mcc", "Matthews Correlation Coefficient", "matthews_corrcoef"),
)
quadratic_weighted_kappa = Metric(
    "quadratic weighted kappa",
    _quadratic_weighted_kappa,
    higher_is_better=True,
    needs=("labels",),
    predictions="labels",
    names=("quadratic_weighted_kappa", "QWK", "Quadratic Kappa", "Cohen Kappa Score"),
)
