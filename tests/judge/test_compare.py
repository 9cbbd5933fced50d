"""All runs of a competition side by side."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import kit as api
from kit.errors import KitError
from kit.judge import compare, standing
from kit.task import metrics
from kit.task.contract import Data
from kit.train import predictions, runs
from tests.report import made

ROWS = 2000


@pytest.fixture
def members(given, finished):
    """Five runs of labels: the best, one like it, one that differs from it in the seed only, and two far behind."""
    y = np.arange(ROWS) % 3
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(500), np.zeros((500, 1))))
    best, like, again, poor, poorest = made.several(entry, finished, y, 3, 500, [0.93, 0.92, 0.915, 0.7, 0.6])
    again = made.changed(again, plan=replace(best.plan, seed=1))
    made.sent(best, 0.92, 0.93)
    made.sent(poor, 0.95)
    return entry, [best, like, again, poor, poorest]


def test_runs_stand_from_the_best_to_the_worst_with_what_is_noise(members):
    entry, (best, *_, poor, poorest) = members
    table = compare.compare(entry, runs.every(entry.name))
    names = [one.run.name for one in table.standings]
    assert names[0] == best.name and names[-2:] == [poor.name, poorest.name]
    first, *others = table.standings
    assert (first.verdict, first.new_best, first.test, first.behind) == ("the best", True, None, None)
    assert others[-1].verdict.startswith("worse")
    assert others[-1].test.name.startswith("McNemar, ") and others[-1].test.p < 1e-6
    assert others[-1].behind == pytest.approx(best.score - poorest.score)
    assert others[-1].test.low < others[-1].behind < others[-1].test.high
    assert first.low < best.score < first.high and first.by == "rows"
    assert table.tried == 5 and table.expected <= best.score
    assert table.errors.shape == (5, 5) and np.allclose(np.diag(table.errors), 1)


def test_seeds_are_counted_and_the_gap_to_the_leaderboard_is_judged(members):
    entry, (best, like, again, poor, _) = members
    of = {one.run.name: one for one in compare.compare(entry, runs.every(entry.name), public_share=0.5).standings}
    assert (of[best.name].seeds, of[like.name].seeds) == (2, 1)
    assert of[again.name].seed_sd == pytest.approx(np.std([best.score, again.score], ddof=1))
    assert of[best.name].gap == pytest.approx(0.92 - best.score)
    spread = np.sqrt(best.score * (1 - best.score))
    assert of[best.name].gap_noise == pytest.approx(2 * spread * np.sqrt(1 / 250 + 1 / 2000), rel=1e-3)
    assert of[best.name].gap_is_noise is True
    assert of[poor.name].gap_is_noise is False
    assert of[like.name].gap is None and of[like.name].gap_is_noise is None
    assert (of[best.name].public, of[best.name].private, of[poor.name].private) == (0.92, 0.93, None)


def test_equal_runs_are_called_noise_and_no_new_best(given, finished):
    y = np.arange(ROWS) % 2
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(9), np.zeros((9, 1))))
    made.several(entry, finished, y, 2, 9, [0.8] * 8)
    table = compare.compare(entry, runs.every(entry.name))
    assert len(table.within_noise()) == 7
    assert table.luck > 0
    assert "on other rows" in table.words()[1]
    assert table.words()[2].startswith("7 of 7 other runs differ from it by no more than noise")


def test_what_the_metric_cannot_count_by_rows_is_tested_by_the_bootstrap(members):
    entry, (best, *_, _poorest) = members
    path = entry.folder / "competition.py"
    path.write_text(path.read_text().replace("metrics.accuracy", "metrics.macro_f1"))
    for run in runs.every(entry.name):
        oof = predictions.load(run.folder / "oof.npz")
        score = metrics.macro_f1.score(oof["y"], oof["pred"])
        made.changed(run, metric="macro F1", oof_score=score)
    table = compare.compare(api_entry(entry), runs.every(entry.name))
    assert table.standings[-1].test.name == "paired bootstrap"
    assert table.standings[-1].verdict.startswith("worse")
    assert table.standings[0].run.name == best.name


def api_entry(entry):
    from kit.task import catalog

    return catalog.find(entry.name)


def test_rows_in_another_order_and_fewer_of_them_are_joined_by_id(members):
    entry, (best, like, _again, _poor, poorest) = members
    before = {one.run.name: one for one in compare.compare(entry, runs.every(entry.name)).standings}
    oof = predictions.load(like.folder / "oof.npz")
    order = np.random.default_rng(0).permutation(ROWS)
    predictions.save(like.folder / "oof.npz", **{name: column[order] for name, column in oof.items()})
    half = predictions.load(poorest.folder / "oof.npz")
    predictions.save(poorest.folder / "oof.npz", **{name: column[::2] for name, column in half.items()})
    after = {one.run.name: one for one in compare.compare(entry, runs.every(entry.name)).standings}
    assert after[like.name].test == before[like.name].test
    assert after[like.name].correlation == pytest.approx(before[like.name].correlation)
    mine = predictions.load(best.folder / "oof.npz")
    right = [one["pred"][::step].argmax(1) == np.arange(0, ROWS, 2) % 3 for one, step in ((mine, 2), (half, 2))]
    assert after[poorest.name].behind == pytest.approx(right[0].mean() - right[1].mean())


def test_without_predictions_folds_are_compared(members):
    entry, (best, *_) = members
    for run in runs.every(entry.name):
        (run.folder / "oof.npz").unlink()
    table = compare.compare(entry, runs.every(entry.name))
    assert {one.by for one in table.standings} == {"rows"}  # of an accuracy its noise is known
    assert (table.expected, table.errors, table.tried) == (None, None, 0)
    last = table.standings[-1]
    assert last.test is None and last.again.name == "corrected resampled t over 2 folds"
    assert last.behind == pytest.approx(best.score - last.run.score)


def test_folds_and_seeds_that_both_were_trained_with_are_taken_together(members):
    entry, (_best, like, _again, poor, poorest) = members
    made.changed(poor, plan=replace(like.plan, seed=1))
    of = {one.run.name: one for one in compare.compare(entry, runs.every(entry.name)).standings}
    assert of[like.name].again.name == "corrected resampled t over 4 folds"
    assert of[poorest.name].again.name == "corrected resampled t over 2 folds"


def test_p_values_are_corrected_for_the_number_of_runs():
    assert compare._holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert compare._holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert compare._holm({}) == {}


def test_the_command_prints_a_table_and_sentences(kit, members):
    entry, (best, like, *_) = members
    status, out, _ = kit("compare", entry.name)
    assert status == 0
    assert out.splitlines()[0].split()[:3] == ["run", "CV", "interval"]
    assert f"The best is {best.name}, accuracy" in out
    facts = json.loads(kit("compare", entry.name, "--json")[1])
    assert facts["best"] == best.name
    assert next(one["run"] for one in facts["runs"]) == best.name
    assert facts["runs"][-1]["test"]["p"] < 1e-6
    named = json.loads(kit("compare", entry.name, best.name, like.name, "--json")[1])
    assert {one["run"] for one in named["runs"]} == {best.name, like.name}


def test_runs_that_cannot_be_compared_are_refused_by_what_is_wrong(kit, members):
    entry, (best, like, *_) = members
    assert kit("compare", entry.name, "nobody")[2].startswith(f"kit: No run of {entry.name} is called 'nobody'.")
    made.changed(like, plan=replace(like.plan, sample=True))
    _, _, err = kit("compare", entry.name, best.name, like.name)
    assert f"{like.name} is of the embedded sample, and {best.name} is of the real data." in err
    unfinished = runs.create(runs.Plan(entry.name, "none", "", {}))
    assert f"Run {unfinished.name} is unfinished." in kit("compare", entry.name, best.name, unfinished.name)[2]
    with pytest.raises(KitError, match="The public share cannot be 0"):
        api.compare(entry.name, public_share=0)


def test_a_run_that_was_judged_otherwise_stands_last_with_the_reason(kit, members):
    entry, (_best, *_, poorest) = members
    made.changed(poorest, split="Stratified(folds=9, seed=0)")
    table = compare.compare(entry, runs.every(entry.name))
    assert table.standings[-1].verdict == "not compared"
    assert "was split by Stratified(folds=9, seed=0)" in table.standings[-1].left_out
    assert table.tried == 4
    assert "Not compared: 20260105-000000-model4 was split by" in kit("compare", entry.name)[2]


def test_a_run_of_another_competition_is_not_compared(members):
    entry, (*_, poorest) = members
    made.changed(poorest, plan=replace(poorest.plan, competition="parity"))
    table = compare.compare(entry, runs.every(entry.name))
    assert table.standings[-1].left_out == "was made for parity"
    assert table.tried == 4


def test_a_verdict_names_what_a_new_training_could_turn_round(members):
    _, (best, *_) = members
    test, unsure = standing.Test("McNemar", 0.001), standing.Test("t", 0.3)
    one = standing.Standing(best, behind=0.1, test=test, again=unsure)
    assert one.verdict == "worse on these rows"
    assert replace(one, again=None).verdict == "worse"
    assert replace(one, behind=-0.1, again=None).verdict == "better"
    assert replace(one, test=None, again=None).verdict == "not tested"


@pytest.fixture
def amounts(given, finished):
    """Three runs that predict numbers, judged by a metric that is no function of sums over rows."""
    random = np.random.default_rng(0)
    y = random.normal(0, 1, 600)
    entry = given(Data(np.arange(600), np.zeros((600, 1)), y), Data(np.arange(9), np.zeros((9, 1))))
    path = entry.folder / "competition.py"
    path.write_text(path.read_text().replace("metrics.rmse", "metrics.median_absolute_error"))
    members = []
    for at, wrong in enumerate((0.5, 0.52, 2.0)):
        run = finished(entry, y + random.normal(0, wrong, 600), np.zeros(9))
        score = metrics.median_absolute_error.score(y, predictions.load(run.folder / "oof.npz")["pred"])
        folds = {"0": score, "1": score + 0.01 * (at + 1)}
        changes = {"metric": "median absolute error", "oof_score": score, "fold_scores": folds}
        members.append(made.changed(run, f"2026010{at + 1}-000000-m{at}", higher_is_better=False, **changes))
    return api_entry(entry), members


def test_a_metric_without_sums_is_tested_over_blocks_of_rows(amounts):
    entry, (best, *_, poorest) = amounts
    table = compare.compare(entry, runs.every(entry.name))
    assert (table.standings[0].run.name, table.standings[-1].run.name) == (best.name, poorest.name)
    last = table.standings[-1]
    assert last.test.name == "paired t over blocks of rows"
    assert last.test.p < 1e-4
    assert last.behind == pytest.approx(poorest.score - best.score)
    assert last.low < poorest.score < last.high
    assert (last.correlation, table.expected, table.errors) == (None, None, None)


def test_without_predictions_the_interval_is_that_of_the_folds(amounts):
    entry, (best, *_) = amounts
    for run in runs.every(entry.name):
        (run.folder / "oof.npz").unlink()
    first = compare.compare(entry, runs.every(entry.name)).standings[0]
    # Two folds of half of the rows: as many were held out as were trained on.
    assert compare._held_share(best) == pytest.approx(1.0)
    half = stats.t.ppf(0.975, 1) * np.sqrt((1 / 2 + 1) * np.var([0, 0.01], ddof=1))
    assert (first.low, first.high) == pytest.approx((best.score - half, best.score + half))
    assert first.by == "folds"
