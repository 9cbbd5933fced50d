"""What sets two submissions apart, and what that can do to a score."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from kit.task.contract import Metric
from kit.task.submission import Rows


class Difference(NamedTuple):
    """How many of `rows` changed, and the commonest changes as (before, after, count), of the first target column."""

    rows: int
    changed: int
    moves: list[tuple[str, str, int]]

    @property
    def share(self) -> float:
        """The share of rows that changed, 0 to 1."""
        return self.changed / self.rows if self.rows else 0.0


def difference(before: Rows, after: Rows) -> Difference:
    """What changed from one submission to the other, row by row; rows that only one of them has count as changed."""
    moves: Counter[tuple[str, str]] = Counter()
    for name, values in after.items():
        old = before.get(name)
        if old != values:
            moves[(old[0] if old else "", values[0])] += 1
    moves.update((values[0], "") for name, values in before.items() if name not in after)
    common = [(old, new, count) for (old, new), count in moves.most_common(3)]
    return Difference(len(after), sum(moves.values()), common)


def most(metric: Metric, change: Difference) -> float | None:
    """By how much the score over all rows can differ at most; None where the metric sets no such bound.

    Each row is worth 1/n of an accuracy, so that k changed rows of n move it by at most k/n. The public score is an
    accuracy over a part of the rows: with all changed rows in it, it could move by more.
    """
    return change.share if metric.name == "accuracy" else None
