"""Blends of runs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from kit.errors import KitError
from kit.judge import aligning, choose, climb, ensemble, methods, scorers
from kit.judge.scoring import Pool
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
    assert kit("ensemble", "parity", *(run.name for run in members), "--method", "hill-climb")[0] == 0
    blended = runs.find("parity", "blend-hill-climb")
    assert choose.best(catalog.find("parity", sample=True), runs.every("parity")).score >= blended.score
    assert kit("submit", "parity", blended.name, "--sample", "--dry-run")[0] == 0
    assert ensemble.blend(catalog.find("parity"), [blended, members[0]], method="mean").run.finished


def test_the_score_of_a_blend_is_nested_and_the_optimism_of_choosing_weights_is_told(kit, members):
    words = ("ensemble", "parity", *(run.name for run in members), "--method", "hill-climb")
    record = json.loads(kit(*words, "--json")[1])
    assert sum(record["plan"]["settings"].values()) == pytest.approx(1, abs=1e-5)
    assert record["oof_score"] <= record["chosen_score"]
    assert [one["method"] for one in record["methods"]] == ["hill-climb"]
    assert record["methods"][0]["optimism"] == pytest.approx(record["chosen_score"] - record["oof_score"])
    _, out, _ = kit(*words)
    assert f"accuracy {record['oof_score']:.5f} with each fold's blend chosen on the other folds,\n" in out
    assert f"{record['chosen_score']:.5f} on the rows that chose it\n" in out


def test_without_a_method_each_that_fits_is_tried_and_the_best_nested_score_makes_the_blend(kit, members):
    status, out, err = kit("ensemble", "parity", *(run.name for run in members))
    assert status == 0
    tried = ensemble.blend(catalog.find("parity"), members).tried
    assert [one.method for one in tried] == ["best", "mean", "geometric", "hill-climb", "stack"]
    blended = next(run for run in runs.every("parity") if run.plan.recipe == "blend")
    assert blended.score == max(one.score for one in tried)
    assert blended.plan.variant == max(tried, key=lambda one: one.score).method
    for one in tried:
        assert f"{one.method} {one.score:.5f}" in " ".join(out.split())
        assert one.gain == pytest.approx(one.score - max(run.score for run in members))
        assert f"{one.log_loss:.5f}" in out
    assert "blend · 5/5" in err


def test_where_no_blend_is_better_than_the_best_run_that_run_is_the_answer(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")  # it makes no mistake
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=0.6")
    perfect, noisy = runs.every("parity")
    status, out, _ = kit("ensemble", "parity", perfect.name, noisy.name)
    assert status == 0
    assert "No blend is better than the best run alone" in out
    assert out.endswith(f"Run: {perfect.folder}\n")
    assert len(runs.every("parity")) == 2
    found = ensemble.blend(catalog.find("parity"), [noisy, perfect], method="best")
    assert (found.run, found.weights, found.method) == (perfect, {perfect.name: 1.0}, "best")


def test_a_blend_does_not_depend_on_the_order_in_which_its_runs_are_named(members):
    entry = catalog.find("parity")
    for method in ("hill-climb", "stack", "mean"):
        one, other = (ensemble.blend(entry, order, method=method) for order in (members, members[::-1]))
        assert one.weights == other.weights
        for file in ("oof.npz", "test.npz", "submission.csv"):
            assert (one.run.folder / file).read_bytes() == (other.run.folder / file).read_bytes()


def test_out_of_fold_predictions_of_a_blend_are_those_of_weights_chosen_on_the_other_folds(members, monkeypatch):
    entry = catalog.find("parity", sample=True)
    monkeypatch.setattr(methods, "_without_idle", lambda trials, each, whole: (each, whole, ()))
    found = ensemble.blend(entry, members, method="hill-climb")
    oof = predictions.load(found.run.folder / "oof.npz")
    first = predictions.load(members[0].folder / "oof.npz")
    preds = [predictions.load(run.folder / "oof.npz")["pred"] for run in members]
    for number in range(3):
        held = oof["fold"] == number
        inner = Pool(
            metrics.accuracy, merging.mean, [p[~held] for p in preds], oof["y"][~held], oof["fold"][~held], {}, None
        )
        weights = climb.weights(climb.climb(scorers.of(inner)))
        assert np.allclose(oof["pred"][held], merging.mean([p[held] for p in preds], weights))
    assert found.run.score == metrics.accuracy.score(oof["y"], oof["pred"])
    assert first["ids"].tolist() == oof["ids"].tolist()
    test = predictions.load(found.run.folder / "test.npz")["pred"]
    parts = [predictions.load(runs.find("parity", name).folder / "test.npz")["pred"] for name in found.weights]
    assert np.allclose(test, np.tensordot(list(found.weights.values()), parts, 1), atol=1e-5)


def test_runs_of_other_folds_are_joined_by_id_and_a_person_is_told(kit, members, told):
    kit("train", "parity", "--sample", "--no-plots", "--folds", "2")
    other = runs.find("parity", "last")
    found = ensemble.blend(catalog.find("parity"), [other, members[0]], method="mean")
    assert f"Judged by other folds than {members[0].name}, whose folds are used: {other.name}." in "\n".join(told)
    oof, first = (predictions.load(run.folder / "oof.npz") for run in (found.run, members[0]))
    assert oof["fold"].tolist() == first["fold"].tolist()
    assert found.run.record.split == members[0].record.split


def test_runs_of_other_rows_are_blended_on_those_that_they_share(kit, members, told):
    kit("train", "parity", "--sample", "--no-plots", "--holdout")
    holdout = runs.find("parity", "last")
    found = ensemble.blend(catalog.find("parity"), [holdout, members[0]], method="mean")
    assert "Judged by other rows: joined by id, the runs share 6 held-out rows; 54 are left out." in "\n".join(told)
    oof, mine, other = (predictions.load(run.folder / "oof.npz") for run in (found.run, holdout, members[0]))
    at = [other["ids"].tolist().index(row) for row in mine["ids"]]
    assert np.allclose(oof["pred"], (mine["pred"] + other["pred"][at]) / 2)
    # It is judged as the holdout is, and comes behind runs that all rows have judged, whatever its score.
    assert (found.run.plan.scheme, found.run.record.split) == ("holdout", holdout.record.split)
    entry = replace(catalog.find("parity"), sample=True)
    places = choose.ranked(entry, [found.run, holdout, members[0]])
    assert places[0].run.name == members[0].name and not any(place.left_out for place in places)


def test_test_rows_in_another_order_are_joined_by_id(members):
    first, other = members[:2]
    test = predictions.load(other.folder / "test.npz")
    before = ensemble.blend(catalog.find("parity"), [first, other], method="mean")
    predictions.save(other.folder / "test.npz", ids=test["ids"][::-1], pred=test["pred"][::-1])
    after = ensemble.blend(catalog.find("parity"), [first, other], method="mean")
    assert before.run.submission.read_bytes() == after.run.submission.read_bytes()


def test_runs_that_share_no_row_or_differ_in_targets_are_refused(members):
    first, other = members[:2]
    oof = predictions.load(other.folder / "oof.npz")
    predictions.save(other.folder / "oof.npz", **oof | {"y": 1 - oof["y"]})
    with pytest.raises(KitError, match="differ in the target of row 100: 0 and 1"):
        aligning.align([first, other])
    predictions.save(other.folder / "oof.npz", **oof | {"ids": oof["ids"] + 1000})
    with pytest.raises(KitError, match="No row was held out in all of these runs"):
        aligning.align([first, other])


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda file, oof: file.write_bytes(file.read_bytes()[:200]), "cannot be read"),
        (lambda file, oof: predictions.save(file, **oof | {"pred": oof["pred"] * np.nan}), "not finite"),
        (lambda file, oof: file.unlink(), "is missing"),
    ],
)
def test_damaged_predictions_are_named(kit, members, damage, why):
    file = members[1].folder / "oof.npz"
    damage(file, predictions.load(file))
    status, _, err = kit("ensemble", "parity", members[0].name, members[1].name)
    assert status == 1
    assert str(file) in err
    assert why in err
    assert len(runs.every("parity")) == 3


def test_a_run_of_another_competition_or_of_real_data_is_refused(members):
    other = replace(members[1], plan=replace(members[1].plan, competition="evenness"))
    with pytest.raises(KitError, match="differ in their competition: evenness is another one"):
        aligning.align([members[0], other])
    real = replace(members[1], plan=replace(members[1].plan, sample=False))
    with pytest.raises(KitError, match="differ in their data: one is of the sample"):
        aligning.align([members[0], real])


def test_one_run_is_no_blend(kit, members):
    status, _, err = kit("ensemble", "parity", members[0].name)
    assert status == 1
    assert "1 run cannot be blended" in err


def test_an_unknown_method_is_answered_with_the_known_ones(kit, members):
    status, _, err = kit("ensemble", "parity", members[0].name, members[1].name, "--method", "magic")
    assert status == 1
    assert "Known: best, mean, vote, rank, geometric, log-mean, hill-climb, stack, cma." in err


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
    status, out, _ = kit("ensemble", "parity", *(run.name for run in members), "--method", "hill-climb")
    assert status == 0
    assert "There is one fold only, so that there are no others to choose it on: the blend has no score.\n" in out
    blended = runs.find("parity", "blend-hill-climb")
    assert (blended.score, blended.record.fold_scores, blended.record.rows.out_of_fold) == (None, {}, 6)
    assert blended.record.chosen_score >= max(run.score for run in members)
    assert blended.submission.read_text().startswith("id,odd\n200,")
    assert "has weights that were chosen on the very rows that judge it" in kit("runs", "parity")[2]
    assert choose.best(catalog.find("parity", sample=True), runs.every("parity")).name != blended.name
    status, _, err = kit("ensemble", "parity", blended.name, members[0].name)
    assert (status, "has no score on rows that it had not seen" in err) == (1, True)


def test_without_a_method_runs_of_one_fold_get_equal_weights(kit, parity):
    for seed in "12":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--fold", "1", "--seed", seed)
    members = runs.every("parity")
    status, _, err = kit("ensemble", "parity", *(run.name for run in members))
    assert status == 0
    assert "There is one fold only, so that nothing can be chosen and judged by others" in err
    blended = runs.find("parity", "blend-mean")
    oofs = [predictions.load(run.folder / "oof.npz") for run in members]
    merged = merging.mean([oof["pred"] for oof in oofs])
    assert blended.score == metrics.accuracy.score(oofs[0]["y"], merged)


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

    status, _, err = kit("ensemble", "parity", *(run.name for run in worded), "--method", "vote")
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
    assert "Those that fit: vote." in err
    assert f"kit ensemble parity {names}" in err
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
    assert "Those that fit: mean, log-mean, hill-climb, stack." in err
    assert f"kit ensemble {entry.name} {names}" in err
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


def test_runs_that_predict_labels_and_runs_that_predict_probabilities_are_not_blended(members):
    one, other = members[0], members[1]
    oof = predictions.load(other.folder / "oof.npz")
    predictions.save(other.folder / "oof.npz", **oof | {"pred": outputs.labels(oof["pred"])})
    with pytest.raises(KitError, match="differ in shapes of a prediction"):
        aligning.align([one, other])
    predictions.save(one.folder / "oof.npz", **oof | {"pred": oof["pred"][:, 1]})
    with pytest.raises(KitError, match="differ in what they predict: one labels or texts, the other numbers"):
        aligning.align([one, other])
