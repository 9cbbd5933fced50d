"""Blends of runs: which way of blending holds on rows that chose nothing of it, and the run that it makes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from kit.errors import KitError
from kit.judge import aligning
from kit.judge.methods import CHOOSING, METHODS, Method, Trial, Trials, Tried
from kit.notes import tell
from kit.predict import stacked
from kit.task.catalog import Entry
from kit.train import finish, judged, keeping, progress, provenance, runs
from kit.train.record import Plan
from kit.train.runs import Run


class Blend(NamedTuple):
    """The outcome: `run` is a new run, or where no blend holds the best member itself.

    `weights` are those of the members by name, without those of no weight; `method` is how they were blended, "best"
    where `run` is a member; `tried` are all methods that were tried, in the order of METHODS; `dropped` are the names
    of members whose gain was under its optimism.

    Where something is chosen, the out-of-fold predictions of the blend are those of what was chosen for each fold on
    the other folds, as those of a model are of one that was fitted on the others. So its score is nested, and a blend
    of blends is no better than it looks. With one fold there are no others, and the blend has no score.
    """

    run: Run
    weights: dict[str, float]
    method: Method
    tried: tuple[Tried, ...]
    dropped: tuple[str, ...] = ()


def blend(
    entry: Entry, members: Sequence[Run], *, method: Method | None = None, seed: int = 0, quiet: bool = True
) -> Blend:
    """A run made of other runs, compared, submitted and blended like any other, whatever the order of the members.

    Without a method each one that fits is tried, and the one of the best nested score is taken; where none is better
    than the best run alone, that run is the answer. With one fold only, nothing can be chosen honestly: the members are
    then merged by equal weights. Raises KitError for an unknown method, one that does not fit the predictions or the
    metric, runs that `aligning.align` refuses, and runs that were judged in another way than the competition declares
    today.
    """
    started = time.perf_counter()
    if method not in (None, *METHODS):
        raise KitError(f"No method is called {method!r}.", f"Known: {', '.join(METHODS)}.")
    members = sorted(members, key=lambda run: run.name)
    oof = aligning.align(members)
    _check_judging(entry, members)
    ids, tests = aligning.tests(members)
    trials = Trials(entry.competition, oof, seed)
    if method is not None and (wrong := trials.unfit(method)):
        raise _unfit(entry, members, method, wrong, trials)
    tried = _tried(trials, method, quiet)
    won = _winner(trials, tried, method)
    names = [run.name for run in members]
    facts = tuple(trial.tried for trial in tried)
    if won is None:
        best = members[trials.best]
        return Blend(best, {best.name: 1.0}, "best", facts)
    merged = won.fitted(tests)
    # The run with the fewest rows says how the blend was judged: with a holdout it is no better known than that one.
    judge = min(members, key=lambda run: (run.record.rows.out_of_fold, run is not oof.first))
    plan = _plan(entry, members, judge, won, seed)
    entry = replace(entry, sample=oof.first.plan.sample)
    chosen = won.tried.method in CHOOSING
    with keeping.fresh(runs.create(plan)) as run:
        if won.fitted.stacked is not None:
            stacked.save(run.folder, won.fitted.stacked)
        run = finish.conclude(
            entry.competition,
            run,
            oof={**oof.columns, "ids": oof.ids, "fold": oof.fold, "y": oof.y, "pred": won.pred},
            test={"ids": ids, "pred": merged},
            sample=entry.public() / entry.competition.submission.sample,
            train_rows=judge.record.rows.train,
            labels=trials.labels,
            facts={
                "chosen_score": won.chosen_score if chosen else None,
                "split": judge.record.split,
                "groups": judge.record.groups,
                "fit_seconds": round(sum(run.record.fit_seconds for run in members), 1),
                "seconds": round(time.perf_counter() - started, 1),
                "where": provenance.where(),
                "device": provenance.device(),
                "versions": provenance.versions(),
                "git": provenance.git(entry.folder),
            },
            scored=won.tried.score is not None,
        )
    return Blend(run, dict(plan.settings), won.tried.method, facts, tuple(names[at] for at in won.dropped))


def _tried(trials: Trials, method: Method | None, quiet: bool) -> list[Trial]:
    """The methods that are asked for, each tried; without a method all that fit."""
    one_fold = len(trials.numbers) < 2
    names = trials.fitting() if method is None else [method]
    if method is None and one_fold:
        names = [name for name in names if name not in CHOOSING][:1]
        tell("There is one fold only, so that nothing can be chosen and judged by others: the runs get equal weights.")
    tried = []
    with progress.display(quiet=quiet) as show:
        for at, name in enumerate(names, 1):
            tried.append(trials.run(name))
            score = tried[-1].tried.score
            show("blend", at, len(names), {} if score is None else {name: score})
    return tried


def _winner(trials: Trials, tried: Sequence[Trial], method: Method | None) -> Trial | None:
    """The trial that makes the run; None where the best member alone is the answer."""
    if method == "best":
        return None
    if method is not None or len(tried) == 1:
        return tried[0] if tried[0].tried.method != "best" else None
    # "best" is judged by what it is: the score of one run. Its nested score may be of several.
    blends = [trial for trial in tried if trial.tried.gain is not None and trial.tried.method != "best"]
    won = max(blends, key=lambda trial: trial.tried.gain or 0.0, default=None)
    return won if won is not None and (won.tried.gain or 0.0) > 0 else None


def _plan(entry: Entry, members: Sequence[Run], judge: Run, won: Trial, seed: int) -> Plan:
    every = won.fitted.stacked is not None  # a linear model needs every member, in this order
    weights = {
        run.name: round(float(weight), 6)
        for run, weight in zip(members, won.fitted.weights, strict=True)
        if weight or every
    }
    return Plan(
        entry.name,
        "blend",
        won.tried.method,
        weights,
        seed=seed,
        scheme=judge.plan.scheme,
        folds=judge.plan.folds,
        only=judge.plan.only,
        sample=judge.plan.sample,
        data=judge.plan.data,
    )


def _check_judging(entry: Entry, members: Sequence[Run]) -> None:
    """Raises KitError for a run that was judged in another way than the competition declares today, or by the very rows
    that chose its weights."""
    today = judged.Today(entry)
    for run in members:
        if run.score is None:
            raise KitError(
                f"{run.name} has no score on rows that it had not seen.",
                "A blend is made of runs that have one: its weights are chosen by them.",
                f"kit runs {entry.name}",
            )
        if why := today.changed(run):
            raise KitError(
                f"{run.name} {why}.",
                "A blend is made of runs that are judged as the competition declares it today.",
                f"kit train {entry.name} {run.plan.label}{' --sample' * run.plan.sample}  # judged anew",
            )


def _unfit(entry: Entry, members: Sequence[Run], method: Method, wrong: str, trials: Trials) -> KitError:
    names = " ".join(run.name for run in members)
    fitting = [name for name in trials.fitting() if name != "best"]
    right = f"Those that fit: {', '.join(fitting)}."
    return KitError(f"--method {method} does not fit: {wrong}.", right, f"kit ensemble {entry.name} {names}")
