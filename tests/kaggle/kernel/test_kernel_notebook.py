"""The notebook of a kernel: what travels in it, and that the same files give the same bytes."""

from __future__ import annotations

import ast
import functools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit import places
from kit.errors import KitError
from kit.kaggle.kernel import metadata, notebook, push
from kit.task import catalog
from kit.train.runs import Plan

ENTRIES = [(entry.name, recipe) for entry in catalog.entries() for recipe in entry.recipes]


def plan_for(name: str, word: str, **changes) -> Plan:
    recipe, variant = catalog.find(name).recipe(word)
    return replace(Plan(name, recipe.name, variant, recipe.resolve(variant)), **changes)


def build(plan: Plan) -> str:
    return notebook.build(catalog.find(plan.competition), plan)


def cells(text: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


def files(text: str) -> dict[str, str]:
    """What the `%%writefile` cells would write, as IPython does."""
    written = {}
    for cell in cells(text):
        if cell.startswith("%%writefile "):
            head, _, body = cell.partition("\n")
            written[head.split()[1]] = body + "\n"
    return written


@functools.cache
def built(name: str, recipe: str) -> str:
    """The notebook of a recipe of the repository, built once for all tests."""
    return build(plan_for(name, recipe))


@functools.cache
def taken(text: str) -> list[tuple[int, str, list[str]]]:
    """What a file takes from other modules as it runs: how many folders up, the module, and the names."""
    tree = ast.parse(text)
    checked = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    skipped = {inner for node in checked for inner in ast.walk(node)}
    return [
        (node.level, node.module or "", [alias.name for alias in node.names])
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node not in skipped
    ]


@pytest.mark.parametrize(("name", "recipe"), ENTRIES)
def test_every_recipe_builds_into_the_same_bytes_twice(name, recipe):
    assert build(plan_for(name, recipe)) == built(name, recipe)


@pytest.mark.parametrize(("name", "recipe"), ENTRIES)
def test_what_a_packed_file_imports_of_kit_is_packed_too(name, recipe):
    packed = files(built(name, recipe))
    for path, text in packed.items():
        for level, module, names in taken(text):
            if not level and not module.startswith("kit"):
                continue
            stem = Path(path).parent / module if level else Path(*module.split("."))
            for each in names:
                choices = {f"{stem / each}.py", f"{stem}.py", str(stem / "__init__.py")}
                assert choices & packed.keys(), f"{path} imports {each} from {module}"


def test_the_packed_files_are_the_repository_s_own(parity):
    packed = files(build(plan_for("parity", "table")))
    assert packed["kit/train/loop.py"] == (places.KIT.parent / "kit/train/loop.py").read_text()
    assert [path for path in packed if path.startswith("competitions/")] == [
        "competitions/parity/competition.py",
        "competitions/parity/table.py",
    ]


def test_a_file_stands_after_those_it_imports(parity):
    order = list(files(build(plan_for("parity", "table"))))
    assert order.index("kit/errors.py") < order.index("kit/places.py") < order.index("kit/task/catalog.py")
    assert order[-1] == "competitions/parity/table.py"


def test_nothing_that_reaches_outside_travels():
    packed = files(build(plan_for("digit-recognizer", "cnn")))
    assert {path.split("/")[1] for path in packed if path.startswith("kit/")} <= {
        "__init__.py", "errors.py", "notes.py", "places.py", "records.py", "words.py",
        "rows", "task", "toolbox", "train",
    }  # fmt: skip
    assert "competitions/digit_recognizer/_sample.py" not in packed


def test_another_recipe_of_the_competition_does_not_make_a_notebook_stale(parity):
    plan = plan_for("parity", "table")
    before = build(plan)
    (parity / "other.py").write_text((parity / "table.py").read_text())
    assert build(plan) == before


def test_helpers_travel_with_the_recipe_that_imports_them(parity):
    (parity / "_digits.py").write_text("BASE = 10\n")
    (parity / "table.py").write_text("from ._digits import BASE\n" + (parity / "table.py").read_text())
    assert "competitions/parity/_digits.py" in files(build(plan_for("parity", "table")))


def test_a_notebook_knows_the_plan_it_was_built_from(parity):
    plan = plan_for("parity", "table:noisy", seed=3, folds=4)
    text = build(plan)
    assert notebook.plan(text, Path("kernel.ipynb")) == plan
    assert 'settings = {\n    "epochs": 2,\n    "noise": 0.3,\n    "base": 10,\n}\n' in cells(text)[-1]
    assert "(entry, recipe, variant, settings, seed=3, folds=4)\n" in cells(text)[-1]


def test_a_notebook_that_is_built_again_keeps_what_was_set_and_takes_new_defaults(parity):
    recipe, _ = catalog.find("parity").recipe("table")
    text = build(Plan("parity", "table", "", recipe.resolve("", {"noise": 0.5})))
    assert "`kit kernel build parity table --set noise=0.5`" in cells(text)[0]
    table = parity / "table.py"
    table.write_text(table.read_text().replace("epochs: int = 2", "epochs: int = 5"))
    again = notebook.plan(text, Path("kernel.ipynb"))
    assert again.settings == {"epochs": 5, "noise": 0.5, "base": 10}


def test_a_notebook_is_valid_and_names_its_kernel(parity):
    text = build(plan_for("parity", "table"))
    book = json.loads(text)
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(text, as_version=4))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('TOKEN = "KGAT_0123456789abcdef"', "a Kaggle key"),
        (f'os.environ["KAGGLE_KEY"] = "{"0123456789abcdef" * 2}"', "a Kaggle key"),
        (f'os.environ.setdefault("KAGGLE_KEY", "{"0123456789abcdef" * 2}")', "a Kaggle key"),
        (f'api_key: str = (\n    "{"0123456789ABCDEF" * 2}"\n)', "a Kaggle key"),
        ('CONFIG = {"username": "me", "key": "0123456789abcdef0123456789abcdef"}', "a Kaggle key"),
        ('HUB = "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"', "a Hugging Face token"),
        ('GIT = "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"', "a GitHub token"),
        ('TEXT = "-----BEGIN RSA PRIVATE KEY-----"', "a private key"),
    ],
)
def test_a_file_that_holds_a_credential_does_not_travel(parity, line, what):
    (parity / "table.py").write_text((parity / "table.py").read_text() + line + "\n")
    with pytest.raises(KitError) as error:
        build(plan_for("parity", "table"))
    assert what in str(error.value) and "table.py" in str(error.value)
    assert line.split('"')[-2] not in str(error.value)


def test_a_notebook_that_kaggle_would_refuse_for_its_size_is_not_built(parity):
    (parity / "table.py").write_text((parity / "table.py").read_text() + f'LONG = "{"x" * notebook.LARGEST}"\n')
    with pytest.raises(KitError, match=r"largest file is competitions/parity/table\.py"):
        build(plan_for("parity", "table"))


def test_a_recipe_cannot_take_the_outside_along(parity):
    (parity / "table.py").write_text("from kit.kaggle import client\n" + (parity / "table.py").read_text())
    with pytest.raises(KitError, match=r"table\.py imports kit\.kaggle\.client, which does not travel"):
        build(plan_for("parity", "table"))


def test_a_kernel_s_name_is_what_kaggle_makes_of_its_title(parity):
    assert notebook.name(plan_for("digit-recognizer", "cnn:no_augmentation")) == "digit-recognizer-cnn-no-augmentation"
    assert notebook.name(plan_for("parity", "table", sample=True, only=2)) == "parity-table-sample-fold-2"


def test_a_notebook_of_another_s_making_is_refused(tmp_path):
    with pytest.raises(KitError, match="was not built by kit"):
        notebook.plan('{"cells": [], "metadata": {}}', tmp_path / "kernel.ipynb")


@pytest.mark.parametrize("file", sorted((places.KIT.parent / "kernels").glob(f"*/{notebook.FILE}")), ids=str)
def test_every_kernel_of_the_repository_is_what_its_files_build_today(file, monkeypatch):
    monkeypatch.chdir(places.KIT.parent)
    push.fresh(file.parent)
    metadata.read(file.parent)
