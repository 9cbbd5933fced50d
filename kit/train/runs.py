"""The run folder: create, resume, finish, open, list.

`plan.json` is written first: what is to be fitted, so that a killed run can go on. `run.json` is written last: without
it the run is unfinished. In between each fold has `fold-N/` with its weights, `history.csv`, `valid.npz`, `test.npz`
and, last, `done.json`.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kit import places, records
from kit.errors import KitError


@dataclass(frozen=True)
class Plan:
    """All that decides a run's predictions: the same plan, data, packages and machine give the same bytes.

    `scheme` is `cv`, `holdout`, `full` or the name of another split that the competition declares; `folds` the number
    of folds asked for (None: as declared); `only` a single fold to fit. `data` is the sha256 of each public file,
    `code` the digest of the recipe's Python files.
    """

    competition: str
    recipe: str
    variant: str
    settings: dict[str, Any]
    seed: int = 0
    scheme: str = "cv"
    folds: int | None = None
    only: int | None = None
    sample: bool = False
    deterministic: bool = True
    data: dict[str, str] = field(default_factory=dict)
    code: str = ""

    @property
    def label(self) -> str:
        """`cnn` or `cnn:augmented`, as typed."""
        return f"{self.recipe}:{self.variant}" if self.variant else self.recipe


@dataclass(frozen=True)
class Run:
    """A run folder. `record` is `run.json`, empty while the run is unfinished."""

    folder: Path
    plan: Plan
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name: when it was started, and the recipe."""
        return self.folder.name

    @property
    def finished(self) -> bool:
        """Whether every fold was fitted and `run.json` written."""
        return bool(self.record)

    @property
    def score(self) -> float | None:
        """The score of the pooled out-of-fold predictions; None while unfinished or when no row was held out."""
        return self.record.get("oof_score")

    @property
    def submission(self) -> Path:
        """The file to send."""
        return self.folder / "submission.csv"

    def fold(self, number: int) -> Path:
        """The folder of a fold; of the model fitted on all rows for -1."""
        return self.folder / (f"fold-{number}" if number >= 0 else "full")

    def done(self, number: int) -> dict[str, Any]:
        """What a finished fold recorded; empty while it is unfinished."""
        return records.read_json(self.fold(number) / "done.json")

    def kaggle(self) -> dict[str, Any]:
        """What submit and pull recorded."""
        return records.read_json(self.folder / "kaggle.json")

    def finish(self, record: dict[str, Any]) -> Run:
        """Write `run.json`, whole."""
        records.write_json(self.folder / "run.json", record)
        return Run(self.folder, self.plan, record)


def create(plan: Plan) -> Run:
    """A new, empty run folder with its plan, named after the time and the recipe."""
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{plan.label.replace(':', '-')}"
    store = places.runs(plan.competition)
    for number in range(1, 1000):
        folder = store / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        records.write_json(folder / "plan.json", asdict(plan))
        return Run(folder, plan, {})
    raise KitError(f"{store} holds a thousand runs of this second.", "Runs are named by the second.")


def every(competition: str) -> list[Run]:
    """All runs of a competition, finished or not, the oldest first."""
    store = places.runs(competition)
    return [_open(path.parent) for path in sorted(store.glob("*/plan.json")) + sorted(_landed(store))]


def find(competition: str, word: str) -> Run:
    """The run whose name is, or begins or ends with, `word`; `last` is the newest.

    Raises KitError when there is none or more than one.
    """
    known = every(competition)
    if word == "last" and known:
        return max(known, key=_started)
    fits = [run for run in known if run.name == word] or [
        run for run in known if run.name.startswith(word) or run.name.endswith(word)
    ]
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise KitError(
            f"No run of {competition} is called {word!r}.",
            f"Known: {', '.join(run.name for run in known[-5:]) or 'none'}.",
            f"kit runs {competition}",
        )
    raise KitError(
        f"{word!r} fits {len(fits)} runs: {', '.join(run.name for run in fits[:5])}.",
        "A run is named by its folder, or by enough of its beginning or end.",
        f"kit runs {competition}",
    )


def discard_fold(run: Run, number: int) -> Path:
    """An empty folder for a fold that starts, or starts again after a kill."""
    shutil.rmtree(run.fold(number), ignore_errors=True)
    run.fold(number).mkdir(parents=True)
    return run.fold(number)


def resumable(run: Run, plan: Plan) -> Run:
    """The run itself, if what it was planned to fit can still be fitted.

    Raises KitError when it is finished, or when its data or recipe are no longer what they were.
    """
    cure = f"kit train {plan.competition} {plan.label}  # a new run"
    if run.finished:
        raise KitError(f"Run {run.name} is finished.", "Only an unfinished run can be resumed.", cure)
    if run.plan.data != plan.data:
        raise KitError(f"The data of run {run.name} has changed since it was started.", "Folds would not match.", cure)
    if run.plan.code != plan.code:
        raise KitError(
            f"The recipes of {plan.competition} have changed since run {run.name} was started.",
            "Its folds would be fitted by two versions of the code.",
            cure,
        )
    return run


def plan_of(stored: dict[str, Any]) -> Plan:
    """The plan that was stored as JSON, which has lists where settings have tuples."""
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in stored["settings"].items()}
    return Plan(**stored | {"settings": settings})


def _open(folder: Path) -> Run:
    record = records.read_json(folder / "run.json")
    return Run(folder, plan_of(records.read_json(folder / "plan.json") or record.get("plan", {})), record)


def _started(run: Run) -> tuple[str, int]:
    """When a run was created: the second in its name, and within one second when its plan was written."""
    plan = run.folder / "plan.json"
    return run.name[:15], plan.stat().st_mtime_ns if plan.exists() else 0


def _landed(store: Path) -> list[Path]:
    """Runs of which only `run.json` is here, as after `git clone`."""
    return [path for path in store.glob("*/run.json") if not (path.parent / "plan.json").exists()]
