"""Metrics of labels: what share of rows is right, and how rightly each class is named."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task import outputs, sums
from kit.task.contract import Metric
from kit.task.sums import divided


def _accuracy(y: np.ndarray, pred: np.ndarray) -> float:
    # scikit-learn's takes 0.8 ms for 7,600 rows, this 0.01 ms, and a blend of twelve runs asks for it 7,200 times.
    # Of several target columns every cell counts.
    return float(np.mean(pred == y))


def _balanced_accuracy(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import balanced_accuracy_score

    with warnings.catch_warnings():  # it warns of predicted classes that the rows lack, which is a mistake like others
        warnings.simplefilter("ignore", UserWarning)
        return float(balanced_accuracy_score(y, pred))


def _mean_where(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The mean over the classes that are counted, the last axis."""
    return divided(np.sum(np.where(counted, values, 0), axis=-1), np.sum(counted, axis=-1))


def _balanced_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _mean_where(divided(hits, true), true > 0)


def _f1(y: np.ndarray, pred: np.ndarray, labels: np.ndarray) -> float:
    if len(labels) != 2:
        raise KitError(
            f"F1 is for two classes, and there are {len(labels)} labels.",
            "For more classes there are macro_f1, micro_f1 and weighted_f1.",
        )
    # scikit-learn's takes 3.2 ms for 7,600 rows, this 0.02 ms, and a blend of twelve runs asks for it 7,200 times.
    called, true = pred == labels[1], y == labels[1]
    return float(2 * np.sum(called & true) / max(np.sum(called) + np.sum(true), 1))


def _f1_terms(y: np.ndarray, pred: np.ndarray, labels: np.ndarray) -> np.ndarray:
    called, true = pred == labels[1], y == labels[1]
    return np.column_stack([called & true, called, true]).astype(np.float32)


def _f1_of_sums(added: np.ndarray, count: Any) -> np.ndarray:
    return divided(2 * added[..., 0], added[..., 1] + added[..., 2])


def _macro_f1_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _mean_where(divided(2 * hits, said + true), said + true > 0)


def _micro_f1_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return divided(np.sum(hits, axis=-1), np.sum(true, axis=-1))


def _weighted_f1_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return divided(np.sum(true * divided(2 * hits, said + true), axis=-1), np.sum(true, axis=-1))


def _macro_precision_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _mean_where(divided(hits, said), said + true > 0)


def _macro_recall_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    return _mean_where(divided(hits, true), said + true > 0)


def _mcc_of_counts(hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Source: Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient, 2004."""
    count = np.sum(true, axis=-1)
    together = np.sum(hits, axis=-1) * count - np.sum(said * true, axis=-1)
    alone = (count**2 - np.sum(said**2, axis=-1)) * (count**2 - np.sum(true**2, axis=-1))
    return divided(together, np.sqrt(np.maximum(alone, 0)))


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
    true, said = _ratings(y, pred, labels)
    # The mean squared distance of all pairs of a true and a predicted rating, without a loop over the pairs.
    chance = np.mean(true**2) + np.mean(said**2) - 2 * np.mean(true) * np.mean(said)
    return 1.0 if chance == 0 else float(1 - np.mean((true - said) ** 2) / chance)


def _ratings(y: np.ndarray, pred: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted ratings as numbers."""
    if outputs.are_texts(labels):
        y, pred = outputs.index(y, labels), outputs.index(pred, labels)
    return y.astype(np.float64), pred.astype(np.float64)


def _kappa_terms(y: np.ndarray, pred: np.ndarray, labels: np.ndarray) -> np.ndarray:
    true, said = _ratings(y, pred, labels)
    return np.column_stack([true, said, true**2, said**2, (true - said) ** 2])


def _kappa_of_sums(added: np.ndarray, count: Any) -> np.ndarray:
    true, said, true2, said2, wrong = np.moveaxis(added / np.asarray(count)[..., None], -1, 0)
    return 1 - divided(wrong, true2 + said2 - 2 * true * said)


accuracy = Metric(
    "accuracy",
    _accuracy,
    higher_is_better=True,
    predictions="labels",
    names=("accuracy", "Categorization Accuracy", "Accuracy Score", "Multiclass Accuracy"),
    sums=sums.mean(lambda y, pred: pred == y),
)
balanced_accuracy = Metric(
    "balanced accuracy",
    _balanced_accuracy,
    higher_is_better=True,
    predictions="labels",
    names=("balanced_accuracy", "Balanced Accuracy Score"),
    sums=sums.by_class(_balanced_of_counts),
)
f1 = Metric(
    "F1",
    _f1,
    higher_is_better=True,
    needs=("labels",),
    predictions="labels",
    names=("f1", "F1 Score", "F-Score", "Binary F1"),
    sums=sums.Sums(_f1_terms, _f1_of_sums),
)
macro_f1 = Metric(
    "macro F1",
    _macro_f1,
    higher_is_better=True,
    predictions="labels",
    names=("macro_f1", "F1 Macro", "Macro F-Score", "Macro F1 Score", "Macro-averaged F1"),
    sums=sums.by_class(_macro_f1_of_counts),
)
micro_f1 = Metric(
    "micro F1",
    _micro_f1,
    higher_is_better=True,
    predictions="labels",
    names=("micro_f1", "F1 Micro", "Micro F-Score", "Micro F1 Score", "Micro-averaged F1"),
    sums=sums.by_class(_micro_f1_of_counts),
)
weighted_f1 = Metric(
    "weighted F1",
    _weighted_f1,
    higher_is_better=True,
    predictions="labels",
    names=("weighted_f1", "F1 Weighted", "Weighted F-Score", "Weighted F1 Score"),
    sums=sums.by_class(_weighted_f1_of_counts),
)
macro_precision = Metric(
    "macro precision",
    _macro_precision,
    higher_is_better=True,
    predictions="labels",
    names=("macro_precision", "Precision Macro"),
    sums=sums.by_class(_macro_precision_of_counts),
)
macro_recall = Metric(
    "macro recall",
    _macro_recall,
    higher_is_better=True,
    predictions="labels",
    names=("macro_recall", "Recall Macro"),
    sums=sums.by_class(_macro_recall_of_counts),
)
mcc = Metric(
    "MCC",
    _mcc,
    higher_is_better=True,
    predictions="labels",
    names=("mcc", "Matthews Correlation Coefficient", "matthews_corrcoef"),
    sums=sums.by_class(_mcc_of_counts),
)
quadratic_weighted_kappa = Metric(
    "quadratic weighted kappa",
    _quadratic_weighted_kappa,
    higher_is_better=True,
    needs=("labels",),
    predictions="labels",
    names=("quadratic_weighted_kappa", "QWK", "Quadratic Kappa", "Cohen Kappa Score"),
    sums=sums.Sums(_kappa_terms, _kappa_of_sums),
)
