"""Where folds are fitted. An executor is given the numbers of the folds to fit and one function that fits one.

A fold leaves its results in its own folder, so that an executor returns nothing: one in another process or on another
machine needs only the run folder and the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

FitFold = Callable[[int], None]


class Executor(Protocol):
    """Fits each of the folds; raises what the fitting of one raised."""

    def __call__(self, fit_fold: FitFold, folds: Sequence[int]) -> None: ...


def local(fit_fold: FitFold, folds: Sequence[int]) -> None:
    """One after the other in this process: a learning framework uses all cores for one fold."""
    for number in folds:
        fit_fold(number)
