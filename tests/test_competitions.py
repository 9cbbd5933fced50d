"""What holds for every competition that `catalog` discovers, on its embedded sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kit.emulator import hosting
from kit.errors import KitError
from kit.task import catalog, splits, submission
from kit.task.catalog import Entry
from kit.task.contract import Fold
from kit.toolbox.encoders import handles

ENTRIES = [entry for entry in catalog.entries() if entry.has_sample]
RECIPES = [
    pytest.param(entry, name, marks=() if name == entry.recipe()[0].name else pytest.mark.slow)
    for entry in ENTRIES
    for name in entry.recipes
]
# Every variant, since another model may lie behind it. Networks are slow to fit, and the recipes for images and sounds
# are compared with their stored selves in tests of their own, which fit them anyway.
WORDS = [
    pytest.param(
        entry, word, marks=pytest.mark.slow if "epochs" in recipe.settings or entry.competition.kind == "image" else ()
    )
    for entry in ENTRIES
    for recipe in entry.recipes.values()
    for word in (recipe.name, *(f"{recipe.name}:{variant}" for variant in recipe.variants))
]


def named(value: object) -> str | None:
    """What a parameter is called in the name of a test."""
    return value.name if isinstance(value, Entry) else None


@pytest.fixture
def public(kit, workspace):
    """The folder of a competition's public files, written from its sample."""

    def write(entry: Entry) -> Path:
        assert kit("download", entry.name, "--sample")[0] == 0
        return workspace / "data" / f"{entry.name}-sample" / "public"

    return write


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_rows_have_ids_of_their_own_and_test_rows_those_of_the_sample_file(entry, public):
    folder = public(entry)
    train, test = entry.competition.load(folder)
    for data in (train, test):
        assert len(np.unique(data.ids)) == len(data.ids) == len(data.x)
    assert train.y is not None and len(train.y) == len(train.ids)
    assert test.y is None
    wanted = submission.read(entry.competition.submission, folder / entry.competition.submission.sample)
    assert sorted(wanted) == sorted(map(str, test.ids.tolist()))


READING = [entry for entry in ENTRIES if entry.competition.rows and entry.competition.test]


@pytest.mark.parametrize("entry", READING, ids=named)
def test_the_test_file_read_in_parts_has_the_test_rows_in_their_order(entry, public):
    folder = public(entry)
    parts = entry.competition.rows(folder / entry.competition.test, 7)
    read = [str(name) for part in parts for name in part.ids.tolist()]
    assert read == [str(name) for name in entry.competition.load(folder)[1].ids.tolist()]


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_rows_can_be_indexed_in_any_order(entry, public):
    train, _ = entry.competition.load(public(entry))
    order = np.random.default_rng(0).permutation(len(train.ids))[:20]
    some = train.rows(order)
    assert some.ids.tolist() == train.ids[order].tolist()
    for at in range(3):
        one = train.rows(order[at : at + 1])
        np.testing.assert_array_equal(row(one.x, 0), row(some.x, at))


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_every_row_is_held_out_once_and_no_group_is_cut(entry, public):
    train, _ = entry.competition.load(public(entry))
    column = splits.column(entry.competition.split, train)
    assert column.min() == 0
    assert np.bincount(column).min() > 0


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_splits_by_name_give_a_fold_a_row(entry, public):
    train, _ = entry.competition.load(public(entry))
    for split in entry.competition.splits.values():
        assert splits.column(split, replace(train, group=None)).max() >= 0


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_the_answers_of_the_sample_are_graded_as_perfect(entry, public):
    private = public(entry).parent / "private" / "solution.csv"
    hosted = next(one for one in hosting.catalogued(sample=True) if one.solution == private)
    assert hosted.metric.is_perfect(hosted.score(hosted.answers.y, np.ones(len(hosted.answers.ids), bool)))


@pytest.mark.parametrize(("entry", "recipe"), RECIPES, ids=named)
def test_a_recipe_ends_in_a_submission_that_would_be_accepted(entry, recipe, kit, workspace):
    short = ("--set", "epochs=1") if "epochs" in entry.recipes[recipe].settings else ()
    assert kit("train", entry.name, recipe, "--sample", "--holdout", "--no-plots", *short)[0] == 0
    status, _, err = kit("submit", entry.name, "last", "--sample", "--dry-run")
    assert status == 0, err
    if entry.competition.rows is None:
        return
    # The test file is also a file of new rows, of which the stored models say what the run said.
    test, out = workspace / "data" / f"{entry.name}-sample" / "public" / "test.csv", workspace / "predicted.csv"
    status, _, err = kit("predict", entry.name, "last", "--rows", str(test), "--out", str(out))
    assert status == 0, err
    (sent,) = workspace.glob("submissions/*/*/submission.csv")
    assert out.read_bytes() == sent.read_bytes()


@pytest.mark.parametrize(("entry", "word"), WORDS, ids=named)
def test_a_stored_model_predicts_the_very_bytes_of_the_fitted_one(entry, word, public, tmp_path):
    train, test = entry.competition.load(public(entry))
    column = splits.column(splits.Holdout(), train)
    recipe, variant = entry.recipe(word)
    try:
        module = recipe.module()
    except KitError as error:
        pytest.skip(str(error))
    folder = tmp_path / "fold"
    folder.mkdir()
    fold = Fold(0, train.rows(column != 0), train.rows(column == 0), 1, folder)
    overrides = {"epochs": 1} if "epochs" in recipe.settings else {}
    overrides |= dict.fromkeys(recipe.attach, handles.TINY)
    if recipe.resolve(variant).get("vectors"):
        (tmp_path / "vectors.txt").write_text("the 0.1 0.2\nfilm -0.3 0.4\n")
        overrides |= {"vectors": str(tmp_path / "vectors.txt")}
    if recipe.resolve(variant).get("unlabelled"):
        (tmp_path / "more.csv").write_text("review\nWe saw it on a Sunday.\nA dull film.\n")
        overrides |= {"unlabelled": str(tmp_path / "more.csv")}
    fitted = module.fit(fold, **recipe.resolve(variant, overrides, smoke=True))
    stored = module.load(folder)
    assert fitted(test.x).tobytes() == stored(test.x).tobytes()
    assert fitted.parameters == stored.parameters
    if fitted.unlike:
        np.testing.assert_array_equal(fitted.unlike(test.x.take()), stored.unlike(test.x.take()))
    assert not list(folder.rglob("partial-*"))


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.competition.prepare], ids=named)
def test_new_rows_of_a_prepared_task_are_read_in_the_form_of_its_source_too_with_their_answers(entry, public):
    raw = public(entry).parent / "raw"
    read = []
    for source in (raw, *sorted(raw.iterdir())):
        try:
            read.append(next(entry.competition.rows(source, 20)))
        except KitError:
            continue
    assert read and all(len(part) == 20 and part.y is not None for part in read)


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_the_address_of_a_source_is_an_address(entry):
    source = entry.competition.source
    assert all(url.startswith("https://") for url in (source.page, *getattr(source, "urls", ())))


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_its_rows_can_be_explored(entry, kit, workspace):
    status, out, err = kit("explore", entry.name, "--sample")
    assert status == 0
    assert "train rows" in out
    assert "Picture: " in err


def row(x: object, at: int) -> np.ndarray:
    """One row as an array of what it holds."""
    return np.asarray([str(value) for value in np.ravel(np.asarray(x[at]))])
