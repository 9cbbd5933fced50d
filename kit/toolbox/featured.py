"""The columns that models see of a competition's rows: what its function `features` gives of them."""

from __future__ import annotations

import dis
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pandas as pd

from kit.errors import KitError
from kit.toolbox import frames

Features = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
"""`features(train, rows)` of a competition: the columns that models see of `rows`, learned from `train`."""


class Featured:
    """`features` with the training rows of one fold."""

    def __init__(self, features: Features, train: pd.DataFrame) -> None:
        self._features, self._train = features, train

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame:
        """What `features` gives for `rows`. Raises KitError when that is no table with a row for each."""
        table = self._features(self._train, rows)
        if not isinstance(table, pd.DataFrame) or len(table) != len(rows):
            given = f"{len(table):,} rows" if isinstance(table, pd.DataFrame) else type(table).__name__
            raise KitError(
                f"`features` returned {given} for {len(rows):,} rows.",
                "It must return a DataFrame with a row for each, in the same order.",
            )
        return table

    def state(self) -> dict[str, Any] | None:
        """The training rows as a stored model needs them: None where `features` does not look at them."""
        return frames.state(self._train) if looks_at_train(self._features) else None

    @classmethod
    def restored(cls, features: Features, state: dict[str, Any] | None) -> Featured:
        """From what `state` gave."""
        return cls(features, pd.DataFrame() if state is None else frames.restored(state))


def looks_at_train(features: Features) -> bool:
    """Whether a function may use its first argument: its code names it, or it is no plain function."""
    if not isinstance(features, FunctionType) or not features.__code__.co_argcount:
        return True
    first = features.__code__.co_varnames[0]
    return any(step.argval == first or first in _names(step.argval) for step in dis.get_instructions(features))


def _names(value: Any) -> tuple[str, ...]:
    """Of two variables that one instruction loads, both; of a function inside, those that it takes from outside."""
    if isinstance(value, tuple):
        return tuple(each for each in value if isinstance(each, str))
    return getattr(value, "co_freevars", ())
