"""Where folds are fitted. An executor is given pieces of work, each a run's folder and the number of a fold.

A fold loads for itself and leaves its results in its own folder, so that an executor returns nothing, and one in other
processes or on other machines needs the run folder and the data only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from kit.errors import KitError
from kit.train import fold
from kit.train.progress import Display


class Piece(NamedTuple):
    """A fold of a run that is to be fitted: the run's folder and the number of the fold."""

    folder: Path
    number: int


Pieces = Iterator[Piece | None]
"""Pieces of work, in the order in which they are asked for."""

Ended = Callable[[Piece, Exception | None], None]
"""What is told of each piece that has ended: None, or what the fitting raised."""


class Executor(Protocol):
    """Fits folds. The next of `pieces` is asked for when there is room for it, and `ended` is told of each that has
    ended, both in the thread that called. None in place of a piece says that there is none until another has ended.

    A fold that fails stops no other: whoever called gives no more pieces, if that is what it should do.
    """

    def __call__(self, pieces: Pieces, show: Display, ended: Ended) -> None: ...


def local(pieces: Pieces, show: Display, ended: Ended) -> None:
    """One after the other in this process: a learning framework uses all cores for one fold."""
    while (piece := next(pieces, None)) is not None:
        try:
            fold.fit_fold(*piece, show)
        except KitError as error:
            ended(piece, error)
        else:
            ended(piece, None)


def fit(executor: Executor, folder: Path, folds: Sequence[int], show: Display) -> None:
    """Fit these folds of one run.

    Raises what the first one that failed raised, when those under way have ended. What was finished stays, so that the
    run can be resumed.
    """
    failed: list[Exception] = []

    def pieces() -> Iterator[Piece]:
        for number in folds:
            if failed:
                return
            yield Piece(folder, number)

    def ended(piece: Piece, error: Exception | None) -> None:
        if error is not None:
            failed.append(error)

    executor(pieces(), show, ended)
    if failed:
        raise failed[0]
