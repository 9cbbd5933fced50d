"""Tables of sweeps and searches, as `kit sweep` and `kit tune` left them in the run store."""

from __future__ import annotations

import csv
from typing import NamedTuple

from kit import places
from kit.notes import tell
from kit.report import media
from kit.task.catalog import Entry
from kit.words import figure

LINES = 50
"""Lines of a table on the page."""


class Study(NamedTuple):
    """The table of a sweep or a search; `more` are the rows that are left out, `pictures` names and data URIs."""

    name: str
    header: list[str]
    rows: list[list[str]]
    more: int
    pictures: list[tuple[str, str]]


def tables(entry: Entry, most: int = 0) -> list[Study]:
    """Tables that kit sweep and kit tune left in the run store, the newest first, with their pictures while these have
    no more than `most` bytes together."""
    studies: list[Study] = []
    store = places.runs(entry.name)
    for path in sorted([*store.glob("sweep-*/table.csv"), *store.glob("tune-*/trials.csv")], reverse=True):
        try:
            with path.open(encoding="utf-8", newline="") as file:
                header, *rows = [*csv.reader(file)] or [[]]
        except (OSError, ValueError, csv.Error) as error:
            tell(f"Passed over: {path} cannot be read: {error}")
            continue
        if header and rows and all(len(row) == len(header) for row in rows):
            pictures = media.pictures(path.parent, most)
            most -= sum(len(source) for _, source in pictures)
            studies.append(
                Study(
                    path.parent.name,
                    header,
                    [[_short(cell) for cell in row] for row in rows[:LINES]],
                    max(len(rows) - LINES, 0),
                    pictures,
                )
            )
    return studies


def _short(cell: str) -> str:
    try:
        value = float(cell)
    except ValueError:
        return cell if len(cell) <= 80 else f"{cell[:79]}…"
    return cell if value == int(value) and len(cell) < 12 else figure(value)
