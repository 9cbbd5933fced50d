"""Scorers of blends that read the rows once for each step, as float32 parts that fit the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from kit.judge.scoring import ROWS, Additive, Counts, Passing, Pool, Sums, parts
from kit.task import merging, metrics

BINS = 1 << 14
"""Bins of a histogram of blended predictions, at most. Of 1,000,000 rows AUC by 16,384 bins differs from the exact one
by 5e-8 at most."""
COARSE = 2e-3
"""The share of pairs of rows in one bin from which a histogram is not used. Evenly spread predictions give 1 / bins."""


TINY = 1e-37
"""Products of float32 from here up keep all their digits."""


class Coarse(Exception):
    """A histogram cannot tell these predictions apart."""


class LogLoss(Additive):
    """Log loss needs the probability of the true class only: 4 bytes for a row and a run, and one logarithm for the
    product of up to eight rows."""

    def __init__(self, pool: Pool, true: np.ndarray) -> None:
        """`true` are the numbers of the true classes. The runs have a column for each class, or one for the second of
        two."""
        super().__init__(pool)
        nothing = np.zeros(len(pool.y), np.int64)
        # Of parts of 16,384 rows the calls themselves would take a quarter of the time.
        columns = pool.preds[0].size // len(true)
        places = np.arange(len(true)) * max(columns, 2) + true

        def true_class(pred: np.ndarray, at: np.ndarray) -> np.ndarray:
            p = pred.reshape(-1)[at] if columns > 1 else np.abs(1 - at % 2 - pred.reshape(-1)[at // 2])
            return np.maximum(p, merging.LEAST)

        self._parts = parts(pool, nothing, true_class, 4 * ROWS, places)
        self._bases = Sums(self._parts)
        self._halvings = [_halvings(float(part.values.min())) for part in self._parts]

    def _sums(self, counts: Counts, step: int, among: Sequence[int], without: int | None) -> np.ndarray:
        sums = np.zeros((len(self.numbers), len(among), 1))
        for part, base, halvings in zip(self._parts, self._bases.of(counts), self._halvings, strict=True):
            if part.fold == without:
                continue
            one = np.empty_like(base)
            for at, run in enumerate(among):
                sums[part.fold, at] += _logarithms(np.add(base, part.values[run], out=one), halvings)
        return sums - self.rows[:, None, None] * math.log(step)

    def _score(self, sums: np.ndarray, rows: float) -> np.ndarray:
        return -sums[:, 0] / rows


def _halvings(least: float) -> int:
    """How often numbers of at least `least`, and at most 26, can be multiplied with each other, two and two, before a
    product leaves the range of float32; 3 at most, since more saves nothing."""
    return max(halvings for halvings in range(4) if halvings == 0 or least ** (1 << halvings) >= TINY)


def _logarithms(numbers: np.ndarray, halvings: int) -> float:
    """The sum of the logarithms of float32 `numbers`, which are overwritten, by one for 2 ** halvings of them."""
    count = len(numbers) >> halvings << halvings
    total = float(np.log(numbers[count:]).sum())
    for _ in range(halvings):
        count //= 2
        np.multiply(numbers[:count], numbers[count : 2 * count], out=numbers[:count])
    return total + float(np.log(numbers[:count], out=numbers[:count]).sum())


class Squares(Additive):
    """Metrics of squared errors: one matrix of products of the runs' errors for each fold and column answers every
    step, whatever the number of rows."""

    def __init__(
        self,
        pool: Pool,
        errors: Callable[[np.ndarray, slice], np.ndarray],
        score: Callable[[np.ndarray, float], np.ndarray],
    ) -> None:
        """`errors` gives those of a run on some rows, (rows, columns) float64, and `score` takes sums of squares
        (runs, columns) and the number of rows."""
        super().__init__(pool)
        self._of = score
        columns = errors(pool.preds[0], slice(0, 1)).shape[1]
        self._products = np.zeros((len(self.numbers), columns, self.runs, self.runs))
        for start in range(0, len(pool.y), ROWS):
            rows = slice(start, start + ROWS)
            block = np.stack([errors(pred, rows) for pred in pool.preds])
            for at, number in enumerate(self.numbers):
                held = block[:, pool.fold[rows] == number]
                for column in range(columns):
                    self._products[at, column] += held[..., column] @ held[..., column].T

    def _sums(self, counts: Counts, step: int, among: Sequence[int], without: int | None) -> np.ndarray:
        picked = np.array(counts)
        base = self._products @ picked  # (folds, columns, runs)
        squares = (base @ picked)[..., None] + 2 * base + np.diagonal(self._products, axis1=2, axis2=3)
        return np.swapaxes(squares[..., [*among]], 1, 2) / step**2

    def _score(self, sums: np.ndarray, rows: float) -> np.ndarray:
        return self._of(sums, rows)


class TwoClasses(Additive):
    """Metrics of labels of two classes: how many rows of each class are called the second one."""

    def __init__(self, pool: Pool, true: np.ndarray, margin: Callable[[np.ndarray], np.ndarray], at_zero: bool) -> None:
        """`true` are 0 or 1, `margin` is above 0 where a run calls a row the second class, and `at_zero` says whether 0
        does so too."""
        super().__init__(pool)
        self._metric = pool.metric
        self._above = np.greater_equal if at_zero else np.greater
        self._parts = parts(pool, true, lambda pred, rows: margin(pred.take(rows, 0)))
        self._bases = Sums(self._parts)
        self._true = np.array(
            [[np.sum(true[pool.fold == number] == label) for label in (0, 1)] for number in self.numbers]
        )

    def _sums(self, counts: Counts, step: int, among: Sequence[int], without: int | None) -> np.ndarray:
        sums = np.zeros((len(self.numbers), len(among), 4))
        sums[..., 2:] = self._true[:, None]
        for part, base in zip(self._parts, self._bases.of(counts), strict=True):
            if part.fold == without:
                continue
            one, called = np.empty_like(base), np.empty(len(base), bool)
            for at, run in enumerate(among):
                self._above(np.add(base, part.values[run], out=one), 0, out=called)
                sums[part.fold, at, part.label] += np.count_nonzero(called)
        return sums

    def _score(self, sums: np.ndarray, rows: float) -> np.ndarray:
        wrong, hits, no, yes = np.moveaxis(sums, -1, 0)
        if self._metric.function is metrics.f1.function:
            counted = [hits, hits + wrong, yes]
        elif self._metric.function is metrics.accuracy.function:
            counted = [no - wrong + hits]
        else:  # by class: rightly named, named, true
            counted = [no - wrong, hits, rows - hits - wrong, hits + wrong, no, yes]
        assert self._metric.sums is not None
        return self._metric.sums.score(np.stack(counted, axis=-1), rows)


class Classes(Additive):
    """Accuracy and balanced accuracy of several classes: a row is right where the true class has the highest sum."""

    def __init__(self, pool: Pool, true: np.ndarray) -> None:
        super().__init__(pool)
        self._balanced = pool.metric.function is metrics.balanced_accuracy.function

        # Rows of a matrix are taken four times as fast by `take` as by their numbers in brackets.
        def true_first(pred: np.ndarray, rows: np.ndarray) -> np.ndarray:
            p, at, label = pred.take(rows, 0), np.arange(len(rows)), true[rows]
            p[at, label], p[:, 0] = p[:, 0], p[at, label].copy()
            return p.T

        self._parts = parts(pool, true, true_first)
        self._bases = Sums(self._parts)
        self._classes = int(true.max()) + 1
        self._true = np.array(
            [np.bincount(true[pool.fold == number], minlength=self._classes) for number in self.numbers], np.float64
        )

    def _sums(self, counts: Counts, step: int, among: Sequence[int], without: int | None) -> np.ndarray:
        sums = np.zeros((len(self.numbers), len(among), 2 * self._classes))
        sums[..., self._classes :] = self._true[:, None]
        for part, base in zip(self._parts, self._bases.of(counts), strict=True):
            if part.fold == without:
                continue
            for at, run in enumerate(among):
                height = base + part.values[run]
                sums[part.fold, at, part.label] += np.count_nonzero(height[0] >= height[1:].max(0))
        return sums

    def _score(self, sums: np.ndarray, rows: float) -> np.ndarray:
        hits, true = np.split(sums, 2, axis=-1)
        if not self._balanced:
            return hits.sum(-1) / rows
        return np.mean(hits[:, true[0] > 0] / true[:, true[0] > 0], axis=-1)


class Order(Passing):
    """AUC, and F1 at its best threshold: how many rows of each class lie in each of many narrow bins. Rows of one bin
    count as equal."""

    def __init__(self, pool: Pool, true: np.ndarray, positive: Callable[[np.ndarray], np.ndarray]) -> None:
        """Raises Coarse where many pairs of rows would fall into the same bin."""
        super().__init__(pool)
        self._best_f1 = pool.threshold
        # One for eight rows, since more would take longer to add up than the rows. Of 20,000 rows AUC is then off by
        # 3e-6, a thousandth of its standard error.
        self._bins = int(np.clip(1 << int(np.log2(len(pool.y) / 8)), BINS // 16, BINS))
        low = min(float(positive(pred).min()) for pred in pool.preds)
        width = max(float(positive(pred).max()) for pred in pool.preds) - low or 1.0
        self._parts = parts(pool, true, lambda pred, rows: (positive(pred.take(rows, 0)) - low) / width, most=8 * ROWS)
        self._bases = Sums(self._parts)
        self._rooted = False
        if self._coarseness() > COARSE:  # predictions crowd near 0, as those of a rare class do
            self._rooted = True
            if self._coarseness() > COARSE:
                raise Coarse

    def _pass(self, counts: Counts, among: Sequence[int], without: int | None) -> np.ndarray:
        bases = self._bases.of(counts)
        scores = np.array([self._scores(*self._counted(bases, run, sum(counts) + 1)) for run in among]).T
        return scores if without is None else scores[without + 1]

    def _counted(self, bases: list[np.ndarray], run: int, step: int) -> np.ndarray:
        """Rows by class, fold and bin, (2, folds, bins)."""
        counted = np.zeros((2, len(self.numbers), self._bins))
        for part, base in zip(self._parts, bases, strict=True):
            share = base + part.values[run]
            if self._rooted:
                share /= step
                np.sqrt(np.sqrt(share, out=share), out=share)
                share *= self._bins - 1
            else:
                share *= (self._bins - 1) / step
            counted[part.label, part.fold] += np.bincount(share.astype(np.intp), minlength=self._bins)[: self._bins]
        return counted

    def _scores(self, no: np.ndarray, yes: np.ndarray) -> np.ndarray:
        """On all rows and without each fold, (1 + folds,), of rows by fold and bin."""
        if self._best_f1:
            hits, false = (np.cumsum(one[:, ::-1], axis=1) for one in (yes, no))
            hits, false = (np.concatenate([[one.sum(0)], one.sum(0) - one]) for one in (hits, false))
            return np.max(2 * hits / np.maximum(hits + false + hits[:, -1:], 1), axis=1)
        # Pairs of a positive row of one fold and a negative row of another that is below it, (folds, folds).
        pairs = yes @ (np.cumsum(no, axis=1) - no / 2).T
        left = pairs.sum() - pairs.sum(0) - pairs.sum(1) + np.diagonal(pairs)
        positive, negative = yes.sum(1), no.sum(1)
        every = np.concatenate(
            [[positive.sum() * negative.sum()], (positive.sum() - positive) * (negative.sum() - negative)]
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.concatenate([[pairs.sum()], left]) / every

    def _coarseness(self) -> float:
        """The share of pairs of a row of each class that fall into one bin, of the mean of all runs."""
        bases = Sums(self._parts).of((0, *[1] * (self.runs - 1)))
        no, yes = self._counted(bases, 0, self.runs).sum(1)
        return float(np.sum(no * yes) / max(no.sum() * yes.sum(), 1))
