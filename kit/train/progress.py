"""How far a training is: bars on a terminal, plain lines in a log, and each fold's `history.csv`."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kit import places

if TYPE_CHECKING:
    from kit.task.contract import Report

HISTORY = "history.csv"
"""Each fold's own, a line a step."""

TIMES = ("step", "seconds")
"""Columns of a history that are no figures of the recipe's."""


class Display(Protocol):
    """Shows one fold's steps, in the row called `row`, which is the fold's own where none is named."""

    def __call__(self, fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None: ...


def nothing(fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None:
    """A Display that shows nothing."""


@contextmanager
def display(*, quiet: bool = False) -> Iterator[Display]:
    """Bars when standard error is a terminal, lines when it is not, nothing when `quiet`."""
    if quiet:
        yield nothing
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _line


def reporter(folder: Path, fold: str, show: Display) -> Report:
    """A Report for one fold that shows each step and appends it to `folder/history.csv`.

    The columns are `step`, `seconds` since the fold began, and the figures of the first step; a later figure that was
    not there in the first step is shown but not stored. Where an earlier attempt left a history and this one goes on
    from its checkpoint, the steps from the first reported one on are written anew, and seconds are counted on.
    """
    started, earlier = time.perf_counter(), 0.0
    path = folder / HISTORY
    columns: list[str] = []

    def report(done: int, of: int, **figures: float) -> None:
        nonlocal earlier
        figures = {name: float(value) for name, value in figures.items()}
        if not columns:
            kept = _kept(path, done) or [["step", "seconds", *(name for name in figures if name not in TIMES)]]
            earlier = float(kept[-1][1]) if len(kept) > 1 else 0.0
            columns.extend(kept[0])
            with places.whole(path) as part:
                _write(part, kept)
        told = {"step": done, "seconds": round(earlier + time.perf_counter() - started, 3)}
        _write(path, [[(figures | told).get(name, "") for name in columns]])
        show(fold, done, of, figures)

    return report


def read(folder: Path) -> dict[str, list[float]]:
    """The columns of a fold's `history.csv`; empty where the recipe reported nothing."""
    path = folder / HISTORY
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: [float(row[name]) if row[name] else float("nan") for row in rows] for name in (rows[0] if rows else ())
    }


def _kept(path: Path, step: int) -> list[list[str]]:
    """Of an earlier attempt's history the header and the lines before `step`; nothing where there are none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = [*csv.reader(file)] or [[]]
    before = [row for row in rows if len(row) == len(header) and int(row[0]) < step]
    return [header, *before] if before else []


def _write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Append rows to a file of comma-separated values."""
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def words(figures: dict[str, float]) -> str:
    """`loss 0.0312 · accuracy 0.9904`."""
    return " · ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items())


def _line(fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None:
    print(f"{fold} · {done}/{of} · {words(figures)}", file=sys.stderr, flush=True)


@contextmanager
def _bars() -> Iterator[Display]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
    ) as bars:
        known: dict[str, TaskID] = {}
        shown: dict[str, str] = {}

        def show(fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None:
            row = row or fold
            if row not in known:
                known[row] = bars.add_task(fold, total=of, figures="")
            elif shown[row] != fold:
                bars.reset(known[row], description=fold, total=of)
            shown[row] = fold
            bars.update(known[row], completed=done, total=of, figures=words(figures))

        yield show
