"""Titles as models read them: numbers and units spelled alike, by setting."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.errors import KitError
from kit.task.contract import Fold

READ = "titles.json"

UNITS = {
    "kg": "kg|kgs|kilo|kilos|kilogramos?",
    "gr": "gr|grs|gramos?",
    "mm": "mm|milimetros?",
    "cm": "cm|cms|centimetros?",
    "mt": "mt|mts|metros?",
    "lt": "lt|lts|litros?",
    "ml": "ml|mililitros?|cc",
    "pulg": "pulgadas?|polegadas?|pulg",
    "gb": "gb|gigas?",
    "tb": "tb",
    "mb": "mb|megas?",
    "mah": "mah",
    "hp": "hp",
    "cv": "cv",
    "w": "w|watts?",
    "v": "v|volts?|voltios",
}
"""What a unit is called after a number, in Spanish and Portuguese."""

MEASURE = re.compile(r"(\d)\s*(?:" + "|".join(f"({names})" for names in UNITS.values()) + r")\b", re.IGNORECASE)
INCHES = re.compile(r"(\d)\s*(?:''|\"|´´|”)")
SYMBOLS = [f" {name} " for name in UNITS]
SEPARATOR = re.compile(r"(?<=\d)[.,](?=\d)")

DIGIT = re.compile(r"\d")
NUMBERS = ("keep", "shape")


def normalised(titles: Sequence[str], *, units: bool = True, numbers: str = "keep") -> list[str]:
    """Titles with one name for each unit, parted from its number, with `units`; and with `numbers="shape"` with 0 in
    place of each digit, so that 120 and 150 are one word. Case and accents are left to what counts words.

    Raises KitError for another word than keep and shape.
    """
    if numbers not in NUMBERS:
        raise KitError(
            f"numbers={numbers!r} is no way to read numbers.", f"Known: {', '.join(NUMBERS)}.", "--set numbers=keep"
        )
    made = list(titles)
    if units:
        made = [MEASURE.sub(_unit, INCHES.sub(r"\1 pulg ", SEPARATOR.sub("", title))) for title in made]
        made = [" ".join(title.split()) for title in made]
    if numbers == "shape":
        made = [DIGIT.sub("0", title) for title in made]
    return made


def _unit(match: re.Match[str]) -> str:
    return match.group(1) + SYMBOLS[match.lastindex - 2]


def classes(fold: Fold) -> int:
    """How many categories the rows of a fold have, held-out rows counted: some may only be among these."""
    assert fold.train.y is not None
    held = fold.valid.y if fold.valid.y is not None else fold.train.y[:0]
    return 1 + int(max(fold.train.y.max(), held.max(initial=0)))


def remember(dir: Path, settings: dict[str, Any]) -> None:
    """Keep, beside a model, how its titles are read."""
    dir.mkdir(parents=True, exist_ok=True)
    (dir / READ).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def remembered(dir: Path) -> dict[str, Any]:
    """What `remember` kept."""
    return json.loads((dir / READ).read_text(encoding="utf-8"))
