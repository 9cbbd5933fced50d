"""Resampled rows, paired tests, and the price of having tried many runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kit.judge import noise


def test_resampled_means_spread_as_the_standard_error_says_and_are_paired():
    random = np.random.default_rng(0)
    hard = random.normal(0, 1, 20_000)
    values = np.stack([hard, hard + 0.01, random.normal(0, 1, 20_000)])
    samples = noise.resampled(values)
    assert samples.means.shape == samples.others.shape == (noise.RESAMPLES, 3)
    assert samples.means.std(0) == pytest.approx(1 / np.sqrt(20_000), rel=0.1)
    assert samples.means.mean(0) == pytest.approx(values.mean(1), abs=1e-3)
    assert samples.others.mean(0) == pytest.approx(values.mean(1), abs=1e-3)
    # The same rows for all: a constant difference has no noise at all.
    assert samples.means[:, 1] - samples.means[:, 0] == pytest.approx(0.01, abs=1e-6)


def test_small_differences_of_large_values_are_not_lost_to_float32():
    values = np.full((2, 5000), 1e6)
    values[1] += np.tile([1e-3, -1e-3], 2500)
    assert noise.resampled(values).means[:, 1].std() == pytest.approx(1e-3 / np.sqrt(5000), rel=0.1)


def test_a_row_is_drawn_as_often_as_poisson_says():
    assert [round(float(np.mean(count == noise._POISSON)), 4) for count in range(4)] == [0.3679, 0.3679, 0.1839, 0.0613]


def test_mcnemar_counts_rows_that_only_one_has_right():
    first = np.array([True] * 10 + [False] * 5 + [True] * 85)
    second = np.array([False] * 10 + [True] * 5 + [True] * 85)
    test = noise.mcnemar(first, second)
    assert test.name == "McNemar, 15 rows that only one has right"
    assert test.p == pytest.approx(stats.binomtest(5, 15).pvalue)
    assert test.low < -0.05 < test.high
    assert noise.mcnemar(first, first).p == 1.0


def test_the_paired_bootstrap_of_no_difference_and_of_a_clear_one():
    random = np.random.default_rng(0)
    assert noise.bootstrap(np.zeros(1000)) == noise.Test("paired bootstrap", 1.0, 0.0, 0.0)
    assert noise.bootstrap(random.normal(0, 1, 1000)).p > 0.8
    clear = noise.bootstrap(random.normal(9, 1, 1000))
    assert clear.p == pytest.approx(2 / 1001)
    assert 6 < clear.low < 9 < clear.high < 12


def test_p_values_of_equal_runs_are_spread_evenly():
    random = np.random.default_rng(1)
    p = []
    for _ in range(200):
        gains = random.normal(0, 1, 400)
        p.append(noise.bootstrap(noise.resampled(gains[None], samples=400).means[:, 0]).p)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.10


def test_the_corrected_t_is_nadeau_and_bengios():
    gains = [0.01, 0.02, 0.0, 0.015, 0.005]
    test = noise.corrected_t(gains, 0.25)
    t = np.mean(gains) / np.sqrt((1 / 5 + 1 / 4) * np.var(gains, ddof=1))
    assert test.p == pytest.approx(2 * stats.t.sf(t, 4))
    assert test.low < 0 < test.high
    assert stats.ttest_1samp(gains, 0).pvalue < 0.05 < test.p
    assert noise.corrected_t([0.01], 0.25) is None
    assert noise.corrected_t([0.0, 0.0], 1.0).p == 1.0


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_best_of_many_equal_runs_is_expected_to_be_no_better_than_they_are(higher_is_better):
    random = np.random.default_rng(0)
    right = (random.random((100, 1000)) < 0.8).astype(np.float64)
    best = right.mean(1).max() if higher_is_better else right.mean(1).min()
    expected = noise.curse(noise.resampled(right), higher_is_better=higher_is_better)
    assert abs(expected - 0.8) < 0.35 * abs(best - 0.8)
    assert noise.curse(noise.resampled(right[:1]), higher_is_better=True) == pytest.approx(right[0].mean(), abs=2e-3)


def test_the_ladder_announces_what_is_better_by_a_standard_error():
    random = np.random.default_rng(0)
    best = random.random(1000)
    noisy = best + random.normal(0, 1, 1000)
    noisy -= (noisy - best).mean()
    for gain, new in ((0.5, False), (1.5, True), (-1.5, False)):
        tried = noisy + gain * (noisy - best).std(ddof=1) / np.sqrt(1000)
        assert noise.is_new_best(tried, best, higher_is_better=True) is new
        assert noise.is_new_best(-tried, -best, higher_is_better=False) is new


def test_the_interval_of_one_value_is_that_value():
    assert noise.interval(np.array([0.5])) == (0.5, 0.5)
    low, high = noise.interval(np.tile([0.0, 1.0], 50))
    assert (low + high) / 2 == pytest.approx(0.5)
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 99) * np.std([0, 1] * 50, ddof=1) / 10)


def test_the_bootstraps_p_is_twice_the_share_beyond_nothing_counted_with_one_sample_more():
    gains = np.concatenate([np.full(9, -1.0), [0.0], np.linspace(1, 2, 990)])
    assert noise.bootstrap(gains).p == pytest.approx(2 * 11 / 1001)
    assert noise.bootstrap(-gains).p == pytest.approx(2 * 11 / 1001)
    assert noise.bootstrap(np.array([-1.0, 1.0, 1.0])).p == 1.0


def test_the_paired_t_of_blocks_is_students():
    gains = np.array([0.1, 0.3, -0.1, 0.2])
    test = noise.paired_t(gains)
    assert test.p == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)
    assert (test.low, test.high) == pytest.approx(stats.ttest_1samp(gains, 0).confidence_interval(0.95))
    assert noise.paired_t(np.full(4, 0.5)).p == 0.0
    assert noise.paired_t(np.zeros(4)).p == 1.0
    assert noise.paired_t(np.array([0.5])).p == 1.0


def test_a_run_that_is_clearly_best_is_expected_to_score_what_it_does():
    random = np.random.default_rng(0)
    values = np.stack([random.random(2000) < share for share in (0.5, 0.9, 0.7)]).astype(np.float64)
    samples = noise.resampled(values)
    assert noise.curse(samples, higher_is_better=True) == pytest.approx(values[1].mean(), abs=2e-3)
    assert noise.curse(samples, higher_is_better=False) == pytest.approx(values[0].mean(), abs=2e-3)


def test_folds_that_all_tell_the_same_leave_no_doubt():
    test = noise.corrected_t([0.01, 0.01, 0.01], 0.5)
    assert (test.p, test.low, test.high) == (0.0, 0.01, 0.01)
