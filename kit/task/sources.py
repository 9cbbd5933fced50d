"""Where raw files come from: declarations only, nothing is fetched here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kit.task.targets import Target


@dataclass(frozen=True)
class Csv:
    """What a CSV file must hold: its header and number of rows, and its size in bytes where that is known.

    `holds` says of some columns, such as the target, what stands in every row; a file that has it otherwise, or has
    none there, is refused when it is downloaded.
    """

    columns: tuple[str, ...]
    rows: int | None = None
    size: int | None = None
    holds: Mapping[str, Target] = field(default_factory=dict)


Files = Mapping[str, Csv | None]
"""File name to what it must hold; None asks only that the file is there. A name that ends in `/` is a folder."""


@dataclass(frozen=True)
class KaggleCompetition:
    """A competition that Kaggle hosts; its files come prepared."""

    slug: str
    files: Files = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where a person reads about it."""
        return f"https://www.kaggle.com/competitions/{self.slug}"


@dataclass(frozen=True)
class KaggleDataset:
    """A Kaggle dataset, `owner/slug`."""

    ref: str
    files: Files = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where a person reads about it."""
        return f"https://www.kaggle.com/datasets/{self.ref}"


@dataclass(frozen=True)
class Web:
    """Files or archives at plain addresses, with the sha256 that each must have (empty: not known)."""

    urls: Mapping[str, str]
    page: str
    files: Files = field(default_factory=dict)


Source = KaggleCompetition | KaggleDataset | Web
