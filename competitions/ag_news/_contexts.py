"""Where a news text is cut: what is shown of it, and the next word, which is asked for."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from kit.task.targets import is_missing

LENGTHS = (3, 6, 12, 24)
"""Words before the one that is asked for. Which of them a text gets hangs on its characters alone, so that the same
text has the same context in every file. Half of the texts have fewer than 40 words."""

NEXT = re.compile(r" (\w+(?:['-]\w+)*)")
"""A word that stands behind a space: letters and digits, with apostrophes and hyphens between them."""


class Cut(NamedTuple):
    """A text in two: `context`, which ends with a word or a mark, and `rest`, which begins with a space; and the word
    that comes `next`."""

    context: str
    next: str
    rest: str


def cut(text: str) -> Cut | None:
    """A text cut at one of LENGTHS; None where it has not words enough for the shortest."""
    # A file would spell words such as None and NaN like a missing value.
    places = [found for found in NEXT.finditer(text) if not is_missing(found[1])]
    lengths = [length for length in LENGTHS if length <= len(places)]
    if not lengths:
        return None
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    place = places[lengths[drawn % len(lengths)] - 1]
    return Cut(text[: place.start()], place[1], text[place.start() :])
