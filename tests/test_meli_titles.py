"""Recipes for titles: what they learn, what they store, and how new rows in the challenge's format are judged."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.catalog import find
from kit.task.contract import Data, Fold

ENTRY = find("meli-titles")


@functools.cache
def titles() -> tuple[Data, Data]:
    """The 720 train and 180 test titles of the embedded sample, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("raw", "public", "private"):
            (Path(folder) / name).mkdir()
        ENTRY.write_sample(Path(folder) / "raw")
        ENTRY.competition.prepare(*(Path(folder) / name for name in ("raw", "public", "private")))
        train, test = ENTRY.competition.load(Path(folder) / "public")
        return Data(train.ids, train.x.take(), np.array(train.y)), Data(test.ids, test.x.take())


def fold(tmp_path: Path) -> Fold:
    train, _ = titles()
    return Fold(0, train.rows(np.arange(600)), train.rows(np.arange(600, 720)), 1, tmp_path)


def module(name: str):
    return ENTRY.recipes[name].module()


@pytest.mark.parametrize("word", ["linear", "linear:bayes"])
def test_linear_models_learn_titles_and_come_back_the_same(word, tmp_path):
    of = fold(tmp_path)
    recipe, variant = ENTRY.recipe(word)
    fitted = recipe.module().fit(of, **recipe.resolve(variant, smoke=True))
    pred = fitted(of.valid.x)
    assert (pred.shape, pred.dtype) == ((120, 12), np.float32)
    assert np.allclose(pred.sum(1), 1, atol=1e-5)
    assert (pred.argmax(1) == of.valid.y).mean() > 0.9
    assert np.array_equal(recipe.module().load(tmp_path)(of.valid.x), pred)
    assert fitted(of.valid.x[:0]).shape == (0, 12)


def test_complement_naive_bayes_is_scikit_learns():
    from sklearn.naive_bayes import ComplementNB

    linear, train = module("linear"), titles()[0]
    terms = linear._terms.Terms(
        {"words": (1, 2), "chars": (2, 4), "rarest": 2, "bits": 14, "units": True, "numbers": "keep"}
    )
    x = terms.fit(train.x.take())
    scores = linear._terms.Scores(*linear.complement(x, train.y, 12, 0.1), sharpness=1.0)(x)
    theirs = ComplementNB(alpha=0.1, norm=False).fit(x, train.y).predict_proba(x)
    # Theirs adds the logarithm of the prior where there is one class only, so the probabilities are the same.
    assert np.allclose(scores, theirs, atol=1e-4)


def test_a_category_without_training_titles_is_never_the_likeliest(tmp_path):
    train, _ = titles()
    y = np.array(train.y)
    y[y == 3] = 2
    y[-1] = 14  # only held out; 12 and 13 are nowhere
    rows = Data(train.ids, train.x, y)
    of = Fold(0, rows.rows(np.arange(719)), rows.rows(np.arange(719, 720)), 1, tmp_path)
    pred = module("linear").fit(of, bits=14)(train.x)
    assert pred.shape == (720, 15) and not {3, 12, 13, 14} & set(pred.argmax(1).tolist())


def test_an_unknown_model_and_an_unknown_way_with_numbers_are_refused(tmp_path):
    with pytest.raises(KitError, match="no model 'forest'"):
        module("linear").fit(fold(tmp_path), model="forest")
    with pytest.raises(KitError, match="numbers='drop'"):
        module("linear").fit(fold(tmp_path), numbers="drop")


@pytest.mark.parametrize(
    ("title", "settings", "said"),
    [
        ("Tv 32 Pulgadas", {}, "Tv 32 pulg"),
        ('Tv 32" Led', {}, "Tv 32 pulg Led"),
        ("Alimento 1,5 Kilos", {}, "Alimento 15 kg"),
        ("Cable 10 Mts", {}, "Cable 10 mt"),
        ("Taladro 18v", {}, "Taladro 18 v"),
        ("Vino 750cc Tinto", {}, "Vino 750 ml Tinto"),
        ("Mesa 20x30 Cm", {"units": False}, "Mesa 20x30 Cm"),
        ("Filtro W719/27", {"units": False, "numbers": "shape"}, "Filtro W000/00"),
    ],
)
def test_units_and_numbers_are_spelled_alike_by_setting(title, settings, said):
    assert module("linear")._titles.normalised([title], **settings) == [said]


def test_a_run_judges_rows_in_the_challenges_own_format(kit, workspace, tmp_path):
    assert kit("train", "meli-titles", "--sample", "--no-plots")[0] == 0
    rows = tmp_path / "new.csv"
    rows.write_text(
        "title,label_quality,language,category\n"
        "Cafetera Expreso Lumax 15 Bar,reliable,spanish,COFFEE_MAKERS\n"
        '"Mochila, Notebook Kandor",reliable,spanish,BACKPACKS\n'
        "Relógio Vartel Acero,reliable,portuguese,WRISTWATCHES\n"
        "Relógio Vartel 50m,unreliable,portuguese,NO_SUCH_CATEGORY\n"
    )
    code, out, _ = kit("predict", "meli-titles", "last", "--rows", str(rows), "--json")
    answer = json.loads(out)
    assert code == 0 and (answer["rows"], answer["metric"], answer["score"]) == (4, "balanced accuracy", 0.75)
    written = Path(answer["out"]).read_text().splitlines()
    assert written[:3] == ["id,category", "1,COFFEE_MAKERS", "2,BACKPACKS"]


def test_a_title_is_answered_with_its_category_and_not_with_the_number_of_it(kit, workspace):
    assert kit("train", "meli-titles", "--sample", "--no-plots", "--holdout")[0] == 0
    status, out, _ = kit("predict", "meli-titles", "last", "Cafetera Expreso Lumax 15 Bar", "--json")
    (item,) = json.loads(out)
    assert (status, item["label"]) == (0, "COFFEE_MAKERS")
    assert max(item["probabilities"], key=item["probabilities"].get) == "COFFEE_MAKERS"


def test_a_row_without_a_category_is_named(kit, workspace, tmp_path):
    assert kit("train", "meli-titles", "--sample", "--no-plots", "--holdout")[0] == 0
    rows = tmp_path / "new.csv"
    rows.write_text("title,label_quality,language,category\nUno,reliable,spanish,BACKPACKS\nDos,reliable,spanish,\n")
    code, _, err = kit("predict", "meli-titles", "last", "--rows", str(rows))
    assert code == 1 and "row 2" in err and "category" in err


def test_stored_predictions_hold_the_five_likeliest_of_each_row(kit, workspace):
    from kit.train import predictions

    assert kit("train", "meli-titles", "--sample", "--no-plots", "--holdout")[0] == 0
    (file,) = (workspace / "submissions" / "meli-titles").glob("*/test.npz")
    pred = predictions.load(file)["pred"]
    assert pred.dtype.itemsize == 20 and pred["label"].shape == (180, 5)
    assert (np.diff(pred["p"].astype(float), axis=1) <= 0).all()


@pytest.mark.parametrize("pieces", [0, 4])
def test_numbers_of_words_that_wait_in_a_file_are_those_of_a_call(pieces, monkeypatch):
    sequences = module("cnn")._sequences
    monkeypatch.setattr(sequences, "PART", 7)
    train, _ = titles()
    known = sequences.Words(
        ("cafetera", "mochila"), length=5, pieces=pieces, buckets=64, read={"units": True, "numbers": "keep"}
    )
    rows = train.x[:20]
    stored, called = known.stored(rows), known(rows.take())
    for part, whole in zip(*((stored, called) if pieces else ((stored,), (called,))), strict=True):
        assert isinstance(part.store, np.memmap) and np.array_equal(part.take(), whole)


@pytest.mark.slow
def test_the_bag_learns_titles_and_comes_back_the_same(tmp_path):
    of = fold(tmp_path)
    recipe = ENTRY.recipes["bag"]
    fitted = recipe.module().fit(of, **recipe.resolve("", smoke=True))
    pred = fitted(of.valid.x)
    assert (pred.argmax(1) == of.valid.y).mean() > 0.8
    assert np.array_equal(recipe.module().load(tmp_path)(of.valid.x), pred)
