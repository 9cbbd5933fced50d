"""Ways to blend runs, judged on rows that chose nothing of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.judge import evolve, stack
from kit.judge.aligning import Aligned
from kit.judge.methods import Fitted, Trials, _without_idle, dropped
from kit.predict import stacked
from kit.predict.stacked import Stacked, features
from kit.task import merging, metrics, outputs
from kit.task.contract import Competition, Metric, Submission
from kit.task.sources import KaggleCompetition
from kit.task.targets import Labels

ROWS = 600


def competition(metric: Metric, holds=None) -> Competition:
    return Competition(
        source=KaggleCompetition("given"),
        load=lambda public: None,
        split=lambda data: None,
        metric=metric,
        submission=Submission("id", "target", decide=lambda pred: pred, holds=holds),
        default="none",
    )


def aligned(y: np.ndarray, preds: list[np.ndarray], folds: int = 3) -> Aligned:
    fold = np.arange(len(y)) % folds
    return Aligned(np.arange(len(y)), fold, y, preds, {}, None)


def numbers(random, errors: list[float]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Targets, and predictions with independent errors of these sizes."""
    y = random.normal(0, 1, ROWS)
    return y, [y + random.normal(0, error, ROWS) for error in errors]


def test_runs_whose_errors_are_independent_are_better_together_by_every_method():
    trials = Trials(competition(metrics.rmse), aligned(*numbers(np.random.default_rng(0), [1.0, 1.0, 1.1])))
    gains = {method: trials.run(method).tried.gain for method in ("mean", "hill-climb", "stack")}
    assert min(gains.values()) > 0.3
    assert trials.run("stack").tried.score < 0.6  # it shrinks, as a mean cannot


def test_a_run_of_noise_gets_no_weight_and_a_blend_with_it_no_gain():
    y, preds = numbers(np.random.default_rng(1), [0.3, 3.0])
    trial = Trials(competition(metrics.rmse), aligned(y, preds)).run("mean")
    assert trial.tried.gain < -1
    climbed = Trials(competition(metrics.rmse), aligned(y, preds)).run("hill-climb")
    assert climbed.fitted.weights[1] <= 0.04
    assert abs(climbed.tried.gain) < 0.01


def test_the_best_of_many_runs_of_mere_noise_looks_better_than_it_is():
    random = np.random.default_rng(2)
    y = random.integers(0, 2, ROWS)
    preds = [random.random(ROWS) for _ in range(20)]
    trials = Trials(competition(metrics.accuracy, Labels((0, 1))), aligned(y, preds))
    for method in ("best", "hill-climb"):
        tried = trials.run(method).tried
        assert tried.optimism > 0.02
        assert abs(tried.score - 0.5) < 0.05


def test_one_fold_has_no_nested_score_where_something_is_chosen():
    y, preds = numbers(np.random.default_rng(3), [1.0, 1.0])
    trials = Trials(competition(metrics.rmse), aligned(y, preds, folds=1))
    for method in ("best", "hill-climb", "stack"):
        trial = trials.run(method)
        assert (trial.tried.score, trial.tried.gain, trial.tried.optimism) == (None, None, None)
        assert trial.chosen_score is not None
    assert trials.run("mean").tried.score == metrics.rmse.score(y, merging.mean(preds))


def test_each_fold_is_predicted_by_what_was_chosen_on_the_others():
    y, preds = numbers(np.random.default_rng(4), [1.0, 1.2, 1.5])
    oof = aligned(y, preds)
    got = Trials(competition(metrics.rmse), oof).run("stack").pred
    for number in range(3):
        rest, held = oof.fold != number, oof.fold == number
        parts = [pred[rest] for pred in preds]
        model = stack.fit("numbers", parts, y[rest], oof.fold[rest], None, 0)
        assert np.allclose(got[held], model([pred[held] for pred in preds]))


def test_a_member_whose_gain_is_under_its_optimism_is_dropped():
    y, preds = numbers(np.random.default_rng(5), [1.0, 1.0, 4.0])
    trials = Trials(competition(metrics.rmse), aligned(y, preds))
    equal = Fitted(merging.mean, np.full(3, 1 / 3))
    each, whole, gone = _without_idle(trials, [equal] * 3, equal)
    assert gone == (2,)
    assert whole.weights.tolist() == [0.5, 0.5, 0]
    assert all(fitted.weights[2] == 0 for fitted in each)


def test_weights_without_some_runs_add_up_to_one_again():
    assert dropped(np.array([0.5, 0.25, 0.25]), [1]).tolist() == [2 / 3, 0, 1 / 3]
    assert dropped(np.array([0.0, 1.0]), [1]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("metric", "y", "pred", "fitting"),
    [
        (metrics.log_loss, [0, 1], [[0.4, 0.6], [0.1, 0.9]], "best mean geometric hill-climb stack"),
        (metrics.auc, [0, 1], [0.2, 0.9], "best mean rank geometric hill-climb stack"),
        (metrics.auc, [0, 1], [-2.0, 9.0], "best mean rank hill-climb"),
        (metrics.rmse, [0.0, 1.0], [0.2, 0.9], "best mean log-mean hill-climb stack"),
        (metrics.rmse, [0.0, 1.0], [-0.2, 0.9], "best mean hill-climb stack"),
        (metrics.accuracy, ["a", "b"], ["a", "a"], "best vote"),
        (metrics.accuracy, [0, 1], [1, 1], "best vote"),
    ],
)
def test_the_methods_that_fit_follow_from_metric_and_predictions(metric, y, pred, fitting):
    oof = aligned(np.array(y), [np.array(pred), np.array(pred)], folds=1)
    assert Trials(competition(metric), oof).fitting() == fitting.split()


def test_likeliest_classes_are_blended_by_the_mean_or_by_hill_climbing():
    random = np.random.default_rng(6)
    y = random.integers(0, 5, 90)
    preds = [outputs.top(3)(random.random((90, 5)) + np.eye(5)[y]) for _ in range(3)]
    trials = Trials(competition(metrics.accuracy, Labels(tuple(range(5)))), aligned(y, preds))
    assert trials.fitting() == ["best", "mean", "hill-climb"]
    for method in trials.fitting():
        trial = trials.run(method)
        assert trial.pred.dtype == preds[0].dtype
        assert trial.tried.score >= 0.5


@pytest.mark.parametrize("classes", [2, 4])
def test_a_linear_model_of_log_odds_leans_on_the_run_that_knows(classes, tmp_path):
    random = np.random.default_rng(7)
    y = random.integers(0, classes, ROWS)

    def run(edge: float) -> np.ndarray:
        height = np.exp(random.normal(0, 1, (ROWS, classes)) + edge * np.eye(classes)[y])
        return height / height.sum(1, keepdims=True)

    parts = [run(2.0), run(0.0)]
    model = stack.fit("binary" if classes == 2 else "classes", parts, y, np.arange(ROWS) % 3, None, 0)
    blended = model(parts)
    assert np.allclose(blended.sum(1), 1)
    assert metrics.log_loss.score(y, blended) < metrics.log_loss.score(y, parts[0]) - 0.01
    stacked.save(tmp_path, model)
    assert np.array_equal(stacked.load(tmp_path)(parts), blended)


def test_a_linear_model_keeps_the_form_of_the_predictions():
    random = np.random.default_rng(8)
    y = random.integers(0, 2, 100)
    one = random.random(100).astype(np.float32)
    model = stack.fit("binary", [one, one], y, np.arange(100) % 2, None, 0)
    assert (model([one, one]).shape, model([one, one]).dtype) == ((100,), np.float32)
    assert np.allclose(model([np.stack([1 - one, one], 1)] * 2)[:, 1], model([one, one]), atol=1e-6)


def test_classes_that_the_rows_lack_get_no_probability():
    y = np.array([0, 2] * 30)
    part = np.full((60, 3), 1 / 3)
    model = stack.fit("classes", [part, part], y, np.arange(60) % 2, (0, 1, 2), 0)
    assert np.allclose(model([part, part])[0], [0.5, 0, 0.5], atol=1e-6)
    only = stack.fit("classes", [part, part], np.zeros(60, int), np.arange(60) % 2, (0, 1, 2), 0)
    assert only([part, part])[0].argmax() == 0


def test_logarithms_of_numbers_are_stacked_where_the_metric_takes_them():
    random = np.random.default_rng(9)
    y = random.gamma(2, 50, ROWS)
    preds = [y * random.gamma(10, 0.12, ROWS) for _ in range(2)]
    assert stack.kind(metrics.rmsle, y, preds[0], None) == "logarithms"
    model = stack.fit("logarithms", preds, y, np.arange(ROWS) % 2, None, 0)
    assert metrics.rmsle.score(y, model(preds)) < min(metrics.rmsle.score(y, pred) for pred in preds) - 0.05


def test_columns_of_numbers_are_stacked_each_by_its_own_model():
    random = np.random.default_rng(10)
    y = random.normal(0, 1, (ROWS, 2))
    preds = [y + random.normal(0, (0.2, 2), (ROWS, 2)), y + random.normal(0, (2, 0.2), (ROWS, 2))]
    model = stack.fit("numbers", preds, y, np.arange(ROWS) % 2, None, 0)
    assert model(preds).shape == (ROWS, 2)
    assert np.abs(model.coefficients).argmax(1).tolist() == [0, 1]


def test_a_linear_model_of_many_rows_is_fitted_on_some_of_them(monkeypatch):
    seen = []
    monkeypatch.setattr(stack, "ROWS", 50)
    monkeypatch.setattr(stack, "features", lambda kind, parts: seen.append(len(parts[0])) or features(kind, parts))
    y, preds = numbers(np.random.default_rng(11), [1.0, 1.0])
    stack.fit("numbers", preds, y, np.zeros(ROWS), None, 0)
    assert seen == [50]


def test_a_damaged_linear_model_is_named(tmp_path: Path):
    stacked.save(tmp_path, Stacked("binary", np.ones((1, 2)), np.zeros(1)))
    (tmp_path / stacked.FILE).write_bytes(b"PK")
    with pytest.raises(Exception, match=r"stack.npz cannot be read"):
        stacked.load(tmp_path)


def test_weights_are_evolved_for_metrics_of_labels(monkeypatch):
    monkeypatch.setattr(evolve, "EVALUATIONS", 80)
    random = np.random.default_rng(12)
    y = random.integers(0, 3, 150)
    preds = [random.dirichlet([1, 1, 1], 150) * 0.5 + np.eye(3)[y] * share for share in (0.3, 0.25, 0.0)]
    trials = Trials(competition(metrics.balanced_accuracy, Labels((0, 1, 2))), aligned(y, preds))
    assert "cma" not in trials.fitting()
    trial = trials.run("cma")
    assert trial.fitted.weights.sum() == pytest.approx(1)
    assert trial.fitted.weights.min() >= 0
    assert trial.chosen_score >= metrics.balanced_accuracy.score(y, merging.mean(preds))
    assert trial.tried.optimism > -0.02
    again = Trials(competition(metrics.balanced_accuracy, Labels((0, 1, 2))), aligned(y, preds)).run("cma")
    assert again.fitted.weights.tolist() == trial.fitted.weights.tolist()
    smooth = Trials(competition(metrics.log_loss), aligned(y, preds))
    assert smooth.unfit("cma").startswith("it is for metrics of labels")


def test_evolution_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(KitError, match="needs the package 'cma'"):
        evolve.weights(lambda weights: 0.0, np.ones(2) / 2, 0)


def test_what_is_below_zero_is_no_weight():
    assert evolve.shares(np.array([-1.0, 1.0, 3.0])).tolist() == [0, 0.25, 0.75]
    assert evolve.shares(np.array([-1.0, -2.0])).tolist() == [0.5, 0.5]
