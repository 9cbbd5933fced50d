"""What every function of the API returns: a short repr, a table in a notebook, and plain facts for scripts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from kit import words
from kit.words import Table

T = TypeVar("T")


class Result(ABC):
    """The outcome of a verb."""

    @abstractmethod
    def summary(self) -> str:
        """The outcome in a few words."""

    @abstractmethod
    def table(self) -> Table:
        """The outcome for a person."""

    @abstractmethod
    def facts(self) -> Any:
        """The outcome for a script: what `--json` prints."""

    def __repr__(self) -> str:
        return f"<{self.summary()}>"

    def _repr_html_(self) -> str:
        header, rows, _ = self.table()
        return words.html_table(header, rows, title=self.summary())


@dataclass(frozen=True, repr=False)
class Listing(Result, Sequence[T]):
    """A Result of several items of one kind, which can be counted, indexed and looped over."""

    items: tuple[T, ...]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...

    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        return self.items[at]
