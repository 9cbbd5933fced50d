"""The charts of the page: scores with their intervals, CV against the leaderboard, seeds, curves of training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from kit.drawing import style
from kit.judge.standing import Comparison
from kit.report.svg import Chart, span
from kit.train import progress
from kit.train.runs import Run
from kit.words import figure

MOST = 40
"""Runs in one chart: more names than these are not read."""

POINTS = 60
"""Points of a curve that are drawn."""


def scores(compared: Comparison) -> Markup | None:
    """The best runs, a line each: the score, its 95% interval, and the public score where there is one; None where no
    run is compared."""
    shown = [one for one in compared.standings if not one.left_out and one.run.score is not None][:MOST]
    if not shown:
        return None
    values = [value for one in shown for value in (one.run.score, one.low, one.high, one.public) if value is not None]
    names = [style.short(label(one.run), 20) for one in shown]
    chart = Chart(
        f"{compared.metric} of {len(shown)} runs with intervals, the best on top",
        span(values),
        (len(shown) - 0.4, -0.6),
        width=560,
        height=22.0 * len(shown) + 54,
        x_label=f"{compared.metric}, {'higher' if compared.higher_is_better else 'lower'} is better",
        names=names,
        left=_room(names),
        kind="broad",
    )
    best = shown[0]
    if best.low is not None and best.high is not None:
        chart.column(best.low, best.high)
    for row, one in enumerate(shown):
        if one.low is not None and one.high is not None:
            chart.line([(one.low, row), (one.high, row)], "s1" if one.by == "rows" else "s1 dashed")
        said = f"{one.run.name}: {figure(one.run.score or 0.0)}, {one.verdict}"
        chart.dot(one.run.score or 0.0, row, "s1" if one.verdict != "noise" else "s1 hollow", said)
        if one.public is not None:
            chart.dot(one.public, row, "s2", f"{one.run.name}: public {figure(one.public)}", 3)
    return chart.svg()


def over_time(compared: Comparison) -> Markup | None:
    """Every compared run in the order in which it was finished, and the line of the best that were more than noise;
    None for fewer than two."""
    runs = [one for one in compared.standings if not one.left_out and one.run.score is not None]
    runs.sort(key=lambda one: (one.run.record.finished, one.run.name))
    if len(runs) < 2:
        return None
    values = [one.run.score or 0.0 for one in runs]
    chart = Chart(
        f"{compared.metric} of {len(runs)} runs in the order in which they were finished",
        (0.5, len(runs) + 0.5),
        span(_central(values)),
        x_label="run, in the order of time",
        y_label=compared.metric,
        whole_x=True,
    )
    low, high = chart.y
    steps: list[tuple[float, float]] = []
    for at, one in enumerate(runs, 1):
        if one.new_best:
            steps.append((at, one.run.score or 0.0))
    if steps:
        chart.line([*steps, (len(runs), steps[-1][1])], "s2", step=True)
    for at, one in enumerate(runs, 1):
        score = one.run.score or 0.0
        said = f"{one.run.name}: {figure(score)}" + (", a new best" if one.new_best else "")
        chart.dot(at, min(max(score, low), high), "s2" if one.new_best else "s1", said)
    return chart.svg()


def against_public(compared: Comparison) -> Markup | None:
    """CV against the public score, the line on which both are equal, and around it how far the rows alone can part
    them; None where no run was scored."""
    runs = [one for one in compared.standings if one.public is not None and one.run.score is not None]
    if not runs:
        return None
    pairs = [(one.run.score or 0.0, one.public or 0.0) for one in runs]
    reach = span([value for pair in pairs for value in pair], 0.15)
    chart = Chart(
        f"CV against public score of {len(runs)} runs",
        reach,
        reach,
        width=420,
        height=380,
        x_label=f"CV {compared.metric}",
        y_label=f"public {compared.metric}",
    )
    noise = [one.gap_noise for one in runs if one.gap_noise is not None]
    if noise:
        half = sum(noise) / len(noise)
        low, high = reach
        chart.band([(x, max(x - half, low), min(x + half, high)) for x in _between(low, high)])
    chart.line([(reach[0], reach[0]), (reach[1], reach[1])], "quiet dashed")
    for one, (x, y) in zip(runs, pairs, strict=True):
        said = f"{one.run.name}: CV {figure(x)}, public {figure(y)}"
        chart.dot(x, y, "s1" if one.gap_is_noise in (True, None) else "s2", said, 4)
    return chart.svg()


def curves(run: Run) -> list[tuple[str, Markup]]:
    """For each figure that the recipe reported over the epochs its name and a chart: a line a fold, training and
    validation, the best epoch of each fold marked."""
    folders = (*sorted(run.folder.glob("fold-*")), run.folder / "full")
    histories = [history for folder in folders if (history := progress.read(folder))]
    reported = {name.removeprefix("val_") for history in histories for name in history} - {*progress.TIMES}
    drawn = []
    for name in sorted(reported, key=lambda name: (name != "loss", name != "accuracy", name)):
        held = [(history["step"], history, kind) for history in histories for kind in ("", "val_")]
        lines = [(steps, history[kind + name], kind) for steps, history, kind in held if kind + name in history]
        values = [value for _, figures, _ in lines for value in figures if math.isfinite(value)]
        if not values or max(len(steps) for steps, _, _ in lines) < 2:
            continue
        last = max(steps[-1] for steps, _, _ in lines)
        words = name.replace("_", " ")
        chart = Chart(
            f"{words} over the epochs of {run.name}",
            (min(steps[0] for steps, _, _ in lines), last),
            span(_central(values)),
            width=400,
            height=230,
            x_label="epoch",
            y_label=words,
            whole_x=True,
        )
        low, high = chart.y
        for steps, figures, kind in lines:
            thin = _thinned(list(zip(steps, figures, strict=True)))
            chart.line([(x, min(max(y, low), high)) for x, y in thin], "s2" if kind else "s1")
        for steps, figures, kind in lines:
            if kind and (at := best_epoch(name, figures)) is not None:
                said = f"best epoch {steps[at]:g}: {figure(figures[at])}"
                chart.dot(steps[at], min(max(figures[at], low), high), "s2 best", said, 4.5)
        drawn.append((words, chart.svg()))
    return drawn


def best_epoch(name: str, figures: Sequence[float]) -> int | None:
    """The place of the best value of a validation curve: the lowest of a loss or an error, else the highest."""
    known = [(value, at) for at, value in enumerate(figures) if math.isfinite(value)]
    lower = any(word in name.lower() for word in ("loss", "error", "mse", "mae", "rmse", "deviance"))
    return (min if lower else max)(known, key=lambda pair: pair[0])[1] if known else None


def seeds(groups: Sequence[tuple[str, Sequence[float]]], metric: str) -> Markup | None:
    """A line for each recipe that was trained with several seeds, a dot a seed."""
    if not groups:
        return None
    names = [style.short(name, 20) for name, _ in groups]
    chart = Chart(
        f"{metric} of each seed",
        span([score for _, scores in groups for score in scores]),
        (len(groups) - 0.4, -0.6),
        width=560,
        height=24.0 * len(groups) + 54,
        x_label=metric,
        names=names,
        left=_room(names),
        kind="broad",
    )
    for row, (name, values) in enumerate(groups):
        chart.line([(min(values), row), (max(values), row)], "quiet")
        for score in values:
            chart.dot(score, row, "s1", f"{name}: {figure(score)}")
    return chart.svg()


def label(run: Run) -> str:
    """A run in a chart: its recipe, and its seed where that is not 0."""
    return run.plan.label + (f" seed {run.plan.seed}" if run.plan.seed else "")


def _room(names: Sequence[str]) -> float:
    """Pixels that the longest of the names needs."""
    return 24 + 7.2 * max(map(len, names))


def _central(values: Sequence[float]) -> list[float]:
    """The values without those far outside, which would press all others into one line."""
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    reach = 4 * (high - low)
    return [value for value in ordered if low - reach <= value <= high + reach] if reach else ordered


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    step = max(1, math.ceil(len(points) / POINTS))
    return [*points[::step], *([points[-1]] if (len(points) - 1) % step else [])]


def _between(low: float, high: float, count: int = 12) -> list[float]:
    return [low + (high - low) * at / count for at in range(count + 1)]
