"""Which runs to send next, and which two to select at the end: by the private score that the better one of two should
reach."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.judge import aligning, forecast, intervals
from kit.judge.forecast import Forecast
from kit.task import decisions
from kit.task.catalog import Entry
from kit.train.runs import Run

DRAWS = 2_000
"""Times that all rows are resampled: the standard error of an expected score is then a forty-fifth of its spread."""

MOST = 40
"""Candidates that are looked at, the best by forecast: 780 pairs."""


class Pair(NamedTuple):
    """Two submissions to select. `expected` is the expected private score of the better one, `clark` the same by the
    closed form for two normal scores, `alone` that of the first alone, and `correlation` that of their private scores.
    With one run there is no `second`."""

    first: str
    second: str | None
    expected: float
    clark: float
    alone: float
    correlation: float


class Spend(NamedTuple):
    """A submission that is worth sending: with it and those before it, the two that look best then should reach
    `expected` with the better of their private scores, which is `gain` better than without it."""

    run: str
    expected: float
    gain: float


@dataclass(frozen=True)
class Choice:
    """What to send with the slots that are left, in order, and what to select when these and all that were sent can be
    selected; `forecasts` are those of all candidates."""

    spend: tuple[Spend, ...]
    select: Pair
    sent: tuple[str, ...]
    forecasts: tuple[Forecast, ...]

    def facts(self) -> dict[str, Any]:
        """For a script."""
        return {
            "spend": [one._asdict() for one in self.spend],
            "select": self.select._asdict(),
            "sent": list(self.sent),
            "forecasts": [one.facts() for one in self.forecasts],
        }


class Drawn(NamedTuple):
    """Scores of runs in imagined worlds, higher is better: `public` and `private` are (runs, draws)."""

    public: np.ndarray
    private: np.ndarray


def choose(
    entry: Entry,
    runs: Sequence[Run],
    forecasts: Sequence[Forecast],
    publics: Mapping[str, float],
    *,
    slots: int,
    public_share: float,
    seed: int = 0,
) -> Choice:
    """What to send and to select among `runs`, each with its forecast; `publics` are the public scores of those that
    were sent, by name, and `slots` submissions are left.

    The held-out rows of all runs are resampled together, which keeps that runs err on the same rows: two runs that are
    equally good are worth more together the less alike they are. Public scores that are known change what is expected
    of their runs, and of those that are like them. Raises KitError where nothing was sent and there is no slot, and for
    runs that share no row.
    """
    sent = [at for at, run in enumerate(runs) if run.name in publics]
    if not sent and not slots:
        raise KitError(
            f"No run of {entry.name} has a public score, and there is no slot to send one.",
            "What is selected must have been sent.",
            f"kit choose {entry.name} --slots 1",
        )
    sign = 1 if entry.competition.metric.higher_is_better else -1
    worlds = draw(entry, runs, forecasts, public_share, seed)
    if sent:
        seen = sign * np.array([publics[runs[at].name] for at in sent], np.float64)
        worlds = given(worlds, sent, seen)
    spend: list[Spend] = []
    have, reached = [*sent], value(worlds, sent, sent)
    for _ in range(min(slots, len(runs) - len(sent))):
        left = [at for at in range(len(runs)) if at not in have]
        values = [value(worlds, [*have, at], sent) for at in left]
        best = int(np.argmax(values))
        gain = 0.0 if not have else values[best] - reached
        have, reached = [*have, left[best]], values[best]
        spend.append(Spend(runs[left[best]].name, sign * reached, gain))
    names = [run.name for run in runs]
    return Choice(
        tuple(spend), pair(worlds.private, have, names, sign), tuple(names[at] for at in sent), tuple(forecasts)
    )


def draw(entry: Entry, runs: Sequence[Run], forecasts: Sequence[Forecast], public_share: float, seed: int) -> Drawn:
    """Imagined public and private scores: what is expected, plus an error of the out-of-fold score that the public and
    the private one share, plus the noise of each one's own rows, all three of resampled rows."""
    competition, metric = entry.competition, entry.competition.metric
    sign = 1 if metric.higher_is_better else -1
    if len(runs) > 1:
        oof = aligning.align(runs)
        fold, y, preds, columns = oof.fold, oof.y, oof.preds, oof.columns
    else:
        held = aligning.held_out(runs[0])
        fold, y, preds = held["fold"], held["y"], [held["pred"]]
        columns = {name: column for name, column in held.items() if name not in ("ids", "fold", "y", "pred")}
    labels = decisions.labels(competition, y)
    judged = [decisions.nested(competition, fold, y, pred) for pred in preds]

    def noise(seed: int) -> np.ndarray:
        scores = intervals.replicates(metric, y, judged, columns=columns, labels=labels, resamples=DRAWS, seed=seed)
        off = sign * (scores - np.nanmean(scores, axis=1, keepdims=True))
        return np.nan_to_num(off)

    random = np.random.default_rng(seed)
    expected = np.array([sign * one.private.expected for one in forecasts])[:, None]
    gains = np.array([one.parts["gains"] for one in forecasts])[:, None]
    # What differs between folds hits all runs alike.
    between = np.max([one.parts["folds"] for one in forecasts]) * random.normal(0, 1, DRAWS)
    shared = noise(seed) * math.hypot(1, forecast.UNKNOWN)
    true = expected + shared + between + gains * random.normal(0, 1, (len(runs), DRAWS))
    rows = len(y) / max(runs[0].record.rows.test, 2)
    public = true + noise(seed + 1) * math.sqrt(rows / public_share)
    return Drawn(public, true + noise(seed + 2) * math.sqrt(rows / (1 - public_share)))


def given(worlds: Drawn, sent: Sequence[int], seen: np.ndarray) -> Drawn:
    """The worlds moved to where the public scores of the runs `sent` are those that were seen.

    Each world is moved by the regression of all scores on these (conditioning by kriging, Journel and Huijbregts,
    Mining Geostatistics, 1978), which is exact for normal scores.
    """
    of = worlds.public[[*sent]]
    public, private = (
        scores + _slopes(scores, of) @ (seen[:, None] - of) for scores in (worlds.public, worlds.private)
    )
    return Drawn(public, private)


def value(worlds: Drawn, have: Sequence[int], sent: Sequence[int]) -> float:
    """The expected private score of the better of two runs, where the two are chosen among `have` when their public
    scores are known; those of `sent` are known already."""
    if not have:
        return -math.inf
    private = worlds.private[[*have]]
    means = np.repeat(private.mean(1, keepdims=True), private.shape[1], axis=1)
    new = [at for at in have if at not in sent]
    if new:
        public = worlds.public[new]
        means = means + _slopes(private, public) @ (public - public.mean(1, keepdims=True))
    two = np.argsort(-means, axis=0)[:2]
    return float(np.mean(np.max(np.take_along_axis(private, two, axis=0), axis=0)))


def pair(private: np.ndarray, have: Sequence[int], names: Sequence[str], sign: int) -> Pair:
    """The two of `have` whose better private score is expected to be the best."""
    means = private.mean(1)
    best = max(have, key=lambda at: means[at])
    if len(have) == 1:
        alone = sign * float(means[best])
        return Pair(names[best], None, alone, alone, alone, 1.0)
    one, other = max(
        itertools.combinations(sorted(have, key=lambda at: -means[at]), 2),
        key=lambda two: float(np.mean(np.maximum(private[two[0]], private[two[1]]))),
    )
    sds, both = private.std(1), np.cov(private[[one, other]])
    correlation = float(both[0, 1] / max(sds[one] * sds[other], 1e-300))
    return Pair(
        names[one],
        names[other],
        sign * float(np.mean(np.maximum(private[one], private[other]))),
        sign * clark(means[one], means[other], sds[one], sds[other], correlation),
        sign * float(means[one]),
        min(correlation, 1.0),
    )


def clark(first: float, second: float, first_sd: float, second_sd: float, correlation: float) -> float:
    """The expected greater one of two normal values.

    Source: Clark, The Greatest of a Finite Set of Random Variables, Operations Research 9(2), 1961.
    """
    from scipy.stats import norm

    apart = math.sqrt(max(first_sd**2 + second_sd**2 - 2 * correlation * first_sd * second_sd, 0.0))
    if apart < 1e-12 * max(first_sd, second_sd, 1e-300):
        return max(first, second)
    at = (first - second) / apart
    return float(first * norm.cdf(at) + second * norm.cdf(-at) + apart * norm.pdf(at))


def _slopes(scores: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The regression of scores (runs, draws) on others (known, draws): (runs, known)."""
    centred, known = scores - scores.mean(1, keepdims=True), of - of.mean(1, keepdims=True)
    # Runs that are the same but for rounding make the matrix singular; the pseudo-inverse takes their mean.
    slopes: np.ndarray = centred @ known.T @ np.linalg.pinv(known @ known.T, rcond=1e-6, hermitian=True)
    return slopes
