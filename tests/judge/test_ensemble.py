"""Blends of runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kit.errors import KitError
from kit.judge import choose, ensemble
from kit.task import catalog, decisions, metrics
from kit.train import predictions, runs


@pytest.fixture
def members(kit, parity):
    """Three noisy runs of parity."""
    for seed in "123":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.6")
    return runs.every("parity")


def test_the_mean_of_runs_is_a_run_like_any_other(members):
    found = ensemble.blend(catalog.find("parity"), members, method="mean")
    oofs = [predictions.load(run.folder / "oof.npz")["pred"] for run in members]
    assert np.allclose(predictions.load(found.run.folder / "oof.npz")["pred"], np.mean(oofs, axis=0))
    assert found.weights == {run.name: pytest.approx(1 / 3, abs=1e-6) for run in members}
    assert found.nested == found.run.score
    assert runs.find("parity", found.run.name).plan.label == "blend:mean"
    assert found.run.submission.read_text().startswith("id,odd\n200,")


def test_a_blend_is_ranked_sent_and_blended_again(kit, members):
    assert kit("ensemble", "parity", *(run.name for run in members))[0] == 0
    blended = runs.find("parity", "blend-hill-climb")
    assert choose.best(runs.every("parity"), sample=True).score >= blended.score
    assert kit("submit", "parity", blended.name, "--sample", "--dry-run")[0] == 0
    assert ensemble.blend(catalog.find("parity"), [blended, members[0]], method="mean").run.finished


def test_the_table_shows_weights_and_the_nested_score(kit, members):
    record = json.loads(kit("ensemble", "parity", *(run.name for run in members), "--json")[1])
    assert sum(record["plan"]["settings"].values()) == pytest.approx(1, abs=1e-5)
    assert record["nested_score"] <= record["oof_score"]
    assert record["oof_score"] >= max(run.score for run in members)


def test_hill_climbing_gives_all_weight_to_what_helps():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 400)
    good = np.clip(y + random.normal(0, 0.4, 400), 0, 1)
    pred = np.stack([good, random.random(400), 1 - good])
    weights = ensemble.hill_climb(metrics.auc, y, pred, seed=0)
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0
    assert weights.argmax() == 0
    assert weights[2] < 0.2


def test_one_good_run_among_many_poor_ones_keeps_its_weight():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 300)
    poor = np.clip(0.5 + 0.1 * (y - 0.5) + random.normal(0, 0.3, (11, 300)), 0, 1)
    pred = np.stack([np.clip(y + random.normal(0, 0.45, 300), 0, 1), *poor])
    weights = ensemble.hill_climb(metrics.accuracy, y, pred, seed=0)
    blended = metrics.accuracy.score(y, ensemble.combine(pred, weights))
    assert weights.argmax() == 0
    assert blended >= metrics.accuracy.score(y, pred[0])


def test_hill_climbing_follows_a_metric_that_is_better_when_lower():
    y = np.array([0.0, 1.0, 2.0, 3.0])
    pred = np.stack([y + 1, y - 1, y + 8])
    weights = ensemble.hill_climb(metrics.rmse, y, pred, seed=0)
    assert metrics.rmse.score(y, ensemble.combine(pred, weights)) < 1


def test_the_same_seed_finds_the_same_weights():
    random = np.random.default_rng(1)
    y, pred = random.integers(0, 2, 100), random.random((4, 100))
    first, second = (ensemble.hill_climb(metrics.accuracy, y, pred, seed=5) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_ranks_take_the_place_of_values_that_are_not_comparable():
    pred = np.array([[0.1, 0.2, 0.9], [10.0, 30.0, 20.0]])
    assert ensemble.shaped(pred, "rank").tolist() == [[1 / 3, 2 / 3, 1.0], [1 / 3, 1.0, 2 / 3]]


def test_runs_with_other_folds_are_refused_saying_where_they_differ(kit, members):
    kit("train", "parity", "--sample", "--no-plots", "--folds", "2")
    with pytest.raises(KitError, match=r"differ in fold of \d+ rows, first in row \d+: \d and \d"):
        ensemble.align([members[0], runs.find("parity", "last")])


def test_runs_with_other_rows_are_refused_saying_how_many(kit, members):
    kit("train", "parity", "--sample", "--no-plots", "--holdout")
    with pytest.raises(KitError, match="differ in held-out rows: 60 and 6"):
        ensemble.align([members[0], runs.find("parity", "last")])


def test_one_run_is_no_blend(kit, members):
    status, _, err = kit("ensemble", "parity", members[0].name)
    assert status == 1
    assert "1 run cannot be blended" in err


def test_an_unknown_method_is_answered_with_the_known_ones(kit, members):
    status, _, err = kit("ensemble", "parity", members[0].name, members[1].name, "--method", "stack")
    assert status == 1
    assert "Known: mean, rank, hill-climb." in err


def test_a_run_that_is_named_twice_is_refused(kit, members):
    status, _, err = kit("ensemble", "parity", members[0].name, members[0].name)
    assert status == 1
    assert f"Run {members[0].name} is named twice." in err


def test_a_blend_of_holdouts_is_a_holdout(kit, parity):
    for seed in "12":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--holdout", "--seed", seed)
    found = ensemble.blend(catalog.find("parity"), runs.every("parity"), method="mean")
    assert (found.run.plan.scheme, found.run.record.rows.out_of_fold) == ("holdout", 6)


def test_a_blend_under_a_decision_that_is_chosen_is_nested_in_both(kit, parity):
    path = parity / "competition.py"
    text = path.read_text().replace("import metrics, splits", "import decisions, metrics, splits")
    text = text.replace("metric=metrics.accuracy", "metric=metrics.f1")
    path.write_text(text.replace("decide=metrics.labels", "decide=decisions.Threshold()"))
    for seed in "123":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.6")
    found = ensemble.blend(catalog.find("parity"), runs.every("parity"), method="hill-climb")
    record = found.run.record
    assert record.nested_score <= record.decision.score
    oof = predictions.load(found.run.folder / "oof.npz")
    chosen = decisions.Threshold().fit(oof["y"], oof["pred"])
    assert record.decision.chosen == {"at": chosen.at}
    assert record.decision.score == metrics.f1.score(oof["y"], chosen(oof["pred"]))
