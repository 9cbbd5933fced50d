"""Greedy selection of runs, and the quick scorers that it asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kit.judge import climb, scorers, scoring
from kit.judge.passes import Classes, LogLoss, Order, Squares, TwoClasses
from kit.judge.scoring import Called, Pool
from kit.task import decisions, merging, metrics, outputs

ROWS, RUNS = 240, 4
random = np.random.default_rng(5)
FOLD = random.integers(0, 3, ROWS)
TRUE = random.integers(0, 3, ROWS)
TWO = random.integers(0, 2, ROWS)
AMOUNT = random.gamma(2, 1, (ROWS, 2))


def chances(true: np.ndarray, classes: int) -> list[np.ndarray]:
    """Probabilities of `RUNS` runs, each better than the one before."""
    preds = []
    for run in range(RUNS):
        height = random.normal(0, 1, (ROWS, classes)) + (0.5 + 0.3 * run) * np.eye(classes)[true]
        preds.append((np.exp(height) / np.exp(height).sum(1, keepdims=True)).astype(np.float32))
    return preds


def guesses(columns: int) -> list[np.ndarray]:
    """Numbers of `RUNS` runs."""
    return [
        (AMOUNT * random.gamma(20, 0.05, AMOUNT.shape))[:, :columns].reshape(ROWS, *[columns] * (columns > 1))
        for _ in range(RUNS)
    ]


def pool(metric, y, preds, merge=merging.mean, **given) -> Pool:
    return Pool(metric, merge, preds, y, FOLD, {}, given.pop("labels", None), **given)


BINARY, SEVERAL = chances(TWO, 2), chances(TRUE, 3)
SINGLE = [pred[:, 1] for pred in BINARY]
CASES = {
    "log loss of two classes": (pool(metrics.log_loss, TWO, BINARY), LogLoss),
    "log loss of one column": (pool(metrics.log_loss, TWO, SINGLE), LogLoss),
    "log loss of three classes": (pool(metrics.log_loss, TRUE, SEVERAL), LogLoss),
    "log loss of words": (
        pool(metrics.log_loss, np.array(["ant", "bee", "cat"])[TRUE], SEVERAL, labels=("ant", "bee", "cat")),
        LogLoss,
    ),
    "accuracy of two": (pool(metrics.accuracy, TWO, BINARY), TwoClasses),
    "accuracy of one column": (pool(metrics.accuracy, TWO, SINGLE), TwoClasses),
    "F1": (pool(metrics.f1, TWO, BINARY), TwoClasses),
    "balanced accuracy of two": (pool(metrics.balanced_accuracy, TWO, BINARY), TwoClasses),
    "macro F1 of two": (pool(metrics.macro_f1, TWO, SINGLE), TwoClasses),
    "MCC of two": (pool(metrics.mcc, TWO, BINARY), TwoClasses),
    "accuracy of three": (pool(metrics.accuracy, TRUE, SEVERAL), Classes),
    "balanced accuracy of three": (pool(metrics.balanced_accuracy, TRUE, SEVERAL), Classes),
    "macro F1 of three": (pool(metrics.macro_f1, TRUE, SEVERAL), Called),
    "Brier": (pool(metrics.brier, TRUE, SEVERAL), Called),
    "MSE": (pool(metrics.mse, AMOUNT[:, 0], guesses(1)), Squares),
    "RMSE": (pool(metrics.rmse, AMOUNT[:, 0], guesses(1)), Squares),
    "RMSE of two columns": (pool(metrics.rmse, AMOUNT, guesses(2)), Squares),
    "MCRMSE": (pool(metrics.mean_columnwise_rmse, AMOUNT, guesses(2)), Squares),
    "RMSLE": (pool(metrics.rmsle, AMOUNT[:, 0], guesses(1), merging.log_mean), Squares),
    "RMSLE by the mean": (pool(metrics.rmsle, AMOUNT[:, 0], guesses(1)), Called),
    "MCRMSLE": (pool(metrics.mean_columnwise_rmsle, AMOUNT, guesses(2), merging.log_mean), Squares),
    "MAE": (pool(metrics.mae, AMOUNT[:, 0], guesses(1)), Called),
    "median": (pool(metrics.median_absolute_error, AMOUNT[:, 0], guesses(1)), Called),
    "ranks": (pool(metrics.auc, TWO, SINGLE, merging.rank_mean), Called),
    "geometric": (pool(metrics.log_loss, TWO, BINARY, merging.geometric_mean), Called),
    "one's own": (pool(replace(metrics.log_loss, function=lambda y, pred: 1.5, sums=None), TRUE, SEVERAL), Called),
}


def by_hand(asked: Pool, counts: tuple[int, ...], without: int | None) -> list[float]:
    rows = np.ones(ROWS, bool) if without is None else without != FOLD
    sign = 1 if asked.metric.higher_is_better else -1
    blends = [asked.merge([*asked.preds], np.array(counts) + one) for one in np.eye(RUNS)]
    return [sign * asked.metric.score(asked.y[rows], blend[rows], {}, asked.labels) for blend in blends]


@pytest.mark.parametrize("name", CASES)
def test_a_quick_scorer_gives_the_metric_of_each_blend_on_all_rows_and_without_each_fold(name):
    asked, kind = CASES[name]
    scorer = scorers.of(asked)
    assert type(scorer) is kind
    for counts in ((0, 0, 0, 0), (3, 0, 1, 2)):
        for without in (None, 0, 1, 2):
            assert np.allclose(scorer.added(counts, without), by_hand(asked, counts, without), atol=2e-6)


@pytest.mark.parametrize("least", [1e-3, 1e-7, 1e-15, 0], ids=str)
@pytest.mark.parametrize("single", [True, False], ids=["one column", "two columns"])
def test_log_loss_holds_whatever_the_smallest_probability_of_a_true_class(least, single):
    preds = [pred.copy() for pred in BINARY]
    for pred in preds:
        pred[::7] = np.where(np.arange(2) == TWO[::7, None], least, 1 - least)
    asked = pool(metrics.log_loss, TWO, [pred[:, 1] for pred in preds] if single else preds)
    scorer = scorers.of(asked)
    assert type(scorer) is LogLoss
    # 1 - p, of one column in float32, has no digits below 6e-8, here and in the metric.
    for without in (None, 0, 1, 2):
        assert np.allclose(scorer.added((3, 0, 1, 2), without), by_hand(asked, (3, 0, 1, 2), without), rtol=2e-6)


def test_the_smallest_number_of_a_part_says_how_many_share_a_logarithm():
    asked = pool(metrics.log_loss, TWO, [np.where(FOLD == 1, 1e-15, pred).astype(np.float32) for pred in SINGLE])
    true = np.zeros(ROWS, np.int64)
    assert LogLoss(asked, 1 - true)._halvings == [3, 1, 3]  # 1e-30 is a product of two


@pytest.mark.parametrize("preds", [BINARY, SINGLE, [pred**4 * 1e-4 for pred in SINGLE]], ids=["two", "one", "rare"])
@pytest.mark.parametrize("metric", [metrics.auc, metrics.gini], ids=["AUC", "Gini"])
def test_order_by_bins_is_that_of_the_predictions(metric, preds):
    asked = pool(metric, TWO, preds)
    scorer = scorers.of(asked)
    assert type(scorer) is Order
    for without in (None, 0, 1, 2):
        got = scorer.added((3, 0, 1, 2), without)
        wanted = np.array(by_hand(asked, (3, 0, 1, 2), without))
        assert np.allclose(got if metric is metrics.auc else 2 * got - 1, wanted, atol=2e-3)


def test_order_by_bins_counts_equal_predictions_as_half():
    preds = [np.round(pred, 1).astype(np.float32) for pred in SINGLE[:1]] * 4
    asked = pool(metrics.auc, TWO, preds)
    scorer = Order(asked, TWO, outputs.positive) if type(scorers.of(asked)) is Order else scorers.of(asked)
    assert np.allclose(scorer.added((0, 0, 0, 0)), by_hand(asked, (0, 0, 0, 0), None), atol=1e-9)


def test_predictions_that_crowd_into_few_bins_are_judged_by_the_metric_itself():
    far = [np.where(np.arange(ROWS) == 0, 1e9, pred).astype(np.float32) for pred in SINGLE]
    assert type(scorers.of(pool(metrics.auc, TWO, far))) is Called


def test_f1_at_its_best_threshold_is_that_of_a_threshold_that_is_chosen_on_the_rows():
    asked = pool(metrics.f1, TWO, BINARY, threshold=True)
    scorer = scorers.of(asked)
    for without in (None, 1):
        rows = np.ones(ROWS, bool) if without is None else without != FOLD
        for run, pred in enumerate(BINARY):
            decided = decisions.Threshold().fit(TWO[rows], pred[rows])(pred[rows])
            assert scorer.added((0, 0, 0, 0), without)[run] == pytest.approx(
                metrics.f1.score(TWO[rows], decided), abs=5e-3
            )


def test_rows_that_do_not_add_up_to_one_are_scaled_by_the_metric_itself():
    assert type(scorers.of(pool(metrics.log_loss, TRUE, [pred * 2 for pred in SEVERAL]))) is Called


def test_more_rows_than_a_part_holds_are_scored_alike(monkeypatch):
    whole = scorers.of(CASES["log loss of three classes"][0]).added((1, 0, 2, 0))
    monkeypatch.setattr(scoring.parts, "__defaults__", (7,))
    assert np.allclose(scorers.of(CASES["log loss of three classes"][0]).added((1, 0, 2, 0)), whole, rtol=1e-6)


def test_a_blend_is_scored_once_for_all_folds(monkeypatch):
    scorer, passes = scorers.of(CASES["log loss of two classes"][0]), []
    sums = scorer._sums
    monkeypatch.setattr(scorer, "_sums", lambda counts, step, *rest: passes.append(step) or sums(counts, step, *rest))
    for without in (None, 0, 1, 2):
        scorer.added((1, 0, 0, 0), without)
    assert passes == [2]


@pytest.mark.parametrize("name", [name for name, (_, kind) in CASES.items() if kind is not Called])
def test_some_runs_are_scored_without_a_fold_as_all_are(name):
    whole, some = (scorers.of(CASES[name][0]) for _ in range(2))
    scores = some.added((3, 0, 1, 2), 1, [2, 0])
    assert scores[[1, 3]].tolist() == [-np.inf, -np.inf]
    assert np.allclose(scores[[0, 2]], whole.added((3, 0, 1, 2), 1)[[0, 2]], rtol=1e-6)


def test_of_many_runs_a_nested_selection_tries_few_and_picks_as_well_as_one_that_tries_all(monkeypatch):
    many = [np.clip(TWO * 0.4 + random.random(ROWS) * 0.6, 0.01, 0.99) for _ in range(30)]
    asked = pool(metrics.log_loss, TWO, many)
    few = climb.climb(scorers.of(asked), 1)
    with monkeypatch.context() as patch:
        patch.setattr(climb, "FEW", 30)
        whole = climb.climb(scorers.of(asked), 1)
    assert few.score >= whole.score - 0.003
    tried = []
    scorer = scorers.of(asked)
    monkeypatch.setattr(climb, "ANEW", 10)
    added = scorer.added
    monkeypatch.setattr(scorer, "added", lambda counts, at, among: tried.append(among) or added(counts, at, among))
    climb.climb(scorer, 1)
    counted = [30 if among is None else len(among) for among in tried]
    assert counted == [30, *[climb.FEW] * 9, 15, *[climb.FEW] * 9, 15, *[climb.FEW] * 4]


def climbed(metric, y, preds, **given) -> np.ndarray:
    return climb.weights(climb.climb(scorers.of(pool(metric, y, preds, **given))))


def test_the_selection_gives_all_weight_to_what_helps():
    good = np.clip(TWO + random.normal(0, 0.4, ROWS), 0.05, 0.95)
    weights = climbed(metrics.log_loss, TWO, [good, random.random(ROWS), 1 - good])
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    assert weights.argmax() == 0
    assert weights[2] < 0.2


def test_the_selection_is_the_greedy_one_by_hand():
    asked = CASES["log loss of three classes"][0]
    counts, met = [0] * RUNS, []
    for _ in range(climb.PICKS):
        scores = by_hand(asked, tuple(counts), None)
        counts[int(np.argmax(scores))] += 1
        met.append((max(scores), tuple(counts)))
    found = climb.climb(scorers.of(asked))
    assert found.score == pytest.approx(max(met)[0], abs=1e-5)
    assert found.score >= max(score for score in by_hand(asked, (0,) * RUNS, None))


def test_the_selection_follows_a_metric_that_is_better_when_lower():
    y = np.tile([0.0, 1.0, 2.0, 3.0], 60)
    preds = [y + 1, y - 1, y + 8]
    assert climbed(metrics.rmse, y, preds).tolist() == [0.5, 0.5, 0]


def test_of_equal_runs_the_first_is_taken_and_no_second():
    assert climbed(metrics.log_loss, TWO, [BINARY[3], BINARY[3], BINARY[3]]).tolist() == [1, 0, 0]


def test_the_best_step_is_kept_and_not_the_last():
    alone = climb.climb(scorers.of(pool(metrics.accuracy, TWO, [np.eye(2)[TWO], *BINARY[:2]])))
    assert alone.counts == (1, 0, 0)
    assert alone.score == 1.0


def test_the_selection_merges_as_the_metric_declares():
    y = np.tile([9.0, 99.0], ROWS // 2)
    preds = [y * 10, y / 10, y * 9]
    weights = climbed(metrics.rmsle, y, preds, merge=merging.log_mean)
    blended = metrics.rmsle.score(y, merging.log_mean(preds, weights))
    assert blended < min(metrics.rmsle.score(y, one) for one in (*preds, merging.mean(preds, weights)))


def test_the_selection_counts_rows_by_their_weight():
    weight = np.where(np.arange(ROWS) % 2, 100.0, 1.0)
    preds = [np.where(weight > 1, 0.0, 5.0), np.where(weight > 1, 5.0, 0.0)]
    asked = pool(metrics.weighted_mae, np.zeros(ROWS), preds)._replace(columns={"weight": weight})
    assert climb.climb(scorers.of(asked)).counts == (1, 0)


def test_likeliest_classes_are_blended_too():
    kept = [outputs.top(2)(pred) for pred in SEVERAL]
    found = climb.climb(scorers.of(pool(metrics.accuracy, TRUE, kept)), picks=4)
    assert found.score >= max(metrics.accuracy.score(TRUE, pred) for pred in kept)


def test_a_metric_that_no_blend_can_be_scored_by_leaves_the_first_run():
    asked = pool(metrics.auc, np.zeros(ROWS, int), SINGLE, merge=merging.rank_mean)
    assert climb.climb(scorers.of(asked)).counts == (1, 0, 0, 0)
