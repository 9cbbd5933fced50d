"""The catalogue of metrics: their values, directions, perfect scores, and what they take."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import sklearn.metrics as sk

from kit.errors import KitError
from kit.task import metrics
from kit.task.contract import Data, Metric

ALL = (*metrics.CATALOGUE, metrics.map_at(3))


class Rows(NamedTuple):
    """Rows to judge: targets, predictions, columns that a metric may need, label values."""

    y: np.ndarray
    pred: np.ndarray
    columns: dict[str, np.ndarray] | None = None
    labels: tuple[Any, ...] | None = None


# Label 3 is predicted once and true nowhere, so that balanced accuracy and macro recall differ.
THREE = Rows(np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2]), np.array([0, 0, 0, 1, 3, 1, 1, 0, 2, 0]), labels=(0, 1, 2, 3))
TWO = Rows(np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 0, 0, 1, 1, 1, 0, 0]), labels=(0, 1))
TAGS = Rows(
    np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1]]),
    np.array([[1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1], [1, 1, 1]]),
)
CLASSES = Rows(np.array([0, 1, 2, 2]), np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25]]))
CHANCES = Rows(np.array([0, 1, 1, 0, 1, 0]), np.array([0.1, 0.8, 0.4, 0.6, 0.9, 0.05]))
COLUMNS = Rows(np.array([[0, 1], [1, 0], [1, 1], [0, 0]]), np.array([[0.1, 0.8], [0.8, 0.3], [0.4, 0.2], [0.6, 0.1]]))
AMOUNTS = Rows(
    np.array([1.0, 2.0, 5.0, 10.0]), np.array([1.5, 1.0, 7.0, 9.0]), {"weight": np.array([1.0, 5.0, 2.0, 1.0])}
)
PAIRS = Rows(np.array([[1.0, 10.0], [2.0, 30.0], [4.0, 20.0]]), np.array([[1.5, 12.0], [2.0, 25.0], [3.0, 21.0]]))
GUESSES = Rows(
    np.array(["dog", "cat", "emu", "fox"]), np.array(["dog cat emu", "dog cat emu", "dog cat emu", "dog cat emu"])
)


def columnwise(rows: Rows, score: Any) -> float:
    """The mean over target columns of a score of one column."""
    return float(np.mean([score(y, pred) for y, pred in zip(rows.y.T, rows.pred.T, strict=True)]))


# Each metric with rows on which others of its kind have another value, and the value by scikit-learn or by hand.
CASES: dict[str, tuple[Rows, float]] = {
    "accuracy": (THREE, 0.6),
    "balanced_accuracy": (THREE, (3 / 5 + 2 / 3 + 1 / 2) / 3),
    "macro_f1": (THREE, sk.f1_score(THREE.y, THREE.pred, average="macro")),
    "weighted_f1": (THREE, sk.f1_score(THREE.y, THREE.pred, average="weighted", zero_division=0)),
    "macro_precision": (THREE, (3 / 5 + 2 / 3 + 1 + 0) / 4),
    "macro_recall": (THREE, (3 / 5 + 2 / 3 + 1 / 2 + 0) / 4),
    "mcc": (THREE, sk.matthews_corrcoef(THREE.y, THREE.pred)),
    "quadratic_weighted_kappa": (THREE, sk.cohen_kappa_score(THREE.y, THREE.pred, weights="quadratic")),
    "f1": (TWO, 2 * 2 / (3 + 4)),
    "micro_f1": (TAGS, 2 * 5 / (8 + 12)),
    "log_loss": (CLASSES, -np.mean(np.log([0.7, 0.4, 0.6, 0.25]))),
    "brier": (CLASSES, np.mean([0.14, 0.54, 0.24, 0.875])),
    "auc": (CHANCES, 8 / 9),
    "average_precision": (CHANCES, (1 / 1 + 2 / 2 + 3 / 4) / 3),
    "gini": (CHANCES, 2 * 8 / 9 - 1),
    "mean_columnwise_auc": (COLUMNS, (3 / 4 + 3 / 4) / 2),
    "mean_columnwise_log_loss": (COLUMNS, columnwise(COLUMNS, sk.log_loss)),
    "mse": (AMOUNTS, (0.25 + 1 + 4 + 1) / 4),
    "rmse": (AMOUNTS, np.sqrt((0.25 + 1 + 4 + 1) / 4)),
    "mae": (AMOUNTS, (0.5 + 1 + 2 + 1) / 4),
    "weighted_mae": (AMOUNTS, (1 * 0.5 + 5 * 1 + 2 * 2 + 1 * 1) / 9),
    "median_absolute_error": (AMOUNTS, 1.0),
    "rmsle": (AMOUNTS, sk.root_mean_squared_log_error(AMOUNTS.y, AMOUNTS.pred)),
    "rmspe": (AMOUNTS, np.sqrt((0.5**2 + 0.5**2 + 0.4**2 + 0.1**2) / 4)),
    "mape": (AMOUNTS, (0.5 + 0.5 + 0.4 + 0.1) / 4),
    "smape": (AMOUNTS, 200 * (0.5 / 2.5 + 1 / 3 + 2 / 12 + 1 / 19) / 4),
    "r2": (AMOUNTS, 1 - 6.25 / 49),
    "mean_columnwise_rmse": (PAIRS, (np.sqrt(1.25 / 3) + np.sqrt(30 / 3)) / 2),
    "mean_columnwise_rmsle": (PAIRS, columnwise(PAIRS, sk.root_mean_squared_log_error)),
    "map@3": (GUESSES, (1 + 1 / 2 + 1 / 3 + 0) / 4),
}


def score(metric: Metric, rows: Rows) -> float:
    return metric.score(rows.y, rows.pred, rows.columns, rows.labels)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.names[0])
def test_each_metric_gives_the_value_of_scikit_learn_or_of_a_sum_by_hand(metric):
    rows, value = CASES[metric.names[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score(metric, rows) == pytest.approx(value, abs=1e-12)


def test_no_two_metrics_give_the_same_value():
    values = {metric.names[0]: score(metric, CASES[metric.names[0]][0]) for metric in ALL}
    for (one, first), (other, second) in itertools.combinations(values.items(), 2):
        assert abs(first - second) > 1e-6, f"{one} and {other} are both {first}"


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (THREE, "accuracy balanced_accuracy macro_f1 weighted_f1 macro_precision macro_recall mcc"),
        (THREE, "accuracy quadratic_weighted_kappa mcc"),
        (TWO, "accuracy balanced_accuracy f1 macro_f1 weighted_f1 macro_precision mcc quadratic_weighted_kappa"),
        (TAGS, "accuracy macro_f1 micro_f1 weighted_f1 macro_precision macro_recall"),
        (CLASSES, "log_loss brier accuracy"),
        (CHANCES, "auc average_precision gini log_loss brier f1"),
        (COLUMNS, "auc average_precision mean_columnwise_log_loss"),
        (AMOUNTS, "mse rmse mae weighted_mae median_absolute_error rmsle rmspe mape smape r2 gini"),
        (PAIRS, "mse rmse mae rmsle mean_columnwise_rmse mean_columnwise_rmsle rmspe mape smape r2"),
    ],
)
def test_on_the_same_rows_metrics_of_a_kind_differ(rows, names):
    values = {name: score(metrics.named(name), rows) for name in names.split()}
    assert len({round(value, 6) for value in values.values()}) == len(values), values


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.names[0])
def test_a_perfect_prediction_is_perfect_and_better_than_another(metric):
    rows, _ = CASES[metric.names[0]]
    perfect = metric.score(rows.y, rows.y, rows.columns, rows.labels)
    assert metric.is_perfect(perfect)
    assert metric.perfect == (1 if metric.higher_is_better else 0)
    assert not metric.is_perfect(score(metric, rows))
    assert metric.best({"guessed": score(metric, rows), "perfect": perfect}) == "perfect"


def test_the_directions_are_those_of_kaggle():
    lower = "log_loss mean_columnwise_log_loss brier mse rmse rmsle rmspe mae weighted_mae mape smape"
    lower += " median_absolute_error mean_columnwise_rmse mean_columnwise_rmsle"
    assert {metric.names[0] for metric in ALL if not metric.higher_is_better} == set(lower.split())


def test_sure_probabilities_of_the_true_class_have_a_log_loss_of_zero_within_the_tolerance():
    three = metrics.log_loss.score(np.array([0, 1, 2]), np.eye(3))
    assert 0 < three < metrics.log_loss.tolerance == 1e-12
    assert metrics.log_loss.is_perfect(three)
    assert metrics.log_loss.is_perfect(metrics.log_loss.score(np.array([0, 1]), np.array([0.0, 1.0])))


def test_log_loss_divides_rows_by_their_sum_and_keeps_probabilities_from_zero_as_kaggle_does():
    y, halves = np.array([0, 1]), np.array([[2.0, 2.0], [1.0, 3.0]])
    assert metrics.log_loss.score(y, halves) == pytest.approx(-np.mean(np.log([0.5, 0.75])))
    assert metrics.log_loss.score(y, np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx(-np.log(1e-15))
    assert metrics.log_loss.score(y, np.zeros((2, 2))) == pytest.approx(np.log(2))


@pytest.mark.parametrize("classes", [2, 5])
def test_log_loss_and_brier_agree_with_scikit_learn_on_many_rows(classes):
    random = np.random.default_rng(0)
    y = random.integers(0, classes, 2000)
    pred = random.dirichlet(np.ones(classes), 2000)
    assert metrics.log_loss.score(y, pred) == pytest.approx(sk.log_loss(y, pred), rel=1e-12)
    binary = sk.brier_score_loss(y, pred[:, 1]) if classes == 2 else np.mean(np.sum((pred - np.eye(5)[y]) ** 2, 1))
    assert metrics.brier.score(y, pred) == pytest.approx(binary, rel=1e-12)


def test_log_loss_knows_a_class_that_the_rows_lack():
    assert metrics.log_loss.score(np.array([0, 1]), np.full((2, 3), 1 / 3)) == pytest.approx(np.log(3))


def test_kappa_counts_the_distance_of_ratings_where_one_in_between_occurs_in_no_row():
    y, pred = np.array([1, 1, 4, 4, 5]), np.array([1, 4, 4, 4, 5])
    value = metrics.quadratic_weighted_kappa.score(y, pred, labels=(1, 2, 3, 4, 5))
    assert value == pytest.approx(sk.cohen_kappa_score(y, pred, labels=[1, 2, 3, 4, 5], weights="quadratic"))
    words = np.array(["", "awful", "bad", "fair", "good", "best"])
    order = ("awful", "bad", "fair", "good", "best")
    assert metrics.quadratic_weighted_kappa.score(words[y], words[pred], labels=order) == pytest.approx(value)


def test_numbers_become_the_nearest_rating():
    y = np.array([0, 1, 2, 3])
    assert metrics.accuracy.score(y, np.array([-4.0, 1.4, 1.6, 2.2]), labels=(0, 1, 2, 3)) == 0.75


def test_gini_of_amounts_is_the_share_of_the_best_order_and_knows_no_order_among_equals():
    y = np.array([4.0, 1.0, 0.0, 3.0])
    # Lorenz curve by prediction: 1, 5, 8, 8 eighths; by amount: 4, 7, 8, 8; less the diagonal 2, 4, 6, 8.
    pred = np.array([3.0, 4.0, 1.0, 2.0])
    assert metrics.gini.score(y, pred) == pytest.approx((1 - 2 + 5 - 4 + 8 - 6) / (4 - 2 + 7 - 4 + 8 - 6))
    for order in itertools.permutations(range(4)):
        assert metrics.gini.score(y[list(order)], np.ones(4)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("y", "pred", "value"),
    [
        (["a"], ["b a c d"], 1 / 2),
        (["a"], ["b b a"], 1 / 3),
        (["a"], ["b c d a"], 0.0),
        (["a"], [""], 0.0),
        (["a b"], ["a b c"], 1.0),
        (["a b"], ["c a b"], (1 / 2 + 2 / 3) / 2),
        (["a a"], ["a a"], 1.0),
        (["a b c d"], ["a b c"], 1.0),
        (["1"], ["3 1"], 1 / 2),
    ],
)
def test_map_counts_places_of_right_guesses(y, pred, value):
    assert metrics.map_at(3).score(np.array(y), np.array(pred)) == pytest.approx(value)


def test_map_takes_probabilities_what_was_kept_of_them_and_lists():
    from kit.task.outputs import top

    labels, y = ("cat", "dog", "emu"), np.array(["dog", "emu"])
    pred = np.array([[0.2, 0.3, 0.5], [0.1, 0.2, 0.7]])
    for form in (pred, top(2)(pred), np.array([["emu", "dog"], ["emu", "dog"]]), np.array(["emu dog", "emu dog cat"])):
        assert metrics.map_at(2).score(y, form, labels=labels) == pytest.approx(0.75)
    assert metrics.map_at(1).score(y, pred, labels=labels) == 0.5
    assert metrics.map_at(2).score(np.array([1, 2]), np.array(["2 1", "2 1"])) == pytest.approx(0.75)
    assert metrics.map_at(2).score(np.array([1, 2]), np.array([[2, 1], [2, 1]])) == pytest.approx(0.75)


def test_a_label_of_two_words_is_one_right_answer():
    y, pred = np.array(["Yellow Fever"]), np.array([[0.3, 0.7]])
    assert metrics.map_at(2).score(y, pred, labels=("Yellow Fever", "Zika")) == 0.5


@pytest.mark.parametrize("name", ["mse", "rmse", "mae", "weighted_mae", "rmsle", "smape", "r2"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_numbers_may_stand_in_one_column(name, shape):
    metric = metrics.named(name)
    y, pred = AMOUNTS.y.reshape(shape), AMOUNTS.pred.reshape(4, 1)
    assert metric.score(y, pred, AMOUNTS.columns) == score(metric, AMOUNTS)


def test_relative_errors_of_nothing():
    y, pred = np.array([0.0, 2.0]), np.array([0.0, 1.0])
    assert metrics.rmspe.score(y, pred) == 0.5
    assert metrics.smape.score(y, pred) == pytest.approx(200 / 3 / 2)
    with pytest.raises(KitError, match="every target is 0"):
        metrics.rmspe.score(np.zeros(2), pred)


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (1, 2), (10, 5)], ids=str)
@pytest.mark.parametrize("name", ["accuracy", "f1", "macro_f1", "mcc", "log_loss", "brier", "auc", "gini"])
def test_two_labels_may_be_texts_booleans_or_any_integers(labels, name):
    metric, value = metrics.named(name), score(metrics.named(name), CHANCES)
    y, both = np.array(labels)[CHANCES.y], np.stack([1 - CHANCES.pred, CHANCES.pred], axis=1)
    for pred in (CHANCES.pred, CHANCES.pred[:, None], both):
        assert metric.score(y, pred, labels=labels) == pytest.approx(value)
    if list(labels) == sorted(labels):
        assert metric.score(y, CHANCES.pred) == pytest.approx(value)


@pytest.mark.parametrize("labels", [("setosa", "virginica", "aster"), (1, 2, 3), (7, 40, 9)], ids=str)
@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_f1", "mcc", "log_loss", "brier", "map@2"])
@pytest.mark.parametrize("objects", [False, True])
def test_columns_of_probabilities_are_in_the_order_of_the_labels(labels, name, objects):
    metric = metrics.named(name)
    y = np.array(labels)[CLASSES.y]
    y = y.astype(object) if objects else y
    assert metric.score(y, CLASSES.pred, labels=labels) == pytest.approx(score(metric, CLASSES))


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "macro_f1", "log_loss", "map@2"])
def test_rows_may_hold_the_numbers_of_classes_whose_labels_are_texts(name):
    metric, labels = metrics.named(name), ("setosa", "virginica", "aster")
    assert metric.score(CLASSES.y, CLASSES.pred, labels=labels) == pytest.approx(score(metric, CLASSES))
    said = np.array(["setosa", "virginica", "aster", "setosa"])
    assert metrics.accuracy.score(CLASSES.y, said, labels=labels) == 0.75
    assert metrics.f1.score(CHANCES.y, np.array(["no", "yes", "no", "yes", "yes", "no"]), labels=("no", "yes")) == 2 / 3


def test_labels_that_are_not_declared_are_the_sorted_ones_of_the_rows():
    y, pred = np.array(["b", "a"]), np.array([[0.1, 0.9], [0.8, 0.2]])
    assert metrics.accuracy.score(y, pred) == 1.0
    with pytest.raises(KitError, match="have 3 columns, and the rows have 2 different labels"):
        metrics.accuracy.score(y, np.eye(3)[:2])


@pytest.mark.parametrize("y", [np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]), np.eye(3)[[0, 1, 2, 2]]])
def test_log_loss_takes_target_columns_of_which_one_is_1(y):
    assert metrics.log_loss.score(y, CLASSES.pred) == pytest.approx(CASES["log_loss"][1])
    with pytest.raises(KitError, match="The 3 target columns do not name one class a row"):
        metrics.log_loss.score(np.ones((4, 3)), CLASSES.pred)


def test_auc_of_several_target_columns_is_the_mean_of_theirs():
    assert metrics.auc.score(COLUMNS.y, COLUMNS.pred) == pytest.approx(columnwise(COLUMNS, sk.roc_auc_score))
    assert metrics.average_precision.score(COLUMNS.y, COLUMNS.pred) == pytest.approx(
        columnwise(COLUMNS, sk.average_precision_score)
    )


REFUSED = {
    "all 2 rows are of one class": (metrics.auc, np.zeros(2), np.ones(2)),
    "targets hold other values": (metrics.auc, np.array([0, 1, 2]), np.zeros(3)),
    "The predictions have 4 columns": (metrics.auc, np.array([0, 1, 1]), np.zeros((3, 4))),
    "F1 is for two classes, and there are 3 labels": (metrics.f1, np.array([0, 1, 2]), np.array([0, 1, 2])),
    "RMSLE is not defined for predictions of -1 or less; row 2 holds -1.5": (
        metrics.rmsle,
        np.ones(3),
        np.array([1.0, -1.5, 0.0]),
    ),
    "shape (3, 2), and the targets (3,)": (metrics.rmse, np.zeros(3), np.zeros((3, 2))),
    "are not numbers": (metrics.rmse, np.array(["a", "b"]), np.zeros(2)),
    "needs the column 'weight'": (metrics.weighted_mae, np.zeros(2), np.ones(2)),
    "got 2 rows and 3 predictions": (metrics.accuracy, np.zeros(2), np.zeros(3)),
    "got 0 rows": (metrics.rmse, np.zeros(0), np.zeros(0)),
    "R2 cannot be computed of one row": (metrics.r2, np.ones(1), np.ones(1)),
    "the targets are all alike": (metrics.gini, np.ones(3), np.arange(3.0)),
    "The labels are texts, and the predictions are numbers": (metrics.accuracy, np.array(["a", "b"]), np.array([0, 1])),
    "3 labels are texts": (metrics.accuracy, np.array(["a", "b", "c"]), np.zeros(3)),
    "one number a row, and there are 3 labels": (metrics.log_loss, np.array(["a", "b", "c"]), np.zeros(3)),
    "other values than 0 and 1": (metrics.mean_columnwise_log_loss, np.array([[0, 2], [1, 0]]), np.zeros((2, 2))),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_a_metric_cannot_score_is_told_in_one_sentence(words):
    metric, y, pred = REFUSED[words]
    with pytest.raises(KitError) as refused:
        metric.score(y, pred)
    assert words in refused.value.wrong
    assert refused.value.right


def test_probabilities_of_which_only_the_likeliest_were_kept_have_no_log_loss():
    from kit.task.outputs import top

    kept = top(2)(CLASSES.pred)
    assert metrics.accuracy.score(CLASSES.y, kept) == 0.75
    with pytest.raises(KitError, match="Only the likeliest classes"):
        metrics.log_loss.score(CLASSES.y, kept)


def test_weights_below_zero_are_refused():
    with pytest.raises(KitError, match="The weights are below 0"):
        metrics.weighted_mae.score(np.ones(2), np.ones(2), {"weight": np.array([1.0, -1.0])})


def test_a_metric_of_ones_own_is_a_function_of_two_arrays():
    own = Metric("pinball", lambda y, pred: float(np.mean(np.maximum(0.9 * (y - pred), 0.1 * (pred - y)))), False)
    assert own.score(np.array([1.0, 2.0]), np.array([2.0, 1.0])) == pytest.approx(0.5)
    assert (own.perfect, own.predictions, own.needs) == (0.0, None, ())


def test_a_metric_of_ones_own_gets_what_it_asks_for():
    def worst_group(y: np.ndarray, pred: np.ndarray, group: np.ndarray, labels: np.ndarray) -> float:
        assert labels.tolist() == ["no", "yes"]
        return min(float(np.mean((y == pred)[group == name])) for name in np.unique(group))

    own = Metric("worst group", worst_group, True, needs=("group", "labels"), predictions="labels", perfect=1.0)
    y, pred = np.array(["no", "yes", "yes", "no"]), np.array([0.2, 0.7, 0.3, 0.1])
    assert own.score(y, pred, {"group": np.array(["a", "a", "b", "b"])}) == 0.5
    with pytest.raises(KitError, match="worst group needs the column 'group'"):
        own.score(y, pred)


def test_the_columns_that_a_metric_needs_come_from_the_rows():
    data = Data(np.arange(2), np.zeros((2, 1)), np.zeros(2), weight=np.array([1.0, 2.0]))
    assert metrics.weighted_mae.columns(data)["weight"].tolist() == [1.0, 2.0]
    assert metrics.f1.columns(data) == {}
    with pytest.raises(KitError, match=r"Data\(\.\.\., weight=\.\.\.\)"):
        metrics.weighted_mae.columns(replace(data, weight=None))


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(KitError, match="broken of these 2 rows is nan"):
        Metric("broken", lambda y, pred: float("nan"), True).score(np.ones(2), np.ones(2))


def test_the_best_of_scores_follows_the_metrics_direction():
    scores = {"a": 0.2, "b": 0.9, "c": 0.9}
    assert metrics.accuracy.best(scores) == "b"
    assert metrics.rmse.best(scores) == "a"


@pytest.mark.parametrize("metric", metrics.CATALOGUE, ids=lambda metric: metric.names[0])
def test_a_metric_is_called_by_its_short_name_in_code_and_by_all_its_names_elsewhere(metric):
    assert getattr(metrics, metric.names[0]) is metric
    for name in (metric.name, *metric.names):
        assert metrics.named(name) is metric
        assert metrics.named(name.upper().replace("_", "-")) is metric


def test_no_two_metrics_share_a_name():
    owners: dict[str, set[str]] = {}
    for metric in ALL:
        for name in (metric.name, *metric.names):
            owners.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), set()).add(metric.names[0])
    assert {name: several for name, several in owners.items() if len(several) > 1} == {}


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Root Mean Squared Logarithmic Error", "rmsle"),
        ("Mean Columnwise Root Mean Squared Logarithmic Error", "mean_columnwise_rmsle"),
        ("Mean Columnwise Area Under Receiver Operating Characteristic Curve", "mean_columnwise_auc"),
        ("multiclass_log_loss", "log_loss"),
        ("Categorization Accuracy", "accuracy"),
        ("Normalized Gini Index", "gini"),
        ("QuadraticWeightedKappa", "quadratic_weighted_kappa"),
        ("R²", "r2"),
        ("map@3", "map@3"),
        ("MAP@12", "map@12"),
        ("Mean Average Precision @ 5", "map@5"),
    ],
)
def test_names_of_kaggle_are_known(name, short):
    assert metrics.named(name).names[0] == short


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("rmlse", "rmsle"),
        ("logloss ratio", "log_loss"),
        ("acuracy", "accuracy"),
        ("map@k", "map@3"),
        ("auc_roc", "auc"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(name, near):
    with pytest.raises(KitError) as refused:
        metrics.named(name)
    assert f"No metric is called {name!r}. Did you mean" in refused.value.wrong
    assert near in refused.value.wrong
    assert "weighted_mae" in refused.value.right


def test_a_name_like_no_other_is_answered_with_the_catalogue():
    with pytest.raises(KitError) as refused:
        metrics.named("xyz")
    assert refused.value.wrong == "No metric is called 'xyz'."


def test_the_page_about_declarations_lists_the_whole_catalogue():
    text = (Path(__file__).resolve().parents[2] / "docs" / "declaring.md").read_text(encoding="utf-8")
    assert [metric.names[0] for metric in ALL if f"`{metric.names[0]}`" not in text] == []


def test_scikit_learn_is_imported_only_when_a_metric_of_its_own_is_asked_for():
    code = "import sys; from kit.task import metrics; metrics.named('auc'); print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
