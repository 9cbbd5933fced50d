"""What the predictions of a recipe say, in the form that is asked for: labels, probabilities, numbers, guesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from kit.errors import KitError

Form = Literal["labels", "probabilities", "positive", "numbers", "guesses"]
"""What a metric wants of a prediction, and so what a submission for it holds.

`labels`: one of the label values a row. `probabilities`: a probability for each class, in the order of the labels.
`positive`: a probability of the second of two classes, or any number that grows with it; one for each target column.
`numbers`: a number for each target column. `guesses`: several labels a row, the likeliest first.
"""

Values = Sequence[Any] | np.ndarray
"""Label values such as `(0, 1)` or `("setosa", "virginica")`: column i of probabilities belongs to the i-th of them."""

CHUNK = 4096
"""Rows worked on at a time: 4,096 x 1,588 classes of float64 are 52 MB."""


def classes(y: np.ndarray, columns: int | None = None, declared: Values | None = None) -> np.ndarray:
    """The label values in the order of the probability columns.

    These are the `declared` ones, or their numbers where `y` holds the numbers of classes that have texts for names.
    Without them, integers from 0 to `columns - 1` are the numbers of the columns, and
    of other labels `y` the different ones in sorted order are taken. `columns` is the number of probability columns,
    None where there are none; labels 0 and 1 are then two classes, also where only one of them occurs.

    Raises KitError when nothing is declared and `y` has more or fewer different labels than there are columns.
    """
    if declared is not None:
        return np.arange(len(declared)) if are_class_numbers(y, declared) else np.asarray(declared)
    if y.dtype.kind == "b":
        return np.array([False, True])
    count = max(columns or 0, 2)
    if y.dtype.kind in "iuf" and _numbered(y, count):
        return np.arange(count).astype(y.dtype)
    values = np.unique(y.astype(str) if y.dtype.kind == "O" else y)
    if columns is not None and len(values) != columns:
        raise KitError(
            f"The predictions have {columns} columns, and the rows have {len(values)} different labels.",
            "Each column is the probability of one label. The competition's `Submission` must declare all labels, in "
            "the order of the columns.",
        )
    return values


def columns(y: np.ndarray, pred: np.ndarray) -> int | None:
    """The number of columns of probabilities in `pred`; None where it holds no column for each label."""
    if pred.dtype.names:
        return 1 + int(pred["label"].max(initial=0))
    several = y.size == len(y) and pred.ndim == 2 and pred.shape[1] > 1 and pred.dtype.kind == "f"
    return pred.shape[1] if several else None


def labels(pred: np.ndarray, values: Values | None = None, threshold: float = 0.5) -> np.ndarray:
    """The label of each row, (n,), as one of `values`, or as the number of its class where `values` is None.

    It is the likeliest class of (n, classes) probabilities or of what `top` kept. Of n or (n, 1) floats it is the
    second of two classes from `threshold` on, and of more than two labels that are numbers the nearest one. Labels,
    which are integers, booleans or texts, stay as they are.

    Raises KitError when there are more or fewer columns than `values`, and for floats where labels are texts and not
    two.
    """
    if pred.dtype.names:
        return _of(values, pred["label"][:, 0].astype(np.int64))
    if pred.ndim == 2 and pred.shape[1] > 1:
        if pred.dtype.kind != "f":
            return pred
        _check_columns(pred, values)
        return _of(values, pred.argmax(1))
    pred = pred.reshape(len(pred))
    if pred.dtype.kind != "f":
        return pred
    if values is not None and len(values) != 2:
        return _nearest(pred, np.asarray(values))
    if values is not None and _are(pred, np.asarray(values)):
        return pred
    return _of(values, (pred >= threshold).astype(np.int64))


def positive(pred: np.ndarray, values: Values | None = None) -> np.ndarray:
    """The probability of the second class, (n,), of predictions (n,), (n, 1) or (n, 2); labels count as 0 or 1."""
    if pred.dtype.names:
        raise _only_top()
    if pred.ndim == 2 and pred.shape[1] == 2:
        return pred[:, 1]
    if pred.ndim == 2 and pred.shape[1] != 1:
        raise KitError(
            f"The predictions have {pred.shape[1]} columns.",
            "Where one of two classes is asked for, there must be one column, its probability, or two.",
        )
    pred = pred.reshape(len(pred))
    if values is not None and len(values) == 2 and (are_texts(pred) or pred.dtype.kind in "iu"):
        return (pred == np.asarray(values)[1]).astype(np.float64)
    return pred


def probabilities(pred: np.ndarray, values: Values) -> np.ndarray:
    """Probabilities of (n, classes), columns in the order of `values`.

    A single column of floats is the probability of the second of two classes. Labels get the probability 1.

    Raises KitError when there are more or fewer columns than `values`, and for what `top` kept.
    """
    if pred.dtype.names:
        raise _only_top()
    if pred.ndim == 2 and pred.shape[1] > 1:
        _check_columns(pred, values)
        return pred
    pred = pred.reshape(len(pred))
    if pred.dtype.kind == "f" and len(values) == 2:
        return np.stack([1 - pred, pred], axis=1)
    if pred.dtype.kind == "f" and not _are(pred, np.asarray(values)):
        raise KitError(
            f"The predictions are one number a row, and there are {len(values)} labels.",
            "There must be a column of probabilities for each label.",
        )
    return np.eye(len(values))[index(pred, values)]


def guesses(pred: np.ndarray, values: Values, count: int) -> np.ndarray:
    """The `count` likeliest labels of each row, likeliest first: (n, count), or fewer columns where there are fewer.

    Of (n, classes) probabilities and of what `top` kept they are chosen; texts such as `"dog cat emu"` are split at
    spaces, with empty texts after the last guess; labels (n,) or (n, guesses) are cut off.
    """
    if pred.dtype.names:
        return np.asarray(values)[pred["label"][:, :count].astype(np.int64)]
    if pred.ndim == 2 and pred.dtype.kind == "f":
        _check_columns(pred, values)
        return np.asarray(values)[_likeliest(pred, count)]
    if pred.ndim == 1 and are_texts(pred):
        return _split(pred)[:, :count]
    return pred.reshape(len(pred), -1)[:, :count]


def joined(pred: np.ndarray, values: Values, count: int) -> np.ndarray:
    """The `count` likeliest labels of each row in one text, (n,), parted by spaces, as MAP@k wants a submission.

    Raises KitError for labels that hold a space themselves.
    """
    if spaced := [label for label in np.asarray(values).tolist() if len(str(label).split()) != 1]:
        raise KitError(
            f"The label {spaced[0]!r} cannot stand in a list of guesses that is parted by spaces.",
            "Labels must be single words, such as Yellow_Fever.",
        )
    return np.array([" ".join(str(label) for label in row if label != "") for row in guesses(pred, values, count)])


def top(k: int) -> Callable[[np.ndarray], np.ndarray]:
    """A `keep` that stores the k likeliest classes of (n, classes) probabilities, likeliest first.

    The result is a structured array of n rows with `label` (k x uint16, the number of the column) and `p` (k x
    float16): 4k bytes a row, 20 for k = 5, against 6,352 for 1,588 classes of float32.
    """

    def keep(pred: np.ndarray) -> np.ndarray:
        label = _likeliest(pred, k)
        kept = np.empty(len(pred), [("label", np.uint16, (label.shape[1],)), ("p", np.float16, (label.shape[1],))])
        kept["label"], kept["p"] = label, np.take_along_axis(pred, label, 1)
        return kept

    return keep


def index(y: np.ndarray, values: Values) -> np.ndarray:
    """The place of each label of `y` in `values`, int64 of (n,); class numbers are places already.

    Raises KitError for a label that is not among them.
    """
    known = np.asarray(values)
    numbers = known.dtype.kind in "iu" and np.array_equal(known, np.arange(len(known))) and _numbered(y, len(known))
    if y.dtype.kind in "iu" and (numbers or are_class_numbers(y, values)):
        return y.astype(np.int64)
    same = y.astype(str) if are_texts(y) or are_texts(known) else y
    known = known.astype(str) if known.dtype.kind == "O" or are_texts(y) else known
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known[order], same), len(known) - 1)]
    if not (right := known[at] == same).all():
        few = ", ".join(map(str, known[:12].tolist())) + (", ..." if len(known) > 12 else "")
        raise KitError(f"The label {y[int(np.argmin(right))]} is not among the declared labels.", f"These are {few}.")
    return at


def wanted(
    form: Form, y: np.ndarray, pred: np.ndarray, values: np.ndarray, count: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows `y` and their predictions in the form that a metric scores. `count` is the number of guesses.

    `labels`: label values of (n,), or of (n, targets) where `y` has several columns. `probabilities`: class numbers
    (n,) and (n, classes). `positive`: 0 or 1 and a float, of (n,) or (n, targets). `numbers`: floats of the shape of
    `y`. `guesses`: right answers (n, m) and guesses (n, `count`), with empty texts where a row has fewer.

    Raises KitError when the predictions cannot be read so.
    """
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    return _FORMS[form](y, pred, values, count)


def are_class_numbers(y: np.ndarray, values: Values) -> bool:
    """Whether `y` holds the numbers of classes, 0 to n - 1, where `values`, the n labels, are texts."""
    known = np.asarray(values)
    if y.dtype.kind not in "iu" or not are_texts(known) or not _numbered(y, len(known)):
        return False
    return not np.isin(np.unique(y).astype(str), known.astype(str)).all()


def plain(array: np.ndarray) -> np.ndarray:
    """An array of Python objects, such as pandas gives, as one of texts, numbers or booleans."""
    return np.array(array.tolist()) if array.dtype.kind == "O" else array


def are_texts(array: np.ndarray) -> bool:
    """Whether an array holds texts."""
    return array.dtype.kind in "US" or (array.dtype.kind == "O" and array.size > 0 and isinstance(array.flat[0], str))


def _labels(y: np.ndarray, pred: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    if y.ndim == 1:
        said = labels(pred, values)
        _check_shape(y, said)
    else:
        _check_shape(y, pred)
        said = (pred >= 0.5).astype(np.int64) if pred.dtype.kind == "f" and _numbered(y, 2) else pred
    if are_texts(y) != are_texts(said):
        kinds = ("texts", "numbers") if are_texts(y) else ("numbers", "texts")
        raise KitError(
            f"The labels are {kinds[0]}, and the predictions are {kinds[1]}.",
            "A recipe predicts a probability for each label, or the labels themselves.",
        )
    return y, said


def _probabilities(y: np.ndarray, pred: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    if y.ndim == 1:
        return index(y, values), probabilities(pred, values)
    _check_shape(y, pred)
    if not (_numbered(y, 2) and (y.sum(1) == 1).all()):
        raise KitError(
            f"The {y.shape[1]} target columns do not name one class a row.",
            "In each row one column must hold 1, for the true class, and all others 0.",
        )
    return y.argmax(1), pred


def _positive(y: np.ndarray, pred: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    if y.ndim > 1:
        _check_shape(y, pred)
        return y, pred
    if are_texts(y) or y.dtype.kind == "b":
        return index(y, values), positive(pred, values)
    if len(values) == 2 and not _numbered(y, 2):
        return index(y, values), positive(pred, values)
    return y, positive(pred, values)


def _numbers(y: np.ndarray, pred: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    if pred.dtype.names or are_texts(y) or are_texts(pred):
        raise KitError("The predictions or the targets are not numbers.", "This metric compares numbers.")
    pred = pred.reshape(len(pred)) if y.ndim == 1 and pred.size == len(pred) else pred
    _check_shape(y, pred)
    return y.astype(np.float64, copy=False), pred.astype(np.float64, copy=False)


def _guesses(y: np.ndarray, pred: np.ndarray, values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    guessed = guesses(pred, values, count)
    split = y.ndim == 1 and are_texts(y) and ((pred.ndim == 1 and are_texts(pred)) or not np.isin(y, values).all())
    answers = _split(y) if split else y.reshape(len(y), -1)
    if are_texts(guessed) != are_texts(answers):
        return answers.astype(str), guessed.astype(str)
    return answers, guessed


_FORMS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]] = {
    "labels": _labels,
    "probabilities": _probabilities,
    "positive": _positive,
    "numbers": _numbers,
    "guesses": _guesses,
}


def _numbered(y: np.ndarray, count: int) -> bool:
    """Whether all of `y` are whole numbers from 0 to `count - 1`."""
    if not y.size or y.dtype.kind == "b":
        return True
    if y.dtype.kind not in "iuf" or not (y.min() >= 0 and y.max() < count):
        return False
    return y.dtype.kind != "f" or bool((y == np.floor(y)).all())


def _are(pred: np.ndarray, values: np.ndarray) -> bool:
    """Whether floats are labels themselves: 0 and 1 are not told from probabilities, and need not be."""
    return values.dtype.kind in "iuf" and values.tolist() != [0, 1] and bool(np.isin(pred, values).all())


def _nearest(pred: np.ndarray, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "iuf":
        raise KitError(
            f"The predictions are one number a row, and the {len(values)} labels are texts.",
            "There must be a column of probabilities for each label.",
        )
    ordered = np.sort(values)
    return ordered[np.searchsorted((ordered[1:] + ordered[:-1]) / 2, pred)]


def _likeliest(pred: np.ndarray, count: int) -> np.ndarray:
    """The columns of the `count` highest values of each row, highest first; of equal ones the first column."""
    if count >= pred.shape[1]:
        return np.argsort(-pred, axis=1, kind="stable")
    chosen = np.argpartition(-pred, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(pred, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def _split(texts: np.ndarray) -> np.ndarray:
    """The words of texts (n,), as (n, most words of a text), filled up with empty texts."""
    words = [str(text).split() for text in texts.tolist()]
    most = max((len(row) for row in words), default=1)
    return np.array([row + [""] * (most - len(row)) for row in words], dtype=str).reshape(len(words), most)


def _of(values: Values | None, number: np.ndarray) -> np.ndarray:
    return number if values is None else np.asarray(values)[number]


def _check_columns(pred: np.ndarray, values: Values | None) -> None:
    if values is not None and pred.shape[1] != len(values):
        raise KitError(
            f"The predictions have {pred.shape[1]} columns, and there are {len(values)} labels.",
            "There must be a column of probabilities for each label.",
        )


def _check_shape(y: np.ndarray, pred: np.ndarray) -> None:
    if pred.dtype.names:
        raise _only_top()
    if pred.shape != y.shape:
        raise KitError(
            f"The predictions have the shape {pred.shape}, and the targets {y.shape}.",
            "There must be one value for each row and target column.",
        )


def _only_top() -> KitError:
    return KitError(
        "Only the likeliest classes of these predictions were kept.",
        "This needs the probability of every class: the competition must be declared without `keep=top(k)`.",
    )
