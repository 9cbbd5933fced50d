"""The trials of a search: which fold of which trial is fitted next, whatever fits it, and what the journal is told.

A trial has a folder like a run's, with its plan, which any executor fits folds from; it is named after the trial's
settings, so that a trial which is taken up after a kill goes on with what it had left there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.errors import KitError
from kit.notes import tell
from kit.task.ranges import Between, Range
from kit.train import fold, record, runs
from kit.train.executors import Executor, Piece, Pieces
from kit.train.fold import Rows
from kit.train.progress import Display
from kit.train.record import Plan
from kit.words import duration

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

REPEATED = 20
"""Trials in a row of settings that were tried before, after which the ranges count as searched through."""

Settings = Callable[[dict[str, Any]], dict[str, Any]]
"""All settings of a trial, from what Optuna knows of it."""


@dataclass
class Trials:
    """Trials of `plan` with settings `within` ranges, each scored on the folds `numbers` of `rows`.

    At most `at_once` are worked on at a time, each by one fold after another, so that one that falls behind the median
    is given up. `settings` makes all settings of what is tried, and `default` is what is tried first. No more begin
    after `seconds` of fitting, or where there are `most`.
    """

    study: Study
    plan: Plan
    within: dict[str, Range]
    rows: Rows
    numbers: Sequence[int]
    place: Path
    default: dict[str, Any]
    settings: Settings
    seconds: float | None
    most: int | None
    at_once: int = 1
    _open: list[_Open] = field(default_factory=list)
    _repeated: int = 0
    _kept: bool = False
    _error: Exception | None = None

    def fit(self, executor: Executor, show: Display) -> None:
        """Try settings until the time is over, there are enough trials, or the ranges are searched through.

        Raises what fitting the defaults raised.
        """
        executor(self._pieces(), show, self._ended)
        if self._error is not None:
            raise self._error
        for one in self._open:  # the time is over
            self._shelve(one.trial.number, one.params, one.folds)
        if self._repeated >= REPEATED:
            tell("The ranges are searched through: every new trial repeats an earlier one.")

    def take_up(self) -> None:
        """Trials that a kill has left in the middle are tried once more, from the fold that they had come to."""
        for one in self.study.trials:
            if one.state.name == "RUNNING":
                self._shelve(one.number, one.params, one.user_attrs.get("folds", {}))

    def finished(self) -> list[FrozenTrial]:
        """Trials that have ended by themselves."""
        return [one for one in self.study.trials if state(one) in ("finished", "given up", "failed")]

    def spent(self) -> float:
        """Seconds of fitting so far; a trial that was taken up again carries those of its first part."""
        return sum(seconds(one) for one in self.study.trials if state(one) != "stopped")

    def _pieces(self) -> Pieces:
        while self._error is None:
            over = self._over()
            one = next((one for one in self._open if not one.begun and (one.first or not over)), None)
            if one is None and len(self._open) < self.at_once and self._wanted():
                one = self._begin()
                if one is None and not self._open:
                    continue  # another proposal may be a new one
            if one is None:
                if not any(one.begun for one in self._open):
                    return
                yield None
                continue
            one.begun = time.perf_counter()
            yield Piece(one.folder, self.numbers[one.step])

    def _wanted(self) -> bool:
        """Whether another trial may begin."""
        count = len(self.finished()) + len(self._open)
        enough = count and ((self.most and count >= self.most) or self._over())
        return not enough and self._repeated < REPEATED

    def _over(self) -> bool:
        return bool(self.seconds and self.spent() >= self.seconds)

    def _begin(self) -> _Open | None:
        """A new trial, or one that was shelved; None for settings that were tried before, or are being tried."""
        from optuna.trial import TrialState

        trial = self.study.ask()
        params = {name: _suggested(trial, name, each) for name, each in self.within.items()}
        tried = any(one.params == params for one in self.finished())
        if tried or any(one.params == params for one in self._open):
            self.study.tell(trial.number, state=TrialState.FAIL)
            self._repeated += tried
            return None
        self._repeated = 0
        plan = replace(self.plan, settings=self.settings(params))
        one = _Open(trial, params, folder(self.place, plan), params == self.default)
        one.folds |= trial.user_attrs.get("folds", {})
        if not self._kept:
            fold.keep(runs.at(one.folder), self.rows)  # which an executor in this process would load once more
            self._kept = True
        self._open.append(one)
        self._say(trial.number, params, "")
        self._advance(one)
        return one if one in self._open else None

    def _ended(self, piece: Piece, error: Exception | None) -> None:
        from optuna.trial import TrialState

        one = next(one for one in self._open if one.folder == piece.folder)
        spent, one.begun = time.perf_counter() - one.begun, 0.0
        if error is None:
            one.folds[str(piece.number)] = [_score(piece), spent]
            return self._advance(one)
        if one.first or not isinstance(error, KitError):
            self._error = self._error or error
            return None
        one.trial.set_user_attr("error", error.wrong)
        return self._close(one, f"failed: {error.wrong}", state=TrialState.FAIL)

    def _advance(self, one: _Open) -> None:
        """Tell the study of the folds whose scores are there, and end the trial where it has, or falls behind."""
        from optuna.trial import TrialState

        for number in self.numbers[one.step :]:
            if str(number) not in one.folds and (done := runs.at(one.folder).done(number)):  # a kill came before this
                one.folds[str(number)] = [done.score, done.seconds]
            if str(number) not in one.folds:
                return None
            one.step += 1
            if one.trial.user_attrs.get("folds") != one.folds:
                one.trial.set_user_attr("folds", dict(one.folds))
            mean = float(np.mean([one.folds[str(each)][0] for each in self.numbers[: one.step]]))
            one.trial.report(mean, one.step - 1)
            last = one.step == len(self.numbers)
            if not last and not one.first and one.trial.should_prune():
                said = f"given up at {mean:.5f} after {one.step} fold{'s' * (one.step > 1)}"
                return self._close(one, said, state=TrialState.PRUNED)
        return self._close(one, f"{mean:.5f}, the best so far ", mean)

    def _close(self, one: _Open, said: str, mean: float | None = None, **state: Any) -> None:
        self.study.tell(one.trial.number, mean, **state)
        self._open.remove(one)
        shutil.rmtree(one.folder, ignore_errors=True)
        self._say(one.trial.number, one.params, said + (f"{self.study.best_value:.5f}" if mean is not None else ""))

    def _shelve(self, number: int, params: dict[str, Any], folds: dict[str, Any]) -> None:
        from optuna.trial import TrialState

        if params.keys() == self.within.keys():
            self.study.enqueue_trial(params, user_attrs={"folds": folds})
        self.study.tell(number, state=TrialState.FAIL)

    def _say(self, number: int, params: dict[str, Any], outcome: str) -> None:
        said = " ".join(f"{name}={_short(value)}" for name, value in params.items())
        tell(f"trial {number}: {said}" + (f": {outcome}" if outcome else f" ({duration(self.spent())} so far)"))


@dataclass
class _Open:
    """A trial that is worked on: its folder, the folds whose scores are known, with their seconds, how many of them
    the study was told, and when the one that is being fitted was given out (0 where none is)."""

    trial: Any
    params: dict[str, Any]
    folder: Path
    first: bool
    folds: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    begun: float = 0.0


def scored(
    executor: Executor,
    show: Display,
    wanted: Sequence[Piece],
    known: Callable[[Piece], bool],
    note: Callable[[Piece, float, float], None],
) -> None:
    """Score the pieces that are not `known`; `note` is told the score of each, and its seconds.

    Raises what the first that failed raised.
    """
    begun: dict[Piece, float] = {}
    failed: list[Exception] = []

    def pieces() -> Iterator[Piece]:
        for piece in wanted:
            if not failed and not known(piece):
                begun[piece] = time.perf_counter()
                yield piece

    def ended(piece: Piece, error: Exception | None) -> None:
        if error is not None:
            return failed.append(error)
        return note(piece, _score(piece), time.perf_counter() - begun[piece])

    executor(pieces(), show, ended)
    if failed:
        raise failed[0]


def folder(place: Path, plan: Plan, shift: int = 0) -> Path:
    """The folder below `place` in which folds of `plan`, those of a split whose seed is larger by `shift`, are scored;
    it is made where there is none."""
    digest = hashlib.sha256(json.dumps([plan.settings, shift], sort_keys=True).encode()).hexdigest()[:16]
    made = place / digest
    if not (made / record.PLAN).exists():
        record.write(made / record.TRIAL, record.Trial(shift))
        record.write(made / record.PLAN, plan)
    return made


def state(one: FrozenTrial) -> str:
    """`finished`, `given up`, `failed`, or `stopped`: it is tried once more; `running` or `waiting`."""
    if one.state.name == "FAIL":
        return "failed" if "error" in one.user_attrs else "stopped"
    return {"COMPLETE": "finished", "PRUNED": "given up"}.get(one.state.name, one.state.name.lower())


def seconds(one: FrozenTrial) -> float:
    """Seconds of fitting that a trial has taken."""
    return sum(spent for _, spent in one.user_attrs.get("folds", {}).values())


def _score(piece: Piece) -> float:
    done = runs.at(piece.folder).done(piece.number)
    assert done is not None and done.score is not None  # a search has rows that are held out
    return done.score


def _suggested(trial: Any, name: str, each: Range) -> Any:
    if isinstance(each, Between):
        return (trial.suggest_int if each.whole else trial.suggest_float)(name, each.low, each.high, log=each.log)
    return trial.suggest_categorical(name, each.words)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
