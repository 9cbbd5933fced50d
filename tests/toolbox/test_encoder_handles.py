"""Handles find encoders, here and on Kaggle."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import KitError
from kit.toolbox.encoders import handles

URL = "https://www.kaggle.com/models/tensorflow/bert/frameworks/TensorFlow2/variations/en-uncased-preprocess/versions/3"


def saved(folder: Path, file: str = "saved_model.pb") -> Path:
    """A folder that looks like one of a model."""
    folder.mkdir(parents=True)
    (folder / file).touch()
    return folder


def test_a_handle_is_an_address_a_folder_or_a_name(workspace, tmp_path):
    assert handles.locate(URL, "preprocess") == URL
    inside = saved(workspace / "data" / "encoders" / "small" / "encoder")
    assert handles.locate("small", "encoder") == str(inside)
    assert handles.locate("data/encoders/small", "encoder") == str(inside)
    assert handles.locate(str(inside), "encoder") == str(inside)
    with pytest.raises(KitError) as error:
        handles.locate("large", "encoder")
    assert "There is no encoder 'large'" in str(error.value)
    assert "Try: kit encoder import ~/models/large --name large" in str(error.value)


@pytest.mark.parametrize("layout", ["new", "old"])
def test_on_kaggle_a_handle_means_what_is_attached(workspace, monkeypatch, layout):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv("KIT_KAGGLE_ROOT", str(workspace))
    root = workspace / "input"
    models = root / "models" / "tensorflow" if layout == "new" else root
    datasets = root / "datasets" / "me" if layout == "new" else root
    preprocess = saved(models / "bert" / "tensorflow2" / "en-uncased-preprocess" / "3")
    saved(models / "bert" / "tensorflow2" / "en-uncased-preprocess" / "2")
    encoder = saved(datasets / "kit-encoder-small-bert" / "encoder")
    saved(datasets / "kit-encoder-small-bert" / "preprocess")
    assert handles.locate(URL, "preprocess") == str(preprocess)
    assert handles.locate("small_bert", "encoder") == str(encoder)
    assert handles.locate("my/small-bert", "encoder") == str(encoder)
    speech = saved(datasets / "kit-encoder-speech-embedding" / "encoder", "model.keras")
    assert handles.locate("speech-embedding", "encoder") == str(speech)
    with pytest.raises(KitError) as error:
        handles.locate("large", "encoder")
    assert "USER/kit-encoder-large in dataset_sources." in str(error.value)
    with pytest.raises(KitError, match="en-uncased-preprocess/4 in model_sources"):
        handles.locate(URL.replace("versions/3", "versions/4"), "preprocess")


def test_on_kaggle_a_folder_that_a_recipe_has_made_is_itself(workspace, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv("KIT_KAGGLE_ROOT", str(workspace))
    made = saved(workspace / "working" / "fold-0" / "titles" / "module")
    assert handles.locate(str(made.parent), "module") == str(made)
    with pytest.raises(KitError, match="No input of this kernel"):
        handles.locate(str(workspace / "working" / "fold-1" / "titles"), "module")


def test_addresses_of_kaggle_models_are_named_as_metadata_names_them():
    wanted = "tensorflow/bert/tensorFlow2/en-uncased-preprocess/3"
    assert handles.model(URL) == wanted
    assert handles.model("https://kaggle.com/models/tensorflow/bert/TensorFlow2/en-uncased-preprocess/3") == wanted
    assert handles.model("https://tfhub.dev/tensorflow/bert_en_uncased_preprocess/3") == ""
    assert handles.model("minilm") == ""
    assert handles.dataset("Mini.LM_2") == "kit-encoder-mini-lm-2"
    assert len(handles.dataset("x" * 80)) == 50
