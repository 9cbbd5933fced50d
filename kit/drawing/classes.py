"""What stored predictions say about classes: which, with what probability, and what each is called."""

from __future__ import annotations

import numpy as np

from kit.errors import KitError
from kit.task import metrics, outputs
from kit.task.contract import Submission


def are(y: np.ndarray, pred: np.ndarray) -> bool:
    """Whether predictions name classes; `y` are labels of the same task.

    Texts are labels where there is a probability for each. Integers are labels where there are classes, but so are some
    regression targets (prices, counts); those are told by predictions that are neither several a row, nor integers,
    nor probabilities.
    """
    if pred.dtype.names:
        return True
    if outputs.are_texts(y):
        return y.ndim == 1 and pred.ndim == 2 and pred.dtype.kind == "f"
    if y.dtype.kind not in "iub" or y.ndim > 1:
        return False
    if pred.ndim == 2 or pred.dtype.kind in "iub":
        return True
    return bool(pred.min(initial=0.0) >= 0 and pred.max(initial=1.0) <= 1)


def numbered(
    y: np.ndarray, pred: np.ndarray, values: outputs.Values | None
) -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """Labels and predictions in which each label is the number of its class, and what the classes are called.

    `values` are the label values in the order of the classes. None where these are not classes: numbers, or texts
    that are not all among `values`.
    """
    single = pred.dtype.kind == "f" and pred.size == len(pred)
    if values is None or y.ndim > 1 or (single and len(values) != 2):
        return None
    said = pred if pred.dtype.names or pred.dtype.kind == "f" else pred.reshape(len(pred), -1)[:, 0]
    try:
        numbers = outputs.index(outputs.plain(y), values)
        said = said if said is pred else outputs.index(said, values)
    except KitError:
        return None
    return numbers, said, [str(value) for value in np.asarray(values).tolist()]


def labels(pred: np.ndarray) -> np.ndarray:
    """The predicted class of each row, as an integer."""
    return metrics.labels(pred).astype(np.int64)


def count(y: np.ndarray, pred: np.ndarray) -> int:
    """The number of classes. `outputs.top` does not store it: there it is the highest that occurs."""
    if pred.dtype.names is None and pred.ndim == 2:
        return pred.shape[1]
    predicted = pred["label"] if pred.dtype.names else labels(pred)
    return max(2, 1 + int(y.max(initial=0)), 1 + int(predicted.max(initial=0)))


def names(form: Submission, classes: int, *, more: bool = False) -> list[str]:
    """What classes are called: the submission's labels where there are as many, else their numbers.

    With `more`, classes beyond the highest one seen may exist, as after `outputs.top`.
    """
    labels = form.labels or ()
    if len(labels) == classes or (more and len(labels) > classes):
        return [str(name) for name in labels]
    return [str(number) for number in range(classes)]


def probability(pred: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The predicted probability of one class a row, `(n,)`; 0 for a class that was not stored.

    Predictions that are labels count as probability 1.
    """
    if pred.dtype.names:
        return np.where(pred["label"] == label[:, None], pred["p"].astype(float), 0.0).sum(1)
    if pred.ndim == 2:
        return np.take_along_axis(pred, label[:, None].astype(np.intp), 1)[:, 0].astype(float)
    if pred.dtype.kind == "f":
        return np.where(label == 1, pred, 1 - pred).astype(float)
    return (pred == label).astype(float)


def likeliest(pred: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes and probabilities of one prediction `(1, ...)`, the likeliest first, `most` at most.

    Both are empty where the prediction is a label.
    """
    if pred.dtype.names:
        label, p = pred["label"][0].astype(int), pred["p"][0].astype(float)
    elif pred.ndim == 2:
        label, p = np.arange(pred.shape[1]), pred[0].astype(float)
    elif pred.dtype.kind == "f":
        label, p = np.arange(2), np.array([1 - pred[0], pred[0]], float)
    else:
        return np.zeros(0, int), np.zeros(0)
    order = np.argsort(-p, kind="stable")[:most]
    return label[order], p[order]
