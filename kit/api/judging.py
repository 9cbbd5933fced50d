"""From runs to a decision: importance, ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.api.results import Listing, Result
from kit.api.training import named
from kit.errors import KitError
from kit.judge import importance as columns
from kit.judge.importance import Column
from kit.task import catalog
from kit.train.runs import Run
from kit.words import Table

if TYPE_CHECKING:
    from kit.judge.ensemble import Method


@dataclass(frozen=True, repr=False)
class Ensemble(Result):
    """A blend, which is a run like any other, and the weights of its members by name.

    Its score is that of weights chosen for each fold on the other folds; where weights are chosen and there is one fold
    only, it has none.
    """

    run: Run
    members: tuple[Run, ...]
    weights: dict[str, float]

    def summary(self) -> str:
        score = "no score" if self.run.score is None else f"{self.run.record.metric} {self.run.score:.5f}"
        return f"ensemble of {len(self.members)} runs, {score}: {self.run.name}"

    def table(self) -> Table:
        rows = [(run.name, f"{self.weights[run.name]:.3f}", f"{run.score:.5f}") for run in self.members]
        score = None if self.run.score is None else f"{self.run.score:.5f}"
        return Table(("run", "weight", "score"), [*rows, (self.run.name, "", score)])

    def facts(self) -> dict[str, Any]:
        return self.run.facts()


@dataclass(frozen=True, repr=False)
class Importance(Listing[Column]):
    """What each column of a table is worth to a run, the most important first. `score` is the mean over folds of the
    score that the columns were measured against."""

    run: Run
    metric: str
    score: float
    rows: int
    files: tuple[Path, ...]

    def summary(self) -> str:
        return f"importance of {len(self)} columns for {self.run.name}"

    def table(self) -> Table:
        told = any(one.gain is not None for one in self)
        return Table(
            ("column", f"{self.metric} lost", "sd", *(["gain"] if told else [])),
            [
                (
                    one.name,
                    f"{one.drop:+.5f}",
                    None if one.sd is None else f"{one.sd:.5f}",
                    *([None if one.gain is None else f"{one.gain:.1%}"] if told else []),
                )
                for one in self
            ],
        )

    def facts(self) -> dict[str, Any]:
        columns = [one._asdict() for one in self]
        return {"run": self.run.name, "metric": self.metric, "score": self.score, "rows": self.rows, "columns": columns}


def importance(competition: str, run: str | Run = "last", *, repeats: int = 5, rows: int = 10_000) -> Importance:
    """How much a run's score falls when a column of the table is shuffled, on held-out rows, averaged over folds.

    Each column is shuffled `repeats` times in each fold; at most `rows` held-out rows of a fold are predicted. Beside
    it stands the gain where the models have it. A table and a picture are written into the run's folder `plots/`.

    Raises KitError for rows that are no tables, and for a run without stored models or held-out rows.
    """
    from kit.drawing import importance_plot

    entry = catalog.find(competition)
    judged = named(entry, run)
    if min(repeats, rows) < 1:
        raise KitError(f"{min(repeats, rows)} is too few.", "`repeats` and `rows` are whole numbers from 1.")
    done = columns.importance(entry, judged, repeats=repeats, rows=rows)
    folder = judged.folder / "plots"
    title = f"{entry.name}, {judged.plan.label}: {done.metric} {done.score:.5f} on held-out rows"
    files = (
        columns.write(done, folder / "importance.csv"),
        importance_plot.draw(title, done.metric, done.columns, folder / "importance.png"),
    )
    return Importance(done.columns, judged, done.metric, done.score, done.rows, files)


def ensemble(competition: str, runs: Sequence[str | Run], *, method: Method | None = None, seed: int = 0) -> Ensemble:
    """Blend runs on their out-of-fold predictions; without `method` by vote for labels and texts, else by hill-climb.

    hill-climb finds non-negative weights by greedy selection with replacement, bagged (Caruana et al. 2004). Raises
    KitError for fewer than two runs, and for runs that differ in rows or folds.
    """
    from kit.judge import ensemble as judge

    entry = catalog.find(competition)
    members = tuple(named(entry, run) for run in runs)
    entry = replace(entry, sample=members[0].plan.sample) if members else entry
    blend = judge.blend(entry, members, method=method, seed=seed)
    return Ensemble(blend.run, members, blend.weights)
