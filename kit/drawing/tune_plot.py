"""The picture of a search: what each trial scored, and the best so far."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kit.drawing import style
from kit.task.catalog import Entry
from kit.train.tune import Search


def draw(entry: Entry, label: str, search: Search, to: Path) -> Path:
    """Trials in their order: finished ones as dots, given up ones as crosses at the mean of their folds, the line of
    the best so far, and the defaults; beside it each searched number against the score."""
    from matplotlib.ticker import MaxNLocator

    metric = entry.competition.metric
    better = "higher" if metric.higher_is_better else "lower"
    trials = sorted((one for one in search.trials if one.scores), key=lambda one: one.number)
    whole = [(one, one.mean) for one in trials if one.mean is not None]
    numeric = [
        name
        for name, value in search.winner.settings.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    made, charts = style.charts(1 + len(numeric), f"{entry.name}, {label}: {len(trials)} trials")
    history, *others = charts
    best = (np.maximum if metric.higher_is_better else np.minimum).accumulate([mean for _, mean in whole])
    history.step(
        [one.number for one, _ in whole], best, where="post", color=style.BLUE, linewidth=1, label="best so far"
    )
    gone = [one for one in trials if one.mean is None]
    history.plot(
        [one.number for one, _ in whole],
        [mean for _, mean in whole],
        "o",
        color=style.BLUE,
        markersize=4,
        label="trial",
    )
    if gone:
        means = [float(np.mean(one.scores)) for one in gone]
        history.plot([one.number for one in gone], means, "x", color=style.GREY, markersize=4, label="given up")
    history.axhline(search.default.mean or 0.0, color=style.ORANGE, linewidth=1, label="defaults")
    history.legend(fontsize=style.SMALL, frameon=False)
    history.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.label(history, "trial", f"{metric.name}, mean of folds, {better} is better")
    for name, chart in zip(numeric, others, strict=True):
        values = [one.settings[name] for one, _ in whole]
        chart.plot(values, [mean for _, mean in whole], "o", color=style.BLUE, markersize=4)
        chart.plot([search.winner.settings[name]], [search.winner.mean or 0.0], "o", color=style.RED, markersize=6)
        if min(values) > 0 and max(values) > 20 * min(values):
            chart.set_xscale("log")
        style.label(chart, name, "" if chart is not others[0] else metric.name)
    return style.save(made, to)
