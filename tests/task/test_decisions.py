"""Decisions that are chosen on out-of-fold predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kit.task import catalog, decisions, metrics
from kit.task.decisions import Threshold


@pytest.fixture
def parity_f1(parity):
    """Parity, scored by F1 at a threshold that is chosen."""
    found = catalog.find("parity").competition
    return replace(found, metric=metrics.f1, submission=replace(found.submission, decide=Threshold()))


def by_trying(y: np.ndarray, p: np.ndarray) -> float:
    """The best F1 over thresholds below every prediction, the plain way."""
    return max(metrics.f1.score(y, (p >= at).astype(int)) for at in np.unique(p))


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_chosen_has_the_best_f1_of_all(seed):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, 80)
    p = np.round(np.clip(0.3 * y + random.random(80) * 0.7, 0, 1), 1).astype(np.float32)  # with many ties
    chosen = Threshold().fit(y, p)
    assert metrics.f1.score(y, chosen(p)) == pytest.approx(by_trying(y, p))


def test_the_threshold_lies_halfway_between_two_predictions():
    assert Threshold().fit(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.4, 0.9])).at == pytest.approx(0.3)


def test_of_equal_predictions_either_all_are_positive_or_none():
    y, p = np.array([1, 0, 0, 0, 1]), np.array([0.9, 0.5, 0.5, 0.5, 0.5])
    assert Threshold().fit(y, p)(p).tolist() == [1, 0, 0, 0, 0]


def test_without_a_positive_row_the_threshold_stays():
    assert Threshold(0.5).fit(np.zeros(3, int), np.array([0.1, 0.2, 0.3])) == Threshold(0.5)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_probabilities_of_class_1_come_as_a_row_or_a_column(shape):
    assert Threshold(0.4)(np.array([0.3, 0.4, 0.5]).reshape(shape)).tolist() == [0, 1, 1]


def test_of_two_probabilities_the_second_is_that_of_class_1():
    assert Threshold(0.4)(np.array([[0.7, 0.3], [0.5, 0.5]])).tolist() == [0, 1]


def test_a_fold_is_decided_as_chosen_on_the_others(parity_f1):
    fold = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    y = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    # Fold 1 would put the threshold at 0.65, fold 0 at 0.25: each is decided by the other's.
    assert decisions.nested(parity_f1, fold, y, p).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert decisions.judge(parity_f1).score(y[:4], p[:4]) == 1.0


def test_one_fold_alone_is_decided_as_declared(parity_f1):
    y, p = np.array([0, 1]), np.array([0.1, 0.3])
    assert decisions.nested(parity_f1, np.zeros(2, int), y, p).tolist() == [0, 0]


def test_a_decision_that_is_not_chosen_leaves_predictions_alone(parity):
    found = catalog.find("parity").competition
    pred = np.array([[0.2, 0.8]])
    assert decisions.nested(found, np.zeros(1, int), np.ones(1, int), pred) is pred
    assert decisions.judge(found) is found.metric
    assert decisions.recorded(found, {"decision": {}}) is found.submission.decide


def test_what_a_run_recorded_decides_again(parity_f1):
    record = {"decision": {"chosen": decisions.facts(Threshold(0.25))}}
    assert decisions.recorded(parity_f1, record) == Threshold(0.25)
