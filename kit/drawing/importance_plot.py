"""The picture of importance: how much the score falls without each column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.drawing import style

MOST = 30
"""Columns that are drawn: more names than these cannot be read."""


def draw(title: str, metric: str, columns: Sequence[tuple[str, float, float | None, float | None]], to: Path) -> Path:
    """Bars of the permutation importance with one standard deviation over folds, the largest on top, and beside them
    those of the gain where there is one. `columns` are (name, drop, sd, gain), the most important first."""
    shown = list(columns[:MOST])[::-1]
    told = any(gain is not None for *_, gain in shown)
    rest = f", the first {MOST} of {len(columns)} columns" if len(columns) > MOST else ""
    made = style.figure(9 if told else 7, 1.2 + 0.24 * len(shown), f"{title}{rest}")
    charts = made.subplots(1, 2 if told else 1, sharey=True, squeeze=False)[0]
    places = range(len(shown))
    spread = [sd or 0.0 for _, _, sd, _ in shown]
    charts[0].barh(
        places, [drop for _, drop, _, _ in shown], xerr=spread, color=style.BLUE, ecolor=style.GREY, height=0.7
    )
    charts[0].axvline(0, color=style.GREY, linewidth=0.8)
    style.plain(charts[0], grid="x")
    style.label(charts[0], f"{metric} lost when the column is shuffled", "")
    if told:
        charts[1].barh(places, [gain or 0.0 for *_, gain in shown], color=style.ORANGE, height=0.7)
        style.plain(charts[1], grid="x")
        style.label(charts[1], "share of the gain in training", "")
    charts[0].set_yticks(places, [style.short(name, 32) for name, *_ in shown], fontsize=style.NORMAL)
    charts[0].set_ylim(-0.6, len(shown) - 0.4)
    return style.save(made, to)
