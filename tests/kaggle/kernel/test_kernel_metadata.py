"""How Kaggle runs a kernel: accelerators, timeouts, and what is wrong with metadata before Kaggle sees it."""

from __future__ import annotations

import json

import pytest

from kit.errors import KitError
from kit.kaggle.kernel import accelerators, metadata
from kit.task import catalog
from kit.train.runs import Plan

GOOD = {
    "id": "me/parity-table",
    "title": "parity table",
    "code_file": "kernel.ipynb",
    "language": "python",
    "kernel_type": "notebook",
    "enable_internet": False,
    "competition_sources": ["parity"],
}


def test_the_first_metadata_attaches_the_competition_and_is_private_and_offline(parity):
    described = metadata.first(catalog.find("parity"), Plan("parity", "table", "", {}), accelerators.find("t4"))
    assert (described["id"], described["title"]) == ("INSERT_USER_HERE/parity-table", "parity table")
    assert (described["competition_sources"], described["dataset_sources"]) == (["parity"], [])
    assert (described["is_private"], described["enable_internet"]) == (True, False)
    shown = [described[key] for key in ("machine_shape", "enable_gpu", "enable_tpu")]
    assert shown == ["NvidiaTeslaT4", True, False]


def test_whoever_pushes_takes_the_place_of_the_user():
    assert metadata.owned({"id": "INSERT_USER_HERE/a-b", "dataset_sources": ["INSERT_USER_HERE/kit-a"]}, "ada") == {
        "id": "ada/a-b",
        "dataset_sources": ["ada/kit-a"],
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "Parity by a table"}, "title 'Parity by a table' would make the kernel 'parity-by-a-table'"),
        ({"title": "pari", "id": "me/pari"}, "too short"),
        ({"enable_internet": None}, "enable_internet is not given"),
        ({"id": "parity-table"}, "names no kernel"),
        ({"code_file": "main.py"}, "code_file must be"),
        ({"machine_shape": "NvidiaTeslaP100"}, "Kaggle has retired NvidiaTeslaP100"),
        ({"machine_shape": "TpuV5E8", "docker_image": "gcr.io/x"}, "docker_image is pinned"),
    ],
)
def test_metadata_that_kaggle_would_refuse_or_misunderstand_is_an_error(tmp_path, change, said):
    (tmp_path / metadata.FILE).write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(KitError) as error:
        metadata.read(tmp_path)
    assert said in str(error.value)


def test_good_metadata_is_read_as_it_is(tmp_path):
    (tmp_path / metadata.FILE).write_text(json.dumps(GOOD))
    assert metadata.read(tmp_path) == GOOD


@pytest.mark.parametrize(
    ("word", "shape"),
    [("t4", "NvidiaTeslaT4"), ("T4", "NvidiaTeslaT4"), ("NvidiaL4X1", "NvidiaL4X1"), ("tpu", "TpuV5E8"), ("cpu", "")],
)
def test_an_accelerator_is_named_by_a_short_word_or_kaggle_s_own(word, shape):
    assert accelerators.find(word).shape == shape


@pytest.mark.parametrize("word", ["p100", "NvidiaTeslaP100", "TpuV38"])
def test_a_retired_accelerator_is_refused_with_what_kaggle_would_give_instead(word):
    with pytest.raises(KitError, match="would silently run the kernel on"):
        accelerators.find(word)


def test_an_unknown_accelerator_is_refused():
    with pytest.raises(KitError, match="No accelerator is called 'b200'"):
        accelerators.find("b200")


def test_a_gpu_without_a_name_is_two_t4():
    assert metadata.machine_of({"enable_gpu": True}).word == "t4"
    assert metadata.machine_of({"enable_tpu": True}).word == "tpu"
    assert metadata.machine_of({}).word == "cpu"


def test_a_timeout_is_always_set_and_never_above_what_kaggle_allows():
    assert accelerators.timeout(accelerators.find("t4"), None) == 9 * 3600
    assert accelerators.timeout(accelerators.find("cpu"), 12 * 3600) == 12 * 3600
    with pytest.raises(KitError, match="not possible on tpu"):
        accelerators.timeout(accelerators.find("tpu"), 10 * 3600)


def test_sources_are_mounted_under_both_layouts():
    described = {
        "competition_sources": ["titanic"],
        "dataset_sources": ["ada/lines/3"],
        "model_sources": ["keras/bert/keras/small/2"],
    }
    assert metadata.mounts(described, new=True) == {
        "titanic": "competitions/titanic",
        "ada/lines/3": "datasets/ada/lines",
        "keras/bert/keras/small/2": "models/keras/bert/keras/small/2",
    }
    assert metadata.mounts(described, new=False) == {
        "titanic": "titanic",
        "ada/lines/3": "lines",
        "keras/bert/keras/small/2": "bert/keras/small/2",
    }
