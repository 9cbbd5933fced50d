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
    from kit.judge.ensemble import Method, Tried


@dataclass(frozen=True, repr=False)
class Ensemble(Result):
    """A blend, which is a run like any other, and the weights of its members by name; where no blend is better than the
    best of the members, `run` is that one, and `method` is "best".

    Its score is nested: that of what was chosen for each fold on the other folds; where something is chosen and there
    is one fold only, it has none. `tried` are the methods with their nested scores; `dropped` are members whose gain
    was under its optimism.
    """

    run: Run
    members: tuple[Run, ...]
    weights: dict[str, float]
    method: Method
    tried: tuple[Tried, ...]
    dropped: tuple[str, ...]

    def summary(self) -> str:
        score = "no score" if self.run.score is None else f"{self.run.record.metric} {self.run.score:.5f}"
        if self.method == "best":
            return f"no blend of {len(self.members)} runs is better than the best of them, {score}: {self.run.name}"
        return f"ensemble of {len(self.members)} runs by {self.method}, {score}: {self.run.name}"

    def table(self) -> Table:
        rows: list[tuple[str | None, ...]] = [
            (run.name, f"{self.weights.get(run.name, 0):.3f}", f"{run.score:.5f}") for run in self.members
        ]
        if self.method != "best":
            rows.append((self.run.name, "", None if self.run.score is None else f"{self.run.score:.5f}"))
        return Table(("run", "weight", "score"), rows)

    def methods(self) -> Table:
        """The methods that were tried, with their nested scores."""
        losses = any(one.log_loss is not None for one in self.tried) and self.run.record.metric != "log loss"
        return Table(
            ("method", self.run.record.metric, "gain", "optimism", *(["log loss"] if losses else [])),
            [
                (
                    one.method,
                    None if one.score is None else f"{one.score:.5f}",
                    None if one.gain is None else f"{one.gain:+.5f}",
                    None if one.optimism is None else f"{one.optimism:+.5f}",
                    *([None if one.log_loss is None else f"{one.log_loss:.5f}"] if losses else []),
                )
                for one in self.tried
            ],
        )

    def facts(self) -> dict[str, Any]:
        tried = [one._asdict() for one in self.tried]
        return self.run.facts() | {"method": self.method, "methods": tried, "dropped": list(self.dropped)}


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


def ensemble(
    competition: str, runs: Sequence[str | Run], *, method: Method | None = None, seed: int = 0, quiet: bool = True
) -> Ensemble:
    """Blend runs on their out-of-fold predictions, by `method`, or without one by whichever has the best nested score;
    where none is better than the best run alone, that run is the answer.

    hill-climb finds weights by greedy selection with replacement (Caruana et al. 2004), stack a regularised linear
    model. Runs with other folds are joined by id. Raises KitError for fewer than two runs, for a method that does not
    fit, and for runs that share no row or were not judged as the competition declares.
    """
    from kit.judge import ensemble as judge

    entry = catalog.find(competition)
    members = tuple(named(entry, run) for run in runs)
    entry = replace(entry, sample=members[0].plan.sample) if members else entry
    blend = judge.blend(entry, members, method=method, seed=seed, quiet=quiet)
    members = tuple(sorted(members, key=lambda run: run.name))
    return Ensemble(blend.run, members, blend.weights, blend.method, blend.tried, blend.dropped)
