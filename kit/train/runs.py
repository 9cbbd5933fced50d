"""The run folder: create, resume, finish, open, list.

`plan.json` is written first: what is to be fitted, so that a killed run can go on. `run.json` is written last: without
it the run is unfinished. In between each fold has `fold-N/` with its weights, `history.csv`, `valid.npz`, `test.npz`
and, last, `done.json`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from kit import places, records
from kit.errors import KitError
from kit.notes import tell
from kit.train import progress, provenance, record
from kit.train.record import Done, Plan, Record
from kit.words import Table, duration, html_table


@dataclass(frozen=True, repr=False)
class Run:
    """A run folder. `recorded` is what `run.json` holds, None while the run is unfinished."""

    folder: Path
    plan: Plan
    recorded: Record | None = None

    @property
    def name(self) -> str:
        """The folder's name: when it was started, and the recipe."""
        return self.folder.name

    @property
    def finished(self) -> bool:
        """Whether every fold was fitted and `run.json` written."""
        return self.recorded is not None

    @property
    def record(self) -> Record:
        """What `run.json` holds.

        Raises KitError while the run is unfinished.
        """
        if self.recorded is None:
            raise KitError(
                f"Run {self.name} is unfinished.",
                "Only a finished run has scores and a submission.",
                f"kit train {self.plan.competition} --resume {self.name}",
            )
        return self.recorded

    @property
    def score(self) -> float | None:
        """The score of the pooled out-of-fold predictions; None while unfinished or when no row was held out."""
        return self.recorded.oof_score if self.recorded else None

    @property
    def chosen(self) -> dict[str, Any] | None:
        """What was chosen of the decision on out-of-fold predictions, by name; None where it is as declared."""
        return self.recorded.decision.chosen if self.recorded and self.recorded.decision else None

    @property
    def submission(self) -> Path:
        """The file to send."""
        return self.folder / "submission.csv"

    def fold(self, number: int) -> Path:
        """The folder of a fold; of the model fitted on all rows for -1."""
        return self.folder / (f"fold-{number}" if number >= 0 else "full")

    def done(self, number: int) -> Done | None:
        """What a finished fold recorded; None while it is unfinished."""
        return record.read(Done, self.fold(number) / record.DONE, self.folder)

    def kaggle(self) -> dict[str, Any]:
        """What submit and pull recorded; nothing where the file is damaged, of which a person is told."""
        file = self.folder / "kaggle.json"
        try:
            stored = records.read_json(file)
            records.typed(record.Outside, stored)
        except KitError as error:
            tell_once(error)
        except ValueError as error:
            tell_once(KitError(f"{file} is damaged: {error}.", "It tells what was submitted or pulled.", f"rm {file}"))
        else:
            return stored
        return {}

    def finish(self, recorded: Record) -> Run:
        """Write `run.json`, whole."""
        record.write(self.folder / record.RUN, recorded)
        return replace(self, recorded=recorded)

    def __repr__(self) -> str:
        if self.recorded is None:
            return f"<run {self.name} of {self.plan.competition}, unfinished>"
        score = "no score" if self.score is None else f"{self.recorded.metric} {self.score:.5f}"
        return f"<run {self.name} of {self.plan.competition}, {score}>"

    def table(self) -> Table:
        """The run for a person: what was fitted, what judged it, and its scores."""
        rows: list[tuple[str, Any]] = [
            ("competition", self.plan.competition + " (sample)" * self.plan.sample),
            ("recipe", self.plan.label),
            ("judged by", self.plan.scheme),
        ]
        if recorded := self.recorded:
            scores = {recorded.metric: self.score, **recorded.also, "sd of folds": recorded.sd}
            rows += [(name, f"{score:.5f}") for name, score in scores.items() if score is not None]
            rows += [("fitting", duration(recorded.fit_seconds)), ("device", recorded.device)]
        return Table(("what", "value"), [*rows, ("folder", self.folder)])

    def _repr_html_(self) -> str:
        header, rows, _ = self.table()
        return html_table(header, rows, title=self.name + " (unfinished)" * (not self.finished))

    def facts(self) -> dict[str, Any]:
        """Name, folder, and all that is recorded, as JSON holds it; of an unfinished run its plan."""
        known = record.facts(self.recorded) if self.recorded else {"plan": record.facts(self.plan)}
        return {"name": self.name, "folder": str(self.folder), "finished": self.finished} | known


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
        record.write(folder / record.PLAN, plan)
        return Run(folder, plan)
    raise KitError(f"{store} holds a thousand runs of this second.", "Runs are named by the second.")


def every(competition: str) -> list[Run]:
    """All runs of a competition, finished or not, the oldest first.

    A folder whose records cannot be read is passed over, and a person is told which it is and how to delete it.
    """
    known: list[Run] = []
    for folder in _folders(competition):
        with _passed_over():
            known.append(at(folder))
    return known


class Known:
    """The runs of competitions by their plans. Each folder of a finished run is read once, and a look-up reads the
    names of the others only: a sweep looks up thousands of plans among as many runs."""

    def __init__(self) -> None:
        self._read: dict[Path, set[str]] = {}
        self._unchanged: dict[Path, int] = {}
        self._by_plan: dict[int, dict[str, Run]] = {}

    def same(self, plan: Plan) -> Run | None:
        """A run of the very same plan, a finished one if there is any."""
        self._read_new(places.runs(plan.competition))
        alike = self._by_plan.get(_key(plan), {})
        for name, run in alike.items():
            if not run.finished and run.folder.exists():
                with _passed_over():
                    alike[name] = at(run.folder)  # another process may have finished it
        same = [run for run in alike.values() if run.plan == plan and run.folder.exists()]
        return next((run for run in same if run.finished), same[0] if same else None)

    def _read_new(self, store: Path) -> None:
        known = self._read.setdefault(store, set())
        try:
            changed = os.stat(store).st_mtime_ns
            if self._unchanged.get(store) == changed:
                return
            # A folder that is made within the same tick of the file system's clock would leave the time as it is.
            if time.time_ns() - changed > provenance.TICK:
                self._unchanged[store] = changed
            names = os.listdir(store)
        except FileNotFoundError:
            return
        for name in sorted(set(names) - known):
            folder = store / name
            if (folder / record.PLAN).exists() or (folder / record.RUN).exists():  # else it may be begun just now
                known.add(name)
                with _passed_over():
                    run = at(folder)
                    self._by_plan.setdefault(_key(run.plan), {})[name] = run


def _key(plan: Plan) -> int:
    """Alike for plans that are equal, and nearly always another one for others."""
    try:
        settings = hash(frozenset(plan.settings.items()))
    except TypeError:  # a setting that is a dictionary
        settings = len(plan.settings)
    return hash((plan.competition, plan.label, plan.seed, plan.scheme, plan.only, plan.sample, plan.code, settings))


@contextlib.contextmanager
def _passed_over() -> Iterator[None]:
    """What cannot be read in the block is told once, and passed over."""
    try:
        yield
    except KitError as error:
        tell_once(error)


def at(folder: Path) -> Run:
    """The run in `folder`.

    Raises KitError when its records are damaged or of another version, or there are none.
    """
    recorded = record.read(Record, folder / record.RUN, folder)
    plan = recorded.plan if recorded else record.read(Plan, folder / record.PLAN, folder)
    if plan is None:
        raise KitError(f"{folder} holds no run.", "A run has plan.json, or run.json where git has kept it.", "kit runs")
    return Run(folder, plan, recorded)


def find(competition: str, word: str) -> Run:
    """The run whose name is, or begins or ends with, `word`; `last` is the newest.

    Raises KitError when there is none, more than one, or its records cannot be read.
    """
    folders = _folders(competition)
    named = [folder for folder in folders if folder.name == word] or [
        folder for folder in folders if folder.name.startswith(word) or folder.name.endswith(word)
    ]
    if len(named) == 1:
        return at(named[0])
    if word == "last" and (known := every(competition)):
        return max(known, key=_started)
    if not named:
        raise KitError(
            f"No run of {competition} is called {word!r}.",
            f"Known: {', '.join(folder.name for folder in folders[-5:]) or 'none'}.",
            f"kit runs {competition}",
        )
    raise KitError(
        f"{word!r} fits {len(named)} runs: {', '.join(folder.name for folder in named[:5])}.",
        "A run is named by its folder, or by enough of its beginning or end.",
        f"kit runs {competition}",
    )


def begin_fold(run: Run, number: int) -> Path:
    """The folder of a fold that starts, empty; of one that goes on after a kill, with its checkpoints and history."""
    folder = run.fold(number)
    kept = checkpoints(folder)
    around = {folder, *(above for path in kept for above in path.parents)}
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before it
        of_one = any(one == path or one in path.parents for one in kept) and not path.name.startswith(".")
        if of_one or path in around or (kept and path == folder / progress.HISTORY):
            continue
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def end_fold(run: Run, number: int) -> None:
    """Take away what a finished fold needs no longer."""
    for path in [path for path in run.fold(number).rglob(places.CHECKPOINT) if path.is_dir()]:
        shutil.rmtree(path)


def checkpoints(fold: Path) -> list[Path]:
    """The folders in which an unfinished fold keeps what it needs to go on: its own, and those of parts that it has."""
    return sorted(path for path in fold.rglob(places.CHECKPOINT) if path.is_dir() and any(path.glob("[!.]*")))


def resumable(run: Run, plan: Plan) -> Run:
    """The run itself, if what it was planned to fit can still be fitted.

    Raises KitError when it is finished, when its data, code or encoders are no longer what they were, or when folds
    were fitted here by other versions of packages than those installed.
    """
    if run.finished:
        raise KitError(f"Run {run.name} is finished.", "Only an unfinished run can be resumed.", _anew(run))
    same_origin(run, data=plan.data, code=plan.code, encoders=plan.encoders)
    for path in sorted(run.folder.glob(f"*/{record.DONE}")):
        done = record.read(Done, path, run.folder)
        if done is not None and done.where == provenance.where():
            _same_versions(run, path.parent.name, done.versions)
    return run


def _same_versions(run: Run, fold: str, earlier: dict[str, str]) -> None:
    """Raises KitError when other versions of packages are installed than a fold was fitted with."""
    installed = provenance.versions()
    for name in sorted((earlier.keys() | installed.keys()) - {"kaggle-kit"}):  # whose own code has a digest
        before, now = (versions.get(name, "without it") for versions in (earlier, installed))
        if before != now:
            raise KitError(
                f"{fold} of run {run.name} was fitted with {name} {before}, and now it is {now}.",
                "Folds that different versions fitted are no run that could be repeated.",
                _anew(run),
            )


def same_origin(run: Run, *, data: dict[str, str], code: str, encoders: dict[str, str]) -> None:
    """Raises KitError when the data, the code or the encoders are not what the run was planned with."""
    if run.plan.data != data:
        raise KitError(
            f"The data of run {run.name} has changed since it was started.", "Its folds would not match.", _anew(run)
        )
    if run.plan.code != code:
        raise KitError(
            f"The recipe of run {run.name}, or code of kit that it uses, has changed since the run was started.",
            "Its folds would be fitted by two versions of the code.",
            _anew(run),
        )
    if other := sorted(
        name for name in encoders | run.plan.encoders if encoders.get(name) != run.plan.encoders.get(name)
    ):
        raise KitError(
            f"The pretrained encoder that {other[0]} of run {run.name} names is another one now.",
            "Its folds would be fitted on two encoders.",
            _anew(run),
        )


def _anew(run: Run) -> str:
    flag = " --sample" if run.plan.sample else ""
    return f"kit train {run.plan.competition} {run.plan.label}{flag}  # a new run"


def _folders(competition: str) -> list[Path]:
    """The folders of runs, the oldest first; also those of which only `run.json` is here, as after `git clone`."""
    store = places.runs(competition)
    return sorted({path.parent for name in (record.PLAN, record.RUN) for path in store.glob(f"*/{name}")})


def _started(run: Run) -> tuple[str, int]:
    """When a run was created: the second in its name, and within one second when its plan was written."""
    plan = run.folder / record.PLAN
    return run.name[:15], plan.stat().st_mtime_ns if plan.exists() else 0


_TOLD: set[str] = set()


def tell_once(error: KitError) -> None:
    """Tell of a folder that is passed over, once in a process: a command looks at the runs several times."""
    line = f"Passed over: {error.wrong} {error.right} {error.cure}"
    if line not in _TOLD:
        _TOLD.add(line)
        tell(line)
