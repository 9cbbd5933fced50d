"""A run's model on the test rows that a kernel has attached: in parts, within its time, into `submission.csv`.

A code competition runs the notebook again where the test file is another one. So nothing here trusts what is known of
the visible file: the rows, their ids and their order are those of the file that is there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit import places, records
from kit.errors import KitError
from kit.predict import models, sheet
from kit.task import decisions
from kit.task.catalog import Entry
from kit.task.contract import Data
from kit.train import predictions, provenance, runs
from kit.train.runs import Run

FILE = "inference.json"
"""In a kernel's output: how many rows were predicted, and how fast."""

LEFT = 300.0
"""Seconds before the time limit at which no further part is begun: Kaggle's machine has started before the clock of the
notebook, and has to keep the output after it."""

EVERY = 60.0
"""Seconds between two lines about how far it is."""


class Inferred(NamedTuple):
    """What a notebook tells of its predictions. `seconds` are those of reading, predicting and writing the `rows`;
    `loading` those of reading the first rows and loading the models, before; `peak_memory_bytes` is of its process."""

    rows: int
    seconds: float
    loading: float
    peak_memory_bytes: int

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / max(self.seconds, 1e-9)


def speed(rate: float) -> str:
    """Rows a second in words: `16,400`, `2.5`."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


class OutOfTime(KitError):
    """The rows that are left would take longer than the notebook may."""


def attached(competition: str, dataset: str, name: str) -> Run:
    """The run called `name` in the dataset that a kernel has attached, under either of Kaggle's mount layouts.

    Raises KitError where it is not attached, or twice.
    """
    root = places.kaggle_root() / "input"
    held = [path for path in (*root.glob(f"{dataset}/{name}"), *root.glob(f"datasets/*/{dataset}/{name}"))]
    if len(held) != 1:
        raise KitError(
            f"The dataset {dataset}, which holds the models of run {name}, is attached {len(held) or 'not once'}"
            + (" times." if held else "."),
            "kernel-metadata.json must name it in dataset_sources, once.",
            f"kit publish-run {competition} {name}",
        )
    return runs.at(held[0])


def submit(entry: Entry, run: Run, *, started: float, limit: float) -> Inferred:
    """Predict the test rows of the mounted competition by the run's model, and write `submission.csv`.

    `started` is `time.monotonic()` at the start of the notebook, `limit` the seconds that it may take from there. Rows
    are read, predicted, decided as the run has recorded it, and written a part at a time, so that memory does not grow
    with their number but for 8 bytes a row; a competition without `rows` for its test file loads them all. The file
    appears whole or not at all.

    Raises OutOfTime before the limit would cut the notebook off, and KitError when the test file is not there, has
    other columns, an id twice or a value that the model cannot take.
    """
    competition, public = entry.competition, entry.public()
    file = public / (competition.test if reads_parts(entry) else competition.submission.sample)
    began = time.monotonic()
    parts = _parts(entry, public)
    first = next(parts, None)
    if first is None:
        raise KitError(f"{file} has no rows.", "It must have at least one.")
    model = models.load(entry, run)
    decide, kinds = decisions.recorded(competition, run.chosen), sheet.kinds(competition.submission, public)
    watch = _Watch(started, limit)
    loading = time.monotonic() - began
    print(f"{run.name}: models loaded in {loading:.1f} s", flush=True)
    out = places.working() / "submission.csv"
    with sheet.opened(competition.submission, kinds, file, out) as written:
        for part in chain([first], parts):
            watch.look(written.rows)
            written.add(part.ids, decide(models.predicted(entry, run, model, part, written.rows)))
    told = Inferred(written.rows, watch.seconds, loading, provenance.peak_memory())
    records.write_json(places.working() / FILE, told._asdict())
    print(f"{told.rows:,} rows in {told.seconds:.1f} s, {speed(told.rate)} a second", flush=True)
    return told


def reads_parts(entry: Entry) -> bool:
    """Whether the test rows are read from one file, a part at a time."""
    return entry.competition.rows is not None and bool(entry.competition.test)


def _parts(entry: Entry, public: Path) -> Iterator[Data]:
    """The test rows in the folder `public`, some at a time."""
    competition = entry.competition
    if reads_parts(entry):
        assert competition.rows is not None
        yield from competition.rows(public / competition.test, predictions.CHUNK)
        return
    _, test = competition.load(public)
    for start in range(0, len(test), predictions.CHUNK):
        yield test.rows(np.arange(start, min(start + predictions.CHUNK, len(test))))


class _Watch:
    """The time that a notebook has, looked at before each part."""

    def __init__(self, started: float, limit: float) -> None:
        self._started, self._limit = started, limit
        self._began = self._last = self._told = time.monotonic()
        self._slowest = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the first part was begun."""
        return time.monotonic() - self._began

    def look(self, rows: int) -> None:
        """Tell how far it is, now and then. Raises OutOfTime when another part might come too late."""
        now = time.monotonic()
        self._slowest = max(self._slowest, now - self._last)
        self._last = now
        rate = rows / max(now - self._began, 1e-9)
        left = self._started + self._limit - LEFT - now
        if left < self._slowest:
            raise OutOfTime(
                f"Stopped before the time limit of {self._limit / 3600:.4g} h: {rows:,} rows were predicted, "
                f"{speed(rate)} a second, and there are more.",
                "There is no submission, since it would lack rows. A faster recipe, fewer folds or fewer members of a "
                "blend predict more rows in that time.",
            )
        if now - self._told >= EVERY:
            self._told = now
            print(f"{rows:,} rows, {speed(rate)} a second; {left / 60:.0f} minutes left", flush=True)
