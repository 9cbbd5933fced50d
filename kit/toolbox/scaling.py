"""Matrices of tables for linear models and networks: scaled numbers, one-hot categories, nothing missing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import sparse

LEVELS = 12
"""Different whole numbers up to which a column of numbers also becomes one-hot columns, such as months or grades."""

RAREST = 5
"""Training rows that a category must have for a column of its own; rarer ones share one."""


@dataclass
class Scaled:
    """A matrix of `kit.toolbox.tables` as a sparse one for linear models, learned from training rows.

    Numbers are brought to mean 0 and standard deviation 1, those of a long tail as logarithms first, and missing ones
    become the median with a column that says so. Categories become one column each value.
    """

    long_tail: np.ndarray
    median: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    missing: np.ndarray
    one_hot: list[tuple[int, np.ndarray]]
    numbers: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray, categories: np.ndarray) -> Scaled:
        """The matrix of training rows, and how many categories each column has (0: numbers)."""
        numbers = np.flatnonzero(categories == 0)
        values = matrix[:, numbers].astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column that is empty in all rows
            median = np.nan_to_num(np.nanmedian(values, axis=0)) if len(values) else np.zeros(len(numbers))
            low, high = np.nanquantile(values, [0.05, 0.99], axis=0)
            long_tail = (np.nanmin(values, axis=0) >= 0) & (high - median > 5 * (median - low)) & (high > median)
        missing = np.asarray(np.isnan(values).any(0))
        filled = cls._plain(values, long_tail, median)
        one_hot = []
        for place in range(matrix.shape[1]):
            column = matrix[:, place]
            if not categories[place] and not _few(column):
                continue
            levels, counts = np.unique(column[~np.isnan(column)], return_counts=True)
            one_hot.append((place, levels[counts >= min(RAREST, max(1, len(column) // 50))]))
        deviation = filled.std(0)
        deviation[deviation == 0] = 1
        return cls(long_tail, median, filled.mean(0), deviation, missing, one_hot, numbers)

    @staticmethod
    def _plain(values: np.ndarray, long_tail: np.ndarray, median: np.ndarray) -> np.ndarray:
        """Values without gaps, long tails as logarithms."""
        filled = np.where(np.isnan(values), median, values)
        filled[:, long_tail] = np.log1p(np.maximum(filled[:, long_tail], 0))
        return filled

    def __call__(self, matrix: np.ndarray) -> sparse.csr_matrix:
        """Rows of any matrix of the same columns, float64 of (n, more columns)."""
        values = matrix[:, self.numbers].astype(np.float64)
        # Kept within ten deviations of the training rows, so that one odd number does not carry a prediction away.
        scaled = (self._plain(values, self.long_tail, self.median) - self.mean) / self.deviation
        blocks = [
            sparse.csr_matrix(np.clip(scaled, -10, 10)),
            sparse.csr_matrix(np.isnan(values[:, self.missing]) * 1.0),
        ]
        for place, levels in self.one_hot:
            column = matrix[:, place]
            at = np.minimum(np.searchsorted(levels, column), max(len(levels) - 1, 0))
            # The last column is for missing, new and rare values.
            known = levels[at] == column if len(levels) else np.zeros(len(column), bool)
            where = np.where(known, at, len(levels))
            ones = (np.ones(len(column)), (np.arange(len(column)), where))
            blocks.append(sparse.csr_matrix(ones, (len(column), len(levels) + 1)))
        return sparse.hstack(blocks, "csr")


def _few(column: np.ndarray) -> bool:
    levels = np.unique(column[:50_000])
    levels = levels[~np.isnan(levels)]
    return 2 < len(levels) <= LEVELS and bool((levels % 1 == 0).all())
