"""A search for better settings: trials on the same folds, bad ones given up early, everything kept in a journal.

The journal is Optuna's, one line for each thing that happened, so that a search that was killed loses what a fold under
way has no checkpoint of, and nothing else. The winner is scored again on folds of another seed: the best of many trials
is partly the best by luck on the folds that chose it, and on other folds that luck is gone.
"""

from __future__ import annotations

import csv
import shutil
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
from kit.train import executors, fold, loop, progress, record, trials, working
from kit.train.executors import Executor, Piece
from kit.train.fold import Rows
from kit.train.progress import Display
from kit.train.record import Plan
from kit.train.trials import Trials

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

PLAN, JOURNAL, SCRATCH = "search.json", "journal.log", "scratch"
"""What a search's folder holds: what is searched, all that happened, and the trials that are being worked on."""

STARTUP = 5
"""Trials that are never given up: the median of fewer says little."""

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


def search(
    entry: Entry,
    plan: Plan,
    within: dict[str, Range],
    *,
    seconds: float | None,
    trials: int | None,
    executor: Executor = executors.local,
    at_once: int = 1,
) -> Search:
    """Search `within` ranges around the settings of `plan`, its defaults, and score the winner again.

    It ends after `seconds` of fitting, all calls and all that is fitted at once together, or after `trials` trials, and
    goes on where an earlier call was stopped or killed. The first trial are the defaults; the others are proposed by a
    tree-structured Parzen estimator (Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011), and
    given up by fold where the mean so far is worse than the median of the other trials. `executor` fits the folds of
    `at_once` trials at a time; with several, what is proposed depends on which of them ends first.

    Raises KitError when Optuna is not installed, another process searches here, an earlier search was of other data,
    code, settings or folds, or the recipe refuses its defaults.
    """
    optuna = _optuna()
    place = folder(plan)
    rows = loop.prepared(entry, plan)
    _check_held_out(plan, rows)
    place.mkdir(parents=True, exist_ok=True)
    with working.searching(plan.competition, place.name), progress.display() as show:
        _begin(place, plan)
        study = _study(optuna, place, plan, higher=entry.competition.metric.higher_is_better, at_once=at_once)
        work = _Work(entry, plan, within, rows, place / SCRATCH, study, executor, show)
        try:
            done = work.concluded(work.search(seconds, trials, at_once))
        finally:
            fold.forget()
        shutil.rmtree(place / SCRATCH, ignore_errors=True)  # what was stopped goes on with what it has left there
        return done


@dataclass(frozen=True)
class _Work:
    """What a search needs at every step."""

    entry: Entry
    plan: Plan
    within: dict[str, Range]
    rows: Rows
    scratch: Path
    study: Study
    executor: Executor
    show: Display

    def search(self, seconds: float | None, most: int | None, at_once: int) -> Trials:
        """Try settings until the time is over, or there are so many trials."""
        work = Trials(
            self.study,
            self.plan,
            self.within,
            self.rows,
            splits.numbers(self.rows.column),
            self.scratch,
            {name: _known(each, self.plan.settings[name]) for name, each in self.within.items()},
            self._settings,
            seconds,
            most,
            at_once,
        )
        if self.study.trials:
            work.take_up()
        else:
            self.study.enqueue_trial(work.default)
        work.fit(self.executor, self.show)
        return work

    def concluded(self, work: Trials) -> Search:
        """The outcome, the winner scored again."""
        whole = [one for one in self.study.trials if trials.state(one) == "finished"]
        default = next((one for one in whole if one.params == work.default), None)
        assert default is not None  # it is the first trial, which is neither given up nor stopped by the time
        winner = self.study.best_trial
        if winner.value == default.value:
            winner = default
        again = None
        if winner is not default:
            again = self._again(default, winner)
        higher = self.entry.competition.metric.higher_is_better
        listed = sorted(
            (self._told(one) for one in work.finished()),
            key=lambda one: (one.mean is None, (one.mean or 0.0) * (-1 if higher else 1), one.number),
        )
        settings = self._settings(winner.params)
        return Search(self.scratch.parent, tuple(listed), self._told(default), self._told(winner), settings, again)

    def _again(self, default: FrozenTrial, winner: FrozenTrial) -> Again | None:
        """Defaults and winner on folds of another seed; None where the split has no seed."""
        if not hasattr(self.rows.split, "seed"):
            tell("The split has no seed, so that there are no other folds to score the winner on.")
            return None
        numbers = splits.numbers(fold.elsewhere(self.rows, OTHER_SEED).column)
        what: dict[Path, tuple[str, str]] = {}
        known: dict[str, dict[str, Any]] = {}
        for said, one in (("the defaults", default), ("the winner", winner)):
            plan = replace(self.plan, settings=self._settings(one.params))
            kept = f"elsewhere {one.number}"
            what[trials.folder(self.scratch, plan, OTHER_SEED)] = said, kept
            known[kept] = dict(self.study.user_attrs.get(kept, {}))

        def note(piece: Piece, score: float, seconds: float) -> None:
            said, kept = what[piece.folder]
            known[kept][str(piece.number)] = [score, seconds]
            self.study.set_user_attr(kept, dict(known[kept]))
            tell(f"folds of another seed: {said}, fold {piece.number + 1} of {len(numbers)}")

        trials.scored(
            self.executor,
            self.show,
            [Piece(place, number) for place in what for number in numbers],
            lambda piece: str(piece.number) in known[what[piece.folder][1]],
            note,
        )
        means = [float(np.mean([score for score, _ in known[kept].values()])) for _, kept in what.values()]
        assert default.value is not None and winner.value is not None  # both have finished
        higher = self.entry.competition.metric.higher_is_better
        return Again(default.value, winner.value, means[0], means[1], higher)

    def _settings(self, params: dict[str, Any]) -> dict[str, Any]:
        """All settings of a trial."""
        return self.plan.settings | {name: _value(self.within[name], value) for name, value in params.items()}

    def _told(self, one: FrozenTrial) -> Trial:
        settings = {name: _value(self.within[name], value) for name, value in one.params.items()}
        folds = one.user_attrs.get("folds", {})
        scores = tuple(folds[str(number)][0] for number in splits.numbers(self.rows.column) if str(number) in folds)
        state = trials.state(one)
        return Trial(
            one.number, settings, scores, one.value if state == "finished" else None, trials.seconds(one), state
        )


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


def _study(optuna: Any, place: Path, plan: Plan, *, higher: bool, at_once: int) -> Study:
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
    # With several trials at once it must not propose what lies beside one that has no score yet.
    study.sampler = optuna.samplers.TPESampler(
        seed=plan.seed + len(study.trials), n_startup_trials=2 * STARTUP, constant_liar=at_once > 1
    )
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


def _known(each: Range, value: Any) -> Any:
    """A setting's value as Optuna knows it: values of a list by their words."""
    return value if isinstance(each, Between) else typed(value)


def _value(each: Range, known: Any) -> Any:
    """What `_known` was made of."""
    return known if isinstance(each, Between) else each.values[each.words.index(known)]
