"""What a detector found, and what findings are called."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["leak", "warning", "note"]
"""A leak makes out-of-fold scores too good; a warning should be known; a note tells that nothing is wrong."""

NAMES = (
    "duplicates",
    "near-duplicates",
    "target-column",
    "test-duplicates",
    "near-test-duplicates",
    "conflicting-labels",
    "label-errors",
    "order",
    "shift",
    "groups",
    "rows",
)
"""What findings are called, by which a competition acknowledges them."""


class Finding(NamedTuple):
    """What a detector found: `rows` it is about, a sentence, and examples as texts. `acknowledged` is the reason that
    the competition gives, empty where it gives none."""

    name: str
    level: Level
    rows: int
    said: str
    examples: tuple[str, ...] = ()
    acknowledged: str = ""
