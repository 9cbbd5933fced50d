"""Looking around on Kaggle: its competitions, and the files of one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from kit.api.results import Listing
from kit.errors import KitError
from kit.kaggle import listings
from kit.kaggle.listings import File, Hosted
from kit.words import Table, size


@dataclass(frozen=True, repr=False)
class Search(Listing[Hosted]):
    """Competitions on Kaggle, in its own order; `more` says that there are others behind them."""

    words: str
    more: bool

    def summary(self) -> str:
        about = f" about {self.words!r}" if self.words else ""
        return f"{'the first ' if self.more else ''}{len(self)} competition{'s' * (len(self) != 1)}{about}"

    def table(self) -> Table:
        return Table(
            ("slug", "title", "deadline", "reward", "teams", "entered"),
            [
                (each.slug, each.title, _day(each.deadline), each.reward, f"{each.teams:,}", "yes" * each.entered)
                for each in self
            ],
            spare=("title", "reward", "teams"),
        )

    def facts(self) -> list[dict[str, Any]]:
        return [asdict(each) | {"deadline": _iso(each.deadline)} for each in self]


@dataclass(frozen=True, repr=False)
class Files(Listing[File]):
    """The files of a competition on Kaggle; `more` says that there are others behind them."""

    competition: str
    more: bool

    def summary(self) -> str:
        total = size(sum(each.bytes for each in self))
        return f"{'the first ' if self.more else ''}{len(self)} files of {self.competition}, {total}"

    def table(self) -> Table:
        return Table(("name", "size", "date"), [(each.name, size(each.bytes), _day(each.date)) for each in self])

    def facts(self) -> list[dict[str, Any]]:
        return [asdict(each) | {"date": _iso(each.date)} for each in self]


def competitions(words: str = "", *, entered: bool = False, most: int = 20) -> Search:
    """Competitions on Kaggle whose name or description holds `words`; with `entered` only those that you have entered.

    At most `most`. Raises KitError without credentials, and when Kaggle cannot be reached.
    """
    listed, more = listings.competitions(words, entered=entered, most=_checked(most, "competitions"))
    return Search(tuple(listed), words, more)


def files(competition: str, *, most: int = 200) -> Files:
    """The files of a competition on Kaggle, by its slug, with size and date, at most `most`; nothing is downloaded.

    Raises KitError without credentials, for a slug that Kaggle does not know, and where its rules are not accepted.
    """
    listed, more = listings.files(competition, most=_checked(most, "files"))
    return Files(tuple(listed), competition, more)


def _checked(most: int, what: str) -> int:
    if most < 1:
        raise KitError(f"{most} {what} cannot be listed.", "`most` is a whole number from 1.")
    return most


def _day(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%d}"


def _iso(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"
