"""What a result depends on besides its settings."""

from __future__ import annotations

import functools
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from kit.task import catalog, imports, splits
from kit.train import provenance


def recipe(competition: str, name: str):
    return catalog.find(competition).recipe(name)[0]


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Gives kit's own files another text, in a copy of them."""
    copy = tmp_path / "elsewhere"

    def edit(place: str) -> None:
        for path in sorted((imports.ROOT / "kit").rglob("*.py")):
            to = copy / path.relative_to(imports.ROOT)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_text(path.read_text() + ("\n# changed\n" if to == copy / place else ""))
        monkeypatch.setattr(imports, "ROOT", copy)

    return edit


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ("kit/toolbox/networks.py", True),
        ("kit/toolbox/images.py", True),
        ("kit/rows/cache.py", True),
        ("kit/task/splits.py", True),
        ("kit/task/outputs.py", True),  # imported by what the recipe imports
        ("kit/train/fold.py", True),
        ("kit/train/predictions.py", True),
        ("kit/toolbox/audio.py", False),
        ("kit/train/progress.py", False),
        ("kit/kaggle/send.py", False),
    ],
)
def test_the_digest_of_the_code_sees_what_decides_the_fit_and_nothing_else(edited, place, seen):
    files = recipe("digit-recognizer", "cnn").files
    before = provenance.code(files)
    edited(place)
    assert (provenance.code(files) != before) == seen


def test_the_digest_of_the_code_is_the_same_where_a_kernel_has_the_files(parity, tmp_path, monkeypatch):
    from kit.kaggle.kernel import packing

    (parity / "table.py").write_text((parity / "table.py").read_text().rstrip("\n"))
    here = recipe("parity", "table")
    code, before = tmp_path / "code", provenance.code(here.files)
    for place, text in packing.pack(catalog.find("parity"), [here], "from kit.train import loop").items():
        (code / place).parent.mkdir(parents=True, exist_ok=True)
        (code / place).write_text(text)
    monkeypatch.setattr(imports, "ROOT", code)
    there = [code / "competitions" / "parity" / path.name for path in here.files]
    assert provenance.code(there) == before


def test_groups_are_the_same_whatever_they_are_called():
    texts, numbers = np.array(["b", "a", "b", "c"], object), np.array([7, 3, 7, 0])
    assert provenance.groups(texts) == provenance.groups(numbers)
    assert provenance.groups(texts) != provenance.groups(np.array(["b", "a", "a", "c"]))
    assert provenance.groups(None) is None


def by_digit(data):
    return data.ids % 3


def by_other_digit(data):
    return data.ids % 4


class ByClass:
    def __call__(self, data):
        return data.ids % 3


def test_a_split_is_told_with_its_parameters():
    assert provenance.split(splits.Stratified(3)) == "Stratified(folds=3, seed=0)"
    assert provenance.split(splits.Holdout()) == "Holdout(share=0.1, seed=0)"
    assert provenance.split(functools.partial(splits.Stratified(3), data=1)) == "Stratified(folds=3, seed=0)(data=1)"
    assert provenance.split(ByClass()) == "ByClass"


def test_a_split_that_is_a_function_is_told_by_its_text():
    assert provenance.split(by_digit).startswith("by_digit ")
    assert provenance.split(by_digit).split()[1] != provenance.split(by_other_digit).split()[1]
    assert provenance.split(by_digit) == provenance.split(by_digit)


def test_an_encoder_is_told_by_the_weights_on_its_card(workspace):
    for name, weights in (("one", "ab" * 32), ("other", "cd" * 32)):
        folder = workspace / "data" / "encoders" / name
        (folder / "encoder").mkdir(parents=True)
        (folder / "encoder" / "model.keras").write_bytes(b"weights")
        (folder / "encoder.json").write_text(json.dumps({"name": name, "weights": weights}))
    pretrained = recipe("audio-mnist", "pretrained")
    assert provenance.encoders(pretrained, {"encoder": "one"}) == {"encoder": "ab" * 32}
    assert provenance.encoders(pretrained, {"encoder": "other"}) == {"encoder": "cd" * 32}
    (workspace / "data" / "encoders" / "one" / "encoder.json").unlink()
    assert len(provenance.encoders(pretrained, {"encoder": "one"})["encoder"]) == 64
    assert provenance.encoders(pretrained, {"encoder": "tiny"}) == {}
    assert provenance.encoders(pretrained, {"encoder": "not-here"}) == {}
    assert provenance.encoders(recipe("digit-recognizer", "cnn"), {}) == {}


def test_versions_of_what_can_change_a_prediction_are_known():
    known = provenance.versions()
    assert {"python", "numpy", "scikit-learn", "keras", "tf-keras", "tensorflow-text", "tf-models-official"} <= set(
        known
    )


def test_where_folds_differ_in_versions_all_are_told():
    assert provenance.joined([{"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {"c": "4"}]) == {
        "a": "1",
        "b": "2, 3",
        "c": "4",
    }


def test_a_file_is_hashed_once_while_it_stays(tmp_path, monkeypatch):
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "train.csv").write_text("a")
    hashed: list[Path] = []
    sha256 = provenance.records.sha256
    monkeypatch.setattr(provenance.records, "sha256", lambda path: hashed.append(path) or sha256(path))
    first = provenance.data(tmp_path / "public")
    assert provenance.data(tmp_path / "public") == first
    assert len(hashed) == 1
    (tmp_path / "public" / "train.csv").write_text("ab")
    assert provenance.data(tmp_path / "public") != first


def test_the_code_is_read_once_while_no_file_changes_and_not_trusted_when_just_edited(parity, monkeypatch):
    recipe, _ = catalog.find("parity").recipe("table")
    old = time.time() - 60
    for path in recipe.files:
        os.utime(path, (old, old))
    monkeypatch.setattr(provenance, "TICK", -1)  # kit's own files may have been edited just now
    read = []
    bytes_of = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or bytes_of(path))
    first = provenance.code(recipe.files)
    count = len(read)
    assert count and provenance.code(recipe.files) == first and len(read) == count
    text = recipe.path.read_text()
    recipe.path.write_text(text.replace("base: int = 10", "base: int = 12"))
    assert provenance.code(recipe.files) != first
    monkeypatch.setattr(provenance, "TICK", 60 * 10**9)
    provenance._CODES.clear()
    provenance.code(recipe.files)
    assert provenance._CODES == {}
