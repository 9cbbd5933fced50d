"""From several runs to one: ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kit.api.results import Result
from kit.api.training import named
from kit.task import catalog
from kit.train.runs import Run
from kit.words import Table

if TYPE_CHECKING:
    from kit.judge.ensemble import Method


@dataclass(frozen=True, repr=False)
class Ensemble(Result):
    """A blend, which is a run like any other, and the weights of its members by name.

    `nested` is its score when each fold's weights are chosen on the other folds; None where there is one fold only.
    """

    run: Run
    members: tuple[Run, ...]
    weights: dict[str, float]
    nested: float | None

    def summary(self) -> str:
        score = self.run.score if self.nested is None else self.nested
        return f"ensemble of {len(self.members)} runs, {self.run.record.metric} {score:.5f}: {self.run.name}"

    def table(self) -> Table:
        rows = [(run.name, f"{self.weights[run.name]:.3f}", f"{run.score:.5f}") for run in self.members]
        return Table(("run", "weight", "score"), [*rows, (self.run.name, "", f"{self.run.score:.5f}")])

    def facts(self) -> dict[str, Any]:
        return self.run.facts()


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
    return Ensemble(blend.run, members, blend.weights, blend.nested)
