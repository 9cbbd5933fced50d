"""Which run is the best, and which ones cannot be compared with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kit.judge import choose
from kit.task import catalog
from kit.train import judged, runs
from kit.train.record import Plan, Rows
from tests.given import recorded


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "competition.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def old(kit, parity) -> runs.Run:
    """A run that was judged as parity was declared when it was trained."""
    kit("train", "parity", "--sample", "--no-plots")
    return runs.find("parity", "last")


def listed(kit) -> dict[str, str | None]:
    """Each run with why it is left out, in the order of the list."""
    return {run["name"]: run["left_out"] for run in json.loads(kit("runs", "parity", "--json")[1])}


CHANGES = [
    (
        "splits.Stratified(3)",
        "splits.Shuffled(3)",
        "was split by Stratified(folds=3, seed=0), and the competition declares Shuffled(folds=3, seed=0)",
    ),
    (
        "splits.Stratified(3)",
        "splits.Stratified(4)",
        "was split by Stratified(folds=3, seed=0), and the competition declares Stratified(folds=4, seed=0)",
    ),
    ("metrics.accuracy", "metrics.auc", "was judged by accuracy, and the competition declares AUC"),
]


@pytest.mark.parametrize(("before", "after", "why"), CHANGES, ids=[change[1] for change in CHANGES])
def test_a_run_that_was_judged_in_another_way_is_neither_ranked_nor_sent_and_is_told_why(
    kit, parity, old, before, after, why
):
    edit(parity, before, after)
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=0.9")
    new = runs.find("parity", "last")
    assert listed(kit) == {new.name: None, old.name: why}
    status, out, err = kit("runs", "parity")
    assert status == 0
    assert f"Not ranked: {old.name} {why}.\n" in err
    (line,) = [line for line in out.splitlines() if f"{old.name} " in line]
    assert "cv, not ranked" in line and "accuracy 1.00000" in line
    status, out, err = kit("submit", "parity", "--sample", "--dry-run")
    assert status == 0
    assert new.name in out and f"Left out: run {old.name} {why}.\n" in err


def test_where_every_run_is_left_out_the_default_recipe_is_trained(kit, parity, old):
    edit(parity, "splits.Stratified(3)", "splits.Shuffled(3)")
    status, out, _ = kit("submit", "parity", "--sample", "--dry-run")
    assert status == 0
    assert f"{old.name}/submission.csv" not in out
    assert len(runs.every("parity")) == 2


def test_a_run_that_is_named_may_still_be_sent(kit, parity, old):
    edit(parity, "splits.Stratified(3)", "splits.Shuffled(3)")
    assert old.name in kit("submit", "parity", old.name, "--sample", "--dry-run")[1]


def test_a_run_made_without_groups_is_not_ranked_when_there_are_groups(kit, parity, old):
    edit(parity, "splits.Stratified(3)", "lambda data: data.ids % 3")
    kit("train", "parity", "--sample", "--no-plots")
    without = runs.find("parity", "last")
    edit(parity, "train[:, 2])", "train[:, 2], train[:, 0] % 3)")
    why = "was split without groups, and `load` gives groups now"
    left_out = listed(kit)
    assert left_out[without.name] == why
    assert left_out[old.name].startswith(
        "was split by Stratified(folds=3, seed=0), and the competition declares <lambda> "
    )
    kit("train", "parity", "--sample", "--no-plots")
    edit(parity, "train[:, 0] % 3)", "train[:, 0] % 6)")
    assert listed(kit)[runs.find("parity", "last").name] == "was split with other groups, and `load` gives groups now"
    edit(parity, "train[:, 0] % 6)", "None)")
    assert listed(kit)[runs.find("parity", "last").name] == "was split with groups, and `load` gives none now"


def test_a_holdout_is_compared_as_well(kit, parity):
    kit("train", "parity", "--sample", "--no-plots", "--holdout")
    run = runs.find("parity", "last")
    assert listed(kit) == {run.name: None}
    edit(parity, "train[:, 2])", "train[:, 2], train[:, 0] % 7)")
    assert listed(kit) == {run.name: "was split without groups, and `load` gives groups now"}


def test_a_run_of_other_data_is_not_ranked(kit, parity, old):
    edit(parity, "splits.Stratified(3)", "splits.Stratified(3, seed=0)")
    manifest = catalog.find("parity", sample=True).data / "manifest.json"
    facts = json.loads(manifest.read_text())
    facts["public"]["train.csv"]["sha256"] = "0" * 64
    manifest.write_text(json.dumps(facts))
    assert listed(kit) == {old.name: "was trained on another train.csv than the one that is here"}


def test_where_the_data_is_not_here_groups_are_not_compared(kit, parity, old):
    data = catalog.find("parity", sample=True).data
    data.rename(data.with_name("elsewhere"))
    edit(parity, "train[:, 2])", "train[:, 2], train[:, 0] % 7)")
    assert listed(kit) == {old.name: None}


def test_the_rows_are_loaded_only_when_declaration_or_data_have_changed(kit, parity, old):
    assert "Loading the rows" not in kit("runs", "parity")[2]
    edit(parity, "Parity: whether", "Parity: say whether")
    assert "Loading the rows of parity once, to compare their groups" in kit("runs", "parity")[2]
    assert "Loading the rows" not in kit("runs", "parity")[2]


@pytest.mark.parametrize("text", ["{", "[]", '{"text": 7}', "null"])
def test_what_was_learned_before_is_learned_anew_when_it_is_damaged(kit, parity, old, text):
    (old.folder.parent / judged.FILE).write_text(text)
    assert listed(kit) == {old.name: None}


def test_a_list_of_runs_imports_no_numpy_when_nothing_has_changed(kit, old, workspace):
    code = "import sys\nfrom kit.cli import main\nmain(['runs', 'parity'])\nprint('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.splitlines()[-1] == "False"
    assert old.name in done.stdout


def test_a_declaration_that_cannot_be_read_hides_no_run(kit, parity, old):
    edit(parity, "splits.Stratified(3)", "splits.Stratified(3")
    entry = catalog.Entry("parity", parity, "", sample=True)
    with pytest.raises(Exception, match="was never closed"):
        choose.ranked(entry, [old])


FIVE, TWO = "Stratified(folds=5, seed=0)", "Stratified(folds=2, seed=0)"


def test_runs_stand_in_the_order_of_how_far_they_can_be_compared(parity):
    def made(score: float | None, rows: int = 60, folds: int = 3, split: str = "", **asked) -> str:
        plan = Plan("parity", "table", "", {}, **asked)
        run = runs.create(replace(plan, folds=folds) if folds in (5, 2) else plan)
        scores = {str(number): 0.5 for number in range(folds)}
        judged_by = {"split": split or "Stratified(folds=3, seed=0)", "rows": Rows(60, rows, 20), "fold_scores": scores}
        run.finish(recorded(run, oof_score=score, **judged_by))
        return run.name

    good, better = made(0.7), made(0.75)
    five, two = made(0.8, folds=5, split=FIVE), made(0.9, folds=2, split=TWO)
    one_fold = made(0.95, 20, 1, only=1)
    holdout = made(0.99, 6, 1, "Holdout(share=0.1, seed=0)", scheme="holdout")
    full = made(None, 0, 0, "AllRows()", scheme="full")
    by_name = made(1.0, scheme="halves")
    unfinished = runs.create(Plan("parity", "table", "", {})).name

    entry = catalog.find("parity")
    places = choose.ranked(entry, runs.every("parity"))
    assert [place.run.name for place in places[:6]] == [better, good, five, two, one_fold, holdout]
    assert {place.run.name: place.left_out for place in places[6:]} == {
        full: "has no score, since no row was held out",
        by_name: "was judged by the split 'halves', which may cut groups",
        unfinished: "",
    }
    assert places[-1].run.name == unfinished
    assert choose.best(entry, runs.every("parity")).name == better
    assert choose.best(catalog.find("parity", sample=True), runs.every("parity")) is None
