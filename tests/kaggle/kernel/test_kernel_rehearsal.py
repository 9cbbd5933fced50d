"""Rehearsals: the very notebook, in walls like Kaggle's, with namespaces and without."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from kit import places, records
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle.kernel import metadata, notebook, rehearsal
from kit.sandbox import walls
from kit.sandbox.limits import Limits
from kit.task import catalog
from kit.train import loop, provenance, rehearsed, runs
from kit.train.runs import Plan
from tests.kaggle.kernel.conftest import boxed, hasten

METADATA = {"competition_sources": ["parity"], "dataset_sources": []}
SUBMIT = "import shutil, glob\nshutil.copy(glob.glob(INPUT + '/**/answer.csv', recursive=True)[0], 'submission.csv')"
WALLS = pytest.mark.parametrize("kept_in", ["namespaces", "audit hook"])


@pytest.fixture
def public(parity: Path) -> Path:
    """The sample's public files, and an answer that would be accepted."""
    hasten(parity)
    folder = fetch.sample(catalog.find("parity")) / "public"
    (folder / "answer.csv").write_text("id,odd\n" + "".join(f"{n},{n % 2}\n" for n in range(200, 220)))
    return folder


@pytest.fixture
def within(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, kept_in: str) -> str:
    """Rehearsals are kept in by `kept_in`."""
    if kept_in == "namespaces":
        request.getfixturevalue("namespaces")
    monkeypatch.setattr(walls, "available", lambda: kept_in == "namespaces")
    return kept_in


def rehearse(public: Path, *code: str, described=METADATA, printed=None, **more) -> list[rehearsal.Rehearsal]:
    """Rehearse a notebook of the given cells."""
    begin = "import os\nROOT = os.environ.get('KIT_KAGGLE_ROOT', '/kaggle')\nINPUT = ROOT + '/input'\n"
    begin += "os.chdir(ROOT + '/working')"
    book = {"cells": [{"cell_type": "code", "source": text} for text in (begin, *code)], "metadata": {}}
    echo = (printed if printed is not None else []).append
    return rehearsal.rehearse(
        catalog.find("parity"), json.dumps(book), dict(described), {"parity": public}, echo=echo, **more
    )


def fails(public: Path, *code: str, **more) -> str:
    with pytest.raises(KitError) as error:
        rehearse(public, *code, **more)
    return str(error.value)


@WALLS
def test_the_notebook_gives_the_local_submission_byte_for_byte(public, within, jupyter):
    entry = catalog.find("parity")
    recipe, _ = entry.recipe("table")
    (public / "answer.csv").unlink()
    plan = Plan("parity", "table", "", recipe.resolve("", {"noise": 0.3}), seed=7, sample=True)
    mine = runs.create(Plan(**vars(plan) | {"data": provenance.data(public), "code": provenance.code(recipe.files)}))
    local = loop.train(entry, mine, quiet=True)
    results = rehearsal.rehearse(
        entry, notebook.build(entry, plan), METADATA, {"parity": public}, echo=lambda line: None
    )
    assert [(one.layout, one.walls) for one in results] == [("new", within), ("old", within)]
    assert results[0].sha256 == records.sha256(local.submission)


@pytest.mark.parametrize("opens", [False, True])
def test_a_rehearsal_fits_two_folds_for_one_epoch_and_finds_the_inputs_under_the_other_layout(parity, tmp_path, opens):
    if opens:  # then something may be there under one layout only
        recipe = (parity / "table.py").read_text()
        (parity / "table.py").write_text(
            recipe.replace("import numpy", "# Words: /kaggle/input/words\nimport numpy", 1)
        )
    entry = catalog.find("parity")
    public = fetch.sample(entry) / "public"
    recipe, _ = entry.recipe("table")
    plan = Plan("parity", "table", "", recipe.resolve("", {"noise": 0.3, "epochs": 7}), seed=3)
    printed: list[str] = []
    results = rehearsal.rehearse(
        entry, notebook.build(entry, plan), METADATA, {"parity": public}, echo=printed.append, keep=tmp_path / "kept"
    )
    fitted = [line.partition(" · loss")[0] for line in printed if "· loss" in line]
    one = ["old | fold 1/2 · 1/1"] if opens else []
    assert sorted(fitted) == ["new | fold 1/2 · 1/1", "new | fold 2/2 · 1/1", *one]
    assert [result.showed for result in results] == ["two folds", "one fold" if opens else "inputs"]
    for result, only in zip(results, (None, 0), strict=True):  # just what the same plan gives here
        if result.showed == "inputs":
            assert any(line.startswith("old | 60 train and 20 test rows from ") for line in printed)
            assert result.sha256 == "" and not (tmp_path / "kept" / "old" / "submission.csv").exists()
            continue
        changed = {"settings": plan.settings | {"epochs": 1}, "folds": 2, "only": only, "sample": True}
        local = loop.train(entry, runs.create(Plan(**vars(plan) | changed)), quiet=True)
        assert result.sha256 == records.sha256(local.submission)
        assert result.sha256 == records.sha256(tmp_path / "kept" / result.layout / "submission.csv")


def test_under_the_other_layout_the_encoder_must_be_attached_and_the_rows_must_be_whole(parity, tmp_path):
    recipe = (parity / "table.py").read_text()
    recipe = recipe.replace("VARIANTS", 'ATTACH = ("encoder",)\nVARIANTS', 1).replace(
        "*, epochs", '*, encoder: str = "words", epochs'
    )
    (parity / "table.py").write_text("from kit.toolbox.encoders import handles\n\n" + recipe)
    entry = catalog.find("parity")
    public = fetch.sample(entry) / "public"
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "model.keras").write_text("")
    table, _ = entry.recipe("table")
    text = notebook.build(entry, Plan("parity", "table", "", table.resolve()))
    described = {**METADATA, "dataset_sources": ["me/kit-encoder-words"]}
    printed: list[str] = []
    inputs = {"parity": public, "me/kit-encoder-words": tmp_path / "encoder"}
    rehearsal.rehearse(entry, text, described, inputs, echo=printed.append)
    assert any(line.startswith("old | encoder is ") and line.endswith("/kit-encoder-words") for line in printed)
    (tmp_path / "encoder" / "model.keras").unlink()
    with pytest.raises(KitError, match="a cell failed") as error:
        rehearsal.rehearse(entry, text, described, inputs, echo=printed.append)
    assert "old mounts" in error.value.wrong
    assert "No input of this kernel is the encoder of 'words'" in str(error.value)


def test_outside_of_a_kernel_the_environment_of_a_rehearsal_changes_nothing(parity, monkeypatch):
    entry = catalog.find("parity", sample=True)
    fetch.sample(entry)
    recipe, _ = entry.recipe("table")
    monkeypatch.setenv(rehearsed.NAME, rehearsed.setting(1)[rehearsed.NAME])
    plan = loop.planned(entry, recipe, "", recipe.resolve())
    assert (plan.folds, plan.only, plan.settings["epochs"]) == (None, None, 2)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, (2, 0, 1)),
        ({"folds": 5}, (2, 0, 1)),
        ({"folds": 2}, (2, 0, 1)),
        ({"only": 1, "folds": 3}, (3, 1, 1)),
        ({"scheme": "full"}, (None, None, 1)),
        ({"scheme": "holdout"}, (None, None, 1)),
    ],
)
def test_what_a_rehearsal_leaves_out_depends_on_the_plan(parity, monkeypatch, before, after):
    entry = catalog.find("parity", sample=True)
    recipe, _ = entry.recipe("table")
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv(rehearsed.NAME, rehearsed.setting(1)[rehearsed.NAME])
    plan = rehearsed.shortened(Plan("parity", "table", "", recipe.resolve(), **before), entry, recipe)
    assert (plan.folds, plan.only, plan.settings["epochs"]) == after


def test_a_rehearsal_takes_as_few_trees_as_the_recipe_calls_enough(parity, monkeypatch):
    recipe = (parity / "table.py").read_text()
    recipe = recipe.replace("epochs: int = 2", "trees: int = 500, rounds: int = 3")
    recipe = recipe.replace('{"epochs": 1}', '{"trees": 10, "rounds": 30}').replace("epochs", "rounds")
    (parity / "table.py").write_text(recipe)
    entry = catalog.find("parity", sample=True)
    table, _ = entry.recipe("table")
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv(rehearsed.NAME, rehearsed.setting(2)[rehearsed.NAME])
    settings = rehearsed.shortened(Plan("parity", "table", "", table.resolve()), entry, table).settings
    assert (settings["trees"], settings["rounds"]) == (10, 3)


@WALLS
@pytest.mark.parametrize("target", ["{secret}", "answer.csv", "/proc/self/environ"])
def test_a_submission_that_is_a_link_is_refused_and_nothing_of_its_target_is_shown(public, within, tmp_path, target):
    (tmp_path / "secret").write_text("id,odd\n200,of-the-host\n")
    target = target.format(secret=tmp_path / "secret")
    said = fails(public, f"os.symlink({target!r}, 'submission.csv')", "open('answer.csv', 'w').write('id,odd\\n')")
    assert "'submission.csv' is a link, and links are not followed" in said
    assert "of-the-host" not in said


@WALLS
def test_a_submission_that_is_no_file_is_refused_at_once(public, within):
    assert "'submission.csv' is not a plain file" in fails(public, "os.mkfifo('submission.csv')")
    assert "'submission.csv' is not a plain file" in fails(public, "os.mkdir('submission.csv')")


@WALLS
def test_the_executed_notebook_is_kept_with_its_displays_and_its_error(public, within, tmp_path, jupyter):
    keep = tmp_path / "kept"
    table = "from IPython.display import HTML\nHTML('<b>bold</b>')"
    results = rehearse(public, table, SUBMIT, keep=keep)
    assert {one.runner for one in results} == {"Jupyter"}
    for layout in ("new", "old"):
        book = json.loads((keep / layout / rehearsal.EXECUTED).read_text())
        assert book["cells"][1]["outputs"][0]["data"]["text/html"] == ["<b>bold</b>"]
        assert (keep / layout / "submission.csv").read_bytes() == (public / "answer.csv").read_bytes()
    fails(public, "1 / 0", keep=keep)
    for layout in ("new", "old"):  # and nothing is left of the time before
        assert not (keep / layout / "submission.csv").exists()
    errors = [json.loads(path.read_text())["cells"][1]["outputs"] for path in keep.glob(f"*/{rehearsal.EXECUTED}")]
    assert "ZeroDivisionError" in [output["ename"] for outputs in errors for output in outputs]


def test_without_jupyter_the_notebook_is_run_plainly_and_the_result_says_so(public, tmp_path):
    results = rehearse(public, "%matplotlib inline", SUBMIT, keep=tmp_path)
    assert {one.runner for one in results} == {"plain Python"}
    assert not list(tmp_path.glob(f"*/{rehearsal.EXECUTED}"))


def test_a_layout_that_fails_ends_the_other_at_once(public):
    begun = time.monotonic()
    slow = "import glob, time\nif glob.glob(INPUT + '/competitions'):\n    time.sleep(60)\nraise ValueError('old')"
    assert "old mounts failed: a cell failed" in fails(public, slow)
    assert time.monotonic() - begun < 40


@WALLS
def test_processes_memory_and_the_log_have_limits(public, within):
    limits = {"memory": 600 << 20, "processes": 30, "log": 1 << 16}
    fork = "import time\nfor n in range(99):\n    os.fork() or time.sleep(60)\ntime.sleep(60)"
    assert "it ran more than 30 processes" in fails(public, fork, limits=Limits(60, **limits))
    hog = "import time\nx = bytearray(1 << 30)\ntime.sleep(60)"
    assert "bytes of memory, and 629,145,600 are allowed" in fails(public, hog, limits=Limits(60, **limits))
    printed: list[str] = []
    rehearse(public, "print('x' * (8 << 20))", SUBMIT, printed=printed, limits=Limits(60, **limits))
    assert sum(map(len, printed)) < 2 * (1 << 17)
    assert any("characters are left out here" in line for line in printed)


def test_a_text_that_is_no_notebook_is_refused_with_the_command_that_builds_one(public):
    with pytest.raises(KitError, match="cannot be run: not a notebook") as error:
        rehearsal.rehearse(catalog.find("parity"), '{"cells": 1}', METADATA, {"parity": public}, echo=print)
    assert error.value.cure == "kit kernel build parity"


@WALLS
def test_a_cell_that_fails_fails_the_rehearsal_and_the_next_cell_does_not_run(public, within):
    said = fails(public, "print('before')", "1 / 0", "print('after')")
    assert "mounts failed: a cell failed (exit code 1)" in said
    assert "ZeroDivisionError" in said and "| before" in said and "after" not in said


@WALLS
def test_inputs_cannot_be_written(public, within):
    said = fails(public, "import glob\nopen(glob.glob(INPUT + '/**/train.csv', recursive=True)[0], 'w')")
    assert "Read-only file system" in said
    assert (public / "train.csv").stat().st_size > 100


@WALLS
def test_there_is_no_network(public, within):
    said = fails(public, "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)")
    assert "Network is unreachable" in said or "no internet" in said


@WALLS
def test_credentials_do_not_reach_the_kernel(public, within, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_0123456789abcdef")
    monkeypatch.setenv("SECRET_THING", "hidden")
    printed: list[str] = []
    rehearse(public, "print(sorted(os.environ.items()))", SUBMIT, printed=printed)
    text = "\n".join(printed)
    assert "KAGGLE_KERNEL_RUN_TYPE" in text
    assert "KGAT" not in text and "hidden" not in text


@WALLS
def test_the_disk_is_capped(public, within):
    capped = Limits(rehearsal.LONGEST, disk=1_000_000)
    write = "for n in range(8):\n    open(f'{n}.bin', 'wb').write(bytes(300_000))\nimport time\ntime.sleep(1)"
    assert "1,000,000 are allowed" in fails(public, write, SUBMIT, limits=capped)
    one = fails(public, "open('x.bin', 'wb').write(bytes(3_000_000))", SUBMIT, limits=capped)
    assert "File too large" in one or "1,000,000 are allowed" in one  # whichever of both sees it first


def test_the_time_is_capped(public):
    assert "it took longer than 1 s" in fails(public, "import time\ntime.sleep(30)", limits=Limits(1))


def test_a_kernel_that_leaves_no_submission_fails(public):
    assert "it left no submission.csv in /kaggle/working" in fails(public, "print('well')")


def test_a_submission_that_kaggle_would_refuse_fails(public):
    assert "20 rows" in fails(public, "open('submission.csv', 'w').write('id,odd\\n200,1\\n')")


def test_a_source_without_a_local_copy_is_named(public):
    said = fails(public, SUBMIT, described={**METADATA, "model_sources": ["keras/bert/keras/small/2"]})
    assert "no local copy of keras/bert/keras/small/2" in said and "--input keras/bert/keras/small/2=~/2" in said


def test_the_inputs_of_a_kernel_are_the_competition_s_public_files(parity):
    entry = catalog.find("parity", sample=True)
    described = {"competition_sources": ["parity"], "dataset_sources": ["me/kit-parity", "me/other"]}
    local = rehearsal.local_inputs(entry, described, extra={"me/other": Path("x")})
    public = local["parity"]
    assert (public / "train.csv").is_file() and not (public / "solution.csv").exists()
    assert local == {"parity": public, "me/kit-parity": public, "me/other": Path("x")}
    assert metadata.mounts(described, new=True).keys() == local.keys()


@pytest.mark.slow
@boxed
@pytest.mark.parametrize("word", ["forest", "cnn"])
def test_a_recipe_of_the_repository_gives_its_local_submissions_byte_for_byte(workspace, jupyter, monkeypatch, word):
    entry = catalog.find("digit-recognizer", sample=True)
    recipe, _ = entry.recipe(word)
    described = {"competition_sources": ["digit-recognizer"]}
    inputs = rehearsal.local_inputs(entry, described, extra={})
    plan = Plan(entry.name, word, "", recipe.resolve(), sample=True)
    results = rehearsal.rehearse(entry, notebook.build(entry, plan), described, inputs, echo=lambda line: None)
    with places.environment(rehearsed.setting(2) | {"KAGGLE_KERNEL_RUN_TYPE": "Batch"}):
        less = rehearsed.shortened(plan, entry, recipe)
    local = loop.train(entry, runs.create(less), quiet=True)
    assert [result.showed for result in results] == ["two folds", "inputs"]
    assert results[0].sha256 == records.sha256(local.submission)
