"""What Kaggle scores by."""

from __future__ import annotations

import numpy as np
import pytest

from kit.task import metrics

Y = np.array([0, 1, 1, 0])
P = np.array([0.1, 0.8, 0.4, 0.6])


@pytest.mark.parametrize(
    "pred",
    [P, P[:, None], np.stack([1 - P, P], 1), (P >= 0.5).astype(int)],
    ids=["p", "one column", "classes", "labels"],
)
def test_accuracy_takes_probabilities_classes_and_labels(pred):
    assert metrics.accuracy.score(Y, pred) == 0.5


def test_accuracy_takes_labels_that_are_texts():
    assert metrics.accuracy.score(np.array(["a", "b"]), np.array(["a", "c"])) == 0.5


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (metrics.f1, 0.5),
        (metrics.macro_f1, 0.5),
        (metrics.balanced_accuracy, 0.5),
        (metrics.auc, 0.75),
        (metrics.log_loss, -np.mean(np.log([0.9, 0.8, 0.4, 0.4]))),
        (metrics.rmse, np.sqrt(np.mean(np.square([0.1, 0.2, 0.6, 0.6])))),
        (metrics.mae, 0.375),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_metric_gives_the_value_worked_out_by_hand(metric, value):
    assert metric.score(Y, P) == pytest.approx(value)


def test_log_loss_stands_a_class_that_the_rows_lack():
    assert metrics.log_loss.score(np.array([0, 1]), np.full((2, 3), 1 / 3)) == pytest.approx(np.log(3))


def test_the_best_of_scores_follows_the_metrics_direction():
    scores = {"a": 0.2, "b": 0.9, "c": 0.9}
    assert metrics.accuracy.best(scores) == "b"
    assert metrics.rmse.best(scores) == "a"
