"""Kaggle as the distributed engine: each fold in a kernel of its own, as many at once as Kaggle allows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kit import limits, records
from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle.client import Client
from kit.kaggle.kernel import metadata, notebook, outputs, push, sessions, versions
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.metadata import Metadata
from kit.kaggle.kernel.push import Full
from kit.kaggle.kernel.versions import Pushed
from kit.notes import tell
from kit.task.catalog import Entry
from kit.train import runs
from kit.train.executors import Ended, Piece
from kit.train.progress import Display
from kit.train.runs import Run

PAUSE = 15.0
"""Seconds between two looks at the kernels that run."""


@dataclass(frozen=True)
class Kernels:
    """An executor that fits folds in kernels on Kaggle and lands their folders in the run's own.

    `described` is the metadata of the recipe's kernel, `timeout` the seconds of one fold. What is pushed is kept in the
    run folder, so that an interrupted call, resumed, goes on with the kernels that run already.
    """

    client: Client
    entry: Entry
    run: Run
    described: Metadata
    machine: Accelerator
    timeout: int | None

    def __call__(self, pieces: Iterator[Piece], show: Display, ended: Ended) -> None:
        """`ended` is told KitError of a fold whose kernel failed. Raises KitError when a kernel cannot be pushed."""
        going: dict[Piece, Pushed] = {}
        held: Piece | None = None
        told = False
        while True:
            while len(going) < limits.AT_ONCE[self.machine.kind] and (piece := held or next(pieces, None)):
                held = None
                try:
                    going[piece] = versions.recorded(self._folder(piece.number)) or self._push(piece.number)
                except Full as full:
                    if not told:
                        tell(f"{full.wrong} Waiting.")
                    held, told = piece, True
                    break
            if not going and held is None:
                break
            for piece, pushed in list(going.items()):
                state = sessions.patient(self.client, pushed, echo=tell)
                if not state.finished:
                    continue
                del going[piece]
                number = piece.number
                try:
                    sessions.succeeded(self.client, pushed, state)
                    self._land(number, pushed)
                except KitError as error:
                    (self._folder(number) / versions.RECORD).unlink(missing_ok=True)  # resuming pushes it again
                    tell(f"Fold {number}: {error.wrong}")
                    ended(piece, error)
                else:
                    tell(f"Fold {number}: {pushed.ref} {pushed.label} is here.")
                    ended(piece, None)
            if going or held:
                time.sleep(PAUSE)
        pushed_folds = sorted((self.run.folder / "kernels").glob(f"fold-*/{versions.RECORD}"))
        record = {"kernels": [records.read_json(path) for path in pushed_folds]}
        records.write_json(self.run.folder / "kaggle.json", self.run.kaggle() | record)

    def _folder(self, number: int) -> Path:
        return self.run.folder / "kernels" / f"fold-{number}"

    def _push(self, number: int) -> Pushed:
        plan = replace(self.run.plan, only=number)
        name = notebook.name(plan)
        owner = str(self.described["id"]).partition("/")[0]
        described = self.described | {"id": f"{owner}/{name}", "title": name.replace("-", " ")}
        folder = self._folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        text = notebook.build(self.entry, plan, self.machine.kind)
        (folder / notebook.FILE).write_text(text, encoding="utf-8")
        metadata.write(folder, described)
        pushed = push.push(self.client, text, described, machine=self.machine, timeout=self.timeout)
        versions.remember(folder, pushed)
        tell(f"Fold {number}: {pushed.ref} {pushed.label} runs on {self.machine.word}, {pushed.url}")
        return pushed

    def _land(self, number: int, pushed: Pushed) -> None:
        """Put the fold's folder in its place. Raises KitError when the kernel was given another plan or other data."""
        inside = self.run.fold(number).name
        _, files = outputs.run_files(
            self.client, pushed, self.entry.name, lambda path: path == "run.json" or path.startswith(f"{inside}/")
        )
        part = self._folder(number) / "output" / pushed.label
        outputs.fetch(files, part)
        theirs = runs.at(part).plan
        mine = self.run.plan
        if replace(theirs, data={}, encoders={}, only=None) != replace(mine, data={}, encoders={}, only=None):
            raise KitError(
                f"{pushed.ref} {pushed.label} fitted another plan than run {self.run.name}.",
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
        shutil.rmtree(self.run.fold(number), ignore_errors=True)
        (part / inside).rename(self.run.fold(number))
