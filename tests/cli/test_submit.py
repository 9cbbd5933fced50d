"""`kit submit --dry-run`: what would be sent."""

from __future__ import annotations

import json

import pytest

from kit.train import runs


def test_without_a_run_the_default_recipe_is_trained_first_and_says_so(kit, parity):
    status, out, err = kit("submit", "parity", "--sample", "--dry-run")
    assert status == 0
    assert "parity has no run to choose, so its default recipe, table, is trained first." in err
    assert "rows         20\n" in out
    assert len(runs.every("parity")) == 1


def test_the_best_run_by_cross_validation_is_taken(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    best = runs.find("parity", "last").name
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=5.0")
    facts = json.loads(kit("submit", "parity", "--sample", "--dry-run", "--json")[1])
    assert best in facts["message"]
    assert facts["odd"] == "0: 10  1: 10"


def test_a_holdout_does_not_win_over_a_cross_validated_run(kit, parity):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=1.0")
    judged_by_all = runs.find("parity", "last").name
    kit("train", "parity", "--sample", "--no-plots", "--holdout")
    assert judged_by_all in json.loads(kit("submit", "parity", "--sample", "--dry-run", "--json")[1])["message"]


def test_a_file_of_the_users_own_is_checked(kit, parity, tmp_path):
    kit("download", "parity", "--sample")
    mine = tmp_path / "mine.csv"
    mine.write_text("id,odd\n" + "".join(f"{n},{n % 2}\n" for n in range(200, 220)))
    status, out, err = kit("submit", "parity", str(mine), "--sample", "--dry-run")
    assert status == 0
    assert "message      mine.csv\n" in out
    assert err.endswith("Nothing was sent.\n")
    mine.write_text(mine.read_text().replace("205,1", "205,7"))
    status, _, err = kit("submit", "parity", str(mine), "--sample", "--dry-run")
    assert status == 1
    assert "row 6, column 'odd' holds '7'" in err


def test_an_unfinished_run_is_not_sent(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    run = runs.find("parity", "last")
    (run.folder / "run.json").unlink()
    status, _, err = kit("submit", "parity", "last", "--sample", "--dry-run")
    assert status == 1
    assert f"Try: kit train parity --resume {run.name}" in err


def test_a_run_on_the_sample_is_not_checked_against_the_real_data(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    status, _, err = kit("submit", "parity", "last", "--dry-run")
    assert status == 1
    assert "was trained on the embedded sample" in err


@pytest.mark.realdata
def test_a_dry_run_of_the_real_competition_takes_a_file_of_28000_rows(kit, shared, tmp_path):
    assert kit("download", "digit-recognizer", "--from", str(shared / "digit-recognizer.zip"))[0] == 0
    mine = tmp_path / "mine.csv"
    mine.write_text("ImageId,Label\n" + "".join(f"{n},{n % 10}\n" for n in range(1, 28001)))
    facts = json.loads(kit("submit", "digit-recognizer", str(mine), "--dry-run", "--json")[1])
    assert (facts["rows"], facts["columns"]) == (28000, "ImageId,Label")
