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
    """Rows in order of time, cut into blocks; fold k is trained on all rows before it.

    With a `horizon`, which should be the time that the test rows cover, the last `folds` blocks of that length are held
    out one after the other; without one the rows are cut into `folds + 1` blocks of about as many rows, of which the
    first is never held out. Rows within `gap` before a block are left out of its training, as where the test rows begin
    some time after the last training row. Both are in days where `Data.time` holds dates, else in its own unit; without
    times the rows are in order. Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 5.10.
    """

    folds: int = 5
    horizon: float | None = None
    gap: float = 0.0
    forward = True

    def __call__(self, data: Data) -> np.ndarray:
        """The fold of each row. Raises KitError when no row lies before the first block."""
        time = np.arange(len(data.ids)) if data.time is None else data.time
        at = days(time)
        if self.horizon is None:
            edges = np.sort(at)[np.arange(1, self.folds + 1) * len(at) // (self.folds + 1)]
            column = np.searchsorted(edges, at, side="right") - 1
        else:
            back = np.floor((at.max() - at) / self.horizon).astype(np.int64)
            column = np.maximum(self.folds - 1 - back, -1)
        held = np.unique(column[column >= 0])  # a block without rows, such as a month off, is no fold
        column = np.where(column >= 0, np.searchsorted(held, column), -1)
        if not self.kept(time, column, 0).any():
            raise KitError(
                f"No row lies before the first of {self.folds} blocks of time.",
                "Fewer folds, a shorter horizon or a shorter gap leave rows to train on.",
                "--folds 2",
            )
        return column

    def kept(self, time: np.ndarray, fold_of: np.ndarray, number: int) -> np.ndarray:
        """Which rows fold `number` is trained on, bool of (n,): those before its block, and not within the gap."""
        before = fold_of < number
        if not self.gap or not before.any():
            return before
        at = days(time)
        return before & (at < at[fold_of == number].min() - self.gap)


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


def days(time: np.ndarray) -> np.ndarray:
    """Times as float64 of (n,): days since 1970 for dates, other numbers as they are."""
    if time.dtype.kind == "M":
        return time.astype("datetime64[s]").astype(np.float64) / 86_400
    return time.astype(np.float64)


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


def rows(
    split: Split, fold_of: np.ndarray, number: int, time: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training rows and of the held-out rows of fold `number`, both ascending.

    Fold -1 trains on every row and holds out none. A split with `forward` trains on earlier folds only, and where it
    has a gap on the rows whose `time` lies before that.
    """
    held = fold_of == number if number >= 0 else np.zeros(len(fold_of), bool)
    kept = ~held
    if getattr(split, "forward", False) and number >= 0:
        gap = isinstance(split, Time) and time is not None
        kept = split.kept(time, fold_of, number) if gap else fold_of < number  # type: ignore[attr-defined]
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
