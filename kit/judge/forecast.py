"""Where the public and the private score of a run should fall, from what its folds say.

An out-of-fold score is a biased estimate of a test score. Each out-of-fold prediction is one model's, and a test
prediction the mean of all folds' models, which is better (`merging`); a row of test that repeats a row of train is
easier than folds that keep repeats together say (`overlap`). Both gains are estimated here from the run's own
predictions and rows. A run that few rows have judged, as a holdout, is held against another run that was judged by
these and by more: were they easy for that one, they were easy (`easy`). What remains is noise: of the rows that judged
the run, of the test rows, between folds, and of the gains themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.judge import intervals
from kit.judge.aligning import held_out
from kit.judge.repeats import Repeats
from kit.predict import stacked
from kit.task import decisions, merging, outputs
from kit.task.catalog import Entry
from kit.task.contract import Competition
from kit.train import predictions, runs
from kit.train.record import DONE
from kit.train.runs import Run

LEVEL = 0.9
"""The share of scores that an interval should hold."""

UNKNOWN = 0.25
"""What is not known of the future: a further standard deviation, in parts of that of the rows that judged the run. By
it the interval holds 85 to 95% of the hidden scores in `benchmarks/forecast.md`."""

DRAWS, ROWS = 20, 5_000
"""Times that answers of test rows are drawn, and test rows taken for it, to see what merging the folds gains."""


class Range(NamedTuple):
    """A score that is expected, and from `low` to `high` where it should fall in LEVEL of cases."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """What is expected of a run. `parts` are, in the metric's own unit: `cv`, the out-of-fold score; `merging`,
    `overlap` and `easy`, what is added to it; and standard deviations: `rows` of the rows that judged the run,
    `public_rows` and `private_rows` of the test rows, `folds` between folds beyond the noise of their rows, `gains` of
    the first two gains, and `unknown` of all else. `public_sd` and `private_sd` are those of the whole."""

    run: str
    public: Range
    private: Range
    public_sd: float
    private_sd: float
    parts: dict[str, float]

    def facts(self) -> dict[str, Any]:
        """For a script."""
        return {
            "run": self.run,
            "public": self.public._asdict(),
            "private": self.private._asdict(),
            "parts": self.parts,
        }


class Easy(NamedTuple):
    """What is added to a score since its rows were easier or harder than others (`gain`), the standard deviation of the
    rows that is left, and that of `one` row: of n rows it is as much over the root of n."""

    gain: float
    rows: float
    one: float


def forecast(
    entry: Entry,
    run: Run,
    *,
    public_share: float = 0.5,
    repeats: Repeats | None = None,
    others: Sequence[Run] = (),
    seed: int = 0,
) -> Forecast:
    """The forecast for a run of which `public_share` of the test rows, between 0 and 1, make the public score.

    `repeats` are the rows of test that repeat rows of train, where that is known; `others` are runs of the same data,
    of which one that more rows have judged tells how easy the rows of this one were. Raises KitError for a run without
    a score or predictions here, and for a share that is none.
    """
    if not 0 < public_share < 1:
        raise KitError(f"A public share of {public_share:g} is none.", "It is between 0 and 1, such as 0.3.")
    cv = run.record.oof_score
    if cv is None:
        raise KitError(
            f"Run {run.name} has no score on rows that it had not seen.",
            "A forecast is made of the score of held-out rows.",
            f"kit train {entry.name} {run.plan.label}",
        )
    competition, metric, record = entry.competition, entry.competition.metric, run.record
    oof = held_out(run)
    labels = decisions.labels(competition, oof["y"])
    judged = decisions.nested(competition, oof["fold"], oof["y"], oof["pred"])
    scores = _replicates(competition, oof, [judged], labels, seed)[0]
    own = float(np.nanstd(scores))
    if not math.isfinite(own):
        raise KitError("No bootstrap sample of these rows can be scored.", "They may hold one class only.")
    easy = _easy(competition, run, oof, judged, others, labels, seed) or Easy(0.0, own, own * math.sqrt(len(judged)))
    rows, test = easy.rows, max(record.rows.test, 2)
    public_rows, private_rows = (easy.one / math.sqrt(test * part) for part in (public_share, 1 - public_share))
    merged = _merging(competition, run, oof, labels, seed)
    overlap = 0.0 if repeats is None else repeats.gain(competition, oof, judged, labels)
    between = _between(list(record.fold_scores.values()), own)
    gains, unknown = math.hypot(merged, overlap) / 2, UNKNOWN * rows
    parts = {
        "cv": cv,
        "merging": merged,
        "overlap": overlap,
        "easy": easy.gain,
        "rows": rows,
        "public_rows": public_rows,
        "private_rows": private_rows,
        "folds": between,
        "gains": gains,
        "unknown": unknown,
    }
    expected = cv + merged + overlap + easy.gain
    public_sd, private_sd = (math.hypot(rows, between, gains, unknown, new) for new in (public_rows, private_rows))
    public, private = (_range(expected, sd, metric.perfect, metric.higher_is_better) for sd in (public_sd, private_sd))
    return Forecast(run.name, public, private, public_sd, private_sd, parts)


def _replicates(
    competition: Competition,
    oof: dict[str, np.ndarray],
    preds: list[np.ndarray],
    labels: outputs.Values | None,
    seed: int,
) -> np.ndarray:
    columns = {name: column for name, column in oof.items() if name not in ("fold", "y", "pred")}
    return intervals.replicates(competition.metric, oof["y"], preds, columns=columns, labels=labels, seed=seed)


def _easy(
    competition: Competition,
    run: Run,
    oof: dict[str, np.ndarray],
    judged: np.ndarray,
    others: Sequence[Run],
    labels: outputs.Values | None,
    seed: int,
) -> Easy | None:
    """The other run that tells most; None where none helps.

    It is the regression estimator of sampling: the other run's score on all its rows less that on these rows, times
    the slope of one run's score on the other's in samples of these rows. Source: Cochran, Sampling Techniques, 1977,
    chapter 7.
    """
    best: Easy | None = None
    metric = competition.metric
    for other in others:
        if other.name == run.name or other.score is None or other.record.metric != metric.name:
            continue
        if other.record.rows.out_of_fold < 2 * len(oof["y"]) or not (other.folder / "oof.npz").exists():
            continue
        whole = held_out(other)
        order = np.argsort(whole["ids"], kind="stable")
        at = order[np.minimum(np.searchsorted(whole["ids"][order], oof["ids"]), len(order) - 1)]
        if not np.array_equal(whole["ids"][at], oof["ids"]):
            continue
        also = decisions.nested(competition, whole["fold"], whole["y"], whole["pred"])
        mine, theirs = _replicates(competition, oof, [judged, also[at]], labels, seed)
        both = np.cov(np.stack([mine, theirs])[:, np.isfinite(mine) & np.isfinite(theirs)])
        if not both[1, 1] > 0:
            continue
        slope = both[0, 1] / both[1, 1]
        columns = {name: column for name, column in oof.items() if name not in ("fold", "y", "pred")}
        there = float(np.nanstd(_replicates(competition, whole, [also], labels, seed)[0]))
        left = math.hypot(math.sqrt(max(both[0, 0] - slope * both[0, 1], 0.0)), slope * there)
        if left < math.sqrt(both[0, 0]) and (best is None or left < best.rows):
            off = other.score - metric.score(oof["y"], also[at], columns, labels)
            best = Easy(float(slope * off), left, there * math.sqrt(len(also)))
    return best


def _range(expected: float, sd: float, perfect: float, higher_is_better: bool) -> Range:
    """The interval of a normal distribution, which ends at the perfect score."""
    from scipy.stats import norm

    half = float(norm.ppf(0.5 + LEVEL / 2)) * sd
    low, high = expected - half, expected + half
    kept = min if higher_is_better else max
    return Range(kept(expected, perfect), kept(low, perfect), kept(high, perfect))


def _between(folds: Sequence[float], rows: float) -> float:
    """The standard deviation of a new fold's score about the mean of all beyond the noise of its rows: of speakers,
    days, or whatever a fold is made of."""
    if len(folds) < 3:
        return 0.0
    beyond = float(np.var(folds, ddof=1)) - rows**2 * len(folds)
    # Of few folds the difference of two variances is mostly noise: what chance alone gives is no sign of a difference.
    chance = rows**2 * len(folds) * math.sqrt(2 / (len(folds) - 1))
    return math.sqrt(max(beyond - chance, 0.0) * (1 + 1 / len(folds)))


def _merging(
    competition: Competition, run: Run, oof: dict[str, np.ndarray], labels: outputs.Values | None, seed: int
) -> float:
    """By how much the merged prediction of all folds' models scores above the mean of theirs, on answers of test rows
    that are drawn from what the merged model says; 0 where one fold was fitted or nothing can be drawn.

    Of squared errors this is the ambiguity of the ensemble, which needs no answers. Source: Krogh and Vedelsby, Neural
    Network Ensembles, Cross Validation, and Active Learning, NIPS 1994; for other metrics the same by simulation.
    """
    metric = competition.metric
    parts = _folds(competition, run)
    if len(parts) < 2 or {"weight", "group"} & {*metric.needs}:
        return 0.0
    random = np.random.default_rng(seed)
    few = np.sort(random.permutation(len(parts[0]))[:ROWS])
    parts = [part[few] for part in parts]
    whole = merging.declared(metric, parts[0])(parts)
    draw = _answers(competition, oof, whole, labels)
    if draw is None:
        return 0.0
    if decisions.fits(competition):
        decide = decisions.recorded(competition, run.chosen) if run.chosen else competition.submission.decide
        whole, *parts = [np.asarray(decide(pred)) for pred in (whole, *parts)]
    gains = []
    columns = {"ids": np.arange(len(few))}
    for _ in range(DRAWS):
        y = draw(random)
        try:
            alone = [metric.score(y, part, columns, labels) for part in parts]
            gains.append(metric.score(y, whole, columns, labels) - float(np.mean(alone)))
        except KitError:  # a draw of one class
            continue
    return float(np.mean(gains)) if gains else 0.0


def _folds(competition: Competition, run: Run) -> list[np.ndarray]:
    """What each fold's model predicted for the test rows; of a blend what its members' models of each fold say
    together. Nothing where these are not here."""
    if run.plan.recipe == "blend":
        return _blended(competition, run)
    found = []
    for done in sorted(run.folder.glob(f"fold-*/{DONE}")):
        file = done.parent / "test.npz"
        if file.exists():
            found.append(predictions.load(file, "pred")["pred"])
    return found if len({part.shape for part in found}) == 1 else []


def _blended(competition: Competition, run: Run) -> list[np.ndarray]:
    method, weights = run.plan.variant, [*run.plan.settings.values()]
    try:
        members = [_folds(competition, runs.find(run.plan.competition, name)) for name in run.plan.settings]
    except KitError:  # a member is gone
        return []
    if len({len(parts) for parts in members}) != 1 or not members[0]:
        return []
    if method == "stack":
        linear = stacked.load(run.folder)
        return [linear(parts) for parts in zip(*members, strict=True)]
    merge = merging.BY_METHOD.get(method) or merging.declared(competition.metric, members[0][0])
    return [merge(parts, weights) for parts in zip(*members, strict=True)]


def _answers(
    competition: Competition, oof: dict[str, np.ndarray], whole: np.ndarray, labels: outputs.Values | None
) -> Callable[[np.random.Generator], np.ndarray] | None:
    """What draws answers for rows whose merged predictions are `whole`; None where predictions tell no chances."""
    y, pred = oof["y"], oof["pred"]
    if pred.dtype.names or pred.dtype.kind != "f":
        return None
    if competition.metric.predictions in (None, "numbers"):
        if outputs.are_texts(y) or y.size != pred.size:
            return None
        return _numbers(y.astype(np.float64).reshape(pred.shape), pred, whole)
    if y.size != len(y) or pred.min() < 0 or pred.max() > 1:
        return None
    values = outputs.classes(y, outputs.columns(y, pred), labels)
    if pred.size == len(pred) and len(values) != 2:
        return None
    chances = [np.asarray(outputs.probabilities(one, values), np.float64) for one in (pred, whole)]
    sharp = _sharpness(chances[0], outputs.index(y.reshape(-1), values))
    shares = np.maximum(chances[1], 1e-9) ** sharp
    ends = np.cumsum(shares / shares.sum(1, keepdims=True), axis=1)

    def classes(random: np.random.Generator) -> np.ndarray:
        number = np.minimum((random.random(len(ends))[:, None] > ends).sum(1), len(values) - 1)
        drawn: np.ndarray = np.asarray(values)[number]
        return drawn

    return classes


def _numbers(y: np.ndarray, pred: np.ndarray, whole: np.ndarray) -> Callable[[np.random.Generator], np.ndarray]:
    """Errors of held-out rows of a like prediction, added to the merged prediction: in logarithms where all targets are
    above -1 and far from even, since their errors grow with the size."""
    logarithms = bool(y.min() > -1 and np.abs(y).max() > 20 * max(float(np.median(np.abs(y))), 1e-12))
    there, back = (np.log1p, np.expm1) if logarithms else (np.asarray, np.asarray)
    lowest = 0 if y.min() >= 0 else -np.inf
    errors = there(y) - there(np.maximum(pred, lowest))
    base = there(np.maximum(whole, lowest)).reshape(len(whole), *y.shape[1:])

    def numbers(random: np.random.Generator) -> np.ndarray:
        drawn: np.ndarray = np.maximum(back(base + errors[random.integers(len(errors), size=len(base))]), lowest)
        return drawn

    return numbers


def _sharpness(chances: np.ndarray, true: np.ndarray) -> float:
    """The power of the probabilities that gives the least log loss: under 1 where they are surer than they should be.

    Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017.
    """
    logs, rows = np.log(np.maximum(chances, 1e-9)), np.arange(len(true))

    def loss(power: float) -> float:
        height = power * logs
        height = height - height.max(1, keepdims=True)
        return float(np.mean(np.log(np.exp(height).sum(1)) - height[rows, true]))

    return min((0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0), key=loss)


def ranks(
    scores: Sequence[float], expected: float, sd: float, higher_is_better: bool, draws: int = 10_000, seed: int = 0
) -> np.ndarray:
    """Ranks (draws,) among teams with these scores, of scores drawn from the forecast; an equal score ranks before."""
    drawn = np.random.default_rng(seed).normal(expected, sd, draws)
    order = np.sort(np.asarray(scores, np.float64) * (-1 if higher_is_better else 1))
    return 1 + np.searchsorted(order, drawn * (-1 if higher_is_better else 1), side="right")


def places(
    scores: Sequence[float], expected: float, sd: float, *, higher_is_better: bool, seed: int = 0
) -> dict[str, Any]:
    """The median rank and the interval that holds LEVEL of ranks, and the chance to be in the first 1 to 50 percent.

    Raises KitError for a board without scores.
    """
    if not len(scores):
        raise KitError("The leaderboard has no team with a score.", "Ranks are told among teams.")
    drawn, teams = ranks(scores, expected, sd, higher_is_better, seed=seed), len(scores) + 1
    low, middle, high = np.quantile(drawn, (0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2))
    shares = {f"top {part}%": float(np.mean(drawn <= max(1, teams * part / 100))) for part in (1, 5, 10, 25, 50)}
    return {"median": int(middle), "low": int(low), "high": int(high), "teams": teams} | shares
