"""Rehearsals: the very notebook, in walls like Kaggle's, with namespaces and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import records
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle.kernel import metadata, notebook, rehearsal
from kit.sandbox import walls
from kit.sandbox.limits import Limits
from kit.task import catalog
from kit.train import loop, provenance, runs
from kit.train.runs import Plan
from tests.kaggle.kernel.conftest import boxed, hasten

FOUND = {"competition_sources": ["parity"], "dataset_sources": []}
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


def rehearse(public: Path, *code: str, found=FOUND, printed=None, **more) -> list[rehearsal.Rehearsal]:
    """Rehearse a notebook of the given cells."""
    begin = "import os\nROOT = os.environ.get('KIT_KAGGLE_ROOT', '/kaggle')\nINPUT = ROOT + '/input'\n"
    begin += "os.chdir(ROOT + '/working')"
    book = {"cells": [{"cell_type": "code", "source": text} for text in (begin, *code)], "metadata": {}}
    echo = (printed if printed is not None else []).append
    return rehearsal.rehearse(
        catalog.find("parity"), json.dumps(book), dict(found), {"parity": public}, echo=echo, **more
    )


def fails(public: Path, *code: str, **more) -> str:
    with pytest.raises(KitError) as error:
        rehearse(public, *code, **more)
    return str(error.value)


@WALLS
def test_the_notebook_gives_the_local_submission_byte_for_byte_under_both_layouts(public, within):
    entry = catalog.find("parity")
    recipe, _ = entry.recipe("table")
    (public / "answer.csv").unlink()
    plan = Plan("parity", "table", "", recipe.resolve("", {"noise": 0.3}), seed=7, sample=True)
    mine = runs.create(Plan(**vars(plan) | {"data": provenance.data(public), "code": provenance.code(recipe.files)}))
    local = loop.train(entry, mine, quiet=True)
    results = rehearsal.rehearse(entry, notebook.build(entry, plan), FOUND, {"parity": public}, echo=lambda line: None)
    assert [(one.layout, one.walls) for one in results] == [("new", within), ("old", within)]
    assert {one.sha256 for one in results} == {records.sha256(local.submission)}


@WALLS
def test_a_cell_that_fails_fails_the_rehearsal_and_the_next_cell_does_not_run(public, within):
    said = fails(public, "print('before')", "1 / 0", "print('after')")
    assert "new mounts failed: a cell failed (exit code 1)" in said
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
    said = fails(public, SUBMIT, found={**FOUND, "model_sources": ["keras/bert/keras/small/2"]})
    assert "no local copy of keras/bert/keras/small/2" in said and "--input keras/bert/keras/small/2=~/2" in said


def test_the_inputs_of_a_kernel_are_the_competition_s_public_files(parity):
    entry = catalog.find("parity", sample=True)
    found = {"competition_sources": ["parity"], "dataset_sources": ["me/kit-parity", "me/other"]}
    local = rehearsal.local_inputs(entry, found, extra={"me/other": Path("x")})
    public = local["parity"]
    assert (public / "train.csv").is_file() and not (public / "solution.csv").exists()
    assert local == {"parity": public, "me/kit-parity": public, "me/other": Path("x")}
    assert metadata.mounts(found, new=True).keys() == local.keys()


@pytest.mark.slow
@boxed
@pytest.mark.parametrize("word", ["forest", "cnn"])
def test_a_recipe_of_the_repository_gives_its_local_submission_byte_for_byte(workspace, word):
    entry = catalog.find("digit-recognizer", sample=True)
    recipe, _ = entry.recipe(word)
    found = {"competition_sources": ["digit-recognizer"]}
    inputs = rehearsal.local_inputs(entry, found, extra={})
    plan = Plan(entry.name, word, "", recipe.resolve("", smoke=True), folds=2, sample=True)
    local = loop.train(entry, runs.create(plan), quiet=True)
    results = rehearsal.rehearse(entry, notebook.build(entry, plan), found, inputs, echo=lambda line: None)
    assert {one.sha256 for one in results} == {records.sha256(local.submission)}
