"""How far a transfer or a wait is: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, int | None], None]
"""Says that so many bytes of so many (None: not known) are there."""

EVERY = 5.0
"""Seconds between two lines in a log."""


@contextmanager
def transfer(label: str) -> Iterator[Show]:
    """A Show for one file."""
    if sys.stderr.isatty():
        with _bar(label) as show:
            yield show
        return
    last = time.monotonic()

    def line(done: int, of: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY or done == of:
            last = time.monotonic()
            share = f" of {_size(of)} ({done / of:.0%})" if of else ""
            print(f"{label} · {_size(done)}{share}", file=sys.stderr, flush=True)

    yield line


@contextmanager
def waiting(label: str) -> Iterator[Callable[[str], None]]:
    """Says what is waited for: a spinner with the time on a terminal, a line whenever the state changes in a log."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task(label)
            yield lambda state: bars.update(task, description=f"{label} · {state}")
        return
    told = ""

    def line(state: str) -> None:
        nonlocal told
        if state != told:
            told = state
            print(f"{label} · {state}", file=sys.stderr, flush=True)

    yield line


@contextmanager
def _bar(label: str) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count:,} bytes"
