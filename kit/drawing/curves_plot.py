"""Learning curves: those of one run, and those of several over each other, each with its gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.drawing import style
from kit.train import progress, reading
from kit.train.reading import Reading
from kit.train.runs import Run

MOST = 12
"""Runs that are drawn; more lines cannot be told apart."""


class Curve(NamedTuple):
    """The curves of one fold of a run, the columns of its history by name, and their reading."""

    name: str
    history: Mapping[str, Sequence[float]]
    reading: Reading


def of_run(run: Run, to: Path) -> Path | None:
    """Each figure that the recipe reported over the epochs, a line a fold; None where it reported none."""
    stored = [progress.read(folder) for folder in (*sorted(run.folder.glob("fold-*")), run.folder / "full")]
    histories = [history for history in stored if history]
    reported = {name.removeprefix("val_") for history in histories for name in history} - {"step", "seconds"}
    if not reported:
        return None
    order = sorted(reported, key=lambda name: (name != "loss", name != "accuracy", name))
    several = f", {len(histories)} folds" if len(histories) > 1 else ""
    title = f"{run.plan.competition} {run.plan.label}: training{several}{_read(histories)}"
    made, charts = style.charts(len(order), title)
    for chart, name in zip(charts, order, strict=True):
        shown: list[float] = []
        for column, what, colour in ((name, "training", style.BLUE), (f"val_{name}", "validation", style.RED)):
            lines = [history for history in histories if column in history]
            last = float(np.mean([history[column][-1] for history in lines])) if lines else 0.0
            for i, history in enumerate(lines):
                chart.plot(
                    history["step"],
                    history[column],
                    color=colour,
                    linewidth=1.2,
                    alpha=1.0 if len(lines) == 1 else 0.6,
                    marker="." if len(history["step"]) <= 20 else None,
                    label=f"{what}, {last:.4g} at the end" if i == 0 else None,
                )
                shown += history[column]
        style.label(chart, "epoch", name.replace("_", " "))
        chart.locator_params(axis="x", integer=True)
        low, high = np.nanmin(shown), np.nanmax(shown)
        if name == "loss" and low > 0 and high / low > 10:
            chart.set_yscale("log")
            chart.set_ylabel("loss, log scale", fontsize=style.NORMAL)
        chart.legend(fontsize=style.SMALL, frameon=False)
    return style.save(made, to)


def _read(histories: list[dict[str, list[float]]]) -> str:
    """What the curves say, behind the title: the best epoch of one fold; of several, in how many each verdict holds."""
    read = [told for history in histories if (told := reading.read(history))]
    if not read:
        return ""
    verdicts = Counter(verdict for told in read for verdict in told.verdicts)
    if len(read) == 1:
        return "; " + ", ".join([f"best epoch {read[0].best}", *verdicts])
    return "".join(f"; {verdict} in {count}" for verdict, count in verdicts.items())


def several(title: str, curves: Sequence[Curve], to: Path) -> Path:
    """Validation loss of all runs in one chart, then a chart each: both losses, the gap between them shaded, the best
    epoch marked, and what the reading calls it. All charts have the same axes."""
    shown = curves[:MOST]
    more = f", {MOST} of {len(curves)}" if len(curves) > MOST else ""
    made, (every, *each) = style.charts(1 + len(shown), f"{title}: learning curves{more}", size=(4.6, 2.7))
    colours = _colours(len(shown))
    for curve, colour in zip(shown, colours, strict=True):
        steps, held = curve.history["step"], curve.history["val_loss"]
        every.plot(steps, held, color=colour, linewidth=1.3, label=style.short(curve.name, 28))
        every.plot(steps[curve.reading.best - 1], held[curve.reading.best - 1], "o", color=colour, markersize=4)
    every.set_title("validation loss of all; a dot is the best epoch", fontsize=style.NORMAL, loc="left")
    every.legend(fontsize=style.SMALL, frameon=False, ncols=2)
    for chart, curve in zip(each, shown, strict=True):
        _one(chart, curve)
    lows, highs = zip(*(_bounds(curve) for curve in shown), strict=True)
    longest = max(len(curve.history["step"]) for curve in shown)
    for chart in (every, *each):
        chart.set_ylim(max(0.0, min(lows) * 0.95), max(highs) * 1.05)
        chart.set_xlim(0.7, longest + 0.3)
        chart.locator_params(axis="x", integer=True)
        style.label(chart, "epoch", "loss")
    return style.save(made, to)


def _one(chart: object, curve: Curve) -> None:
    from matplotlib.axes import Axes

    assert isinstance(chart, Axes)
    steps, loss, held = (np.asarray(curve.history[name], float) for name in ("step", "loss", "val_loss"))
    best, reading = curve.reading.best - 1, curve.reading
    chart.fill_between(steps, loss, held, color=style.ORANGE, alpha=0.25, linewidth=0, label="gap")
    chart.plot(steps, loss, color=style.BLUE, linewidth=1.3, marker=".", label="training")
    chart.plot(steps, held, color=style.RED, linewidth=1.3, marker=".", label="validation")
    chart.axvline(steps[best], color=style.GREY, linewidth=1, linestyle="--")
    said = ", ".join(reading.verdicts) or "steady"
    chart.set_title(
        f"{style.short(curve.name, 28)}: best epoch {reading.best}, {said}",
        fontsize=style.NORMAL,
        loc="left",
        parse_math=False,
    )
    chart.legend(fontsize=style.SMALL, frameon=False)


def _bounds(curve: Curve) -> tuple[float, float]:
    values = [*curve.history["loss"], *curve.history["val_loss"]]
    return min(values), max(values)


def _colours(count: int) -> list[tuple[float, float, float, float]]:
    """As many colours as lines, from one end of a scale that the colour-blind can read to the other."""
    import matplotlib

    return [tuple(colour) for colour in matplotlib.colormaps["viridis"](np.linspace(0, 0.92, max(count, 1)))]
