"""How far scores of runs lie apart by chance, whatever the metric: from bootstrap samples of their out-of-fold rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.judge import aligning, intervals
from kit.task import decisions
from kit.task.catalog import Entry
from kit.train.runs import Run

UNKNOWN_SHARE = 0.5
"""The share of the test rows that is taken for the public one where nobody has told it."""


class Spread:
    """Standard deviations of scores, and of differences of scores on the same rows, over a number of rows. Each is
    computed when it is asked for first."""

    def __init__(self, entry: Entry, seed: int = 0) -> None:
        self._entry, self._seed = entry, seed
        self._known: dict[tuple[str, ...], float | None] = {}

    def of(self, run: Run, rows: int) -> float | None:
        """Of the score of a run over `rows` rows; None where its predictions are not here, or tell nothing."""
        return self._scaled((run,), rows)

    def between(self, one: Run, other: Run, rows: int) -> float | None:
        """Of the difference of two runs' scores over the same `rows` rows; None where they share no held-out rows."""
        return self._scaled((one, other), rows)

    def _scaled(self, runs: tuple[Run, ...], rows: int) -> float | None:
        """The noise of a score falls with the root of the number of rows."""
        names = tuple(run.name for run in runs)
        if names not in self._known:
            try:
                self._known[names] = self._of_one_row(runs)
            except KitError:  # predictions that are gone, damaged or of another metric's form tell nothing here
                self._known[names] = None
        one = self._known[names]
        return None if one is None or rows < 1 else one / math.sqrt(rows)

    def _of_one_row(self, runs: tuple[Run, ...]) -> float | None:
        competition = self._entry.competition
        held = [aligning.held_out(run) for run in runs]
        if any(run.record.metric != competition.metric.name for run in runs):
            return None
        judged = [decisions.nested(competition, one["fold"], one["y"], one["pred"]) for one in held]
        first, preds = held[0], judged
        if len(held) > 1 and not np.array_equal(held[0]["ids"], held[1]["ids"]):
            ids, *at = np.intersect1d(held[0]["ids"], held[1]["ids"], return_indices=True)
            if not len(ids):
                return None
            first = {name: column[at[0]] for name, column in first.items()}
            preds = [pred[rows] for pred, rows in zip(judged, at, strict=True)]
        columns: dict[str, Any] = {name: one for name, one in first.items() if name not in ("fold", "y", "pred")}
        labels = decisions.labels(competition, held[0]["y"])
        scores = intervals.replicates(
            competition.metric, first["y"], preds, columns=columns, labels=labels, seed=self._seed
        )
        sd = float(np.nanstd(scores[-1] - scores[0] if len(scores) > 1 else scores[0]))
        return sd * math.sqrt(len(first["y"])) if math.isfinite(sd) else None
