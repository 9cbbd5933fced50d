"""All runs of a competition side by side: how sure each score is, which differences are noise, and what it costs to
have tried so many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.judge import choose, contributions, noise
from kit.judge.noise import Test
from kit.judge.spread import UNKNOWN_SHARE
from kit.judge.standing import Comparison, Standing
from kit.task import decisions, metrics
from kit.task.catalog import Entry
from kit.task.contract import Competition
from kit.train import judged, predictions
from kit.train.runs import Run, tell_once


class Held(NamedTuple):
    """What a run's held-out rows say: their ids in rising order, and contributions to the score in that order, or one
    for each block of rows."""

    ids: np.ndarray
    values: np.ndarray

    @property
    def by_row(self) -> bool:
        """Whether there is a value for each row."""
        return len(self.values) == len(self.ids)


def compare(entry: Entry, runs: Sequence[Run], *, public_share: float | None = None, seed: int = 0) -> Comparison:
    """The finished ones of `runs`, of the entry's data, compared on the rows that were held out.

    A run whose out-of-fold predictions are damaged is compared by its folds, and a person is told. `public_share` is
    the share of the test rows that make the public score, UNKNOWN_SHARE where it is None.
    """
    metric = entry.competition.metric
    finished = [run for run in runs if run.finished and run.plan.sample == entry.sample]
    today = judged.Today(entry)
    strange = {
        run.name: f"was made for {run.plan.competition}" for run in finished if run.plan.competition != entry.name
    }
    own = [run for run in finished if run.name not in strange]
    reasons = strange | {run.name: choose.left_out(today, run) for run in own}
    compared = [place.run for place in choose.ranked(entry, own) if not place.left_out]
    held = read(entry.competition, compared)
    best = compared[0] if compared else None
    alone = _by_seeds(finished)
    judge = _Judge(entry.competition, best, held, alone, seed)
    firsts = judge.new_bests(compared)
    standings = [
        _standing(entry.competition, run, reasons[run.name], held.get(run.name), alone, public_share)
        for run in finished
    ]
    tested = judge.tested([one for one in standings if not one.left_out])
    order = {run.name: at for at, run in enumerate(compared)}
    ranked = sorted(
        (replace(tested.get(one.run.name, one), new_best=one.run.name in firsts) for one in standings),
        key=lambda one: (order.get(one.run.name, len(order)), one.run.name),
    )
    return Comparison(
        metric.name, metric.higher_is_better, tuple(ranked), len(judge.together), judge.expected(), *judge.errors()
    )


def read(competition: Competition, runs: Sequence[Run]) -> dict[str, Held]:
    """What the held-out rows of runs say, by the run's name; runs without predictions here, or with damaged ones, of
    which a person is told, are left out."""

    def one(run: Run) -> Held | None:
        file = run.folder / "oof.npz"
        if not file.is_file():
            return None
        try:
            return held(competition, predictions.load(file, *predictions.OOF))
        except KitError as error:
            tell_once(error)
            return None

    with ThreadPoolExecutor(4) as several:  # NumPy and zipfile leave Python's lock to others while they work
        known = list(several.map(one, runs))
    return {run.name: rows for run, rows in zip(runs, known, strict=True) if rows is not None}


def held(competition: Competition, oof: dict[str, np.ndarray]) -> Held:
    """What out-of-fold predictions say. Raises KitError where the metric cannot judge them."""
    ids = oof["ids"]
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        oof = {name: column[order] for name, column in oof.items()}
    columns = {name: column for name, column in oof.items() if name not in ("fold", "y", "pred")}
    pred = decisions.nested(competition, oof["fold"], oof["y"], oof["pred"])
    labels = decisions.labels(competition, oof["y"])
    return Held(oof["ids"], contributions.of(competition.metric, oof["y"], pred, columns, labels))


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return len(one) == len(other) and bool(np.all(one == other))


class _Judge:
    """Tests of runs against the best. `together` are the runs that were held out on the very rows of the best, so that
    all of them are resampled at once."""

    def __init__(
        self,
        competition: Competition,
        best: Run | None,
        held: dict[str, Held],
        alone: dict[str, list[Run]],
        seed: int,
    ) -> None:
        self.best, self.held, self.alone, self.seed = best, held, alone, seed
        self.metric = competition.metric
        self.sign = 1 if self.metric.higher_is_better else -1
        self.counts_right = self.metric.function is metrics.accuracy.function
        first = held.get(best.name) if best else None
        self.together = [name for name, rows in held.items() if first and _same(rows.ids, first.ids)]
        self.samples: noise.Samples | None = None
        if first and first.by_row and len(self.together) > 1:
            values = np.stack([held[name].values for name in self.together]).astype(np.float32)
            self.samples = noise.resampled(values, seed=seed)

    def expected(self) -> float | None:
        """What the best of the runs may be expected to score, the choice counted; no better than it does."""
        if self.samples is None or self.best is None or self.best.score is None:
            return None
        told = noise.curse(self.samples, higher_is_better=self.metric.higher_is_better)
        return min(told, self.best.score, key=lambda score: self.sign * score)

    def errors(self, most: int = 12) -> tuple[tuple[str, ...], np.ndarray | None]:
        """Correlations of the errors of the first runs that were judged on the same rows."""
        names = tuple(name for name in self.together if self.held[name].by_row)[:most]
        if len(names) < 2:
            return (), None
        with np.errstate(invalid="ignore", divide="ignore"):
            return names, np.nan_to_num(np.corrcoef([self.held[name].values for name in names]), nan=0.0)

    def new_bests(self, compared: Sequence[Run]) -> set[str]:
        """The runs that the Ladder announces, in the order in which they were finished."""
        leader, names = None, set()
        for run in sorted(compared, key=lambda run: (run.record.finished, run.name)):
            if run.name not in self.together:
                continue
            values = self.held[run.name].values
            if leader is None or noise.is_new_best(values, leader, higher_is_better=self.metric.higher_is_better):
                leader = values
                names.add(run.name)
        return names

    def tested(self, standings: Sequence[Standing]) -> dict[str, Standing]:
        """The standings with their tests against the best, by name."""
        if self.best is None:
            return {}
        done = {one.run.name: self._tested(one) for one in standings}
        # By the test on the rows, and where there is none by the one over folds.
        tests = {name: test for name, one in done.items() if (test := one.test or one.again)}
        for name, p in _holm({name: test.p for name, test in tests.items()}).items():
            one, test = done[name], tests[name]._replace(p=p)
            done[name] = replace(one, test=test) if one.test else replace(one, again=test)
        return done

    def _tested(self, one: Standing) -> Standing:
        run, best = one.run, self.best
        assert best is not None
        if run.name == best.name:
            return replace(one, is_best=True)
        again = self._again(run, best)
        mine, its = self.held.get(run.name), self.held.get(best.name)
        if mine is None or its is None:
            behind = None if again is None else self.sign * ((best.score or 0.0) - (run.score or 0.0))
            return replace(one, behind=behind, again=again)
        if not _same(mine.ids, its.ids):
            if not (mine.by_row and its.by_row):
                return replace(one, again=again)
            _, at, other = np.intersect1d(mine.ids, its.ids, assume_unique=True, return_indices=True)
            if len(at) < 2:
                return replace(one, again=again)
            mine, its = Held(mine.ids[at], mine.values[at]), Held(its.ids[other], its.values[other])
        gains = self.sign * (its.values - mine.values)
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = float(np.corrcoef(mine.values, its.values)[0, 1]) if mine.by_row else None
        return replace(
            one,
            behind=float(gains.mean()),
            test=self._test(run.name, mine, its, gains),
            again=again,
            correlation=correlation if correlation is None or np.isfinite(correlation) else None,
        )

    def _test(self, name: str, mine: Held, its: Held, gains: np.ndarray) -> Test:
        if not mine.by_row:
            return noise.paired_t(gains)
        if self.counts_right and all(np.abs(one.values - one.values.round()).max() < 1e-6 for one in (mine, its)):
            return noise.mcnemar(mine.values > 0.5, its.values > 0.5)  # values of the rows are 0 and 1 but for rounding
        if self.samples is not None and self.best is not None and name in self.together:
            best, at = self.together.index(self.best.name), self.together.index(name)
            return noise.bootstrap(self.sign * (self.samples.means[:, best] - self.samples.means[:, at]))
        return noise.bootstrap(noise.resampled(gains[None], seed=self.seed).means[:, 0])

    def _again(self, run: Run, best: Run) -> Test | None:
        """The test over folds, and over seeds where both were trained with the same ones."""
        if (run.record.split, run.record.groups) != (best.record.split, best.record.groups):
            return None
        seeds = [{one.plan.seed: one for one in self.alone[each.name]} for each in (run, best)]
        common = sorted(seeds[0].keys() & seeds[1].keys())
        pairs = [(seeds[0][seed], seeds[1][seed]) for seed in common] if len(common) > 1 else [(run, best)]
        gains = [
            self.sign * (its.record.fold_scores[fold] - mine.record.fold_scores[fold])
            for mine, its in pairs
            for fold in sorted(mine.record.fold_scores.keys() & its.record.fold_scores.keys())
        ]
        return noise.corrected_t(gains, _held_share(best))


def _held_share(run: Run) -> float:
    """The held-out rows of a fold divided by those that it was trained on."""
    rows, folds = run.record.rows, max(len(run.record.fold_scores), 1)
    each = rows.out_of_fold / folds
    return each / max(rows.train - each, 1)


def _by_seeds(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """For each run by name those that differ from it in the seed only, itself too."""
    alike: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        plan = run.plan
        settings = repr(sorted(plan.settings.items()))
        alike[plan.label, settings, plan.scheme, plan.folds, plan.only, plan.sample].append(run)
    return {run.name: those for those in alike.values() for run in those}


def _standing(
    competition: Competition,
    run: Run,
    left_out: str,
    held: Held | None,
    alone: dict[str, list[Run]],
    public_share: float | None,
) -> Standing:
    """A run without its tests."""
    record, kaggle = run.record, run.kaggle()
    scores = [one.score for one in {one.plan.seed: one for one in alone[run.name]}.values() if one.score is not None]
    standing = Standing(
        run,
        left_out,
        seeds=max(len(scores), 1),
        seed_sd=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        public=kaggle.get("public_score"),
        private=kaggle.get("private_score"),
    )
    if run.score is None:
        return standing
    spread: float | None = None
    if held is not None:
        low, high = noise.interval(held.values)
        spread = float(held.values.std(ddof=1)) if len(held.values) > 1 else None
        if not held.by_row and spread is not None:
            spread *= np.sqrt(len(held.ids) / len(held.values))
        standing = replace(standing, low=low, high=high, by="rows")
    elif competition.metric.function is metrics.accuracy.function and 0 <= run.score <= 1:
        # Of an accuracy the noise is known without the rows.
        spread = float(np.sqrt(run.score * (1 - run.score)))
        half = noise.NORMAL * spread / np.sqrt(max(record.rows.out_of_fold, 1))
        standing = replace(standing, low=run.score - half, high=run.score + half, by="rows")
    elif (folds := noise.corrected_t([*record.fold_scores.values()], _held_share(run))) and folds.low is not None:
        half = ((folds.high or 0.0) - folds.low) / 2
        standing = replace(standing, low=run.score - half, high=run.score + half, by="folds")
    if standing.public is not None:
        gap = standing.public - run.score
        rows = max(record.rows.test * (public_share or UNKNOWN_SHARE), 1.0)
        known = None if spread is None else 2 * spread * np.sqrt(1 / rows + 1 / max(record.rows.out_of_fold, 1))
        standing = replace(standing, gap=gap, gap_noise=None if known is None else float(known))
    return standing


def _holm(p: dict[str, float]) -> dict[str, float]:
    """p-values after Holm's correction."""
    corrected, most = {}, 0.0
    for at, name in enumerate(sorted(p, key=lambda name: p[name])):
        most = max(most, min(1.0, p[name] * (len(p) - at)))
        corrected[name] = most
    return corrected
