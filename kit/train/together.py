"""Many runs fitted together: one executor is given the folds of all, and each run is finished after its last fold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from kit.errors import KitError
from kit.notes import tell
from kit.task import catalog
from kit.train import fold, loop, progress, runs, tracking, working
from kit.train.executors import Executor, Piece
from kit.train.record import Plan
from kit.train.runs import Run
from kit.words import duration


@dataclass
class Together:
    """Makes a finished run of each plan: one that is there, one resumed, or a new one.

    `finished` and `failed` are runs by the places of their plans. A run that fails stops no other. A run that another
    process works on is left to it, and is in `elsewhere`.
    """

    plans: Sequence[Plan]
    executor: Executor
    finished: dict[int, Run] = field(default_factory=dict)
    failed: dict[int, Run] = field(default_factory=dict)
    elsewhere: list[Run] = field(default_factory=list)

    def fit(self, show: progress.Display) -> None:
        """Fit what is neither finished nor failed. Whatever ends this early, what was finished is kept."""
        self.elsewhere.clear()
        self._known = runs.Known()
        self._open: dict[Path, _Open] = {}
        self._started = time.perf_counter()
        try:
            self.executor(self._pieces(), show, self._ended)
        finally:
            for one in self._open.values():
                one.lock.close()
            fold.forget()

    def _pieces(self) -> Iterator[Piece]:
        for place, plan in enumerate(self.plans):
            if place in self.finished or place in self.failed:
                continue
            with working.choosing(plan.competition):
                run = self._known.same(plan) or runs.create(plan)
            what = f"{place + 1}/{len(self.plans)} {plan.label} seed {plan.seed}"
            if run.finished:
                tell(f"{what}: finished before, {run.name}")
                self.finished[place] = run
                continue
            lock = ExitStack()
            try:
                lock.enter_context(working.alone(run))
            except working.Busy:
                self.elsewhere.append(run)
                continue
            try:
                run = runs.at(run.folder)
                wanted = loop.folds(plan, fold.of(run))
                lock.enter_context(tracking.following(run))
            except KitError as error:
                lock.close()
                tell(f"{what}: {error.wrong}")
                self.failed[place] = run
                continue
            one = _Open(place, what, run, wanted, [number for number in wanted if not run.done(number)], lock)
            self._open[run.folder] = one
            self._finish_if_ended(one)
            while one.waiting:
                number = one.waiting.pop(0)
                one.under_way.add(number)
                yield Piece(run.folder, number)

    def _ended(self, piece: Piece, error: Exception | None) -> None:
        one = self._open[piece.folder]
        one.under_way.discard(piece.number)
        if error is not None:
            one.error = one.error or error
            one.waiting.clear()
        self._finish_if_ended(one)

    def _finish_if_ended(self, one: _Open) -> None:
        """Put the run together when no fold is left; a failed one is left as it is, so that it can be resumed."""
        if one.waiting or one.under_way:
            return
        del self._open[one.run.folder]
        with one.lock:
            try:
                if one.error is not None:
                    raise one.error
                entry = catalog.find(one.run.plan.competition, sample=one.run.plan.sample)
                run = loop.finished(entry, one.run, one.wanted, one.started)
            except KitError as error:
                tell(f"{one.what}: {error.wrong}")
                self.failed[one.place] = one.run
                return
        self.finished[one.place] = run
        done = len(self.finished) + len(self.failed)
        left = (time.perf_counter() - self._started) / done * (len(self.plans) - done)
        score = "" if run.score is None else f"{run.record.metric} {run.score:.5f}, "
        tell(f"{one.what}: {score}{run.name}" + (f", about {duration(left)} left" if left > 1 else ""))


@dataclass
class _Open:
    """A run that is worked on: its place among the plans, its folds, which of them wait and which are being fitted, and
    its lock."""

    place: int
    what: str
    run: Run
    wanted: list[int]
    waiting: list[int]
    lock: ExitStack
    under_way: set[int] = field(default_factory=set)
    started: float = field(default_factory=time.perf_counter)
    error: Exception | None = None
