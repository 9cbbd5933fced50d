"""How long a kernel will run: from earlier runs of its recipe, and from its rehearsal, with how far off that may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from kit import words
from kit.errors import KitError
from kit.kaggle.kernel.accelerators import Accelerator
from kit.task import splits
from kit.task.catalog import Entry
from kit.train import record, runs
from kit.train.record import Plan, Record
from kit.train.runs import Run

AT_ONCE = {"t4": 2}
"""Folds that are fitted at the same time, by machine: `t4` means two of them."""

START = 60.0
"""Seconds of a kernel in which nothing is trained: the machine starts, packages are imported, rows are read."""

SPREADS = {
    "same": (0.6, 1.6),
    "other": (0.2, 5.0),
    "gpu": (0.02, 2.0),
    "rehearsal": (0.1, 3.0),
    "gpu rehearsal": (0.02, 3.0),
}
"""From what share to how many times the figure a run may take, by where the rate was seen.

`same`: the same kind of machine, whose runs differ by what else it does. `other`: another processor, with other cores.
`gpu`: seen on a processor, where a GPU is up to fifty times faster. A rehearsal fits few rows, so that most of its time
is building models. These are allowances, not measurements: kit has seen no machine of Kaggle's.
"""


class Estimate(NamedTuple):
    """Seconds that a kernel will run, the least and the most that it may be, and from what they were told."""

    seconds: float
    least: float
    most: float
    basis: str


def of(entry: Entry, plan: Plan, machine: Accelerator, rows: int, rehearsed: Path | None) -> Estimate | None:
    """The time of `plan` on `machine`, whose data has `rows` training rows; None where nothing is known.

    `rehearsed` is the run.json that a rehearsal left.
    """
    work = _work(entry, plan, rows)
    for basis, spread, rates in _seen(entry, plan, machine, rehearsed):
        if rates:
            at_once = min(AT_ONCE.get(machine.word, 1), _folds(entry, plan)[0])
            seconds = [rate * work / at_once + START for rate in rates]
            middle = sum(seconds) / len(seconds)
            least, most = SPREADS[spread]
            return Estimate(
                middle, START + (min(seconds) - START) * least, START + (max(seconds) - START) * most, basis
            )
    return None


def rows(entry: Entry) -> int:
    """The training rows of the competition, as its newest run saw them; 0 where none has run."""
    seen = [run.record.rows.train for run in runs.every(entry.name) if run.finished and run.plan.sample == entry.sample]
    return seen[-1] if seen else 0


def shorter(plan: Plan, entry: Entry, estimate: Estimate, limit: float) -> str:
    """What to add to `kit kernel build` for a run that stays below `limit` seconds."""
    epochs = plan.settings.get("epochs")
    if isinstance(epochs, int) and epochs > 1:
        share = (limit - START) / max(estimate.most - START, 1.0)
        return f"--set epochs={max(1, int(epochs * share))}"
    folds = _folds(entry, plan)[1]
    if plan.scheme == "cv" and folds > 2:
        return f"--folds {max(2, int(folds * limit / estimate.most))}"
    return "--folds-as-kernels" if plan.scheme == "cv" else ""


def _seen(entry: Entry, plan: Plan, machine: Accelerator, rehearsed: Path | None) -> list[tuple[str, str, list[float]]]:
    """Rates, in seconds a row and epoch, by what they were seen in, the surest first."""
    there, here = list[float](), list[float]()
    for run in runs.every(entry.name):
        if (rate := _rate(entry, run, plan)) is None:
            continue
        kernels = run.kaggle().get("kernel", {})
        if kernels.get("accelerator") == machine.word:
            there.append(rate)
        elif run.record.where == "local":
            here.append(rate)
    quick = machine.kind != "cpu"
    seen = [
        (f"{words.count(len(there), 'earlier run')} on {machine.word}", "same", there[-5:]),
        (f"{words.count(len(here), 'earlier run')} on this machine", "gpu" if quick else "other", here[-5:]),
    ]
    if rehearsed is not None and (left := _left(rehearsed)) and left.plan.recipe == plan.recipe:
        seen.append(("the rehearsal", "gpu rehearsal" if quick else "rehearsal", [_rate_of(entry, left)]))
    return seen


def _rate(entry: Entry, run: Run, plan: Plan) -> float | None:
    if (
        not run.finished
        or run.plan.sample != plan.sample
        or (run.plan.recipe, run.plan.variant) != (plan.recipe, plan.variant)
    ):
        return None
    return _rate_of(entry, run.record)


def _rate_of(entry: Entry, seen: Record) -> float:
    return seen.fit_seconds / max(_work(entry, seen.plan, seen.rows.train), 1.0)


def _left(file: Path) -> Record | None:
    """The record that a rehearsal left; None where it is not there or of another version of kit."""
    try:
        return record.read(Record, file, file.parent)
    except KitError:
        return None


def _work(entry: Entry, plan: Plan, rows: int) -> float:
    """Rows that are gone through, all folds and epochs together."""
    fitted, folds = _folds(entry, plan)
    share = 1.0 if plan.scheme == "full" or folds < 2 else (folds - 1) / folds
    epochs = plan.settings.get("epochs", 1)
    return float(fitted * rows * share * (epochs if isinstance(epochs, int) else 1))


def _folds(entry: Entry, plan: Plan) -> tuple[int, int]:
    """How many folds a plan fits, and into how many parts it cuts the rows."""
    if plan.scheme in ("holdout", "full"):
        return 1, 5 if plan.scheme == "holdout" else 1
    split: Any = entry.competition.splits.get(plan.scheme, entry.competition.split)
    count = plan.folds or getattr(split, "folds", None) or (splits.Stratified().folds)
    return (1 if plan.only is not None else count), count
