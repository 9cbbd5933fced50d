"""What each row contributes to a score."""

from __future__ import annotations

import numpy as np
import pytest

from kit.judge import contributions, intervals
from kit.task import metrics
from kit.task.contract import Metric

ROWS = 1500


def rows(metric: Metric) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Targets, predictions and columns that suit a metric."""
    random = np.random.default_rng(0)
    columns = {"weight": random.random(ROWS) + 0.1}
    if metric.predictions == "numbers":
        y = np.exp(random.normal(0, 1, ROWS))
        pred = y * np.exp(random.normal(0, 0.3, ROWS))
    elif metric.predictions == "positive" or metric.name == "F1":
        y = (random.random(ROWS) < 0.3).astype(np.int64)
        pred = np.clip(0.5 + 0.4 * (y - 0.5) + random.normal(0, 0.3, ROWS), 0.01, 0.99)
    else:
        y = random.choice(3, ROWS, p=(0.6, 0.3, 0.1))
        pred = random.random((ROWS, 3))
        pred[np.arange(ROWS), y] += 0.4
        pred /= pred.sum(1, keepdims=True)
    if "column" in metric.name:
        y, pred = np.stack([y, y[::-1]], 1), np.stack([pred, np.roll(pred[::-1], 1)], 1)
    return y, pred, columns


@pytest.mark.parametrize("metric", [*metrics.CATALOGUE, metrics.map_at(2)], ids=lambda metric: metric.name)
def test_their_mean_is_the_score_and_their_spread_the_noise_of_a_bootstrap(metric):
    y, pred, columns = rows(metric)
    values = contributions.of(metric, y, pred, columns)
    assert values.mean() == pytest.approx(metric.score(y, pred, columns), abs=1e-9)
    error = values.std(ddof=1) / np.sqrt(len(values))
    samples = intervals.replicates(metric, y, [pred], columns=columns, resamples=300)[0]
    assert len(values) in (ROWS, contributions.BLOCKS)
    # 300 samples know a standard error to 4%, 20 blocks to 16%.
    assert error == pytest.approx(np.nanstd(samples), rel=0.15 if len(values) == ROWS else 0.6)


def test_of_a_mean_over_rows_they_are_the_rows_own_scores():
    y, pred = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    assert contributions.of(metrics.accuracy, y, pred) == pytest.approx([1, 1, 0, 1], abs=1e-9)


def test_a_perfect_score_has_no_noise():
    y = np.array([1.0, 2.0, 3.0])
    assert contributions.of(metrics.rmse, y, y).tolist() == [0.0, 0.0, 0.0]
    assert contributions.of(metrics.macro_f1, np.arange(3), np.arange(3)) == pytest.approx([1, 1, 1])


def test_a_metric_of_ones_own_is_asked_without_one_block_of_rows_after_another():
    asked = []

    def mine(y: np.ndarray, pred: np.ndarray) -> float:
        asked.append(len(y))
        return float(np.mean(np.abs(y - pred)))

    values = contributions.of(Metric("accuracy", mine, higher_is_better=False), np.arange(40.0), np.zeros(40))
    assert asked == [40, *[38] * 20]
    assert values.mean() == pytest.approx(19.5)
