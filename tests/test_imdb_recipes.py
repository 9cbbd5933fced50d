"""The recipes of IMDB sentiment: odd reviews, what stops a training, long reviews, the models that they leave."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.catalog import find
from kit.task.contract import Fold
from kit.toolbox import estimators

ENTRY = find("imdb-sentiment")
ODD = {
    "a megabyte": "A wonderful film, and then it goes on. " * 27_000,
    "one word": "awful",
    "another language": "Una película maravillosa, de principio a fin. 素晴らしい映画。",
    "emoji only": "\U0001f600 \U0001f44d\U0001f3fd",
    "marks only": "?!...",
    "empty": "",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The train and test rows of the embedded sample."""
    folder = tmp_path_factory.mktemp("sample")
    raw, public, private = (folder / name for name in ("raw", "public", "private"))
    for each in (raw, public, private):
        each.mkdir()
    ENTRY.write_sample(raw)
    ENTRY.competition.prepare(raw, public, private)
    return ENTRY.competition.load(public)


def fitted(word: str, rows, dir: Path, valid=None, report=None, **overrides):
    recipe, variant = ENTRY.recipe(word)
    more = {"report": report} if report else {}
    fold = Fold(0, rows, rows.head(0) if valid is None else valid, 1, dir, **more)
    settings = recipe.resolve(variant, overrides, smoke=True)
    return recipe.module().fit(fold, **settings)


@pytest.mark.parametrize("word", ["nbsvm", "docvec"])
def test_odd_reviews_get_probabilities(sample, tmp_path, word):
    told = fitted(word, sample[0], tmp_path)(np.array(list(ODD.values()), object))
    assert told.dtype == np.float32 and ((told > 0) & (told < 1)).all()
    assert told[1] < told[0]


def test_every_spelling_of_a_line_break_is_one(sample, tmp_path):
    told = fitted("nbsvm", sample[0], tmp_path)(["good<br /><br/>film", "good\n\nfilm", "good<BR>\n film"])
    assert told[0] == told[1] == told[2]


def test_the_terms_of_training_reviews_alone_are_known(sample, tmp_path):
    predict = fitted("nbsvm", sample[0], tmp_path)
    assert predict(["xyzzy plugh"]) == predict([""])


def test_reviews_without_labels_teach_the_vectors_and_nothing_else(sample, tmp_path):
    rows = sample[0].rows(np.arange(100))
    table = tmp_path / "more.csv"
    table.write_text("review\n" + "\n".join(f'"{text}"' for text in sample[1].x.take()), encoding="utf-8")
    folder = tmp_path / "unsup"
    folder.mkdir()
    for number, text in enumerate(sample[1].x.take()):
        (folder / f"{number:03d}_0.txt").write_text(text.replace("\n", "<br />"), encoding="utf-8")
    stored = []
    for name, file in (("alone", ""), ("table", str(table)), ("folder", str(folder))):
        fitted("docvec", rows, tmp_path / name, unlabelled=file)
        stored.append(estimators.load(tmp_path / name))
    alone, of_table, of_folder = stored
    for part in ("columns", "weights", "held"):
        assert alone[part].tobytes() == of_table[part].tobytes()
    assert alone["terms"].tobytes() != of_table["terms"].tobytes() == of_folder["terms"].tobytes()


def test_a_missing_file_of_reviews_is_told_where_it_would_be_looked_for(sample, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    with pytest.raises(KitError, match=r"no reviews 'unsup\.csv'.*public/unsup\.csv do not exist"):
        fitted("docvec", sample[0], tmp_path, unlabelled="unsup.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(KitError, match="empty holds no reviews"):
        fitted("docvec", sample[0], tmp_path, unlabelled="empty")


def test_a_review_of_many_words_keeps_its_ends():
    reviews = sys.modules[ENTRY.recipes["nbsvm"].module().cleaned.__module__]
    assert reviews.ends(["a b c d e f g", "a b"], words=4, first=1) == ["a e f g", "a b"]
    assert reviews.ends(["a b c d e"], words=2, first=60) == ["a b"]


def _kept(steps, done, of, **figures):
    steps.append(figures)


def test_the_held_out_fold_never_stops_a_training(sample, tmp_path):
    pytest.importorskip("keras", reason="the extra keras is not installed")
    train, test = sample
    rows, held = train.rows(np.arange(60)), train.rows(np.arange(60, 80))
    told: list[tuple[bytes, list[dict[str, float]]]] = []
    for place, valid in enumerate((None, held)):
        (tmp_path / str(place)).mkdir()
        steps: list[dict[str, float]] = []
        report = partial(_kept, steps)
        predict = fitted("lstm", rows, tmp_path / str(place), valid, report, epochs=2)
        told.append((predict(test.x).tobytes(), steps))
    assert told[0] == told[1]
    assert all("val_loss" in said for said in told[0][1])


def test_a_stored_network_reads_texts_without_kit_and_odd_reviews_too(sample, tmp_path):
    keras = pytest.importorskip("keras", reason="the extra keras is not installed")
    rows = sample[0].rows(np.arange(60))
    reviews = [review for name, review in ODD.items() if name != "a megabyte"]
    for word in ("lstm:cnn_lstm", "transformer"):
        folder = tmp_path / word.replace(":", "-")
        folder.mkdir()
        predict = fitted(word, rows, folder, epochs=1)
        told = predict(reviews)
        assert np.isfinite(told).all()
        whole = keras.saving.load_model(folder / "model.keras", compile=False)
        alone = np.asarray(whole(keras.ops.convert_to_tensor(reviews)[:, None]))[:, 0]
        np.testing.assert_allclose(alone, told, atol=1e-5)
