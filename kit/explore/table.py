"""What exploring adds for tables: their columns, drift between train and test, what tells of the target, and leaks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from kit import places
from kit.drawing import style
from kit.explore import columns as tables
from kit.explore import drift
from kit.explore.columns import Column
from kit.explore.overview import Findings
from kit.notes import tell
from kit.task.contract import Data

LEAK = 0.95
"""Share of the target that a column alone explains from which it is called a leak."""

SHOWN = 6
"""Columns whose distribution, or target, is drawn."""

PAIRED = 30
"""Columns whose correlations are drawn."""

COLUMNS = 200
"""Columns that are compared between train and test, those that tell most of the target first: a thousand take hours."""


def look(train: Data, test: Data, names: list[str], out: Path) -> Findings:
    """Facts and pictures of tables (pandas); of other rows nothing."""
    table, others = train.x.take(), test.x.take()
    if not hasattr(table, "columns") or not len(table) or not len(others):
        return Findings({}, [])
    tell("Looking at the columns")
    target = indicators(train.y)
    listed = tables.described(table, others, target)
    facts: dict[str, str | int | float] = {"columns": counted(listed)}
    facts |= oddities(table, others, listed)
    for column in sorted(listed, key=lambda each: -(each.tells or 0))[:SHOWN]:
        if column.tells is not None and column.tells > least(len(table)):
            facts[f"{column.name} alone explains"] = f"{column.tells:.1%} of the target" + leaking(column)
    write(out / "columns.csv", listed)
    facts["all columns"] = str(out / "columns.csv")
    pictures = [path for path in (draw_missing(listed, out / "missing.png"),) if path]
    if target is not None:
        pictures += draw_target(table, listed, target, names, out / "by-column.png")
    tell("Comparing train with test")
    shift, coded = compared(table, others, listed)
    if shift is not None:
        facts |= differences(shift)
        pictures.append(draw_drift(shift, coded, {one.name: one.kind for one in listed}, out / "drift.png"))
    pictures += draw_correlations(table, listed, out / "correlations.png")
    return Findings(facts, pictures)


def indicators(y: np.ndarray | None) -> np.ndarray | None:
    """The target as numbers: (n,) or (n, targets) as they are, classes as (n, classes) of 0 and 1 in the order of their
    values, the 50 commonest at most."""
    if y is None or not len(y):
        return None
    if y.ndim > 1:
        return y.astype(float) if y.dtype.kind in "iufb" else None
    values, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if y.dtype.kind == "f" or (y.dtype.kind in "iu" and len(values) > 50):
        return y.astype(float)
    common = np.sort(np.argsort(-counts, kind="stable")[:50])
    return (codes[:, None] == common[None, :]).astype(float)


def counted(listed: list[Column]) -> str:
    """How many columns there are of each kind."""
    kinds = [column.kind for column in listed]
    return f"{len(listed)}: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def oddities(table: Any, others: Any, listed: list[Column]) -> dict[str, str | int | float]:
    """Columns that say nothing, that repeat others, or whose test rows hold what no train row has."""
    facts: dict[str, str | int | float] = {}
    if gone := [str(name) for name in table.columns if name not in others.columns]:
        facts["columns that test lacks"] = ", ".join(gone)
    if constant := [column.name for column in listed if column.kind == "constant"]:
        facts["columns of one value"] = ", ".join(constant)
    if repeated := duplicated(table):
        facts["columns that repeat another"] = ", ".join(f"{name} repeats {first}" for name, first in repeated)
    for column in listed:
        if column.unseen > 0.01:
            facts[f"{column.name} in test"] = f"{column.unseen:.1%} of its values stand in no train row"
        if abs(column.missing - column.missing_test) > 0.05:
            facts[f"{column.name} missing"] = f"{column.missing:.1%} in train, {column.missing_test:.1%} in test"
    return facts


def duplicated(table: Any) -> list[tuple[str, str]]:
    """Columns that hold in every row what an earlier one holds, each with the first such one."""
    import pandas as pd

    first: dict[bytes, str] = {}
    pairs = []
    for name in table.columns:
        mark = pd.util.hash_pandas_object(table[name], index=False).to_numpy().tobytes()
        if mark in first:
            pairs.append((str(name), first[mark]))
        first.setdefault(mark, str(name))
    return pairs


def least(rows: int) -> float:
    """The share of the target above which a column is said to explain it: less is chance in a table of so many rows."""
    return max(0.005, 10 / rows)


def leaking(column: Column) -> str:
    """A warning behind a column that tells nearly everything."""
    told = column.tells or 0
    return "; this looks like a leak: is it known when the target is asked for?" if told >= LEAK else ""


def compared(
    table: Any, others: Any, listed: list[Column]
) -> tuple[drift.Drift | None, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """How the columns that both tables have differ between them, and these columns as numbers."""
    usable = [column for column in listed if column.kind not in ("constant", "text") and column.name in others.columns]
    usable = sorted(usable, key=lambda column: -(column.tells or 0))[:COLUMNS]
    if not usable or min(len(table), len(others)) < COMPARED:
        return None, {}
    coded = {one.name: tables.coded(table[one.name], others[one.name], one.kind) for one in usable}
    kinds = {one.name: one.kind for one in usable}
    ours, theirs = ({name: pair[side] for name, pair in coded.items()} for side in (0, 1))
    return drift.measure(ours, theirs, kinds), coded


def differences(shift: drift.Drift) -> dict[str, str | int | float]:
    """What adversarial validation says, in words."""
    verdict = "more than chance" if shift.real else "no more than chance"
    facts: dict[str, str | int | float] = {
        "test told from train": f"AUC {shift.auc:.3f}, {verdict} (up to {shift.chance:.3f})"
    }
    if shift.real:
        told = [f"{name} {auc:.3f}" for name, auc in shift.columns.items() if auc > shift.chance][:SHOWN]
        facts["columns that tell them apart"] = ", ".join(told) or "none alone"
    return facts


def write(to: Path, listed: list[Column]) -> None:
    """The columns as CSV, the one that tells most of the target first."""
    with places.whole(to) as part, part.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(Column._fields)
        for column in sorted(listed, key=lambda each: -(each.tells or 0)):
            lines.writerow(
                round(value, 4) if isinstance(value, float) else "" if value is None else value for value in column
            )


def draw_missing(listed: list[Column], to: Path) -> Path | None:
    """Bars of the share of rows in which a column is missing, train beside test; None where nothing is missing."""
    holes = sorted((c for c in listed if c.missing or c.missing_test), key=lambda c: -max(c.missing, c.missing_test))
    if not holes:
        return None
    holes = holes[:40]
    made, (chart,) = style.charts(1, "Missing values", size=(6.5, 0.3 * len(holes) + 0.9))
    style.plain(chart, grid="x")
    at = np.arange(len(holes))
    chart.barh(at - 0.2, [100 * c.missing for c in holes], 0.38, color=style.BLUE, label="train")
    chart.barh(at + 0.2, [100 * c.missing_test for c in holes], 0.38, color=style.RED, label="test")
    chart.set_yticks(at, [style.short(c.name, 30) for c in holes])
    chart.tick_params(axis="y", length=0)
    chart.invert_yaxis()
    chart.legend(fontsize=style.SMALL, frameon=False)
    style.label(chart, "rows without a value, %", "column")
    return style.save(made, to)


def draw_target(table: Any, listed: list[Column], target: np.ndarray, names: list[str], to: Path) -> list[Path]:
    """The mean target, or the share of the commonest classes, along the columns that tell most of it."""
    shown = [c for c in sorted(listed, key=lambda each: -(each.tells or 0)) if (c.tells or 0) > least(len(table))][
        :SHOWN
    ]
    if not shown:
        return []
    lines = target.reshape(len(target), -1)
    told = _classes(target, names)
    # Of two classes the second says all; of more the commonest are drawn.
    common = np.sort(np.argsort(-lines.sum(0), kind="stable")[: len(COLOURS)])
    drawn = [1] if len(told) == len(names) == 2 else common.tolist()
    made, charts = style.charts(len(shown), "The target along the columns that tell most of it, and one standard error")
    for chart, column in zip(charts, shown, strict=True):
        codes, _ = tables.coded(table[column.name], table[column.name].iloc[:0], column.kind)
        cell = tables.cells(codes, column.kind, POINTS)
        known = ~np.isnan(codes)
        count = np.bincount(cell[known])
        kept = np.flatnonzero(count >= FEWEST)[:POINTS]
        if not len(kept):
            chart.text(0.5, 0.5, f"no value in {FEWEST} rows", ha="center", fontsize=style.NORMAL, color=style.GREY)
        for number, colour in zip(drawn, COLOURS, strict=False):
            part = lines[known, number]
            mean = np.bincount(cell[known], part)[kept] / count[kept]
            square = np.bincount(cell[known], part**2)[kept] / count[kept]
            error = np.sqrt(np.maximum(square - mean**2, 0) / count[kept])
            joined = "-" if column.kind != "category" else ""
            chart.errorbar(
                range(len(kept)), mean, error, fmt=f"o{joined}", color=colour, linewidth=1, markersize=4,
                label=told[number] if told else None,
            )  # fmt: skip
        labels = [_place(table[column.name], codes, cell, one, column.kind) for one in kept]
        chart.set_xticks(range(len(kept)), labels, rotation=30, ha="right", fontsize=style.SMALL)
        style.label(chart, style.short(column.name, 40), "share of rows" if told else "mean target")
    if told:
        charts[0].legend(fontsize=style.SMALL, frameon=False)
    return [style.save(made, to)]


COLOURS = (style.BLUE, style.RED, style.ORANGE, style.GREY)

POINTS = 10
"""Bins or categories of a column whose mean target is drawn."""

COMPARED = 30
"""Rows that train and test must have to be compared: of fewer nothing can be said."""

FEWEST = 10
"""Rows below which a mean is chance and is not drawn."""


def _classes(target: np.ndarray, names: list[str]) -> list[str]:
    """What the columns of `target` are called; empty where it is one number."""
    if target.ndim == 1:
        return []
    return names if len(names) == target.shape[1] else [f"column {number + 1}" for number in range(target.shape[1])]


def draw_drift(
    shift: drift.Drift, coded: dict[str, tuple[np.ndarray, np.ndarray]], kinds: dict[str, str], to: Path
) -> Path:
    """The columns by which test rows differ most from train rows."""
    shown = list(shift.columns)[:SHOWN]
    made, charts = style.charts(len(shown), f"Train against test: told apart with an AUC of {shift.auc:.3f}")
    for chart, name in zip(charts, shown, strict=True):
        parts = [part[~np.isnan(part)] for part in coded[name]]
        both = np.concatenate(parts)
        low, high = np.quantile(both, (0.005, 0.995)) if len(both) else (0, 1)
        edges = np.linspace(low, high if high > low else low + 1, 31)
        for part, colour, what in zip(parts, (style.BLUE, style.RED), ("train", "test"), strict=True):
            share = np.histogram(part, edges)[0] / max(len(part), 1) * 100
            chart.stairs(share, edges, color=colour, linewidth=1.4, label=what)
        chart.locator_params(axis="x", nbins=5)
        if kinds[name] == "date":
            ticks = [tick for tick in chart.get_xticks() if edges[0] <= tick <= edges[-1]]
            chart.set_xticks(ticks, [str(np.datetime64(int(tick), "D")) for tick in ticks], fontsize=style.SMALL)
        style.label(chart, f"{style.short(name, 30)}, AUC {shift.columns[name]:.3f}", "rows, %")
    charts[0].legend(fontsize=style.SMALL, frameon=False)
    return style.save(made, to)


def draw_correlations(table: Any, listed: list[Column], to: Path) -> list[Path]:
    """How numbers go together: Spearman's rank correlation of the columns that tell most of the target."""
    numbers = sorted((c for c in listed if c.kind == "number"), key=lambda c: -(c.tells or 0))[:PAIRED]
    if len(numbers) < 3:
        return []
    names = [column.name for column in numbers]
    ranked = table[names].iloc[:: max(1, len(table) // 50_000)].rank()
    grid = ranked.corr().to_numpy()
    size = 0.28 * len(names) + 2.2
    made, (chart,) = style.charts(1, "Rank correlation of numbers", size=(size, size - 0.4))
    image = chart.imshow(grid, vmin=-1, vmax=1, cmap="RdBu_r")
    chart.grid(visible=False)
    labels = [style.short(name, 18) for name in names]
    chart.set_xticks(range(len(names)), labels, rotation=60, ha="right", fontsize=style.SMALL)
    chart.set_yticks(range(len(names)), labels, fontsize=style.SMALL)
    made.colorbar(image, ax=chart, shrink=0.7)
    return [style.save(made, to)]


def _place(values: Any, codes: np.ndarray, cell: np.ndarray, one: Any, of: str) -> str:
    """What a cell of a column is called: its category, its median, or its middle day."""
    at = np.flatnonzero((cell == one) & ~np.isnan(codes))
    if of == "category":
        return style.short(values.iloc[at[0]], 14)
    middle = float(np.median(codes[at]))
    return str(np.datetime64(int(middle), "D")) if of == "date" else style.number(middle)
