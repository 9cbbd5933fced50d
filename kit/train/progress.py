"""How far a training is: bars on a terminal, plain lines in a log, and each fold's `history.csv`."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from kit.task.contract import Report


class Display(Protocol):
    """Shows one fold's steps."""

    def __call__(self, fold: str, done: int, of: int, figures: dict[str, float]) -> None: ...


@contextmanager
def display(*, quiet: bool = False) -> Iterator[Display]:
    """Bars when standard error is a terminal, lines when it is not, nothing when `quiet`."""
    if quiet:
        yield lambda fold, done, of, figures: None
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _line


def reporter(folder: Path, fold: str, show: Display) -> Report:
    """A Report for one fold that shows each step and appends it to `folder/history.csv`.

    The columns are `step`, `seconds` since the fold began, and the figures of the first step; a later figure that was
    not there in the first step is shown but not stored.
    """
    started = time.perf_counter()
    columns: list[str] = []

    def report(done: int, of: int, **figures: float) -> None:
        figures = {name: float(value) for name, value in figures.items()}
        with (folder / "history.csv").open("a", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            if not columns:
                columns.extend(name for name in figures if name not in ("step", "seconds"))
                lines.writerow(["step", "seconds", *columns])
            lines.writerow(
                [done, round(time.perf_counter() - started, 3), *(figures.get(name, "") for name in columns)]
            )
        show(fold, done, of, figures)

    return report


def read(folder: Path) -> dict[str, list[float]]:
    """The columns of a fold's `history.csv`; empty where the recipe reported nothing."""
    path = folder / "history.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: [float(row[name]) if row[name] else float("nan") for row in rows] for name in (rows[0] if rows else ())
    }


def words(figures: dict[str, float]) -> str:
    """`loss 0.0312 · accuracy 0.9904`."""
    return " · ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items())


def _line(fold: str, done: int, of: int, figures: dict[str, float]) -> None:
    print(f"{fold} · {done}/{of} · {words(figures)}", file=sys.stderr, flush=True)


@contextmanager
def _bars() -> Iterator[Display]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
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
        known: dict[str, object] = {}

        def show(fold: str, done: int, of: int, figures: dict[str, float]) -> None:
            if fold not in known:
                known[fold] = bars.add_task(fold, total=of, figures="")
            bars.update(known[fold], completed=done, total=of, figures=words(figures))  # type: ignore[arg-type]

        yield show
