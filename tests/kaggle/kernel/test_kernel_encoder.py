"""Kernels of a recipe that needs an encoder: it is attached, found locally, and the notebook runs with it offline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.kaggle.kernel import accelerators, metadata, push, rehearsal
from kit.task import catalog
from kit.toolbox.encoders import bert, checkpoint, handles
from kit.train.runs import Plan
from tests import tiny_bert
from tests.kaggle.kernel.conftest import boxed

ENTRY = catalog.find("disaster-tweets")


def plan(variant: str = "", **settings) -> Plan:
    return Plan(ENTRY.name, "bert", variant, ENTRY.recipes["bert"].resolve(variant, settings))


def first(of: Plan) -> metadata.Metadata:
    return metadata.first(ENTRY, of, accelerators.find("cpu"))


def test_models_of_kaggle_are_attached_as_models():
    described = first(plan())
    assert described["model_sources"] == [
        "tensorflow/bert/tensorFlow2/bert-en-uncased-l-4-h-512-a-8/2",
        "tensorflow/bert/tensorFlow2/en-uncased-preprocess/3",
    ]
    assert (described["dataset_sources"], described["competition_sources"]) == ([], ["nlp-getting-started"])


def test_an_imported_encoder_is_attached_once_as_a_dataset():
    described = first(plan("minilm"))
    assert described["dataset_sources"] == ["INSERT_USER_HERE/kit-encoder-minilm-l6-h384-uncased"]
    assert described["model_sources"] == []


def test_a_speech_encoder_is_attached_as_one_of_texts_is():
    entry = catalog.find("audio-mnist")
    plan = Plan(entry.name, "pretrained", "", entry.recipes["pretrained"].resolve("", {}))
    described = metadata.first(entry, plan, accelerators.find("cpu"))
    mine = "INSERT_USER_HERE/kit-encoder-speech-embedding"
    assert described["dataset_sources"] == ["INSERT_USER_HERE/kit-audio-mnist", mine]


def test_the_tiny_encoder_of_texts_is_attached_and_that_of_speech_is_made_by_its_recipe():
    attached = first(plan(encoder="tiny", preprocess="tiny"))
    assert attached["dataset_sources"] == ["INSERT_USER_HERE/kit-encoder-tiny"]
    entry = catalog.find("audio-mnist")
    speech = Plan(entry.name, "pretrained", "", entry.recipes["pretrained"].resolve("", {"encoder": "tiny"}))
    attached = metadata.first(entry, speech, accelerators.find("cpu"))
    assert attached["dataset_sources"] == ["INSERT_USER_HERE/kit-audio-mnist"]


def test_a_setting_that_names_no_encoder_attaches_none():
    entry = catalog.find("meli-titles")
    own = Plan(entry.name, "nnlm", "", entry.recipes["nnlm"].resolve())
    described = metadata.first(entry, own, accelerators.find("cpu"))
    assert (described["dataset_sources"], described["model_sources"]) == (["INSERT_USER_HERE/kit-meli-titles"], [])


def test_an_address_that_kaggle_cannot_attach_is_refused():
    with pytest.raises(KitError, match="A kernel without internet cannot fetch https"):
        first(plan(encoder="https://tfhub.dev/a/1"))


def test_an_imported_encoder_is_found_for_a_rehearsal(workspace):
    folder = workspace / "data" / "encoders" / "minilm-l6-h384-uncased"
    folder.mkdir(parents=True)
    (folder / handles.CARD).write_text("{}")
    described = first(plan("minilm"))
    local = rehearsal.local_inputs(replace(ENTRY, sample=True), described, extra={})
    assert local["INSERT_USER_HERE/kit-encoder-minilm-l6-h384-uncased"] == folder
    assert sorted(local) == sorted(metadata.mounts(described, new=True))


def test_a_kernel_whose_encoder_is_not_published_says_how_to_publish_it(workspace):
    folder = workspace / "data" / "encoders" / "small"
    folder.mkdir(parents=True)
    (folder / handles.CARD).write_text("{}")
    answer = {"ref": "me/x", "versionNumber": 1, "invalidDatasetSources": ["me/kit-encoder-small"]}
    with pytest.raises(KitError) as error:
        push._checked(answer, "me/x")
    assert "Try: kit encoder publish small  # and push again" in str(error.value)


def test_an_encoder_is_published_as_a_private_dataset(run, site, workspace):
    folder = workspace / "data" / "encoders" / "small"
    for part in ("encoder", "preprocess"):
        (folder / part).mkdir(parents=True)
        (folder / part / "saved_model.pb").write_bytes(part.encode())
    (folder / handles.CARD).write_text("{}")
    assert run("encoder", "publish", "small")[:2] == (0, "tester/kit-encoder-small  ready\n")
    assert site.store.get("dataset", "tester/kit-encoder-small")["private"] is True
    names = [row["name"] for row in site.store.all("SELECT name FROM blobs")]
    assert sorted(names) == ["encoder.json", "encoder.zip", "preprocess.zip"]
    assert "holds these bytes already; nothing was sent." in run("encoder", "publish", "small")[2]
    assert run("encoder", "publish", "large")[0] == 1


def test_import_says_where_the_encoder_is_and_what_comes_next(kit, tmp_path, monkeypatch):
    folder = tiny_bert.write(tmp_path / "checkpoint")
    for name in ("_save_encoder", "_save_preprocess"):
        monkeypatch.setattr(bert, name, lambda place, *rest: place.mkdir(parents=True))
    status, out, err = kit("encoder", "import", str(folder))
    assert (status, out) == (0, f"{tmp_path}/data/encoders/small-bert-uncased\n")
    assert "--set encoder=small-bert-uncased --set preprocess=small-bert-uncased" in err
    status, out, _ = kit("encoder", "import", str(folder), "--out", str(tmp_path / "mine"), "--json")
    assert (status, json.loads(out)["folder"]) == (0, str(tmp_path / "mine"))
    assert json.loads((tmp_path / "mine" / handles.CARD).read_text())["name"] == "mine"
    status, out, err = kit("encoder", "import", str(tmp_path / "nowhere"))
    assert (status, out) == (1, "")
    assert err.startswith("kit: ")


@pytest.mark.slow
@boxed
def test_the_notebook_runs_offline_with_the_encoder_under_both_layouts(workspace, kit):
    for package in ("official", "tensorflow_text"):
        pytest.importorskip(package, reason="the extra bert is not installed")
    checkpoint.convert(
        tiny_bert.write(workspace / "checkpoint", max_position_embeddings=10), workspace / "data" / "encoders" / "small"
    )
    told = ("encoder=small", "preprocess=small", "length=8", "epochs=1")
    words = [word for each in told for word in ("--set", each)]
    assert kit("kernel", "build", "disaster-tweets", "bert", "--folds", "2", *words)[0] == 0
    status, out, err = kit("kernel", "rehearse", "disaster-tweets", "bert", "--json")
    assert status == 0, err
    assert [result["layout"] for result in json.loads(out)] == ["new", "old"]
    assert len({result["sha256"] for result in json.loads(out)}) == 1
    assert Path(workspace, "kernels", "disaster-tweets-bert", "kernel.ipynb").is_file()
