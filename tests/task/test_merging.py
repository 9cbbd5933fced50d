"""How predictions of several models become one."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import merging, metrics
from kit.task.contract import Metric
from kit.task.outputs import top

ONE, TWO = np.array([0.2, 0.9]), np.array([0.6, 0.5])
TEXTS = np.array(["a", "b"])


def test_the_mean_keeps_the_dtype():
    merged = merging.mean([np.array([0.0, 1.0], np.float32), np.array([1.0, 1.0], np.float32)])
    assert (merged.tolist(), merged.dtype) == ([0.5, 1.0], np.float32)


def test_the_mean_can_be_weighted():
    assert merging.mean([np.zeros(1), np.ones(1)], [1, 3]).tolist() == [0.75]


def test_the_mean_of_counts_is_a_number():
    assert merging.mean([np.array([1, 2]), np.array([2, 2])]).tolist() == [1.5, 2.0]


def test_the_mean_of_top_predictions_counts_a_missing_class_as_nothing():
    one, other = top(2)(np.array([[0.5, 0.375, 0.125]])), top(2)(np.array([[0.5, 0.125, 0.375]]))
    merged = merging.mean([one, other])
    assert merged["label"].tolist() == [[0, 1]]
    assert merged["p"].tolist() == [[0.5, 0.1875]]


def test_ranks_take_the_place_of_values_that_are_not_comparable():
    parts = [np.array([0.1, 0.2, 0.9, 0.2]), np.array([10.0, 30.0, 20.0, 20.0])]
    assert merging.rank_mean(parts).tolist() == pytest.approx([0.25, 3.25 / 4, 3.25 / 4, 2.5 / 4])
    assert merging.rank_mean(parts, [1, 0]).tolist() == [0.25, 0.625, 1.0, 0.625]
    columns = np.stack(parts, axis=1)
    assert merging.rank_mean([columns]).tolist() == [[0.25, 0.25], [0.625, 1.0], [1.0, 0.625], [0.625, 0.625]]


def test_the_geometric_mean_adds_up_to_one():
    parts = [np.array([[0.8, 0.1, 0.1]]), np.array([[0.2, 0.4, 0.4]])]
    roots = np.sqrt([0.16, 0.04, 0.04])
    assert merging.geometric_mean(parts)[0].tolist() == pytest.approx((roots / roots.sum()).tolist())


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_the_geometric_mean_of_one_column_is_that_of_both_classes(shape):
    both = merging.geometric_mean([np.stack([1 - p, p], axis=1) for p in (ONE, TWO)], [1, 3])
    single = merging.geometric_mean([p.reshape(shape) for p in (ONE, TWO)], [1, 3])
    assert single.shape == shape
    assert single.ravel().tolist() == pytest.approx(both[:, 1].tolist())


def test_the_geometric_mean_of_what_is_no_probability_is_refused():
    with pytest.raises(KitError, match="not all between 0 and 1"):
        merging.geometric_mean([np.array([0.5, 1.5])])


def test_the_log_mean_has_the_least_rmsle_against_its_parts():
    parts = [np.array([9.0, 0.0]), np.array([99.0, 3.0])]
    best = merging.log_mean(parts)
    assert best.tolist() == pytest.approx([np.sqrt(10 * 100) - 1, np.sqrt(1 * 4) - 1])

    def wrong(value: np.ndarray) -> float:
        return sum(metrics.rmsle.score(part, value) ** 2 for part in parts)

    assert wrong(best) < min(wrong(best * 1.01), wrong(best * 0.99), wrong(merging.mean(parts)))


def test_the_log_mean_counts_predictions_below_zero_as_zero():
    assert merging.log_mean([np.array([-0.5]), np.array([-3.0])]).tolist() == [0.0]


@pytest.mark.parametrize(
    ("parts", "weights", "merged"),
    [
        ([[1, 2, 3], [1, 4, 5], [7, 4, 9]], None, [1, 4, 3]),
        ([["a", "longer"], ["b", "c"], ["b", "longer"]], None, ["b", "longer"]),
        ([["a", "b"], ["c", "b"], ["c", "d"]], [3, 1, 1], ["a", "b"]),
        ([[True, False], [True, True], [False, True]], None, [True, True]),
        ([[[1, 0], [0, 1]], [[1, 1], [0, 0]], [[0, 1], [1, 0]]], None, [[1, 1], [0, 0]]),
        ([["a"], ["b"], ["c"], ["b"], ["a"]], None, ["a"]),
    ],
)
def test_a_vote_takes_what_most_say_and_of_equal_ones_the_first(parts, weights, merged):
    assert merging.vote([np.array(part) for part in parts], weights).tolist() == merged


def test_lists_of_guesses_are_merged_by_the_places_of_their_guesses():
    parts = [np.array(["dog cat emu", "fox"]), np.array(["cat emu dog", "gnu fox"]), np.array(["emu cat ant", ""])]
    # Of the first row dog has 1 + 1/3, cat 1/2 + 1 + 1/2, emu 1/3 + 1/2 + 1, ant 1/3.
    assert merging.vote_guesses(parts).tolist() == ["cat emu dog", "fox gnu"]
    assert merging.vote_guesses(parts, [10, 1, 1]).tolist() == ["dog cat emu", "fox gnu"]
    numbers = [np.array([[1, 2], [3, 3]]), np.array([[2, 1], [3, 3]]), np.array([[2, 3], [3, 3]])]
    assert merging.vote_guesses(numbers).tolist() == [[2, 1], [3, 3]]


OWN = Metric("own", lambda y, pred: 0.0, True)


@pytest.mark.parametrize(
    ("metric", "pred", "merge"),
    [
        (metrics.accuracy, ONE, merging.mean),
        (metrics.accuracy, np.eye(2), merging.mean),
        (metrics.accuracy, np.array([0, 1]), merging.vote),
        (metrics.accuracy, np.array([False, True]), merging.vote),
        (metrics.accuracy, TEXTS, merging.vote),
        (metrics.accuracy, top(1)(np.eye(2)), merging.mean),
        (metrics.map_at(3), TEXTS, merging.vote_guesses),
        (metrics.map_at(3), np.eye(2), merging.mean),
        (metrics.rmse, np.array([1, 2]), merging.mean),
        (metrics.rmsle, ONE, merging.log_mean),
        (metrics.mean_columnwise_rmsle, np.eye(2), merging.log_mean),
        (metrics.auc, ONE, merging.mean),
        (OWN, np.array([1, 2]), merging.mean),
        (OWN, TEXTS, merging.vote),
        (Metric("own", lambda y, pred: 0.0, True, merge=merging.rank_mean), ONE, merging.rank_mean),
    ],
)
def test_the_metric_declares_what_merges_its_predictions(metric, pred, merge):
    assert merging.declared(metric, pred) is merge
