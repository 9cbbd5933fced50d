"""Bootstrap samples of the rows that judged runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kit.errors import KitError
from kit.judge import intervals
from kit.task import metrics
from kit.task.contract import Metric

random = np.random.default_rng(7)
ROWS = 300
TRUE = random.integers(0, 3, ROWS)
SAID = np.where(random.random(ROWS) < 0.6, TRUE, random.integers(0, 3, ROWS))
SHARES = random.dirichlet([1, 1, 1], ROWS)
TWO = (TRUE > 0).astype(np.int64)
CHANCE = np.round(np.clip(TWO * 0.3 + random.random(ROWS) * 0.7, 0, 1), 2)  # rounded, so that some are equal
AMOUNT, GUESS = random.gamma(2, 1, (ROWS, 2)) * (random.random((ROWS, 2)) > 0.1), random.gamma(2, 1, (ROWS, 2))
TAGS, TAG_CHANCES = random.integers(0, 2, (ROWS, 2)), random.random((ROWS, 2))
WEIGHT = {"weight": random.random(ROWS)}
ANIMALS, LISTS = np.array(["dog", "cat", "emu"])[TRUE], np.array(["dog cat", "emu dog cat", "cat"])[SAID]


def rows_of(metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions that a metric judges."""
    if metric.guesses:
        return ANIMALS, LISTS
    if metric.predictions == "numbers":
        return (AMOUNT, GUESS) if "column-wise" in metric.name else (AMOUNT[:, 0], GUESS[:, 0])
    if metric.predictions == "probabilities":
        return TRUE, SHARES
    if metric.predictions == "positive":
        return (TAGS, TAG_CHANCES) if "column-wise" in metric.name else (TWO, CHANCE)
    return (TWO, (CHANCE > 0.5).astype(np.int64)) if metric is metrics.f1 else (TRUE, SAID)


ALL = (*metrics.CATALOGUE, metrics.map_at(3))
ADDED = [metric for metric in ALL if metric.sums]


def named(metric: Metric) -> str:
    return metric.names[0]


@pytest.mark.parametrize("metric", ADDED, ids=named)
def test_the_score_of_sums_over_all_rows_is_that_of_the_metric(metric):
    y, pred = rows_of(metric)
    true, said, given = metric.arguments(y, pred, WEIGHT)
    terms = metric.sums.terms(true, said, **given)
    assert metric.sums.score(np.asarray(terms.sum(0)), ROWS) == pytest.approx(metric.score(y, pred, WEIGHT), abs=1e-6)


@pytest.mark.parametrize("metric", ADDED, ids=named)
def test_samples_scored_by_sums_are_those_that_the_metric_itself_scores(metric):
    y, pred = rows_of(metric)
    quick = intervals.replicates(metric, y, [pred], columns=WEIGHT, resamples=9, seed=3)
    slow = intervals.replicates(replace(metric, sums=None), y, [pred], columns=WEIGHT, resamples=9, seed=3)
    assert np.allclose(quick, slow, atol=1e-6, equal_nan=True)
    assert np.std(quick) > 0


@pytest.mark.parametrize("metric", ADDED, ids=named)
def test_samples_of_another_size_are_scored_alike_too(metric):
    y, pred = rows_of(metric)
    quick = intervals.replicates(metric, y, [pred], columns=WEIGHT, resamples=5, size=40)
    slow = intervals.replicates(replace(metric, sums=None), y, [pred], columns=WEIGHT, resamples=5, size=40)
    assert np.allclose(quick, slow, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("metric", [metrics.auc, metrics.mean_columnwise_auc], ids=named)
def test_auc_by_placement_values_is_that_of_the_samples_but_for_terms_of_one_over_n(metric):
    y, pred = rows_of(metric)
    quick = intervals.replicates(metric, y, [pred], resamples=60)
    slow = intervals.replicates(replace(metric, name="mine"), y, [pred], resamples=60)
    assert np.abs(quick - slow).max() < 3 / ROWS
    assert quick.std() == pytest.approx(slow.std(), rel=0.1)


@pytest.mark.parametrize("metric", [metric for metric in ALL if not metric.sums], ids=named)
def test_other_metrics_are_called_for_each_sample(metric):
    y, pred = rows_of(metric)
    scores = intervals.replicates(metric, y, [pred], resamples=5)
    assert scores.shape == (1, 5)
    assert np.isfinite(scores).all()


def test_runs_are_scored_on_the_same_samples():
    worse = np.where(random.random(ROWS) < 0.1, (SAID + 1) % 3, SAID)
    first, second, again = intervals.replicates(metrics.accuracy, TRUE, [SAID, worse, SAID])
    assert first.tolist() == again.tolist()
    assert np.std(first - second) < np.std(first - np.roll(second, 1)) / 2


def test_the_same_seed_draws_the_same_samples_and_another_seed_others():
    one, same, other = (intervals.replicates(metrics.accuracy, TRUE, [SAID], seed=seed)[0] for seed in (1, 1, 2))
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_samples_in_blocks_are_the_samples_at_once(monkeypatch):
    whole = intervals.replicates(metrics.macro_f1, TRUE, [SAID, TRUE], resamples=20)
    monkeypatch.setattr(intervals, "BLOCK", 4 * ROWS * 3)
    assert intervals.replicates(metrics.macro_f1, TRUE, [SAID, TRUE], resamples=20).tolist() == whole.tolist()


def test_the_interval_of_an_accuracy_is_as_wide_as_the_binomial_one():
    right = np.arange(2000) < 1600
    low, high = intervals.interval(metrics.accuracy, np.ones(2000, int), right.astype(int), resamples=4000)
    assert low == pytest.approx(0.8 - 1.96 * np.sqrt(0.8 * 0.2 / 2000), abs=0.002)
    assert high == pytest.approx(0.8 + 1.96 * np.sqrt(0.8 * 0.2 / 2000), abs=0.002)


def test_the_interval_of_fewer_rows_is_wider_by_the_root_of_their_number():
    narrow = intervals.interval(metrics.accuracy, TRUE, SAID, resamples=4000)
    wide = intervals.interval(metrics.accuracy, TRUE, SAID, size=ROWS // 4, resamples=4000)
    assert wide.high - wide.low == pytest.approx(2 * (narrow.high - narrow.low), rel=0.1)


def test_a_higher_level_is_a_wider_interval_around_the_lower_one():
    inner, outer = (intervals.interval(metrics.f1, TWO, (CHANCE > 0.5).astype(int), level=at) for at in (0.5, 0.9))
    assert outer.low < inner.low < inner.high < outer.high


def test_an_interval_covers_the_score_over_endless_rows_as_often_as_it_says():
    held = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        y = draw.integers(0, 2, 250)
        low, high = intervals.interval(
            metrics.accuracy, y, np.where(draw.random(250) < 0.85, y, 1 - y), level=0.9, seed=seed, resamples=200
        )
        held += low <= 0.85 <= high
    assert 0.84 <= held / 200 <= 0.95


def test_a_sample_that_cannot_be_scored_is_nan_and_left_out():
    y = np.array([1] + [0] * 5)
    scores = intervals.replicates(metrics.auc, y, [np.linspace(1, 0, 6)], resamples=100)[0]
    assert 0 < np.isnan(scores).sum() < 100
    assert intervals.of(scores) == (pytest.approx(1.0), pytest.approx(1.0))


def test_rows_of_which_no_sample_can_be_scored_have_no_interval():
    with pytest.raises(KitError, match="No bootstrap sample of these rows can be scored"):
        intervals.of(np.full(5, np.nan))


def test_runs_of_different_lengths_are_refused():
    with pytest.raises(KitError, match="There are 300 targets, and predictions for 300, 299 rows"):
        intervals.replicates(metrics.accuracy, TRUE, [SAID, SAID[1:]])


def test_texts_of_many_target_columns_are_scored_without_sums():
    micro = intervals.replicates(metrics.micro_f1, TAGS, [(TAG_CHANCES > 0.5).astype(int)], resamples=3)
    alike = replace(metrics.micro_f1, sums=None)
    assert micro.tolist() == intervals.replicates(alike, TAGS, [(TAG_CHANCES > 0.5).astype(int)], resamples=3).tolist()
