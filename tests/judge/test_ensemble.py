"""Blends of runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kit.errors import KitError
from kit.judge import choose, ensemble
from kit.task import catalog, decisions, merging, metrics, outputs
from kit.task.contract import Data
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
    assert found.run.record.chosen_score is None
    assert runs.find("parity", found.run.name).plan.label == "blend:mean"
    assert found.run.submission.read_text().startswith("id,odd\n200,")


def test_a_blend_is_ranked_sent_and_blended_again(kit, members):
    assert kit("ensemble", "parity", *(run.name for run in members))[0] == 0
    blended = runs.find("parity", "blend-hill-climb")
    assert choose.best(catalog.find("parity", sample=True), runs.every("parity")).score >= blended.score
    assert kit("submit", "parity", blended.name, "--sample", "--dry-run")[0] == 0
    assert ensemble.blend(catalog.find("parity"), [blended, members[0]], method="mean").run.finished


def test_the_score_of_a_blend_is_nested_and_the_optimism_of_choosing_weights_is_told(kit, members):
    record = json.loads(kit("ensemble", "parity", *(run.name for run in members), "--json")[1])
    assert sum(record["plan"]["settings"].values()) == pytest.approx(1, abs=1e-5)
    assert record["oof_score"] <= record["chosen_score"]
    assert record["chosen_score"] >= max(run.score for run in members)
    _, out, _ = kit("ensemble", "parity", *(run.name for run in members))
    assert f"accuracy {record['oof_score']:.5f} with each fold's weights chosen on the other folds,\n" in out
    assert f"{record['chosen_score']:.5f} on the rows that chose the weights\n" in out


def test_out_of_fold_predictions_of_a_blend_are_those_of_weights_chosen_on_the_other_folds(members):
    entry = catalog.find("parity", sample=True)
    found = ensemble.blend(entry, members, method="hill-climb")
    oof = predictions.load(found.run.folder / "oof.npz")
    aligned = ensemble.align(members)
    for number in range(3):
        held = oof["fold"] == number
        weights = ensemble.hill_climb(metrics.accuracy, aligned.y[~held], aligned.pred[:, ~held], 0)
        assert np.allclose(oof["pred"][held], np.tensordot(weights, aligned.pred[:, held], 1))
    assert found.run.score == metrics.accuracy.score(oof["y"], oof["pred"])
    test = predictions.load(found.run.folder / "test.npz")["pred"]
    parts = [predictions.load(run.folder / "test.npz")["pred"] for run in members]
    assert np.allclose(test, np.tensordot(list(found.weights.values()), parts, 1), atol=1e-5)


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
    blended = metrics.accuracy.score(y, merging.mean([*pred], weights))
    assert weights.argmax() == 0
    assert blended >= metrics.accuracy.score(y, pred[0])


def test_hill_climbing_follows_a_metric_that_is_better_when_lower():
    y = np.array([0.0, 1.0, 2.0, 3.0])
    pred = np.stack([y + 1, y - 1, y + 8])
    weights = ensemble.hill_climb(metrics.rmse, y, pred, seed=0)
    assert metrics.rmse.score(y, merging.mean([*pred], weights)) < 1


def test_the_same_seed_finds_the_same_weights():
    random = np.random.default_rng(1)
    y, pred = random.integers(0, 2, 100), random.random((4, 100))
    first, second = (ensemble.hill_climb(metrics.accuracy, y, pred, seed=5) for _ in range(2))
    assert first.tolist() == second.tolist()


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
    assert "Known: mean, rank, geometric, log-mean, vote, hill-climb." in err


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
    assert record.oof_score <= record.decision.score
    oof = predictions.load(found.run.folder / "oof.npz")
    chosen = decisions.Threshold().fit(oof["y"], oof["pred"])
    assert record.decision.chosen == {"at": chosen.at}
    assert record.decision.score == metrics.f1.score(oof["y"], chosen(oof["pred"]))


def test_weights_that_are_chosen_on_one_fold_have_no_score(kit, parity):
    for seed in "12":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--holdout", "--seed", seed)
    members = runs.every("parity")
    status, out, _ = kit("ensemble", "parity", *(run.name for run in members))
    assert status == 0
    assert "There is one fold only, so that there are no others to choose them on: the blend has no score.\n" in out
    blended = runs.find("parity", "blend-hill-climb")
    assert (blended.score, blended.record.fold_scores, blended.record.rows.out_of_fold) == (None, {}, 6)
    assert blended.record.chosen_score >= max(run.score for run in members)
    assert blended.submission.read_text().startswith("id,odd\n200,")
    assert "has weights that were chosen on the very rows that judge it" in kit("runs", "parity")[2]
    assert choose.best(catalog.find("parity", sample=True), runs.every("parity")).name != blended.name
    status, _, err = kit("ensemble", "parity", blended.name, members[0].name)
    assert (status, "has no score on rows that it had not seen" in err) == (1, True)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("splits.Stratified(3)", "splits.Shuffled(3)", "was split by Stratified(folds=3, seed=0), and the competition"),
        ("metrics.accuracy", "metrics.auc", "was judged by accuracy, and the competition declares AUC"),
    ],
)
def test_runs_that_were_judged_in_another_way_than_is_declared_now_are_not_blended(
    kit, parity, members, before, after, why
):
    path = parity / "competition.py"
    path.write_text(path.read_text().replace(before, after))
    status, _, err = kit("ensemble", "parity", members[0].name, members[1].name)
    assert status == 1
    assert f"kit: {members[0].name} {why}" in err
    assert "Try: kit train parity table:noisy --sample" in err


WORDS = """

from dataclasses import replace


def worded(fit):
    def words(fold, **settings):
        numbered = replace(fold.train, y=(fold.train.y == "odd").astype(int))
        model = fit(fold._replace(train=numbered), **settings)
        return Fitted(lambda x: np.where(model.predict(x)[:, 1] >= 0.5, "odd", "even"))

    return words


fit = worded(fit)
"""


@pytest.fixture
def worded(kit, parity):
    """Three noisy runs of parity that predict the words "odd" and "even"."""
    path = parity / "competition.py"
    text = path.read_text().replace("train[:, 2])", 'np.where(train[:, 2], "odd", "even"))')
    path.write_text(text.replace("holds=Labels((0, 1))", 'holds=Labels(("even", "odd"))'))
    (parity / "table.py").write_text((parity / "table.py").read_text() + WORDS)
    sample = parity / "_sample.py"
    sample.write_text(sample.read_text().replace('f"{n},0\\n" for n in test', 'f"{n},even\\n" for n in test'))
    for seed in "123":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.6")
    return runs.every("parity")


def test_labels_that_are_texts_are_merged_by_vote_across_folds_and_runs(kit, worded):
    run = worded[0]
    parts = [predictions.load(run.fold(number) / "test.npz")["pred"] for number in range(3)]
    assert predictions.load(run.folder / "test.npz")["pred"].tolist() == merging.vote(parts).tolist()
    assert {line.split(",")[1] for line in run.submission.read_text().splitlines()[1:]} == {"even", "odd"}

    status, _, err = kit("ensemble", "parity", *(run.name for run in worded))
    assert status == 0, err
    blended = runs.find("parity", "blend-vote")
    oofs = [predictions.load(run.folder / "oof.npz") for run in worded]
    said = predictions.load(blended.folder / "oof.npz")["pred"]
    assert said.tolist() == merging.vote([oof["pred"] for oof in oofs]).tolist()
    assert blended.score == np.mean(said == oofs[0]["y"])
    assert kit("submit", "parity", blended.name, "--sample", "--dry-run")[0] == 0


@pytest.mark.parametrize("method", ["mean", "rank", "geometric", "hill-climb"])
def test_labels_are_not_added_up(kit, worded, method):
    names = " ".join(run.name for run in worded)
    status, _, err = kit("ensemble", "parity", *names.split(), "--method", method)
    assert status == 1
    assert f"--method {method} does not fit: these runs predict labels or texts, which cannot be added up." in err
    assert f"kit ensemble parity {names} --method vote" in err
    assert len(runs.every("parity")) == 3


def test_probabilities_are_not_voted_on(kit, members):
    status, _, err = kit("ensemble", "parity", members[0].name, members[1].name, "--method", "vote")
    assert status == 1
    assert "it is for labels and texts, and these runs predict numbers or probabilities" in err


@pytest.fixture
def amounts(given, finished):
    """Two runs that predict amounts, of 0 to 9 and with errors of 1 and 2."""
    y = np.arange(10.0)
    entry = given(Data(np.arange(10), np.zeros((10, 1)), y), Data(np.arange(3), np.zeros((3, 1))))
    return entry, [finished(entry, y + wrong, np.full(3, wrong)) for wrong in (1.0, 2.0)]


def test_ranks_are_refused_where_the_metric_counts_sizes(kit, amounts):
    entry, members = amounts
    names = " ".join(run.name for run in members)
    status, _, err = kit("ensemble", entry.name, *names.split(), "--method", "rank")
    assert status == 1
    assert "--method rank does not fit: it keeps only the order of the predictions, and RMSE counts their size." in err
    assert f"kit ensemble {entry.name} {names} --method hill-climb" in err
    with pytest.raises(KitError, match="RMSE is a metric of numbers"):
        ensemble.blend(entry, members, method="geometric")


@pytest.fixture
def ranked(parity):
    """Parity scored by AUC, of which only the order counts."""
    path = parity / "competition.py"
    path.write_text(path.read_text().replace("metric=metrics.accuracy", "metric=metrics.auc"))


def test_ranks_and_geometric_means_are_taken_where_they_fit(ranked, members):
    entry = catalog.find("parity", sample=True)
    oofs = [predictions.load(run.folder / "oof.npz")["pred"] for run in members]
    for method, merge in (("rank", merging.rank_mean), ("geometric", merging.geometric_mean)):
        blended = ensemble.blend(entry, members, method=method)
        assert np.allclose(predictions.load(blended.run.folder / "oof.npz")["pred"], merge(oofs))
        assert blended.run.record.chosen_score is None
    with pytest.raises(KitError, match="AUC is not a metric of numbers"):
        ensemble.blend(entry, members, method="log-mean")


def test_hill_climbing_merges_as_the_metric_declares():
    y = np.array([9.0, 99.0, 9.0, 99.0])
    pred = np.stack([y * 10, y / 10, y * 9])
    weights = ensemble.hill_climb(metrics.rmsle, y, pred, seed=0, merge=merging.log_mean)
    blended = metrics.rmsle.score(y, merging.log_mean([*pred], weights))
    assert blended < min(metrics.rmsle.score(y, one) for one in (*pred, merging.mean([*pred], weights)))


def test_hill_climbing_counts_rows_by_their_weight():
    y = np.zeros(200)
    weight = np.where(np.arange(200) % 2, 100.0, 1.0)
    pred = np.stack([np.where(weight > 1, 0.0, 5.0), np.where(weight > 1, 5.0, 0.0)])
    weights = ensemble.hill_climb(metrics.weighted_mae, y, pred, seed=0, columns={"weight": weight})
    assert weights.tolist() == [1.0, 0.0]


def test_runs_that_predict_labels_and_runs_that_predict_probabilities_are_not_blended(members):
    one, other = members[0], members[1]
    oof = predictions.load(other.folder / "oof.npz")
    predictions.save(other.folder / "oof.npz", **oof | {"pred": outputs.labels(oof["pred"])})
    with pytest.raises(KitError, match="differ in shapes"):
        ensemble.align([one, other])
    predictions.save(one.folder / "oof.npz", **oof | {"pred": oof["pred"][:, 1]})
    with pytest.raises(KitError, match="differ in what they predict: one labels or texts, the other numbers"):
        ensemble.align([one, other])
