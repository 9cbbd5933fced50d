"""What every function of the API returns: a short repr, a table in a notebook, and plain facts for scripts."""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
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

    def drawn(self) -> Sequence[Path]:
        """Pictures that belong to the outcome."""
        return ()

    def __repr__(self) -> str:
        return f"<{self.summary()}>"

    def _repr_html_(self) -> str:
        header, rows, _ = self.table()
        table = words.html_table(header, rows, title=self.summary())
        return table + "".join(_image(path) for path in self.drawn() if path.is_file())


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


def _image(path: Path) -> str:
    """A picture as part of the notebook, which may be opened where the file is not."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(path.stem)}" style="max-width:100%">'
