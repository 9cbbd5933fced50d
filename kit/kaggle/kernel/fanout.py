"""Kaggle as an engine: each fold in a kernel of its own, as many at once as Kaggle allows."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from kit import limits, records
from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle.client import Client, Refusal
from kit.kaggle.kernel import accelerators, begun, metadata, notebook, outputs, push, queued, sessions
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.metadata import Metadata
from kit.kaggle.kernel.push import Full
from kit.kaggle.kernel.versions import Pushed
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import runs
from kit.train.executors import Ended, Piece, Pieces
from kit.train.progress import Display
from kit.train.record import Plan
from kit.train.runs import Run

PAUSE = 15.0
"""Seconds between two looks at the kernels that run."""

Prepare = Callable[[Entry, Plan], tuple[Metadata, Accelerator]]
"""The metadata of a recipe's kernel, with what it attaches on Kaggle already, and the machine that it is for."""


@dataclass
class Kernels:
    """An executor that fits folds in kernels on Kaggle and lands their folders in those of their runs.

    `prepare` is asked once for a recipe and the encoders that it attaches, `timeout` are the seconds of one fold. At
    most `jobs` folds are fitted at once, no more than Kaggle is known to allow, or than the server says when it refuses
    one. What is pushed is noted in the run's folder, before and after, so that the same call after a kill goes on with
    the kernels that run already, and pushes nothing twice. A fold whose kernel came to its time limit goes on, in its
    next kernel, with the checkpoint that it has left.
    """

    client: Client
    prepare: Prepare
    timeout: int | None = None
    jobs: int | None = None
    _prepared: dict[str, tuple[Metadata, Accelerator]] = field(default_factory=dict, repr=False)
    _allowed: dict[limits.Kind, int] = field(default_factory=dict, repr=False)
    _busy: dict[Path, set[str]] = field(default_factory=dict, repr=False)
    _runs: set[Path] = field(default_factory=set, repr=False)

    def __call__(self, pieces: Pieces, show: Display, ended: Ended) -> None:
        """`ended` is told KitError of a fold whose kernel failed. Raises KitError when a kernel cannot be pushed."""
        going: dict[Piece, Pushed] = {}
        held: Piece | None = None
        told = False
        while True:
            while piece := held or next(pieces, None):
                held = piece
                if not self._room(piece, going):
                    break
                try:
                    going[piece] = self._known(piece) or self._push(piece, going)
                except Full as full:
                    self._learn(piece, full)
                    if not told:
                        tell(f"{full.wrong} Waiting.")
                    told = True
                    break
                held = None
            if not going and held is None:
                return
            for piece, pushed in list(going.items()):
                state = sessions.patient(self.client, pushed, echo=tell)
                if not state.finished:
                    continue
                del going[piece]
                self._busy.get(piece.folder.parent, set()).discard(pushed.ref.partition("/")[2])
                run = runs.at(piece.folder)
                try:
                    sessions.succeeded(self.client, pushed, state)
                    self._land(run, piece.number, pushed)
                except Refusal as refusal:  # the version is well, and is fetched when the server answers again
                    tell(f"{self._name(run, piece.number)}: {refusal.wrong}")
                    ended(piece, refusal)
                except KitError as error:
                    queued.forget(piece)  # resuming pushes it again
                    tell(f"{self._name(run, piece.number)}: {error.wrong}")
                    if begun.fetched(self.client, run, piece.number, pushed):
                        tell(f"Resumed, fold {piece.number} goes on with the checkpoint that it has left.")
                    ended(piece, error)
                else:
                    tell(f"{self._name(run, piece.number)}: {pushed.ref} {pushed.label} is here.")
                    ended(piece, None)
            if going or held:
                _wait()

    def _name(self, run: Run, number: int) -> str:
        """What a person is told of: with the run's name where there are several runs."""
        return f"Fold {number}" + f" of {run.name}" * (len(self._runs) > 1)

    def _of(self, piece: Piece) -> tuple[Run, Entry, Metadata, Accelerator]:
        """What is needed to push a piece. Raises KitError for a run that kernels cannot fit."""
        run = runs.at(piece.folder)
        self._runs.add(run.folder)
        if run.plan.pseudo or run.plan.refit:
            raise KitError(
                f"Run {run.name} cannot be fitted by kernels.",
                "With --pseudo a fold needs another run's predictions; --refit adds a model that is no fold.",
                f"kit train {run.plan.competition} --resume {run.name}",
            )
        entry = catalog.find(run.plan.competition, sample=run.plan.sample)
        attached = [str(run.plan.settings[name]) for name in entry.recipe(run.plan.label)[0].attach]
        kernel = " ".join([notebook.name(replace(run.plan, only=None)), *attached])
        if kernel not in self._prepared:
            self._prepared[kernel] = self.prepare(entry, run.plan)
        return run, entry, *self._prepared[kernel]

    def _room(self, piece: Piece, going: dict[Piece, Pushed]) -> bool:
        kind = self._of(piece)[3].kind
        most = min(self.jobs or limits.AT_ONCE[kind], self._allowed.get(kind, limits.AT_ONCE[kind]))
        return sum(accelerators.find(one.accelerator).kind == kind for one in going.values()) < most

    def _learn(self, piece: Piece, full: Full) -> None:
        """The server's own word of how many it allows."""
        machine = self._of(piece)[3]
        if said := re.search(r"count of (\d+)", full.wrong):
            self._allowed[machine.kind] = max(1, int(said[1]))

    def _known(self, piece: Piece) -> Pushed | None:
        """The version that an earlier call has pushed; None where there is none, or the server is another one."""
        if known := queued.pushed(piece):
            return known
        return queued.arrived(self.client, piece, self._of(piece)[3])

    def _push(self, piece: Piece, going: dict[Piece, Pushed]) -> Pushed:
        run, entry, described, machine = self._of(piece)
        number = piece.number
        plan = replace(run.plan, only=number)
        owner = str(described["id"]).partition("/")[0]
        begun_before = begun.published(self.client, run, number)
        sources = [*described.get("dataset_sources", []), *[f"{self.client.user}/{begun_before}"] * bool(begun_before)]
        store = run.folder.parent
        if store not in self._busy:
            self._busy[store] = queued.busy(store)
        taken = self._busy[store] | {one.ref.partition("/")[2] for one in going.values()}
        name = next(name for name in _names(notebook.name(plan)) if name not in taken)
        described = described | {"id": f"{owner}/{name}", "title": name.replace("-", " "), "dataset_sources": sources}
        folder = queued.folder(piece)
        folder.mkdir(parents=True, exist_ok=True)
        text = notebook.build(entry, plan, machine.kind)
        (folder / notebook.FILE).write_text(text, encoding="utf-8")
        metadata.write(folder, described)
        with queued.pushing(self.client, piece, described) as note:
            pushed = push.push(self.client, text, described, machine=machine, timeout=self.timeout)
            note(pushed)
        tell(f"{self._name(run, number)}: {pushed.ref} {pushed.label} runs on {machine.word}, {pushed.url}")
        return pushed

    def _land(self, run: Run, number: int, pushed: Pushed) -> None:
        """Put the fold's folder in its place. Raises KitError when the kernel was given another plan or other data."""
        inside = run.fold(number).name
        _, files = outputs.run_files(
            self.client,
            pushed,
            run.plan.competition,
            lambda path: path == "run.json" or path.startswith(f"{inside}/"),
        )
        part = queued.folder(Piece(run.folder, number)) / "output" / pushed.label
        outputs.fetch(files, part)
        check(runs.at(part).plan, run, pushed)
        shutil.rmtree(run.fold(number), ignore_errors=True)
        (part / inside).rename(run.fold(number))
        records.write_json(run.folder / "kaggle.json", run.kaggle() | {"kernels": queued.all_pushed(run.folder)})


def check(theirs: Plan, run: Run, pushed: Pushed) -> None:
    """Raises KitError when a kernel was given another plan, other data or another encoder than the run."""
    mine = run.plan
    if replace(theirs, data={}, encoders={}, only=None) != replace(mine, data={}, encoders={}, only=None):
        raise KitError(
            f"{pushed.ref} {pushed.label} fitted another plan than run {run.name}.",
            "Folds of two recipes cannot be merged.",
            f"kit push {mine.competition} {mine.label} --folds-as-kernels  # a new run",
        )
    if other := [name for name, digest in theirs.data.items() if mine.data.get(name, digest) != digest]:
        raise KitError(
            f"{connection.place().capitalize()} has another {other[0]} than this machine.",
            "Folds over other rows cannot be merged.",
            f"kit download {mine.competition} --force",
        )
    if other := [name for name, digest in theirs.encoders.items() if mine.encoders.get(name, digest) != digest]:
        raise KitError(
            f"{connection.place().capitalize()} has another {other[0]} than this machine.",
            "Folds that were fitted on two encoders cannot be merged.",
            f"kit encoder publish {mine.settings[other[0]]}",
        )


def _names(first: str) -> Iterator[str]:
    """Names of kernels for a fold: one whose kernel still runs is not given another version, which might end it."""
    yield first
    number = 2
    while True:
        yield f"{first}-{number}"
        number += 1


def _wait() -> None:
    time.sleep(PAUSE)
