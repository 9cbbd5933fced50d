"""A run in a code competition: its models published, a notebook that only predicts, rehearsed on files that it has
never seen, pushed and submitted."""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from kit import places, records
from kit.api import code_competitions, kernel
from kit.emulator.local import Emulator
from kit.errors import KitError
from kit.judge import ensemble
from kit.kaggle import ledger, weights
from kit.kaggle.kernel import card, metadata
from kit.predict import inference as predicting
from kit.predict import models
from kit.predict.inference import LEFT, Inferred
from kit.task import catalog
from kit.train import runs
from tests.kaggle.kernel.conftest import boxed, hasten
from tests.kaggle.kernel.test_kernel_notebook import cells, files
from tests.predict.test_rows import LOAD, ROWS


@pytest.fixture
def reading(parity: Path) -> Path:
    """The competition parity, which reads rows from files, and whose recipe stores its models; its folds are cut
    without scikit-learn."""
    hasten(parity)
    declared = parity / "competition.py"
    text = declared.read_text().replace("from pathlib", "from dataclasses import replace\nfrom pathlib", 1)
    declared.write_text(text + ROWS)
    (parity / "table.py").write_text((parity / "table.py").read_text() + LOAD)
    return parity


@pytest.fixture
def trained(reading: Path, kit) -> runs.Run:
    """A run of parity on its sample."""
    return run_of(kit)


def run_of(kit, *more: str) -> runs.Run:
    status, _, err = kit("train", "parity", "table", "--sample", "--no-plots", *more)
    assert status == 0, err
    return runs.find("parity", "last")


def entry_of(run: runs.Run):
    return catalog.find(run.plan.competition, sample=True)


def blend_of(method: str, *members: runs.Run) -> runs.Run:
    return ensemble.blend(entry_of(members[0]), [*members], method=method).run


# --- the dataset


def test_a_dataset_of_a_run_holds_what_its_models_are_read_from_and_nothing_else(trained):
    (trained.fold(0) / "checkpoint").mkdir()
    (trained.fold(0) / "checkpoint" / "state.npz").write_bytes(b"state")
    with weights.laid(entry_of(trained), trained) as folder:
        held = {path.relative_to(folder / trained.name).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert held == {"plan.json", "run.json"} | {
            f"fold-{number}/{name}" for number in range(3) for name in ("done.json", "share.npy")
        }
        assert all(path.stat().st_nlink == 2 for path in folder.rglob("*.npy"))  # it takes no room
    assert not folder.exists()


def test_seeds_that_were_averaged_are_in_the_dataset(reading, kit):
    run = run_of(kit, "--seeds", "2")
    with weights.laid(entry_of(run), run) as folder:
        assert len([*folder.glob("*/fold-*/seed-*/share.npy")]) == 6
        assert not [*folder.rglob("history.csv")]


def test_the_name_of_a_dataset_is_short_and_no_other_run_s():
    def named(competition: str, run: str) -> str:
        return weights.name(runs.Run(Path("x", run), runs.Plan(competition, "cnn", "", {})))

    assert named("parity", "20260105-143012-cnn") == "kit-run-parity-20260105-143012-cnn"
    long = [named("digit-recognizer", f"20260105-143012-cnn-augmented-{end}") for end in "ab"]
    assert [len(one) <= 50 for one in long] == [True, True] and long[0] != long[1]


# --- the notebook


def test_the_notebook_of_a_run_has_the_same_bytes_each_time_and_trains_nothing(trained):
    built = kernel.build("parity", run=trained)
    before = built.notebook.read_bytes()
    assert kernel.build("parity", run="last").notebook.read_bytes() == before
    assert built.folder.name == "parity-table-sample-inference"
    packed = files(built.notebook.read_text())
    assert "kit/predict/inference.py" in packed and "kit/train/loop.py" not in packed
    assert cells(built.notebook.read_text())[-1] == (
        "from kit.predict import inference\nfrom kit.task import catalog\n\n"
        'entry = catalog.find("parity")\n'
        f'run = inference.attached("parity", "{weights.name(trained)}", "{trained.name}")\n'
        "inference.submit(entry, run, started=STARTED, limit=32400.0)\n"
    ).removesuffix("\n")
    described = metadata.read(built.folder)
    assert described["dataset_sources"] == [f"INSERT_USER_HERE/{weights.name(trained)}"]
    assert (described["competition_sources"], described["enable_internet"]) == (["parity"], False)


def test_another_run_of_the_recipe_takes_the_place_of_the_run_that_was_attached(trained, kit):
    folder = kernel.build("parity", run=trained).folder
    described = metadata.read(folder)
    metadata.write(folder, described | {"dataset_sources": [*described["dataset_sources"], "me/words"]})
    other = run_of(kit, "--seed", "1")
    kernel.build("parity", run=other)
    assert metadata.read(folder)["dataset_sources"] == ["me/words", f"INSERT_USER_HERE/{weights.name(other)}"]
    with pytest.raises(KitError, match=f"was built of run {other.name}"):
        kernel.rehearse("parity", run=trained)


def test_all_kernels_are_built_again_those_of_runs_among_them(trained, reading, told):
    built = kernel.build("parity", run=trained, hours=5)
    (reading / "_digits.py").write_text("BASE = 10\n")
    (reading / "table.py").write_text("from ._digits import BASE\n" + (reading / "table.py").read_text())
    with pytest.raises(KitError, match="is stale"):
        kernel.rehearse("parity", run=trained)
    assert [one.run.name for one in kernel.build_all()] == [trained.name]
    assert "limit=18000.0" in cells(built.notebook.read_text())[-1]
    shutil.rmtree(trained.folder)
    assert kernel.build_all() == ()
    assert told[-1] == f"Passed over: {built.folder}. No run of parity is called '{trained.name}'."


def test_a_run_without_models_is_refused_before_anything_is_written(trained, reading):
    recipe = reading / "table.py"
    recipe.write_text(recipe.read_text().replace("def load", "def other"))
    with pytest.raises(KitError, match="Recipe table stores no model"):
        kernel.build("parity", run=trained)
    assert not places.kernels().exists()


def test_a_run_one_of_whose_folds_has_lost_its_model_is_refused(trained):
    for path in trained.fold(1).iterdir():
        if path.name != "done.json" and path.name not in models.NO_MODEL:
            path.unlink()
    with pytest.raises(KitError, match=r"The weights of run .* are not here"):
        kernel.build("parity", run=trained)


def test_the_member_of_a_blend_that_has_no_model_is_named(trained, kit):
    other = run_of(kit, "--seed", "1")
    blend = blend_of("mean", trained, other)
    for number in range(3):
        (other.fold(number) / "done.json").unlink()
    with pytest.raises(KitError) as error:
        kernel.build("parity", run=blend)
    gone = f"The weights of run {other.name} are not here."
    assert error.value.wrong == f"A member of the blend {blend.name} has no model. {gone}"


def test_a_run_of_another_competition_is_refused(trained, reading):
    with pytest.raises(KitError, match=f"Run {trained.name} is one of parity, and not of digit-recognizer"):
        kernel.build("digit-recognizer", run=trained)
    with pytest.raises(KitError, match="recipe, epochs cannot be given together with a run"):
        kernel.build("parity", "table", run=trained, epochs=3)


# --- rehearsals


def looks(run: runs.Run) -> kernel.Looks:
    kernel.build("parity", run=run)
    return kernel.rehearse("parity", run=run, hidden=True)


@boxed
def test_a_rehearsal_on_hidden_files_tells_each_in_one_line(trained, namespaces, told):
    seen = looks(trained)
    assert [(one.what.partition(",")[0], one.layout, one.rows) for one in seen] == [
        ("the visible test file", "new", 20),
        ("one row", "old", 1),
        ("10 times as many rows", "new", 200),
        ("the same with missing values", "new", 200),
    ]
    assert [one.said for one in seen[:3]] == [
        "the same as the run's own",
        *["its rows are those of the file, in its order"] * 2,
    ]
    assert all(one.rate > 0 and one.memory > 20e6 for one in seen[:3])
    assert not seen[3].passed
    assert seen[3].said == (
        "missing values are refused. Row 1 has no value, and recipe table cannot take missing values."
    )
    assert [line for line in told if not line.startswith("  ")][-4:] == [one.line() for one in seen]
    table = (places.kernels() / "parity-table-sample-inference/output/rehearsal/many/submission.csv").read_text()
    order = [int(row["id"]) for row in csv.DictReader(table.splitlines())]
    assert sorted(order) == [*range(200, 400)] != order
    assert all(int(row["odd"]) == int(row["id"]) % 2 for row in csv.DictReader(table.splitlines()))


@boxed
def test_a_notebook_that_fails_on_other_rows_fails_the_rehearsal(trained, reading, namespaces):
    declared = reading / "competition.py"
    strict = '    assert len(file.read_text()) > 50, "too few"\n    for part in'
    declared.write_text(declared.read_text().replace("    for part in", strict))
    with pytest.raises(KitError, match="The rehearsal on one row failed: a cell failed") as error:
        looks(trained)
    assert "AssertionError: too few" in str(error.value)


@pytest.mark.parametrize("method", ["hill-climb", "mean", "rank", "stack"])
def test_a_blend_predicts_by_what_its_dataset_holds(reading, kit, tmp_path, monkeypatch, method):
    if method == "rank":
        declared = reading / "competition.py"
        declared.write_text(declared.read_text().replace("metrics.accuracy", "metrics.auc"))
    one, other = run_of(kit, "--set", "noise=0.4"), run_of(kit, "--seed", "1", "--set", "noise=0.4")
    blend = blend_of(method, one, other)
    before, name = blend.submission.read_bytes(), weights.name(blend)
    public = entry_of(blend).public()
    with weights.laid(entry_of(blend), blend) as folder:
        shutil.copytree(folder, tmp_path / "kaggle/input" / name)
    shutil.copytree(public, tmp_path / "kaggle/input/parity")
    shutil.rmtree(places.runs("parity"))
    monkeypatch.setenv("KIT_KAGGLE_ROOT", str(tmp_path / "kaggle"))
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    attached = predicting.attached("parity", name, blend.name)
    predicting.submit(catalog.find("parity"), attached, started=time.monotonic(), limit=32400.0)
    assert (places.working() / "submission.csv").read_bytes() == before


@boxed
def test_without_hidden_the_notebook_runs_whole_under_both_layouts(trained, namespaces):
    kernel.build("parity", run=trained)
    results = kernel.rehearse("parity", run=trained)
    assert [(one.layout, one.showed) for one in results] == [
        ("new", "the whole notebook"),
        ("old", "the whole notebook"),
    ]
    assert {one.sha256 for one in results} == {records.sha256(trained.submission)}


# --- Kaggle


@boxed
def test_a_run_is_published_pushed_and_submitted_with_one_command_and_once(emulator: Emulator, reading, kit, told):
    run = run_of(kit)
    status, _, err = kit("push", "parity", "--from", "last", "--code", "--no-rehearse")
    assert status == 0, err
    assert emulator.store.get("dataset", f"tester/{weights.name(run)}")["private"] is True
    ref = "tester/parity-table-sample-inference"
    assert kit("kernel", "status", "parity", "--from", "last")[1] == f"{ref} v1: complete\n"
    (attempt,) = ledger.read(entry_of(run))
    assert (attempt.kernel, attempt.run, attempt.public_score) == (f"{ref}/1", run.name, 1.0)
    assert (run.kaggle()["ref"], run.kaggle()["public_score"], run.kaggle()["sha256"]) == (attempt.ref, 1.0, "")
    left = attempt.path.parent
    assert left.parts[-4:-2] == ("parity-table-sample-inference", "output")
    assert (left / "submission.csv").read_bytes() == run.submission.read_bytes()
    assert Inferred(**records.read_json(left / "inference.json")).rows == 20
    before = {name: emulator.steps(name) for name in ("SaveKernel", "CreateCodeSubmission", "StartBlobUpload")}
    assert set(before.values()) != {0}
    assert kit("push", "parity", "--from", "last", "--code")[0] == 0
    assert {name: emulator.steps(name) for name in before} == before
    assert f"{ref} v1 is this notebook, with these models; nothing is pushed again." in told


@boxed
def test_a_notebook_whose_run_is_not_published_is_told_so(emulator: Emulator, reading, kit):
    run = run_of(kit)
    kernel.build("parity", run=run)
    with pytest.raises(KitError) as error:
        kernel.push("parity", run=run)
    assert error.value.cure == f"kit publish-run parity {run.name}  # and push again"


def test_a_dataset_of_a_run_gets_a_new_version_only_when_bytes_changed(emulator: Emulator, reading, kit):
    run = run_of(kit)
    assert kit("publish-run", "parity", "last")[1] == f"tester/{weights.name(run)}  ready\n"
    assert not code_competitions.publish_run("parity", run).changed
    np.save(run.fold(1) / "share.npy", np.zeros(10))
    assert code_competitions.publish_run("parity", run).changed
    assert len(emulator.store.get("dataset", f"tester/{weights.name(run)}")["versions"]) == 2


# --- what is told


def test_the_card_tells_how_many_rows_there_is_room_for():
    seen = Inferred(rows=1000, seconds=10.0, loading=40.0, peak_memory_bytes=0)
    assert card.room(seen, 2000, 1.0, "parity --from x") == (
        "2,000 visible test rows take about 2 min 0 s and 1 h have room for "
        f"{(3600 - int(LEFT) - 60 - 40) * 100:,} rows, "
        "160.0 times as many, at the 100 rows a second that the rehearsal saw on this machine"
    )
    assert card.room(None, 2000, 1.0, "parity --from x") == (
        "not known yet: kit kernel rehearse parity --from x --hidden measures it"
    )
