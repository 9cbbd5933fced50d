"""A search for better settings: trials on the same folds, bad ones given up early, everything kept in a journal.

The journal is Optuna's, one line for each thing that happened, so that a search that was killed loses the fold under
way and nothing else. The winner is scored again on folds of another seed: the best of many trials is partly the best
by luck on the folds that chose it, and on other folds that luck is gone.
"""

from __future__ import annotations

import csv
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.task import ranges, splits
from kit.task.catalog import Entry, Recipe, typed
from kit.task.ranges import Between, Range
from kit.train import loop, record, working
from kit.train.fold import Rows, cut, fitted_by, ready, scored
from kit.train.record import Plan
from kit.words import duration

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

PLAN, JOURNAL, SCRATCH = "search.json", "journal.log", "scratch"
"""What a search's folder holds: what is searched, all that happened, and the fold that is being fitted."""

STARTUP = 5
"""Trials that are never given up: the median of fewer says little."""

REPEATED = 20
"""Trials in a row of settings that were tried before, after which the ranges count as searched through."""

OTHER_SEED = 1_000_003
"""What is added to the seed of the split for the folds that the winner is scored on again."""


@dataclass(frozen=True)
class Trial:
    """One try: the searched settings, the score of each fold that was fitted, their mean where all were."""

    number: int
    settings: dict[str, Any]
    scores: tuple[float, ...]
    mean: float | None
    seconds: float
    state: str


@dataclass(frozen=True)
class Again:
    """Mean scores of the defaults and of the winner on the folds that the search used, and on folds of another seed."""

    default: float
    winner: float
    default_elsewhere: float
    winner_elsewhere: float
    higher_is_better: bool

    @property
    def gain(self) -> float:
        """By how much the winner was better than the defaults on the folds of the search."""
        return (self.winner - self.default) * (1 if self.higher_is_better else -1)

    @property
    def gain_elsewhere(self) -> float:
        """By how much it is better on the other folds."""
        return (self.winner_elsewhere - self.default_elsewhere) * (1 if self.higher_is_better else -1)

    @property
    def optimism(self) -> float:
        """How much of the gain is gone on the other folds."""
        return self.gain - self.gain_elsewhere


@dataclass(frozen=True)
class Search:
    """A search that has ended: all trials, the best first; `best` are all settings of the winner; `again` is None where
    the winner are the defaults, or the split knows no other folds."""

    folder: Path
    trials: tuple[Trial, ...]
    default: Trial
    winner: Trial
    settings: dict[str, Any]
    again: Again | None


def folder(plan: Plan) -> Path:
    """Where the search of a plan's recipe is kept."""
    name = f"tune-{plan.label.replace(':', '-')}" + ("-sample" if plan.sample else "")
    return places.runs(plan.competition) / name


def searched(recipe: Recipe, fixed: set[str]) -> dict[str, Range]:
    """The ranges of a recipe's settings but those that are fixed.

    Raises KitError when the recipe declares none, or none is left.
    """
    declared = ranges.read(recipe)
    left = {name: each for name, each in declared.items() if name not in fixed}
    if not left:
        raise KitError(
            f"Nothing is left to search: {', '.join(declared)} of recipe {recipe.name} are fixed.",
            "What --set, a variant or the sample's quick settings name is not searched.",
        )
    return left


def search(entry: Entry, plan: Plan, within: dict[str, Range], *, seconds: float | None, trials: int | None) -> Search:
    """Search `within` ranges around the settings of `plan`, its defaults, and score the winner again.

    It ends after `seconds` of fitting, all calls together, or after `trials` trials, and goes on where an earlier call
    was stopped or killed. The first trial are the defaults; the others are proposed by a tree-structured Parzen
    estimator (Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011), and given up by fold where
    the mean so far is worse than the median of the other trials.

    Raises KitError when Optuna is not installed, another process searches here, an earlier search was of other data,
    code, settings or folds, or the recipe refuses its defaults.
    """
    optuna = _optuna()
    place = folder(plan)
    rows = loop.prepared(entry, plan)
    _check_held_out(plan, rows)
    place.mkdir(parents=True, exist_ok=True)
    with working.searching(plan.competition, place.name):
        _begin(place, plan)
        study = _study(optuna, place, plan, higher=entry.competition.metric.higher_is_better)
        work = _Work(entry, plan, within, rows, place / SCRATCH, study)
        try:
            work.search(seconds, trials)
            return work.concluded()
        finally:
            shutil.rmtree(place / SCRATCH, ignore_errors=True)


@dataclass(frozen=True)
class _Work:
    """What a search needs at every step."""

    entry: Entry
    plan: Plan
    within: dict[str, Range]
    rows: Rows
    scratch: Path
    study: Study

    @property
    def folds(self) -> list[int]:
        return splits.numbers(self.rows.column)

    @property
    def default(self) -> dict[str, Any]:
        """The defaults as Optuna knows them."""
        return {name: _known(each, self.plan.settings[name]) for name, each in self.within.items()}

    def search(self, seconds: float | None, trials: int | None) -> None:
        """Try settings until the time is over, or there are so many trials."""
        if self.study.trials:
            self._take_up()
        else:
            self.study.enqueue_trial(self.default)
        repeated = 0
        while repeated < REPEATED:
            finished = self.finished()
            if finished and ((trials and len(finished) >= trials) or (seconds and self.spent() >= seconds)):
                return
            repeated = 0 if self._try(seconds) else repeated + 1
        tell("The ranges are searched through: every new trial repeats an earlier one.")

    def finished(self) -> list[FrozenTrial]:
        """Trials that have ended by themselves."""
        return [one for one in self.study.trials if _state(one) in ("finished", "given up", "failed")]

    def spent(self) -> float:
        """Seconds of fitting so far; a trial that was taken up again carries those of its first part."""
        return sum(_seconds(one) for one in self.study.trials if _state(one) != "stopped")

    def concluded(self) -> Search:
        """The outcome, the winner scored again.

        Raises KitError when no trial has finished all folds.
        """
        whole = [one for one in self.study.trials if _state(one) == "finished"]
        default = next((one for one in whole if one.params == self.default), None)
        assert default is not None  # it is the first trial, which is neither given up nor stopped by the time
        winner = self.study.best_trial
        if winner.value == default.value:
            winner = default
        again = None
        if winner is not default:
            again = self._again(default, winner)
        higher = self.entry.competition.metric.higher_is_better
        listed = sorted(
            (self._told(one) for one in self.finished()),
            key=lambda one: (one.mean is None, (one.mean or 0.0) * (-1 if higher else 1), one.number),
        )
        return Search(
            self.scratch.parent,
            tuple(listed),
            self._told(default),
            self._told(winner),
            self._settings(winner.params),
            again,
        )

    def _take_up(self) -> None:
        """Trials that a kill has left in the middle are tried once more, from the fold that they had come to."""
        for one in self.study.trials:
            if one.state.name == "RUNNING":
                self._shelve(one.number, one.params, one.user_attrs.get("folds", {}))

    def _shelve(self, number: int, params: dict[str, Any], folds: dict[str, Any]) -> None:
        from optuna.trial import TrialState

        if params.keys() == self.within.keys():
            self.study.enqueue_trial(params, user_attrs={"folds": folds})
        self.study.tell(number, state=TrialState.FAIL)

    def _try(self, seconds: float | None) -> bool:
        """One trial; whether it was one of settings that had not been tried before.

        Raises KitError when the recipe refuses its defaults.
        """
        from optuna.trial import TrialState

        trial = self.study.ask()
        params = {name: _suggested(trial, name, each) for name, each in self.within.items()}
        if any(one.params == params for one in self.finished()):
            self.study.tell(trial.number, state=TrialState.FAIL)
            return False
        settings, first = self._settings(params), params == self.default
        self._say(trial.number, params, "")
        folds: dict[str, Any] = dict(trial.user_attrs.get("folds", {}))
        for step, number in enumerate(self.folds):
            if str(number) not in folds:
                if not first and seconds and self.spent() >= seconds:
                    self._shelve(trial.number, params, folds)
                    return True
                try:
                    folds[str(number)] = self._score(self.rows, settings, number)
                except KitError as error:
                    if first:
                        raise
                    trial.set_user_attr("error", error.wrong)
                    self.study.tell(trial.number, state=TrialState.FAIL)
                    self._say(trial.number, params, f"failed: {error.wrong}")
                    return True
                trial.set_user_attr("folds", folds)
            scores = [folds[str(each)][0] for each in self.folds[: step + 1]]
            trial.report(float(np.mean(scores)), step)
            last = step + 1 == len(self.folds)
            if not last and not first and trial.should_prune():
                self.study.tell(trial.number, state=TrialState.PRUNED)
                self._say(
                    trial.number, params, f"given up at {np.mean(scores):.5f} after {step + 1} fold{'s' * (step > 0)}"
                )
                return True
        mean = float(np.mean([folds[str(number)][0] for number in self.folds]))
        self.study.tell(trial.number, mean)
        self._say(trial.number, params, f"{mean:.5f}, the best so far {self.study.best_value:.5f}")
        return True

    def _again(self, default: FrozenTrial, winner: FrozenTrial) -> Again | None:
        """Defaults and winner on folds of another seed; None where the split has no seed."""
        split = self.rows.split
        if not hasattr(split, "seed"):
            tell("The split has no seed, so that there are no other folds to score the winner on.")
            return None
        other = replace(split, seed=split.seed + OTHER_SEED)  # type: ignore[type-var]
        rows = self.rows._replace(split=other, column=splits.column(other, self.rows.judged))
        means = []
        for what, one in (("the defaults", default), ("the winner", winner)):
            kept = f"elsewhere {one.number}"
            of_folds: dict[str, Any] = dict(self.study.user_attrs.get(kept, {}))
            for number in splits.numbers(rows.column):
                if str(number) not in of_folds:
                    tell(f"folds of another seed: {what}, fold {number + 1} of {rows.column.max() + 1}")
                    of_folds[str(number)] = self._score(rows, self._settings(one.params), number)
                    self.study.set_user_attr(kept, of_folds)
            means.append(float(np.mean([score for score, _ in of_folds.values()])))
        assert default.value is not None and winner.value is not None  # both have finished
        higher = self.entry.competition.metric.higher_is_better
        return Again(default.value, winner.value, means[0], means[1], higher)

    def _score(self, rows: Rows, settings: dict[str, Any], number: int) -> list[float]:
        """The score of one fold, and the seconds that it took, in a folder that is gone afterwards."""
        ready(self.plan)
        started = time.perf_counter()
        recipe, _ = self.entry.recipe(self.plan.label)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        fold = cut(rows, self.plan, number, self.scratch)
        fitted = fitted_by(recipe, fold, settings)
        score = scored(self.entry.competition, fitted, fold.valid, rows.labels).score
        return [score, time.perf_counter() - started]

    def _settings(self, params: dict[str, Any]) -> dict[str, Any]:
        """All settings of a trial."""
        return self.plan.settings | {name: _value(self.within[name], value) for name, value in params.items()}

    def _told(self, one: FrozenTrial) -> Trial:
        settings = {name: _value(self.within[name], value) for name, value in one.params.items()}
        folds = one.user_attrs.get("folds", {})
        scores = tuple(folds[str(number)][0] for number in self.folds if str(number) in folds)
        mean = one.value if _state(one) == "finished" else None
        return Trial(one.number, settings, scores, mean, _seconds(one), _state(one))

    def _say(self, number: int, params: dict[str, Any], outcome: str) -> None:
        said = " ".join(f"{name}={_short(value)}" for name, value in params.items())
        tell(f"trial {number}: {said}" + (f": {outcome}" if outcome else f" ({duration(self.spent())} so far)"))


def write(search: Search) -> Path:
    """All trials as `trials.csv` in the folder of the search, the best first."""
    header = ["trial", *search.winner.settings, "mean", "scores", "seconds", "state"]
    rows = [
        [
            one.number,
            *map(one.settings.get, search.winner.settings),
            one.mean,
            " ".join(map(str, one.scores)),
            one.seconds,
            one.state,
        ]
        for one in search.trials
    ]
    path = search.folder / "trials.csv"
    with places.whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise KitError(
            "Tuning needs the package 'optuna', which is not installed.",
            "It comes with the extra 'tune'.",
            places.install("tune"),
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _study(optuna: Any, place: Path, plan: Plan, *, higher: bool) -> Study:
    """The study of a folder, as far as its journal tells it."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal = place / JOURNAL
    # What a kill can leave: half a line at the end, which would damage the next one too, and a lock that nobody holds.
    if journal.exists():
        text = journal.read_bytes()
        if text and not text.endswith(b"\n"):
            with places.whole(journal) as part:
                part.write_bytes(text[: text.rfind(b"\n") + 1])
    for left in place.glob(f"{JOURNAL}.lock*"):
        left.unlink()
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name="tune",
        direction="maximize" if higher else "minimize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
    )
    # A sampler that started from the same seed after each kill would propose the same settings again.
    study.sampler = optuna.samplers.TPESampler(seed=plan.seed + len(study.trials), n_startup_trials=2 * STARTUP)
    return study


def _begin(place: Path, plan: Plan) -> None:
    """Note what is searched. Raises KitError when an earlier search here was another one."""
    earlier = record.read(Plan, place / PLAN, place)
    if earlier is None:
        return record.write(place / PLAN, plan)
    if earlier == plan:
        return None
    names = {"data": "data", "code": "code of the recipe", "folds": "number of folds", "seed": "seed"}
    changed = [said for name, said in names.items() if getattr(earlier, name) != getattr(plan, name)] or ["settings"]
    raise KitError(
        f"The search in {place} was begun with other {' and '.join(changed)}.",
        "Its scores cannot be compared with new ones. Delete it to begin anew, or go on with what it was begun with.",
        f"rm -r {place}",
    )


def _check_held_out(plan: Plan, rows: Rows) -> None:
    if splits.numbers(rows.column) == [-1]:
        raise KitError(
            f"No row of {plan.competition} is held out, so that no setting can be told from another.",
            "A search needs folds.",
            f"kit tune {plan.competition} {plan.label} --folds 5",
        )


def _suggested(trial: Any, name: str, each: Range) -> Any:
    if isinstance(each, Between):
        return (trial.suggest_int if each.whole else trial.suggest_float)(name, each.low, each.high, log=each.log)
    return trial.suggest_categorical(name, each.words)


def _known(each: Range, value: Any) -> Any:
    """A setting's value as Optuna knows it: values of a list by their words."""
    return value if isinstance(each, Between) else typed(value)


def _value(each: Range, known: Any) -> Any:
    """What `_known` was made of."""
    return known if isinstance(each, Between) else each.values[each.words.index(known)]


def _state(one: FrozenTrial) -> str:
    """`finished`, `given up`, `failed`, or `stopped`: it is tried once more; `running` or `waiting`."""
    if one.state.name == "FAIL":
        return "failed" if "error" in one.user_attrs else "stopped"
    return {"COMPLETE": "finished", "PRUNED": "given up"}.get(one.state.name, one.state.name.lower())


def _seconds(one: FrozenTrial) -> float:
    return sum(spent for _, spent in one.user_attrs.get("folds", {}).values())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
