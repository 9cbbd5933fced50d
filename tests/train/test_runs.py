"""The run store."""

from __future__ import annotations

import pytest

from kit import records
from kit.errors import KitError
from kit.train import runs
from kit.train.runs import Plan

PLAN = Plan("parity", "table", "noisy", {"kernels": (3, 5), "rate": 0.1})


def test_runs_of_one_second_get_names_of_their_own(workspace):
    names = [runs.create(PLAN).name for _ in range(3)]
    assert len(set(names)) == 3
    assert all("-table-noisy" in name for name in names)


def test_a_plan_reads_back_as_it_was_written(workspace):
    made = runs.create(PLAN)
    assert runs.find("parity", made.name).plan == PLAN


def test_a_run_is_found_by_enough_of_its_beginning_or_end(workspace):
    made = runs.create(PLAN)
    assert runs.find("parity", made.name[:15]).folder == made.folder
    assert runs.find("parity", "table-noisy").folder == made.folder
    assert runs.find("parity", "last").folder == made.folder


def test_an_ambiguous_name_lists_what_it_fits(workspace):
    runs.create(PLAN), runs.create(PLAN)
    with pytest.raises(KitError, match="'2' fits 2 runs"):
        runs.find("parity", "2")


def test_an_unknown_name_lists_what_there_is(workspace):
    with pytest.raises(KitError, match="No run of parity is called 'x'"):
        runs.find("parity", "x")


def test_a_run_of_which_git_kept_only_the_record_is_listed(workspace):
    made = runs.create(PLAN)
    done = made.finish({"plan": {**vars(PLAN)}, "oof_score": 0.5})
    (done.folder / "plan.json").unlink()
    found = runs.find("parity", made.name)
    assert (found.plan, found.score, found.finished) == (PLAN, 0.5, True)


def test_a_damaged_record_is_one_clear_error(workspace):
    made = runs.create(PLAN)
    (made.folder / "run.json").write_text("{")
    with pytest.raises(KitError, match=r"run\.json is damaged"):
        runs.every("parity")


def test_a_json_file_is_written_whole_or_not_at_all(workspace):
    path = workspace / "value.json"
    records.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        records.write_json(path, {"a": object()})
    assert records.read_json(path) == {"a": 1}
    assert [item.name for item in workspace.iterdir()] == ["value.json"]
