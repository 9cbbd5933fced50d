"""Decisions that are chosen on out-of-fold predictions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kit.task import catalog, decisions, metrics
from kit.task.decisions import Threshold
from kit.task.targets import Labels


@pytest.fixture
def parity_f1(parity):
    """Parity, scored by F1 at a threshold that is chosen."""
    own = catalog.find("parity").competition
    return replace(own, metric=metrics.f1, submission=replace(own.submission, decide=Threshold()))


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
    own = catalog.find("parity").competition
    pred = np.array([[0.2, 0.8]])
    assert decisions.nested(own, np.zeros(1, int), np.ones(1, int), pred) is pred
    assert decisions.judge(own) is own.metric
    assert decisions.recorded(own, None) is own.submission.decide


def test_what_a_run_recorded_decides_again(parity_f1):
    assert decisions.recorded(parity_f1, decisions.facts(Threshold(0.25))) == Threshold(0.25)


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (3, 1)])
def test_a_threshold_decides_between_the_declared_labels(labels):
    y, p = np.array(labels)[[0, 0, 1, 1]], np.array([0.1, 0.2, 0.4, 0.9])
    chosen = Threshold(labels=labels).fit(y, p)
    assert chosen == Threshold(pytest.approx(0.3), labels)
    assert chosen(p).tolist() == y.tolist()
    assert decisions.facts(chosen) == {"at": pytest.approx(0.3)}


def test_a_chosen_decision_of_text_labels_is_judged_by_what_the_metric_needs(parity):
    own = catalog.find("parity").competition
    labels = ("no", "yes")
    form = replace(own.submission, decide=Threshold(labels=labels), holds=Labels(labels))
    judge = decisions.judge(replace(own, metric=metrics.f1, submission=form))
    y, p = np.array(["no", "no", "yes", "yes"]), np.array([0.1, 0.2, 0.3, 0.4])
    assert judge.score(y, p, labels=labels) == 1.0
    weighted = replace(metrics.f1, function=lambda y, pred, weight: weight[y == pred].sum(), needs=("weight",))
    judge = decisions.judge(replace(own, metric=weighted, submission=form))
    assert judge.score(y, p, {"weight": np.array([1.0, 2.0, 3.0, 4.0])}, labels) == 10.0


@pytest.mark.parametrize(
    ("metric", "target", "declared", "y", "labels"),
    [
        (metrics.accuracy, "type", ("b", "a"), ["a", "b"], ["b", "a"]),
        (metrics.accuracy, "type", None, ["b", "a", "b"], ["a", "b"]),
        (metrics.log_loss, ("odd", "even"), None, ["even", "odd"], ["odd", "even"]),
        (metrics.log_loss, ("p", "q"), None, ["even", "odd"], ["even", "odd"]),
        (metrics.accuracy, "type", None, [0, 1, 2], None),
        (metrics.accuracy, "type", None, [1, 2, 3], [1, 2, 3]),
        (metrics.accuracy, "type", None, [0, 2, 5], [0, 2, 5]),
        (metrics.auc, "type", None, [0, 5, 7], None),
        (metrics.rmse, "type", None, [1, 2, 3], None),
    ],
)
def test_the_labels_of_a_competition_are_declared_or_columns_or_what_the_rows_hold(
    parity, metric, target, declared, y, labels
):
    own = catalog.find("parity").competition
    form = replace(own.submission, target=target, holds=declared and Labels(declared))
    known = decisions.labels(replace(own, metric=metric, submission=form), np.array(y))
    assert (known if known is None else list(known)) == labels


def test_numbers_are_cut_halfway_between_ordered_labels():
    pred = np.array([-5.0, 1.49, 1.5, 2.9, 3.0, 9.0])
    assert decisions.Cuts((1, 2, 4))(pred).tolist() == [1, 1, 2, 2, 4, 4]
    assert decisions.Cuts((1, 2, 4))(pred[:, None]).tolist() == [1, 1, 2, 2, 4, 4]
    assert decisions.Cuts((1, 2, 4), (0.0, 9.5))(pred).tolist() == [1, 2, 2, 2, 2, 2]
    assert decisions.facts(decisions.Cuts((1, 2), (0.5,))) == {"cuts": (0.5,)}


@pytest.mark.parametrize("seed", range(4))
def test_the_kappa_of_cuts_is_that_of_scikit_learn(seed):
    from sklearn.metrics import cohen_kappa_score

    random = np.random.default_rng(seed)
    y, pred = random.integers(1, 5, 60), random.integers(1, 5, 60)
    assert decisions._kappa(y.astype(float), pred) == pytest.approx(cohen_kappa_score(y, pred, weights="quadratic"))
    assert decisions._kappa(np.ones(3), np.ones(3)) == 0.0


def test_cuts_that_part_all_labels_are_found():
    y = np.repeat([1, 2, 4], [5, 3, 4])
    pred = np.concatenate([np.linspace(0, 1, 5), np.linspace(1.5, 1.6, 3), np.linspace(3, 8, 4)])
    assert decisions.Cuts((1, 2, 4)).fit(y, pred)(pred).tolist() == y.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_cuts_chosen_have_nearly_the_best_kappa_of_all(seed):
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, 40)
    pred = 0.4 * y + random.normal(0, 0.35, 40)
    chosen = decisions.Cuts((0, 1, 2)).fit(y, pred)
    places = [*np.sort(pred), np.inf]
    best = max(
        decisions._kappa(y.astype(float), decisions.Cuts((0, 1, 2), (low, high))(pred))
        for low in places
        for high in places
        if low <= high
    )
    assert list(chosen.cuts) == sorted(chosen.cuts)
    assert decisions._kappa(y.astype(float), chosen(pred)) >= best - 0.05


def test_a_label_that_no_row_has_is_cut_off():
    y, pred = np.array([0, 0, 2, 2]), np.array([0.0, 0.1, 0.8, 0.9])
    assert decisions.Cuts((0, 1, 2)).fit(y, pred)(pred).tolist() == [0, 0, 2, 2]


def test_thresholds_without_each_fold_are_those_that_fit_chooses_on_the_others():
    random = np.random.default_rng(0)
    y, fold = random.integers(0, 2, 500), random.integers(0, 5, 500)
    pred = np.round(np.clip(0.5 + 0.3 * (y - 0.5) + random.normal(0, 0.2, 500), 0, 1), 2)  # with ties
    decide = decisions.Threshold()
    chosen = decide.without(fold, y, pred)
    assert chosen == {number: decide.fit(y[fold != number], pred[fold != number]) for number in range(5)}
    assert 0 < chosen[0].at < 1
    assert decisions.Threshold(0.3).without(fold, np.zeros(500, int), pred)[0].at == 0.3
