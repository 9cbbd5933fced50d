"""Grids of recipes, settings and seeds: what is finished is skipped, what was killed goes on, and one table ends it."""

from __future__ import annotations

import ast
import csv
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit import places
from kit.errors import KitError
from kit.task import catalog
from kit.train import processes, progress, together, working
from kit.train.executors import Executor
from kit.train.record import Plan
from kit.train.runs import Run

COLUMNS = ("recipe", "settings", "seeds", "mean", "sd", "oof", "parameters", "seconds", "peak GiB")
"""The columns of a table of rows, before the further metrics that the competition names."""


class Row(NamedTuple):
    """One cell of the grid over its seeds.

    `mean` and `sd` are of the out-of-fold scores of the seeds (sd None for one seed), `oof` the best of them;
    `parameters`, `seconds` of fitting and `peak` bytes of memory are the largest; `also` are means of further metrics.
    """

    recipe: str
    settings: str
    seeds: int
    mean: float | None
    sd: float | None
    oof: float | None
    parameters: int | None
    seconds: float
    peak: int
    also: dict[str, float]

    def cells(self) -> list[str]:
        """As texts, in the order of `columns`."""
        scores = [f"{value:.5f}" if value is not None else "-" for value in (self.mean, self.sd, self.oof)]
        parameters = f"{self.parameters:,}" if self.parameters else "-"
        return [
            self.recipe,
            self.settings,
            str(self.seeds),
            *scores,
            parameters,
            f"{self.seconds:.1f}",
            f"{self.peak / 2**30:.2f}",
            *(f"{value:.5f}" for value in self.also.values()),
        ]


def columns(table: Sequence[Row]) -> list[str]:
    """The header of a table of rows."""
    return [*COLUMNS, *(table[0].also if table else ())]


def grid(texts: Sequence[str]) -> list[dict[str, Any]]:
    """`["rate=0.1,0.2", "epochs=3"]` to every combination, the last setting varying fastest.

    A tuple stands in parentheses: `kernels=(5,3,3),(3,3,3)`. Raises KitError for a text that is no setting.
    """
    axes = []
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name.isidentifier():
            raise KitError(f"{text!r} is not a setting.", "A setting is name=value,value.", "--set epochs=3,5")
        try:
            tried = list(ast.literal_eval(f"[{values}]"))
        except catalog.UNREADABLE:
            tried = [catalog.parse_setting(f"{name}={value}")[1] for value in values.split(",")]
        axes.append([(name, value) for value in tried])
    return [dict(chosen) for chosen in itertools.product(*axes)]


def sweep(plans: Sequence[Plan], executor: Executor | None = None) -> list[Run]:
    """A finished run for each plan, in order: one that is there, one resumed, or a new one. `executor` fits the folds;
    without one each run is fitted in a process of its own, so that its peak memory is its own.

    When one fails a person is told, and the others go on. Two sweeps at once share the work: a run is made once, and
    the one that another process works on is waited for. Raises KitError at the end when one failed.
    """
    work = together.Together(plans, executor or apart())
    with progress.display() as show:
        work.fit(show)
        while work.elsewhere:
            with working.alone(work.elsewhere[0], wait=True):
                pass
            work.fit(show)
    if work.failed:
        names = [run.name for run in work.failed.values()]
        raise KitError(
            f"{len(names)} of {len(plans)} runs failed: {', '.join(names)}.",
            "The others are finished and are not fitted again.",
            f"kit train {plans[0].competition} --resume {names[0]}",
        )
    return [work.finished[place] for place in range(len(plans))]


def apart() -> Executor:
    """Fits each run in a process of its own."""
    return processes.Processes(1, apart=True)


def rows(finished: Sequence[Run]) -> list[Row]:
    """A row for each cell of the grid, the best mean first; runs that differ in nothing but the seed are one cell."""
    return [row for row, _ in cells(finished)]


def cells(finished: Sequence[Run]) -> list[tuple[Row, list[Run]]]:
    """Each cell of the grid with its runs, the best mean first."""
    groups: dict[str, list[Run]] = {}
    for run in finished:
        groups.setdefault(repr(replace(run.plan, seed=0)), []).append(run)
    named = _differing([group[0].plan.settings for group in groups.values()])
    table = [(_row(group, named), group) for group in groups.values()]
    sign = -1 if finished and finished[0].record.higher_is_better else 1
    return sorted(table, key=lambda cell: (cell[0].mean is None, sign * (cell[0].mean or 0)))


def write(folder: Path, table: Sequence[Row]) -> list[Path]:
    """`table.md` and `table.csv`."""
    header = columns(table)
    lines = [header, ["---"] * len(header), *(row.cells() for row in table)]
    with places.whole(folder / "table.md") as part:
        part.write_text("".join(f"| {' | '.join(line)} |\n" for line in lines), encoding="utf-8")
    with places.whole(folder / "table.csv") as part, part.open("w", encoding="utf-8", newline="") as file:
        named = [*Row._fields[:-1], *header[len(COLUMNS) :]]
        csv.writer(file, lineterminator="\n").writerows([named, *((*row[:-1], *row.also.values()) for row in table)])
    return [folder / "table.md", folder / "table.csv"]


def _row(group: list[Run], named: list[str]) -> Row:
    scores = [run.score for run in group if run.score is not None]
    higher = group[0].record.higher_is_better
    settings = group[0].plan.settings
    return Row(
        recipe=group[0].plan.label,
        settings=" ".join(f"{name}={settings[name]}" for name in named if name in settings),
        seeds=len(group),
        mean=float(np.mean(scores)) if scores else None,
        sd=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        oof=(max if higher else min)(scores) if scores else None,
        parameters=max((run.record.parameters or 0 for run in group), default=0) or None,
        seconds=max(run.record.fit_seconds for run in group),
        peak=max(run.record.peak_memory_bytes for run in group),
        also={name: float(np.mean([run.record.also[name] for run in group])) for name in group[0].record.also},
    )


def _differing(settings: list[dict[str, Any]]) -> list[str]:
    """The settings that are not the same in every cell that has them, in order."""
    values: dict[str, set[str]] = {}
    for cell in settings:
        for name, value in cell.items():
            values.setdefault(name, set()).add(repr(value))
    return [name for name, seen in values.items() if len(seen) > 1]
