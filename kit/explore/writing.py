"""How texts are written: how many sentences each has, and which characters they are made of, by label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kit.drawing import style

ENDS = re.compile(r"[.!?\u2026]+[\"')\]]*(?=\s+[\"'(\[]*[^\W_a-z]|\s*$)")
"""Where a sentence ends: at a full stop, a question or an exclamation mark, with a capital letter or a digit behind it,
or nothing."""

SHOWN = 40
"""Characters in a picture."""

RARE = 5
"""Characters of the rarest that are named."""


def sentences(texts: Sequence[str]) -> np.ndarray:
    """How many sentences each text has, int64. Words behind the last mark are one more, and `U.S. Senate` two: it
    takes a dictionary to know better."""
    counts = []
    for text in texts:
        ends = [found.end() for found in ENDS.finditer(text)]
        counts.append(len(ends) + bool(text[ends[-1] if ends else 0 :].strip()))
    return np.array(counts, np.int64)


def facts(texts: Sequence[str], others: Sequence[str]) -> dict[str, str | int | float]:
    """What is told of characters in figures: how many there are, the rarest, and those that only test texts have."""
    counts = Counter("".join(texts))
    new = sorted(set("".join(others)) - set(counts))
    told: dict[str, str | int | float] = {
        "train characters a text": f"median {np.median([len(text) for text in texts]):.0f}, most "
        f"{max(map(len, texts)):,}",
        "different characters in train": len(counts),
    }
    if once := sorted(character for character, count in counts.items() if count == 1):
        told["characters that stand in train once"] = f"{len(once)}: {' '.join(map(shown, once[:RARE]))}"
    if new:
        told["characters that only test has"] = f"{len(new)}: {' '.join(map(shown, new[:RARE]))}"
    return told


def draw(texts: Sequence[str], y: np.ndarray | None, names: Sequence[str], colours: Sequence[str], to: Path) -> Path:
    """The share of the most frequent characters, the most frequent first; of each label's texts where there are any."""
    top = [character for character, _ in Counter("".join(texts)).most_common(SHOWN)]
    made, (chart,) = style.charts(1, f"The {len(top)} most frequent characters", size=(9.0, 3.4))
    groups = [("train", texts, style.BLUE)]
    if y is not None:
        held = [[text for text, label in zip(texts, y, strict=True) if label == at] for at in range(len(names))]
        groups = [
            (style.short(name, 20), part, hue) for name, part, hue in zip(names, held, colours, strict=False) if part
        ]
    for name, part, colour in groups:
        counts = Counter("".join(part))
        share = np.array([counts[character] for character in top]) / max(counts.total(), 1) * 100
        # A character that a label never has would have no place on an axis of logarithms.
        share = np.where(share > 0, share, np.nan)
        chart.plot(range(len(top)), share, color=colour, linewidth=1, marker="o", markersize=3, label=name)
    chart.set_xticks(range(len(top)), [shown(character) for character in top], parse_math=False)
    chart.set_yscale("log")
    chart.yaxis.set_major_formatter("{x:,.10g}")
    chart.legend(fontsize=style.SMALL, frameon=False)
    style.label(chart, "", "share of the characters, %")
    return style.save(made, to)


def shown(character: str) -> str:
    """A character as a person can see it: a space as ␣, control characters by their numbers."""
    if character == " ":
        return "␣"
    return character if character.isprintable() else f"U+{ord(character):04X}"
