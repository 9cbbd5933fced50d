"""BERT on tweets keeps the contract of recipes, with a tiny encoder that is made on the spot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.task.catalog import find
from kit.task.contract import Fold
from kit.toolbox import resume
from tests.test_tweet_recipes import tweets

for package in ("official", "tensorflow_text", "tensorflow_hub"):
    pytest.importorskip(package, reason="the extra bert is not installed")

ENTRY = find("disaster-tweets")
RECIPE = ENTRY.recipes["bert"]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A workspace in which the tiny encoder is written once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def fold(dir: Path, **rest) -> Fold:
    train, _ = tweets()
    return Fold(0, train.rows(np.arange(160)), train.rows(np.arange(300, 340)), 1, dir, **rest)


def fitted(of: Fold, **overrides):
    return RECIPE.module().fit(of, **RECIPE.resolve("", {"epochs": 1} | overrides, smoke=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A Predict, the fold's folder, and what was reported."""
    dir, told = tmp_path_factory.mktemp("bert"), []
    return fitted(fold(dir, report=lambda done, of, **figures: told.append((done, of, figures)))), dir, told


def test_predictions_are_probabilities_that_hang_on_no_other_row(trained):
    predict, _, told = trained
    x = tweets()[1].x
    pred = predict(x)
    assert (pred.shape, pred.dtype) == ((150,), np.float32)
    assert 0 < pred.min() < pred.max() < 1
    assert predict(x[:0]).shape == (0,)
    order = np.random.default_rng(0).permutation(150)
    np.testing.assert_array_equal(predict(x[order]), pred[order])
    np.testing.assert_array_equal(predict(x[:1]), pred[:1])
    assert predict(pd.DataFrame({"keyword": [np.nan], "location": [np.nan], "text": [np.nan]})).shape == (1,)
    assert predict.parameters > 10_000
    ((done, of, figures),) = told
    assert (done, of, list(figures)) == (1, 1, ["loss", "accuracy", "val_loss", "val_accuracy"])


def test_a_stored_model_predicts_the_same(trained):
    predict, dir, _ = trained
    assert sorted(path.name for path in dir.iterdir()) == ["checkpoint", "settings.json", "weights.npz"]
    x = tweets()[1].x
    np.testing.assert_array_equal(RECIPE.module().load(dir)(x), predict(x))


def test_the_same_seed_gives_the_same_bytes(trained, tmp_path):
    predict, _, _ = trained
    x = tweets()[1].x
    np.testing.assert_array_equal(fitted(fold(tmp_path))(x), predict(x))


def test_a_frozen_encoder_encodes_each_text_once_and_trains_a_head(tmp_path, monkeypatch):
    losses: list[float] = []
    of = fold(tmp_path, report=lambda done, of, **figures: losses.append(figures["loss"]))
    predict = fitted(of, frozen=True, epochs=8, rate=0.05)
    assert losses[-1] < losses[0]
    assert predict.parameters == 33
    from kit.toolbox.encoders import finetuning

    monkeypatch.setattr(finetuning, "pooled", lambda *args, **settings: pytest.fail("an encoder was built"))
    again = fitted(of, frozen=True, epochs=8, rate=0.05)
    np.testing.assert_array_equal(again(of.valid.x), predict(of.valid.x))


def test_training_stops_early_on_rows_of_the_training_set_only(tmp_path):
    told = []
    of = fold(tmp_path, report=lambda done, of, **figures: told.append(figures["stop_loss"]))
    fitted(of, holdout=0.2, epochs=30, rate=0.3, frozen=True)
    assert 2 <= len(told) < 30
    assert told[-1] >= told[-2] == min(told)


class Stopped(Exception):
    """Where a training is cut off."""


CUTS = {
    "whole": {},
    "an early end": {"holdout": 0.2, "rate": 0.05, "epochs": 12, "frozen": True},
    "float16": {"frozen": True, "precision": "float16"},
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case == "an early end" else pytest.mark.slow) for case in CUTS]
)
def test_a_training_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(case, tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "SHARE", float("inf"))
    x, settings = tweets()[1].x, {"epochs": 4} | CUTS[case]

    def run(dir: Path, at: int, seen: list):
        def report(done, of, **figures):
            if done == at:
                raise Stopped
            seen.append((done, figures))

        return fitted(fold(dir, report=report), **settings)

    whole, first, second = [], [], []
    pred = run(tmp_path / "whole", 0, whole)(x)
    with pytest.raises(Stopped):
        run(tmp_path / "cut", 3, first)
    again = run(tmp_path / "cut", 0, second)(x)
    assert [done for done, _ in first] == [1, 2] and second[0][0] == 3
    assert first + second == whole
    assert again.tobytes() == pred.tobytes()
    assert (tmp_path / "cut" / "weights.npz").read_bytes() == (tmp_path / "whole" / "weights.npz").read_bytes()
    assert run(tmp_path / "cut", 1, [])(x).tobytes() == pred.tobytes()  # nothing is trained again


KILLED = """
import os, signal, sys
from pathlib import Path
from kit.toolbox import determinism, resume
from tests import test_tweet_bert
from kit.toolbox.encoders import finetuning
resume.SHARE = float("inf")

class Kill(finetuning._Dropout):
    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch)
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (2, 1):
            os.kill(os.getpid(), signal.SIGKILL)

finetuning._Dropout = Kill
test_tweet_bert.fitted(test_tweet_bert.fold(Path(sys.argv[1])), epochs=4)
"""


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_with_the_epoch_in_which_it_was_killed(tmp_path, monkeypatch):
    words = [sys.executable, "-c", KILLED, str(tmp_path / "cut")]
    root = Path(__file__).resolve().parents[1]
    killed = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    seen = []
    again = fitted(fold(tmp_path / "cut", report=lambda done, of, **figures: seen.append(done)), epochs=4)
    assert seen == [3, 4]
    x = tweets()[1].x
    assert again(x).tobytes() == fitted(fold(tmp_path / "whole"), epochs=4)(x).tobytes()


def test_float16_trains_with_a_scaled_loss(tmp_path):
    of = fold(tmp_path)
    predict = fitted(of, frozen=True, precision="float16")
    assert np.isfinite(predict(of.valid.x)).all()


def test_a_training_that_diverges_is_told(tmp_path):
    with pytest.raises(KitError, match="The loss is nan after epoch 1 of 1"):
        fitted(fold(tmp_path), rate=1e30, frozen=True)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"encoder": "nowhere"}, "There is no encoder 'nowhere'"),
        ({"pooling": "max"}, "There is no pooling 'max'."),
        ({"precision": "int8"}, "There is no precision 'int8'."),
    ],
)
def test_a_setting_that_cannot_be_is_one_error(tmp_path, settings, told):
    with pytest.raises(KitError, match=told):
        fitted(fold(tmp_path), **settings)


def test_weights_of_another_encoder_are_refused(trained, tmp_path):
    _, dir, _ = trained
    np.savez(tmp_path / "weights.npz", **{"0000": np.zeros(3)})
    (tmp_path / "settings.json").write_text((dir / "settings.json").read_text())
    with pytest.raises(KitError, match="belong to another encoder"):
        RECIPE.module().load(tmp_path)


@pytest.mark.parametrize("variant", ["", *RECIPE.variants])
def test_every_variant_names_settings_of_the_recipe_and_what_a_kernel_attaches(variant):
    settings = RECIPE.resolve(variant)
    assert RECIPE.attach == ("encoder", "preprocess")
    assert all(isinstance(settings[name], str) for name in RECIPE.attach)
    json.dumps(settings)


def test_texts_of_like_length_share_a_batch_and_every_row_comes_once_an_epoch():
    from kit.toolbox.encoders import pieces as inputs_of

    lengths = np.random.default_rng(0).integers(3, 60, 200)
    ids = np.ones((200, 64), np.int32)
    pieces = inputs_of.Pieces.__new__(inputs_of.Pieces)
    pieces.length, pieces.bucket, pieces.step = 64, True, 8
    pieces._tokenize, pieces._pack = (
        lambda texts: None,
        lambda *args, **rest: {
            "input_word_ids": ids,
            "input_mask": (np.arange(64) < lengths[:, None]).astype(np.int32),
        },
    )
    batches = inputs_of.Batches(pieces([""] * 200), np.arange(200), batch=16, seed=0)
    for _ in range(2):
        seen = [batches[place] for place in range(len(batches))]
        assert sorted(np.concatenate([y for _, y in seen])) == list(range(200))
        for inputs, y in seen:
            longest = lengths[y.astype(int)].max()
            assert inputs["input_word_ids"].shape == (len(y), -(-longest // 8) * 8)
            np.testing.assert_array_equal(inputs["input_mask"].sum(axis=1), lengths[y.astype(int)])
        assert sum(inputs["input_mask"].size for inputs, _ in seen) < 1.25 * lengths.sum()
        first = seen[0][1]
        batches.on_epoch_end()
        assert not np.array_equal(first, batches[0][1])


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("Fire &amp; smoke  http://t.co/a1 \n", "Fire & smoke http"),
        ("@me_2 look https://t.co/x @you", "@user look http @user"),
        ("It\x89Ûªs \x89ÛÏhere\x89Û\x9d \x89ÛÒ now\x89Û_", 'It\'s "here" - now...'),
        ("a\x89Û¢b\x9dc\td", "a b c d"),
        ("#Flood in #Köln", "#Flood in #Köln"),
    ],
)
def test_a_cleaned_tweet_says_the_same_in_whole_characters(raw, wanted):
    x = pd.DataFrame({"keyword": [np.nan], "text": [raw]})
    assert RECIPE.module().texts(x, clean=True, keyword=True) == [wanted]


def test_the_keyword_stands_in_front_where_there_is_one():
    x = pd.DataFrame({"keyword": ["body%20bags", np.nan], "text": ["One", np.nan]})
    texts = RECIPE.module().texts
    assert texts(x, clean=True, keyword=True) == ["body bags: One", ""]
    assert texts(x, clean=False, keyword=False) == ["One", ""]


def test_the_optimiser_does_what_that_of_the_official_models_does(tmp_path):
    import tensorflow as tf
    import tf_keras
    from official.nlp import optimization

    from kit.toolbox.encoders import finetuning

    x = np.random.default_rng(0).integers(0, 20, (320, 6))
    y = (x.sum(1) % 2).astype(np.float32)

    def network():
        tf_keras.utils.set_random_seed(1)
        inputs = tf_keras.Input((6,), dtype=tf.int32)
        hidden = tf_keras.layers.LayerNormalization(name="layer_norm")(tf_keras.layers.Embedding(20, 8)(inputs))
        hidden = tf_keras.layers.Dense(8, activation="gelu")(hidden)
        return tf_keras.Model(inputs, tf_keras.layers.Dense(1)(tf_keras.layers.Flatten()(hidden)))

    theirs = network()
    optimizer = optimization.create_optimizer(0.03, 40, 4, optimizer_type="adamw")
    theirs.compile(optimizer, tf_keras.losses.BinaryCrossentropy(from_logits=True))
    mine = network()
    finetuning.prepare(mine, 40, rate=0.03, warmup=0.1)
    start = [weight.copy() for weight in mine.get_weights()]
    for model in (theirs, mine):
        model.fit(x, y, batch_size=32, epochs=4, shuffle=False, verbose=0)
    for before, weight, other in zip(start, mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-4)
        assert np.abs(weight - before).max() > 0.01
