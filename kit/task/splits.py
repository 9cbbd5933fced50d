"""A fold number per row, and which rows a fold trains on and is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kit.errors import KitError
from kit.task.contract import Data

Split = Callable[[Data], np.ndarray]


@dataclass(frozen=True)
class Stratified:
    """Shuffled folds with the same share of each class. Source: sklearn.model_selection.StratifiedKFold."""

    folds: int = 5
    seed: int = 0

    def __call__(self, data: Data) -> np.ndarray:
        from sklearn.model_selection import StratifiedKFold

        splitter = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        return _column(data, splitter.split(data.ids, data.y))


@dataclass(frozen=True)
class Shuffled:
    """Shuffled folds, for targets that are not classes. Source: sklearn.model_selection.KFold."""

    folds: int = 5
    seed: int = 0

    def __call__(self, data: Data) -> np.ndarray:
        from sklearn.model_selection import KFold

        return _column(data, KFold(self.folds, shuffle=True, random_state=self.seed).split(data.ids))


@dataclass(frozen=True)
class Grouped:
    """Folds of whole groups, of about the same number of rows. Source: sklearn.model_selection.GroupKFold."""

    folds: int = 5

    def __call__(self, data: Data) -> np.ndarray:
        from sklearn.model_selection import GroupKFold

        return _column(data, GroupKFold(self.folds).split(data.ids, groups=_groups(data)))


@dataclass(frozen=True)
class StratifiedGrouped:
    """Folds of whole groups with about the same share of each class.

    Source: sklearn.model_selection.StratifiedGroupKFold.
    """

    folds: int = 5
    seed: int = 0

    def __call__(self, data: Data) -> np.ndarray:
        from sklearn.model_selection import StratifiedGroupKFold

        splitter = StratifiedGroupKFold(self.folds, shuffle=True, random_state=self.seed)
        return _column(data, splitter.split(data.ids, data.y, _groups(data)))


@dataclass(frozen=True)
class Time:
    """Rows in order of time, cut into `folds + 1` blocks; fold k is block k + 1, trained on all blocks before it.

    The first block is never held out. Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 5.10.
    """

    folds: int = 5
    forward = True

    def __call__(self, data: Data) -> np.ndarray:
        count = len(data.ids)
        return np.arange(count) * (self.folds + 1) // max(count, 1) - 1


@dataclass(frozen=True)
class Holdout:
    """One fold: a share of the rows, stratified by class where `y` is a class and whole groups where there are any.

    Source: sklearn.model_selection.train_test_split and GroupShuffleSplit.
    """

    share: float = 0.1
    seed: int = 0

    def __call__(self, data: Data) -> np.ndarray:
        from sklearn.model_selection import GroupShuffleSplit, train_test_split

        rows = np.arange(len(data.ids))
        if data.group is not None:
            splitter = GroupShuffleSplit(1, test_size=self.share, random_state=self.seed)
            held = next(splitter.split(rows, groups=data.group))[1]
        else:
            classes = data.y if data.y is not None and data.y.dtype.kind in "iubUSO" else None
            held = train_test_split(rows, test_size=self.share, random_state=self.seed, stratify=classes)[1]
        column = np.full(len(rows), -1)
        column[held] = 0
        return column


@dataclass(frozen=True)
class AllRows:
    """No row is held out: one model on all rows, and no out-of-fold score."""

    def __call__(self, data: Data) -> np.ndarray:
        return np.full(len(data.ids), -1)


def with_folds(split: Split, folds: int) -> Split:
    """The same split with another number of folds.

    Raises KitError for fewer than two folds, and for a split that has no number of folds to change.
    """
    if folds < 2:
        raise KitError(
            f"Cross-validation with {folds} fold{'s' * (folds != 1)} is not possible.",
            "It needs two folds or more. To train only one model and judge it by a tenth of the rows, use --holdout.",
            "--holdout",
        )
    if not hasattr(split, "folds"):
        raise KitError(
            "The number of folds of this competition cannot be changed: its split is a function of its own.",
            "--folds works with the splits of kit.task.splits. Leave it out here.",
        )
    return replace(split, folds=folds)  # type: ignore[type-var]


def column(split: Split, data: Data) -> np.ndarray:
    """The fold number of each row as int16, -1 where a row is never held out.

    Raises KitError when the split returns another length, leaves a fold number out, or cuts a group in two.
    """
    try:
        fold_of = np.asarray(split(data))
    except ValueError as error:
        raise KitError(
            f"The rows cannot be split: {error}", "With fewer folds, fewer rows of each class are enough.", "--folds 2"
        ) from error
    if fold_of.shape != data.ids.shape or fold_of.dtype.kind not in "iu":
        raise KitError(
            f"The split returned {fold_of.dtype} of shape {fold_of.shape}.",
            f"It must return one integer for each of the {len(data.ids):,} rows.",
        )
    numbers = np.unique(fold_of[fold_of >= 0])
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise KitError(
            f"The split returned the fold numbers {numbers.tolist()}.", "They must be 0, 1, 2 and so on, without a gap."
        )
    if data.group is not None:
        pairs = np.unique(np.stack([np.unique(data.group, return_inverse=True)[1], fold_of]), axis=1)
        if len(torn := pairs[0][:-1][np.diff(pairs[0]) == 0]):
            name, others = np.unique(data.group)[torn[0]], len(np.unique(torn)) - 1
            raise KitError(
                f"The rows of group {str(name)!r} are in more than one fold"
                + (f", and so are those of {others:,} other group{'s' * (others != 1)}." if others else "."),
                "All rows of a group must be in the same fold, or the score is too good.",
                "split=splits.StratifiedGrouped() in competition.py",
            )
    return fold_of.astype(np.int16)


def numbers(fold_of: np.ndarray) -> list[int]:
    """The folds of a column to fit: 0 to k-1, or [-1] when no row is held out."""
    return list(range(fold_of.max() + 1)) or [-1]


def rows(split: Split, fold_of: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training rows and of the held-out rows of fold `number`, both ascending.

    Fold -1 trains on every row and holds out none. A split with `forward` trains on earlier folds only.
    """
    held = fold_of == number if number >= 0 else np.zeros(len(fold_of), bool)
    kept = fold_of < number if getattr(split, "forward", False) and number >= 0 else ~held
    return np.flatnonzero(kept), np.flatnonzero(held)


def _column(data: Data, pairs: object) -> np.ndarray:
    fold_of = np.full(len(data.ids), -1)
    for number, (_, held) in enumerate(pairs):  # type: ignore[arg-type, var-annotated]
        fold_of[held] = number
    return fold_of


def _groups(data: Data) -> np.ndarray:
    if data.group is None:
        raise KitError(
            "This split needs to know the group of each row, and `load` gives no groups.",
            "Return Data(..., group=...) from `load` in competition.py.",
        )
    return data.group
