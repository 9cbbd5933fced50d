"""The picture of a sweep: what each cell of the grid scores, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.drawing import style
from kit.task.catalog import Entry
from kit.train.sweep import Row
from kit.words import duration


def draw(entry: Entry, table: Sequence[Row], to: Path) -> Path | None:
    """A line a row, the best on top: mean score with the standard deviation over seeds, and seconds of fitting; None
    where no row has a score."""
    scored = [row for row in table if row.mean is not None]
    if not scored:
        return None
    metric = entry.competition.metric
    seeds = max(row.seeds for row in scored)
    spread = f"; bars are one standard deviation over {seeds} seeds" if seeds > 1 else ""
    made = style.figure(8, 1.2 + 0.36 * len(scored), f"{entry.name}: {len(scored)} ways, the best on top{spread}")
    chart = made.subplots()
    style.plain(chart, grid="x")
    for place, row in enumerate(reversed(scored)):
        chart.errorbar(row.mean or 0.0, place, xerr=row.sd, fmt="o", color=style.BLUE, capsize=3, markersize=6)
        said = f"  {row.mean:.5f}, {duration(row.seconds)}"
        chart.annotate(said, (row.mean or 0.0, place), (0, 7), textcoords="offset points", fontsize=style.SMALL)
    names = [style.short(f"{row.recipe} {row.settings}".strip(), 48) for row in reversed(scored)]
    chart.set_yticks(range(len(scored)), names, fontsize=style.NORMAL)
    chart.set_ylim(-0.6, len(scored) - 0.3)
    chart.margins(x=0.12)
    better = "higher" if metric.higher_is_better else "lower"
    style.label(chart, f"out-of-fold {metric.name}, {better} is better", "")
    return style.save(made, to)
