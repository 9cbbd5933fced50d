"""What Kaggle has: its competitions, and the files of one, read page by page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.kaggle import client

PAGE = 100
"""Items asked for at a time."""


@dataclass(frozen=True)
class Hosted:
    """A competition on Kaggle. `deadline` is in UTC; `metric` is in Kaggle's words, empty where Kaggle does not say."""

    slug: str
    title: str
    deadline: datetime | None
    reward: str
    teams: int
    entered: bool
    category: str
    metric: str


@dataclass(frozen=True)
class File:
    """A file that competitors download; `date` is when it was made, in UTC."""

    name: str
    bytes: int
    date: datetime | None


def competitions(search: str = "", *, entered: bool = False, most: int = 20) -> tuple[list[Hosted], bool]:
    """The first `most` competitions that a search finds, in Kaggle's order, and whether there are more.

    With `entered` only those whose rules were accepted. Raises KitError when there are no credentials, or Kaggle
    cannot be reached or refuses.
    """
    tab = "COMPETITION_LIST_TAB_ENTERED" if entered else "COMPETITION_LIST_TAB_EVERYTHING"
    pages = _pages(
        "Listing competitions",
        "competitions.list_competitions",
        "competitions",
        most,
        search=search,
        group=tab,
        sort_by="COMPETITION_SORT_BY_BEST",
    )
    listed, more = _first(pages, most)
    return [
        Hosted(
            slug=each.ref.rstrip("/").rpartition("/")[2],
            title=each.title,
            deadline=each.deadline,
            reward=each.reward,
            teams=each.team_count,
            entered=bool(each.user_has_entered),
            category=each.category,
            metric=each.evaluation_metric,
        )
        for each in listed
    ], more


def files(slug: str, *, most: int = 200) -> tuple[list[File], bool]:
    """The first `most` files of the competition `slug`, and whether there are more.

    Raises KitError when its rules are not accepted, there is no such competition, with those of a similar name, or
    Kaggle cannot be reached.
    """
    what = f"Listing the files of {slug}"
    listed, more = _first(_pages(what, "competitions.list_data_files", "files", most, competition_name=slug), most)
    return [File(each.name, each.total_bytes, each.creation_date) for each in listed], more


def _pages(what: str, method: str, field: str, most: int, **asked: Any) -> Iterator[Any]:
    """The items of a listing, one after the other; a page is asked for when it is needed."""
    kaggle, token = client.connect(), ""
    while True:
        answer = kaggle.ask(what, method, safe=True, page_size=min(PAGE, most + 1), page_token=token, **asked)
        yield from getattr(answer, field) or []
        if not (token := answer.next_page_token):
            return


def _first(items: Iterator[Any], most: int) -> tuple[list[Any], bool]:
    """The first `most` items, and whether there is another."""
    listed = list(itertools.islice(items, most + 1))
    return listed[:most], len(listed) > most
