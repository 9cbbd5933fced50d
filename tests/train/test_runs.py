"""The run store."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace

import pytest

from kit import records
from kit.errors import KitError
from kit.train import record, runs
from kit.train.record import Done, Plan
from tests.given import recorded

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
    done = made.finish(recorded(made))
    (done.folder / "plan.json").unlink()
    again = runs.find("parity", made.name)
    assert (again.plan, again.score, again.finished) == (PLAN, 0.5, True)


def test_a_finished_run_reads_back_as_it_was_written(workspace):
    made = runs.create(PLAN)
    done = made.finish(recorded(made, decision=record.Decision({"at": 0.4}, 0.9, 0.8), git=record.Git("ab12", True)))
    assert runs.find("parity", made.name) == done
    assert runs.at(made.folder).chosen == {"at": 0.4}


def test_what_an_unfinished_run_would_record_is_asked_for_in_vain(workspace):
    made = runs.create(PLAN)
    with pytest.raises(KitError, match="is unfinished") as caught:
        made.record  # noqa: B018
    assert caught.value.cure == f"kit train parity --resume {made.name}"
    assert (made.score, made.done(0), made.facts()["plan"]["seed"]) == (None, None, 0)


DAMAGE = {
    "null": "run.json is damaged: it holds NoneType",
    "text": "run.json is damaged",
    "[" * 100_000: "run.json is damaged: maximum recursion depth exceeded",
    '{"schema": 1}': "run.json is damaged: it has no key 'name'.",
    '{"schema": 7}': "run.json has the schema version 7; this kit reads version 1.",
    "{}": "run.json has no schema version; this kit reads version 1.",
    '{"schema": 1, "plan": {"seed": "x"}}': "run.json is damaged",
    '{"schema": 1, "seconds": Infinity}': "run.json is damaged",
}


@pytest.mark.parametrize(("text", "why"), DAMAGE.items(), ids=[str(number) for number in range(len(DAMAGE))])
def test_a_folder_that_cannot_be_read_is_passed_over_and_named_with_how_to_delete_it(workspace, told, text, why):
    good, bad = runs.create(PLAN), runs.create(PLAN)
    (bad.folder / "run.json").write_text(text)
    assert [run.name for run in runs.every("parity")] == [good.name]
    runs.every("parity")
    (line,) = told
    assert line.startswith(f"Passed over: {bad.folder} holds a run that cannot be read: ") and why in line
    assert line.endswith(f" rm -r {bad.folder}")
    assert runs.find("parity", "last").name == good.name
    with pytest.raises(KitError, match="holds a run that cannot be read"):
        runs.find("parity", bad.name)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"colour": "red"}, "it has an unknown key 'colour'"),
        ({"seed": "7"}, "seed is str and not int"),
        ({"seed": True}, "seed is bool and not int"),
        ({"settings": [1]}, "settings is list and not dict"),
        ({"data": {"train.csv": 3}}, "data.train.csv is int and not str"),
        ({"recipe": None}, "recipe is NoneType and not str"),
    ],
)
def test_a_plan_with_an_unknown_key_or_a_value_of_another_type_is_passed_over(workspace, told, change, why):
    good, bad = runs.create(PLAN), runs.create(PLAN)
    records.write_json(bad.folder / "plan.json", records.read_json(bad.folder / "plan.json") | change)
    assert [run.name for run in runs.every("parity")] == [good.name]
    assert f"plan.json is damaged: {why}." in told[0]


def test_a_folder_in_the_place_of_a_record_is_passed_over(workspace, told):
    bad = runs.create(PLAN)
    (bad.folder / "run.json").mkdir()
    assert runs.every("parity") == []
    assert str(bad.folder) in told[0]


def test_a_fold_that_was_recorded_by_another_kit_is_refused(workspace):
    made = runs.create(PLAN)
    done = Done(seconds=1.0, rows=40, where="local", device="a processor", versions={}, peak_memory_bytes=1)
    record.write(made.fold(0) / record.DONE, done)
    assert made.done(0) == done
    records.write_json(made.fold(0) / record.DONE, {"schema": 0, "seconds": 1.0})
    with pytest.raises(KitError, match=r"fold-0/done\.json has the schema version 0"):
        made.done(0)


def test_a_damaged_note_of_what_was_submitted_hides_no_run(workspace, told):
    made = runs.create(PLAN)
    (made.folder / "kaggle.json").write_text("[1")
    assert [run.kaggle() for run in runs.every("parity")] == [{}]
    assert "kaggle.json" in told[0]


def test_the_commands_go_on_beside_a_damaged_run(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    bad = runs.create(PLAN)
    records.write_json(bad.folder / "plan.json", {"schema": 1, "colour": "red"})
    status, out, err = kit("runs", "parity")
    assert (status, out.count("\n")) == (0, 3)
    assert err.count(f"rm -r {bad.folder}") == 1
    assert kit("submit", "parity", "--sample", "--dry-run")[0] == 0


def test_a_json_file_is_written_whole_or_not_at_all(workspace):
    path = workspace / "value.json"
    records.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        records.write_json(path, {"a": object()})
    assert records.read_json(path) == {"a": 1}
    assert [item.name for item in workspace.iterdir()] == ["value.json"]


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_record_whose_numbers_are_not_finite_is_passed_over(workspace, told, seconds):
    made = runs.create(PLAN)
    file = made.finish(recorded(made)).folder / "run.json"
    file.write_text(file.read_text().replace('"fit_seconds": 1.0', f'"fit_seconds": {seconds}'))
    assert runs.every("parity") == []
    assert "fit_seconds is " in told[0] and "which is no finite number" in told[0]


def test_looking_plans_up_reads_a_finished_run_once_and_sees_what_was_made_or_finished_since(workspace, monkeypatch):
    plans = [replace(PLAN, seed=seed) for seed in range(4)]
    first, second = (runs.create(plan) for plan in plans[:2])
    first.finish(recorded(first))
    read = []
    at = runs.at
    monkeypatch.setattr(runs, "at", lambda folder: read.append(folder.name) or at(folder))
    known = runs.Known()
    for _ in range(3):
        assert known.same(plans[0]).name == first.name
    assert read.count(first.name) == 1
    assert not known.same(plans[1]).finished
    second.finish(recorded(second))
    assert known.same(plans[1]).finished
    assert known.same(plans[2]) is None
    third = runs.create(plans[2])
    assert known.same(plans[2]).folder == third.folder
    shutil.rmtree(third.folder)
    assert known.same(plans[2]) is None


@pytest.mark.parametrize("age", [0, 60])
def test_a_store_that_has_not_changed_for_long_is_not_listed_again(workspace, monkeypatch, age):
    store = runs.create(PLAN).folder.parent
    then = time.time() - age
    os.utime(store, (then, then))
    listed = []
    every = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: listed.append(path) or every(path))
    known = runs.Known()
    for seed in range(5):
        known.same(replace(PLAN, seed=seed))
    assert len(listed) == (1 if age else 5)


def test_a_finished_run_is_preferred_to_an_unfinished_one_of_the_same_plan(workspace):
    _, made = runs.create(PLAN), runs.create(PLAN)
    made.finish(recorded(made))
    assert runs.Known().same(PLAN).name == made.name
