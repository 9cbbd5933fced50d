"""Every classical recipe for tweets keeps the contract, and features are learned from training rows alone."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from kit.errors import KitError
from kit.task.catalog import find
from kit.task.contract import Data, Fold

ENTRY = find("disaster-tweets")
CLASSICAL = [
    f"{name}:{variant}" if variant else name
    for name, recipe in ENTRY.recipes.items()
    if not recipe.extra
    for variant in ("", *recipe.variants)
]


@functools.cache
def tweets() -> tuple[Data, Data]:
    """The 400 train and 150 test tweets of the embedded sample."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        ENTRY.write_sample(Path(folder))
        return ENTRY.competition.load(Path(folder))


def fold(tmp_path: Path) -> Fold:
    train, _ = tweets()
    return Fold(0, train.rows(np.arange(300)), train.rows(np.arange(300, 400)), 1, tmp_path)


def fitted(word: str, of: Fold, **overrides):
    recipe, variant = ENTRY.recipe(word)
    return recipe.module().fit(of, **recipe.resolve(variant, overrides, smoke=True))


def features(**settings):
    usual = {"words": (1, 1), "chars": (), "rarest": 1, "sublinear": False}
    usual |= {"stop_words": True, "counts": False, "links": True}
    return ENTRY.recipes["linear"].module()._features.Blocks(**usual | settings)


@pytest.mark.parametrize("word", CLASSICAL)
def test_predictions_are_probabilities_that_a_tweet_is_of_a_disaster(word, tmp_path):
    of = fold(tmp_path)
    predict = fitted(word, of)
    pred = predict(of.valid.x)
    assert (pred.shape, pred.dtype) == ((100,), np.float32)
    assert 0 <= pred.min() < pred.max() <= 1
    assert predict(of.valid.x[:0]).shape == (0,)
    order = np.random.default_rng(0).permutation(100)
    np.testing.assert_allclose(predict(of.valid.x[order]), pred[order], atol=1e-6)
    np.testing.assert_allclose(predict(of.valid.x[:1]), pred[:1], atol=1e-6)
    assert np.mean((pred >= 0.5) == of.valid.y) > 0.7
    assert 0 <= predict(pd.DataFrame({"keyword": [np.nan], "location": [np.nan], "text": ["zzz"]}))[0] <= 1


@pytest.mark.parametrize("word", ["linear:sgd", "bayes", "tree", "boosted"])
def test_the_same_seed_gives_the_same_predictions(word, tmp_path):
    of = fold(tmp_path)
    np.testing.assert_array_equal(fitted(word, of)(of.valid.x), fitted(word, of)(of.valid.x))


def test_a_missing_keyword_is_filled_from_the_hashtags_and_spaces_are_spaces():
    x = pd.DataFrame({"keyword": ["body%20bags", np.nan], "text": ["One #two", "Three #Four #five"]})
    columns = ENTRY.recipes["linear"].module()._features.columns
    assert columns(x) == (["One #two", "Three #Four #five"], ["body bags", "Four five"], ["two", "Four five"])


def test_each_block_has_a_vocabulary_of_its_own():
    blocks = features()
    x = blocks.fit(pd.DataFrame({"keyword": ["flood", "flood"], "text": ["Flood é #river", "flood and river"]}))
    assert blocks.text[0].get_feature_names_out().tolist() == ["flood", "river"]
    assert blocks.keyword.get_feature_names_out().tolist() == ["flood"]
    assert blocks.hashtags.get_feature_names_out().tolist() == ["river"]
    assert (x.shape, x.dtype) == ((2, 4), np.float32)


def test_words_of_held_out_rows_are_not_learned():
    blocks = features()
    blocks.fit(pd.DataFrame({"keyword": ["fire"], "text": ["earthquake here now"]}))
    held = blocks(pd.DataFrame({"keyword": ["flood"], "text": ["flood downtown #flood"]}))
    assert held.nnz == 0


def test_rows_of_nothing_but_stop_words_are_refused():
    with pytest.raises(KitError, match="no training row has a word to learn"):
        features().fit(pd.DataFrame({"keyword": [np.nan], "text": ["here now"]}))


def test_rows_without_any_hashtag_or_keyword_are_no_error():
    blocks = features()
    assert blocks.fit(pd.DataFrame({"keyword": [np.nan], "text": ["flood downtown"]})).nnz == 2


def test_characters_and_longer_words_are_blocks_when_asked_for():
    blocks = features(words=(1, 2), chars=(2, 3))
    blocks.fit(pd.DataFrame({"keyword": ["fire", "fire"], "text": ["flood downtown", "flood uptown"]}))
    assert "flood downtown" in blocks.text[0].vocabulary_
    assert "fl" in blocks.text[1].vocabulary_


def test_counts_take_the_place_of_weights_when_asked_for():
    blocks = features(counts=True)
    x = blocks.fit(pd.DataFrame({"keyword": [np.nan], "text": ["flood flood downtown"]}))
    assert dict(zip(blocks.text[0].get_feature_names_out(), x.toarray()[0], strict=True)) == {"downtown": 1, "flood": 2}
    assert x.dtype == np.float32


def test_links_are_left_out_when_asked_for():
    x = pd.DataFrame({"keyword": [np.nan], "text": ["flood http://t.co/abc downtown"]})
    blocks = features(links=False)
    blocks.fit(x)
    assert blocks.text[0].get_feature_names_out().tolist() == ["downtown", "flood"]
    blocks = features()
    blocks.fit(x)
    assert blocks.text[0].get_feature_names_out().tolist() == ["abc", "downtown", "flood", "http"]


def test_log_count_ratios_are_those_of_the_paper():
    from scipy import sparse

    x = sparse.csr_matrix(np.array([[0.5, 0, 0.1], [0.2, 0.9, 0], [0, 0.3, 0]], np.float32))
    ratio = ENTRY.recipes["linear"].module().log_count_ratio(x, np.array([1, 1, 0]), 1.0)
    one, zero = np.array([3, 2, 2]) / 7, np.array([1, 2, 1]) / 4
    np.testing.assert_allclose(ratio[0], np.log(one / zero), rtol=1e-6)


def test_a_gaussian_fitted_in_parts_is_the_one_fitted_at_once(monkeypatch):
    from scipy import sparse

    module = ENTRY.recipes["bayes"].module()
    monkeypatch.setattr(module, "CHUNK", 7)
    random = np.random.default_rng(0)
    x, y = random.random((40, 5)), random.integers(0, 2, 40)
    parts = GaussianNB()
    module.dense(parts, sparse.csr_matrix(x), y)
    whole = GaussianNB().fit(x, y)
    np.testing.assert_allclose(parts.theta_, whole.theta_)
    np.testing.assert_allclose(parts.var_, whole.var_, rtol=1e-6)


@pytest.mark.parametrize("name", ["linear", "bayes"])
def test_an_unknown_model_is_refused_with_the_known_ones(name, tmp_path):
    with pytest.raises(KitError, match="there is no model 'svn'"):
        fitted(name, fold(tmp_path), model="svn")


def test_repeated_tweets_are_one_group_and_never_cross_folds():
    train, _ = tweets()
    column = ENTRY.competition.split(train)
    assert len(np.unique(train.group)) < len(train.ids)
    assert all(len(np.unique(column[train.group == group])) == 1 for group in np.unique(train.group))
    cut = ENTRY.competition.splits["ungrouped"](replace(train, group=None))
    assert any(len(np.unique(cut[train.group == group])) > 1 for group in np.unique(train.group))


def test_the_split_of_the_practical_is_that_of_train_test_split():
    from sklearn.model_selection import train_test_split

    train, _ = tweets()
    held = train_test_split(train.ids, test_size=0.33, random_state=42)[1]
    column = ENTRY.competition.splits["practical"](train)
    assert sorted(train.ids[column == 0]) == sorted(held)
    assert set(column) == {-1, 0}


@pytest.mark.realdata
def test_the_real_tweets_repeat_each_other_as_the_readme_says(shared, kit, workspace):
    assert kit("download", "disaster-tweets", "--from", str(shared / "nlp-getting-started.zip"))[0] == 0
    train, test = ENTRY.competition.load(workspace / "data" / "disaster-tweets" / "public")
    assert (len(train.ids), len(test.ids), len(np.unique(train.group))) == (7613, 3263, 6912)


def test_a_file_of_tweets_is_rows_whether_it_has_ids_and_answers_or_not(tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("text,location,keyword\nFire here,,fire\nA lovely day,Quito,\n")
    (data,) = ENTRY.competition.rows(file, None)
    assert (data.ids.tolist(), data.y) == ([1, 2], None)
    assert data.x.take()["keyword"].isna().tolist() == [False, True]
    file.write_text("id,keyword,location,text,target\n9,,,Fire here,1\n8,,,A lovely day,0\n")
    (data,) = ENTRY.competition.rows(file, None)
    assert (data.ids.tolist(), data.y.tolist()) == ([9, 8], [1, 0])


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("9,,,,1", "row 1, column 'text' is empty"),
        ("9,,,Fire,", "row 1, column 'target' is empty"),
        ("9,,,Fire,0.5", "row 1, column 'target' holds '0.5'"),
        (",,,Fire,1", "row 1, column 'id' is empty"),
    ],
)
def test_a_file_of_tweets_with_a_wrong_value_is_refused(tmp_path, row, wrong):
    (tmp_path / "new.csv").write_text(f"id,keyword,location,text,target\n{row}\n")
    with pytest.raises(KitError, match=wrong):
        next(ENTRY.competition.rows(tmp_path / "new.csv", None))
