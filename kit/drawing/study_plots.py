"""What a sweep of networks shows beside its scores: what parts of their names are worth, how the losses fell, the loss
against the score, and the score against the time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.drawing import style
from kit.task.catalog import Entry
from kit.train import progress
from kit.train.runs import Run
from kit.train.sweep import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cells = Sequence[tuple[Row, list[Run]]]

COLOURS = (style.BLUE, style.RED, "#009E73", style.ORANGE, "#CC79A7", "#56B4E9", "#000000", style.GREY)
DASHES = ("-", "--", ":")
"""Of lines, so that 24 cells can be told apart."""

NAMED = 24
"""Cells whose names stand in a legend."""

LONGEST = 40


def parts(entry: Entry, cells: Cells, to: Path) -> Path | None:
    """Mean score of the cells that have a part of the name, such as `es` or `dim128`, and of those that do not.

    The name is cut at what is no letter or digit. None where no part is in some cells and not in others.
    """
    scored = [(row.mean, _words(row)) for row, _ in cells if row.mean is not None]
    every = list(dict.fromkeys(word for _, words in scored for word in words))
    shown = []
    for word in every:
        having = [score for score, words in scored if word in words]
        lacking = [score for score, words in scored if word not in words]
        if len(having) > 1 and len(lacking) > 1:
            shown.append((word, having, lacking))
    if not shown:
        return None
    made = style.figure(8, 1.4 + 0.5 * len(shown), f"{entry.name}: what parts of the name are worth")
    chart = made.subplots()
    style.plain(chart, grid="x")
    for place, (_, having, lacking) in enumerate(reversed(shown)):
        for scores, shift, colour in ((having, 0.13, style.BLUE), (lacking, -0.13, style.GREY)):
            chart.plot(scores, [place + shift] * len(scores), "o", color=colour, markersize=3.5, alpha=0.5)
            chart.plot(np.mean(scores), place + shift, "D", color=colour, markersize=7)
            said = f"  {np.mean(scores):.4f}"
            chart.annotate(said, (float(np.mean(scores)), place + shift), fontsize=style.SMALL, va="bottom")
    chart.set_yticks(range(len(shown)), [word for word, _, _ in reversed(shown)], fontsize=style.NORMAL)
    chart.set_ylim(-0.6, len(shown) - 0.4)
    chart.margins(x=0.12)
    chart.plot([], [], "D", color=style.BLUE, label="with it")
    chart.plot([], [], "D", color=style.GREY, label="without it")
    chart.legend(fontsize=style.SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    style.label(chart, f"out-of-fold {entry.competition.metric.name}; a diamond is the mean", "")
    return style.save(made, to)


def curves(entry: Entry, cells: Cells, to: Path) -> Path | None:
    """The training loss after each epoch, the mean over folds and seeds; None where no cell reports one."""
    return _lines(entry, cells, "loss", "training loss", to)


def held_out(entry: Entry, cells: Cells, to: Path) -> Path | None:
    """The held-out loss after each epoch, the mean over folds and seeds; None where no cell reports one."""
    return _lines(entry, cells, "val_loss", "held-out loss", to)


def loss(entry: Entry, cells: Cells, to: Path) -> Path | None:
    """The held-out loss after the last epoch against the score, a point for each run; None where none reports one."""
    points = []
    for number, (row, runs) in enumerate(cells):
        for run in runs:
            last = _mean([history[-1] for history in _histories(run, "val_loss")])
            if last is not None and run.score is not None:
                points.append((number, row, last, run.score))
    return _scattered(entry, points, "held-out loss after the last epoch", to)


def time(entry: Entry, cells: Cells, to: Path) -> Path | None:
    """The score against the seconds of fitting, a point for each run and a mark for each device."""
    points = [
        (number, row, run.record.fit_seconds, run.score, run.record.device)
        for number, (row, runs) in enumerate(cells)
        for run in runs
        if run.score is not None
    ]
    return _scattered(entry, points, "seconds of fitting, all folds together", to)


DRAWN: dict[str, Callable[[Entry, Cells, Path], Path | None]] = {
    "parts.png": parts,
    "curves.png": curves,
    "held-out.png": held_out,
    "loss.png": loss,
    "time.png": time,
}
"""The pictures by the names of their files."""


def _lines(entry: Entry, cells: Cells, column: str, said: str, to: Path) -> Path | None:
    drawn = []
    for number, (row, runs) in enumerate(cells):
        told = [history for run in runs for history in _histories(run, column)]
        if told:
            length = min(map(len, told))
            drawn.append((number, row, np.mean([history[:length] for history in told], axis=0)))
    if not drawn:
        return None
    from matplotlib.ticker import MaxNLocator

    made = style.figure(8, 4.6, f"{entry.name}: {said} by epoch")
    chart = made.subplots()
    style.plain(chart)
    for number, row, values in drawn:
        again, place = divmod(number, len(COLOURS))
        line: dict[str, Any] = {"color": COLOURS[place], "linestyle": DASHES[again % len(DASHES)]}
        mark = "o" if len(values) == 1 else None
        chart.plot(range(1, len(values) + 1), values, linewidth=1.4, marker=mark, label=_name(row), **line)
    _legend(chart, len(drawn))
    chart.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.label(chart, "epoch", said)
    return style.save(made, to)


def _scattered(entry: Entry, points: Sequence[tuple[Any, ...]], x: str, to: Path) -> Path | None:
    """A point for each run: number and row of its cell, x, score, and perhaps its device."""
    if not points:
        return None
    made = style.figure(8, 4.6, f"{entry.name}: {entry.competition.metric.name} against {x.partition(',')[0]}")
    chart = made.subplots()
    style.plain(chart)
    devices = list(dict.fromkeys(point[4] for point in points if len(point) > 4))
    named: set[int] = set()
    for number, row, at, score, *device in points:
        mark = "osD^v"[devices.index(device[0]) % 5] if device else "o"
        label = _name(row) if number not in named else None
        named.add(number)
        chart.plot(at, score, mark, color=COLOURS[number % len(COLOURS)], markersize=6, label=label)
    _legend(chart, len(named))
    if devices:
        marks = ", ".join(f"{['circle', 'square', 'diamond', 'up', 'down'][n % 5]}: {d}" for n, d in enumerate(devices))
        chart.set_title(marks, fontsize=style.SMALL, loc="left", parse_math=False)
    style.label(chart, x, f"out-of-fold {entry.competition.metric.name}")
    return style.save(made, to)


def _legend(chart: Axes, count: int) -> None:
    if count <= NAMED:
        chart.legend(fontsize=style.SMALL, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _histories(run: Run, column: str) -> list[list[float]]:
    """A column of the history of each fold, finite values alone; without folds that lack it."""
    told = (progress.read(folder).get(column, []) for folder in sorted(run.folder.glob("f*")) if folder.is_dir())
    kept = ([value for value in values if np.isfinite(value)] for values in told)
    return [values for values in kept if values]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _name(row: Row) -> str:
    return style.short(row.recipe if ":" in row.recipe else f"{row.recipe} {row.settings}".strip(), LONGEST)


def _words(row: Row) -> list[str]:
    """The parts of a cell's name: of its variant, else of the settings that differ."""
    _, mark, variant = row.recipe.partition(":")
    return [word for word in re.split(r"[^\w.]+|_", variant if mark else row.settings) if word]
