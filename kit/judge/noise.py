"""How far scores differ by chance: resampled rows, paired tests, what it costs to have tried many runs, and when a
score is a new best.

Everything works on contributions (`kit.judge.contributions`): arrays whose mean is a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 1000
"""Bootstrap samples: 25 of them lie beyond each end of a 95% interval."""

BLOCK = 2**13
"""Rows whose weights are drawn together: 1,000 x 8,192 of float32 are 33 MB, and a matrix product keeps both cores
busy."""

CONFIDENCE = 0.95

NORMAL = 1.96
"""Standard errors to either end of a 95% interval of a normal distribution."""


class Samples(NamedTuple):
    """Scores of runs on resampled rows, (samples, runs) each: `means` on the rows of a sample, `others` on the rows
    that it lacks, 37% of all."""

    means: np.ndarray
    others: np.ndarray


def resampled(values: np.ndarray, *, samples: int = RESAMPLES, seed: int = 0) -> Samples:
    """Bootstrap samples of the rows, the same rows for all runs, so that what is hard for all cancels out in their
    differences; `values` are contributions (runs, rows).

    How often a row is drawn is Poisson(1) and not multinomial, so that blocks of rows are drawn one after another; both
    give the same for more than some 20 rows. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993;
    Chamandy et al., Estimating Uncertainty for Massive Data Streams, Google, 2012.
    """
    runs, rows = values.shape
    random = np.random.default_rng(seed)
    centre = values.mean(1, keepdims=True)  # float32 sums of what is near 0 lose less
    totals = np.zeros((2, samples, runs))
    drawn = np.zeros((2, samples, 1))
    for start in range(0, rows, BLOCK):
        part = (values[:, start : start + BLOCK] - centre).astype(np.float32)
        count = _POISSON[random.integers(0, 2**16, (samples, part.shape[1]), np.uint16)]
        for side, weight in enumerate((count, (count == 0).astype(np.float32))):
            totals[side] += weight @ part.T
            drawn[side] += weight.sum(1, keepdims=True)
    means, others = totals / np.maximum(drawn, 1) + centre.T
    return Samples(means, others)


def _poisson() -> np.ndarray:
    """The number that each of 65,536 equally likely numbers stands for."""
    from math import exp, factorial

    ends = np.cumsum([exp(-1) / factorial(count) for count in range(10)])
    return np.searchsorted(ends, (np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


_POISSON = _poisson()


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95% interval of the mean of contributions (n,), by Student's t; the mean itself, twice, of one value."""
    if len(values) < 2:
        return float(values.mean()), float(values.mean())
    half = _quantile(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


class Test(NamedTuple):
    """A paired test: its name, the two-sided p-value, and the 95% interval of the gain where it gives one."""

    name: str
    p: float
    low: float | None = None
    high: float | None = None


def mcnemar(first: np.ndarray, second: np.ndarray) -> Test:
    """The exact test of rows that only one of two runs has right; both are boolean of (n,).

    Under no difference each of these rows falls to either run with probability 1/2. Source: McNemar, Psychometrika
    12(2), 1947; Dietterich, Neural Computation 10(7), 1998.
    """
    from scipy.special import bdtr

    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    both = only_first + only_second
    p = min(1.0, 2 * float(bdtr(min(only_first, only_second), both, 0.5))) if both else 1.0
    low, high = interval(second.astype(np.float64) - first)
    return Test(f"McNemar, {both:,} rows that only one has right", p, low, high)


def bootstrap(gains: np.ndarray) -> Test:
    """The paired bootstrap: `gains` are those of resampled rows, (samples,). p is twice the share of samples on the
    other side of 0 than most, one sample at least."""
    low, high = np.quantile(gains, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    if not gains.any():
        return Test("paired bootstrap", 1.0, 0.0, 0.0)
    beyond = min(int(np.sum(gains <= 0)), int(np.sum(gains >= 0)))
    return Test("paired bootstrap", min(1.0, 2 * (beyond + 1) / (len(gains) + 1)), float(low), float(high))


def paired_t(gains: np.ndarray) -> Test:
    """Student's paired t test of few values, such as those of blocks of rows."""
    low, high = interval(gains)
    spread = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    if not spread:
        return Test("paired t over blocks of rows", 1.0 if not gains.any() or len(gains) < 2 else 0.0, low, high)
    p = _two_sided(float(gains.mean() / spread), len(gains) - 1)
    return Test("paired t over blocks of rows", p, low, high)


def corrected_t(gains: Sequence[float], held_share: float) -> Test | None:
    """The corrected resampled t test over the gains of folds (and seeds): whether a training anew would tell the same.
    None for fewer than two.

    `held_share` are the held-out rows of a fold divided by those that it was trained on. The folds' models share most
    of their rows, so that the plain t test finds far too many differences. Source: Nadeau and Bengio, Inference for the
    Generalization Error, Machine Learning 52, 2003.
    """
    if len(gains) < 2:
        return None
    values = np.asarray(gains, np.float64)
    spread = np.sqrt((1 / len(values) + held_share) * values.var(ddof=1))
    name = f"corrected resampled t over {len(values)} folds"
    middle = float(values.mean())
    if not spread:
        return Test(name, 1.0 if not middle else 0.0, middle, middle)
    half = float(_quantile(len(values) - 1) * spread)
    return Test(name, _two_sided(middle / spread, len(values) - 1), middle - half, middle + half)


def curse(samples: Samples, *, higher_is_better: bool) -> float:
    """What the best run may be expected to score, the choice among all of them counted: in each sample the best run is
    chosen, and scored on the rows that the sample lacks.

    Source: Tsamardinos, Greasidou, Borboudakis, Bootstrapping the Out-of-sample Predictions for Efficient and Accurate
    Cross-Validation (BBC-CV), Machine Learning 107, 2018.
    """
    sign = 1 if higher_is_better else -1
    chosen = np.argmax(sign * samples.means, axis=1)
    return float(np.take_along_axis(samples.others, chosen[:, None], 1).mean())


def is_new_best(values: np.ndarray, best: np.ndarray, *, higher_is_better: bool) -> bool:
    """Whether a score beats the best before it by more than one standard error of their difference: the parameter-free
    Ladder, under which a thousand tries on the same rows do not climb by chance. Both are contributions (n,).

    Source: Blum and Hardt, The Ladder: A Reliable Leaderboard for Machine Learning Competitions, ICML 2015, figure 2.
    """
    gains = (values.astype(np.float64) - best) * (1 if higher_is_better else -1)
    return bool(gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else False


# Of `scipy.special`, since importing `scipy.stats` takes longer than comparing two hundred runs.


def _quantile(freedom: int) -> float:
    """Standard errors to either end of a 95% interval, by Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _two_sided(t: float, freedom: int) -> float:
    """The two-sided p-value of Student's t."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(t)))
