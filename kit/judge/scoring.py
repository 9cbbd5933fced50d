"""What a blend scores when one more run is added, for all runs at once.

A blend is told by how often each run was picked, its counts. A scorer tells the score of such blends on all rows and,
for each fold, on all rows but its own, so that selections that are nested in folds share a pass over the rows as long
as they agree. `scorers.of` chooses the quickest one that serves.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.task import merging, outputs
from kit.task.contract import Merge, Metric

Counts = tuple[int, ...]
"""How often each run was picked."""

ROWS = 16_384
"""Rows of a part: 64 kB of float32 a run, so that the sum, one run's values and the result stay in a core's cache."""


class Pool(NamedTuple):
    """Predictions of runs for the same rows, and what judges them.

    `preds` are arrays of n rows, `fold` numbers of (n,). `threshold` says that the score is F1 at the threshold that
    is best on the rows that are scored.
    """

    metric: Metric
    merge: Merge
    preds: Sequence[np.ndarray]
    y: np.ndarray
    fold: np.ndarray
    columns: Mapping[str, np.ndarray]
    labels: outputs.Values | None
    threshold: bool = False


class Scorer(ABC):
    """Scores of blends, higher is better whatever the metric; NaN where a blend cannot be scored."""

    def __init__(self, pool: Pool) -> None:
        self.numbers = np.unique(pool.fold)
        self.runs = len(pool.preds)
        self.sign = 1 if pool.metric.higher_is_better else -1

    @abstractmethod
    def added(self, counts: Counts, without: int | None = None, among: Sequence[int] | None = None) -> np.ndarray:
        """The score of the blend with each run added once more, (runs,): on all rows, or on those outside the fold at
        the place `without` of `numbers`. With `among` only for these runs, where that saves time; minus infinity for
        the others."""


class Passing(Scorer):
    """A scorer that one pass over the rows tells the scores on all of them and without each fold. What was asked before
    is remembered."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._known: dict[Counts, np.ndarray] = {}

    def added(self, counts: Counts, without: int | None = None, among: Sequence[int] | None = None) -> np.ndarray:
        if counts not in self._known:
            if among is not None and without is not None:
                scores = np.full(self.runs, -math.inf)
                scores[[*among]] = self.sign * self._pass(counts, among, without)
                return scores
            self._known[counts] = self.sign * self._pass(counts, range(self.runs), None)
        return self._known[counts][0 if without is None else without + 1]

    @abstractmethod
    def _pass(self, counts: Counts, among: Sequence[int], without: int | None) -> np.ndarray:
        """Scores in the metric's own direction: (1 + folds, runs) on all rows and without each fold; with `without`
        only those without that fold, (runs,)."""


class Additive(Passing):
    """A scorer whose metric is a function of sums over rows."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.rows = np.array([np.sum(pool.fold == number) for number in self.numbers], np.float64)

    def _pass(self, counts: Counts, among: Sequence[int], without: int | None) -> np.ndarray:
        sums = self._sums(counts, sum(counts) + 1, among, without)
        whole = sums.sum(0)
        if without is not None:
            return self._score(whole - sums[without], self.rows.sum() - self.rows[without])
        left = zip(sums, self.rows, strict=True) if len(self.rows) > 1 else ()
        scores = [self._score(whole - part, self.rows.sum() - rows) for part, rows in left]
        return np.array([self._score(whole, self.rows.sum()), *scores])

    @abstractmethod
    def _sums(self, counts: Counts, step: int, among: Sequence[int], without: int | None) -> np.ndarray:
        """What the rows of each fold add up to for each run of `among` that is added, (folds, runs, k) float64; of the
        fold `without` nothing is needed."""

    @abstractmethod
    def _score(self, sums: np.ndarray, rows: float) -> np.ndarray:
        """Scores (runs,) of sums (runs, k) over so many rows, in the metric's own direction."""


class Part(NamedTuple):
    """Rows of one fold and one class: `values` are (runs, rows) or (runs, columns, rows) float32."""

    fold: int
    label: int
    values: np.ndarray


def parts(
    pool: Pool,
    label: np.ndarray,
    column: Callable[[np.ndarray, np.ndarray], np.ndarray],
    most: int = ROWS,
    places: np.ndarray | None = None,
) -> list[Part]:
    """The rows in parts of one fold and one label each, of `most` rows. `column(pred, at)` gives what is kept of a
    run's predictions for some rows, (rows,) or (columns, rows); `at` are their numbers, or their `places`."""
    fold = np.searchsorted(np.unique(pool.fold), pool.fold)
    key = fold * (int(label.max()) + 1) + label
    # Keys of two bytes are sorted by radix, three times as fast as a sort of folds and labels.
    order = np.argsort(key.astype(np.uint16) if key.max() < 1 << 16 else key, kind="stable")
    bounds = [0, *(np.flatnonzero(np.diff(key[order])) + 1).tolist(), len(key)]
    starts = [(at, min(at + most, end)) for start, end in itertools.pairwise(bounds) for at in range(start, end, most)]
    placed = order if places is None else places[order]
    shape = (len(pool.preds), *column(pool.preds[0], placed[:1]).shape[:-1])
    made = [Part(int(fold[order[a]]), int(label[order[a]]), np.empty((*shape, b - a), np.float32)) for a, b in starts]
    # Run by run: folds take turns along the rows, so that each part looks at most of a run.
    for run, pred in enumerate(pool.preds):
        for (a, b), part in zip(starts, made, strict=True):
            for at in range(a, b, ROWS):
                part.values[run, ..., at - a : at - a + ROWS] = column(pred, placed[at : min(at + ROWS, b)])
    return made


class Sums:
    """The sums of the runs' values in each part, as often as each run was picked.

    The last few are kept: a step adds one run to one of them. (A product of counts and values by BLAS starts threads
    for each part, which takes ten times as long where other programs hold the cores.)
    """

    KEPT = 12

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._known: dict[Counts, list[np.ndarray]] = {}

    def of(self, counts: Counts) -> list[np.ndarray]:
        """An array of the rows, float32, for each part."""
        if counts in self._known:
            return self._known[counts]
        for run in np.flatnonzero(counts).tolist():
            before = (*counts[:run], counts[run] - 1, *counts[run + 1 :])
            if before in self._known:
                bases = self._known[before]
                made = [base + part.values[run] for base, part in zip(bases, self._parts, strict=True)]
                break
        else:
            made = [self._anew(counts, part.values) for part in self._parts]
        while len(self._known) >= self.KEPT:
            del self._known[next(iter(self._known))]
        self._known[counts] = made
        return made

    @staticmethod
    def _anew(counts: Counts, values: np.ndarray) -> np.ndarray:
        base = np.zeros(values.shape[1:], np.float32)
        for run in np.flatnonzero(counts).tolist():
            base += np.float32(counts[run]) * values[run]
        return base


class Called(Scorer):
    """Any metric and any way of merging: predictions are merged, and the metric's function, or its terms where it has
    some, is called for each run that is added."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._pool = pool
        sums = pool.metric.sums
        self._sums = None if sums is None or (sums.single and pool.y.size != len(pool.y)) else sums
        self._folds = [pool.fold == number for number in self.numbers]
        self._known: dict[tuple[Counts, int | None], np.ndarray] = {}
        self._adds = pool.merge is merging.mean and not pool.preds[0].dtype.names

    def added(self, counts: Counts, without: int | None = None, among: Sequence[int] | None = None) -> np.ndarray:
        if (counts, without) not in self._known:
            if self._sums is None or len(self.numbers) == 1:
                rows = slice(None) if without is None else ~self._folds[without]
                asked = range(self.runs) if among is None else among
                scores = np.full(self.runs, -math.inf)
                scores[[*asked]] = [self._one(blend, rows) for blend in self._blends(counts, asked)]
                if among is not None:
                    return scores
                self._known[counts, without] = scores
            else:
                each = np.array([self._each(blend) for blend in self._blends(counts, range(self.runs))])
                for at in range(1 + len(self.numbers)):
                    self._known[counts, at - 1 if at else None] = each[:, at]
        return self._known[counts, without]

    def _blends(self, counts: Counts, among: Sequence[int]) -> Iterator[np.ndarray]:
        preds, step = self._pool.preds, sum(counts) + 1
        base: Any = 0
        if self._adds:
            for pred, count in zip(preds, counts, strict=True):
                base = base + count * pred.astype(np.float64) if count else base
        for run in among:
            if self._adds:
                yield (base + preds[run]) / step
                continue
            weights = np.array(counts) + np.eye(self.runs)[run]
            yield self._pool.merge([preds[at] for at in np.flatnonzero(weights).tolist()], weights[weights > 0])

    def _one(self, blend: np.ndarray, rows: Any) -> float:
        pool = self._pool
        columns = {name: column[rows] for name, column in pool.columns.items()}
        try:
            return self.sign * pool.metric.score(pool.y[rows], blend[rows], columns, pool.labels)
        except KitError:
            return math.nan

    def _each(self, blend: np.ndarray) -> list[float]:
        pool = self._pool
        y, pred, given = pool.metric.arguments(pool.y, blend, pool.columns, pool.labels)
        assert self._sums is not None
        terms = self._sums.terms(y, pred, **given)
        by_fold = [np.asarray(terms[rows].sum(0), np.float64) for rows in self._folds]
        whole, rows = np.sum(by_fold, axis=0), len(pool.y)
        left = [(whole - part, rows - np.sum(held)) for part, held in zip(by_fold, self._folds, strict=True)]
        return [self.sign * float(self._sums.score(sums, count)) for sums, count in [(whole, rows), *left]]
