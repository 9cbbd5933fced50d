"""Searching for better settings: tune."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.api import engines, training
from kit.api.engines import Engine
from kit.api.results import Result
from kit.errors import KitError
from kit.task import catalog
from kit.train import keeping
from kit.train import runs as store
from kit.train.runs import Run
from kit.words import Table, duration
from kit.words import seconds as in_seconds

if TYPE_CHECKING:
    from kit.train.tune import Search, Trial


SHOWN = 20
"""Trials in the table for a person, the best first; the file has all."""


@dataclass(frozen=True, repr=False)
class Tuning(Result):
    """A search: its trials, the winner's settings and its run, and what of its gain is left on other folds; `files` are
    the table of all trials and the picture."""

    competition: str
    metric: str
    search: Search
    run: Run
    files: tuple[Path, ...]

    def summary(self) -> str:
        trials, best = len(self.search.trials), f"{self.metric} {self.search.winner.mean:.5f}"
        return f"{trials} trial{'s' * (trials != 1)} of {self.run.plan.label}, the best {best}"

    def table(self) -> Table:
        names = list(self.search.winner.settings)
        return Table(
            ("trial", *names, "mean of folds", "sd", "folds", "fitting", "state"),
            [self._line(one, names) for one in self.search.trials[:SHOWN]],
            spare=("fitting", "folds", "sd"),
        )

    def facts(self) -> dict[str, Any]:
        again = self.search.again
        return {
            "folder": str(self.search.folder),
            "metric": self.metric,
            "settings": self.search.settings,
            "default": asdict(self.search.default),
            "winner": asdict(self.search.winner),
            "again": again
            and asdict(again)
            | {"gain": again.gain, "gain_elsewhere": again.gain_elsewhere, "optimism": again.optimism},
            "trials": [asdict(one) for one in self.search.trials],
            "run": self.run.facts(),
        }

    def _line(self, one: Trial, names: list[str]) -> tuple[Any, ...]:
        import numpy as np

        said = [
            f"{value:.4g}" if isinstance(value, float) else catalog.typed(value)
            for value in map(one.settings.get, names)
        ]
        state = "defaults" if one == self.search.default else "" if one.state == "finished" else one.state
        spread = f"{np.std(one.scores, ddof=1):.5f}" if one.mean is not None and len(one.scores) > 1 else None
        return (
            one.number,
            *said,
            one.mean and f"{one.mean:.5f}",
            spread,
            len(one.scores),
            duration(one.seconds),
            state,
        )


def tune(
    competition: str,
    recipe: str = "",
    *,
    time: float | str | None = "30m",
    trials: int | None = None,
    folds: int | None = None,
    seed: int = 0,
    sample: bool = False,
    engine: Engine | None = None,
    jobs: int | None = None,
    address: str = "",
    gpus_per_fold: float | None = None,
    plots: bool = True,
    **settings: Any,
) -> Tuning:
    """Search for better settings of a recipe in the ranges that its file declares as `RANGES`, and train the winner.

    The search ends after `time` (seconds, or a text such as "30m") of fitting, or after `trials` trials; a call that
    was stopped or killed is gone on with by the same call, and one with more time searches on. Each trial is scored on
    the same folds, and given up when it falls behind. `engine`, `jobs`, `address` and `gpus_per_fold` are those of
    `train`: so many trials are worked on at once, and the time is that of all of them together. The winner becomes a
    run like any other. What is given in `settings`, or by a variant, is not searched.

    Raises KitError when the recipe declares no ranges or wrong ones, Optuna is not installed, or an earlier search of
    this recipe was of other data, code or settings.
    """
    from kit.train import executors
    from kit.train import tune as searching

    entry = catalog.find(competition, sample=sample)
    if trials is not None and trials < 1:
        raise KitError(f"{trials} trials are no search.", "`trials` is a whole number from 1.")
    chosen, variant = entry.recipe(recipe)
    fixed = {*settings, *chosen.variants.get(variant, {}), *(chosen.smoke if sample else ())}
    within = searching.searched(chosen, fixed)
    label, values = training.chosen(entry, recipe, settings)
    training.checked_seed(seed)
    training.checked_scheme(entry, "cv", folds)
    plan = training.planned(entry, label, values, seed=seed, folds=folds)
    if engine == "kaggle":
        raise KitError(
            "A search cannot be fitted by kernels.",
            "What is tried next depends on each fold's score; a sweep is known beforehand.",
            f"kit sweep {competition} {recipe} --engine kaggle".replace("  ", " "),
        )
    limit, most = _seconds(time), trials
    executor = engines.executor(engine, jobs, address=address, gpus_per_fold=gpus_per_fold) or executors.local
    search = searching.search(
        entry, plan, within, seconds=limit, trials=most, executor=executor, at_once=getattr(executor, "jobs", 1)
    )
    best = training.planned(entry, label, search.settings, seed=seed, folds=folds)
    run = store.Known().same(best)
    if run is None:
        with keeping.fresh(store.create(best)) as run:
            run = training.fitted(entry, run, plots=plots, executor=executor)
    elif not run.finished:
        run = training.fitted(entry, run, plots=plots, executor=executor)
    files: tuple[Path, ...] = (searching.write(search),)
    if plots:
        from kit.drawing import tune_plot

        files += (tune_plot.draw(entry, label, search, search.folder / "tune.png"),)
    return Tuning(entry.name, entry.competition.metric.name, search, run, files)


def _seconds(time: float | str | None) -> float | None:
    """Raises KitError for a text that is no time."""
    try:
        return in_seconds(time) if isinstance(time, str) else time
    except ValueError:
        raise KitError(f"{time!r} is not a time.", "A time is such as 90s, 30m, 2h or 1h30m.") from None
