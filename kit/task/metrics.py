"""What Kaggle scores by. The direction is stated, never guessed."""

from __future__ import annotations

import numpy as np

from kit.task.contract import Metric


def labels(pred: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Class indices of predictions: the likeliest of (n, classes) probabilities, `pred >= threshold` for n or (n, 1)
    probabilities of the second class, and labels as they are."""
    if pred.dtype.names:  # predictions.top(k): classes in order of probability
        return pred["label"][:, 0].astype(np.int64)
    if pred.ndim == 2 and pred.shape[1] > 1:
        return pred.argmax(1)
    pred = pred.reshape(len(pred))
    return (pred >= threshold).astype(np.int64) if pred.dtype.kind == "f" else pred


def _accuracy(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.mean(labels(pred) == y))


def _balanced_accuracy(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(y, labels(pred)))


def _f1(y: np.ndarray, pred: np.ndarray) -> float:
    # scikit-learn's takes a hundred times as long for 7,600 rows, and a blend asks for it some 40,000 times.
    found, true = labels(pred) == 1, y == 1
    return float(2 * np.sum(found & true) / max(np.sum(found) + np.sum(true), 1))


def _macro_f1(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(y, labels(pred), average="macro"))


def _macro_precision(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import precision_score

    return float(precision_score(y, labels(pred), average="macro", zero_division=0))


def _macro_recall(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import recall_score

    return float(recall_score(y, labels(pred), average="macro", zero_division=0))


def _auc(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, pred[:, 1] if pred.ndim == 2 else pred))


def _log_loss(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import log_loss

    classes = np.arange(pred.shape[1]) if pred.ndim == 2 else np.arange(2)
    return float(log_loss(y, pred, labels=classes))


def _rmse(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.sqrt(np.mean((y - pred) ** 2)))


def _mae(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.mean(np.abs(y - pred)))


accuracy = Metric("accuracy", _accuracy, higher_is_better=True)
balanced_accuracy = Metric("balanced accuracy", _balanced_accuracy, higher_is_better=True)
f1 = Metric("F1", _f1, higher_is_better=True)
macro_f1 = Metric("macro F1", _macro_f1, higher_is_better=True)
macro_precision = Metric("macro precision", _macro_precision, higher_is_better=True)
macro_recall = Metric("macro recall", _macro_recall, higher_is_better=True)
auc = Metric("AUC", _auc, higher_is_better=True)
log_loss = Metric("log loss", _log_loss, higher_is_better=False)
rmse = Metric("RMSE", _rmse, higher_is_better=False)
mae = Metric("MAE", _mae, higher_is_better=False)
