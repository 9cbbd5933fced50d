"""AG News: what is made of the source's files, and that no model sees what it is asked."""

import csv
import importlib

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import catalog
from kit.task.contract import Fold

ENTRY = catalog.find("ag-news", sample=True)
COMPETITION = ENTRY.competition
PACKAGE = COMPETITION.prepare.__module__.rpartition(".")[0]


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    ENTRY.write_sample(folder)
    return folder


def prepared(raw, to):
    public, private = to / "public", to / "private"
    public.mkdir(parents=True)
    private.mkdir()
    COMPETITION.prepare(raw, public, private)
    return public, private


def table(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Kerry #39;s plan", "Kerry's plan"),
        ("worth  #36;1.88M in all", "worth $1.88M in all"),
        ("as  quot;nuts, quot; adding", 'as "nuts," adding'),
        ("worth \\$5 more\\than that", "worth $5 more than that"),
        ("A &lt;b&gt;...&lt;/b&gt; day", "A ... day"),
        ('&lt;FONT face="verdana" size="-2"&gt;By&lt;/FONT&gt; him', "By him"),
        ("Inc. &lt;TXN.N&gt; said", "Inc. <TXN.N> said"),
        ("R amp;D at AT&amp;T", "R&D at AT&T"),
        ("a #151; b", "a\u2014 b"),
        ("AP - It rains; drop; it", "AP - It rains; drop; it"),
        ("two\n lines\t ", "two lines"),
    ],
)
def test_artefacts_of_the_collecting_are_cleaned_and_all_else_stays(given, said):
    cleaned = importlib.import_module(f"{PACKAGE}._cleaning").cleaned
    assert cleaned(given) == said


def test_preparing_twice_gives_the_same_bytes(raw, tmp_path):
    one, two = (prepared(raw, tmp_path / name) for name in "ab")
    for first, second in zip(one, two, strict=True):
        assert sorted(file.name for file in first.iterdir()) == sorted(file.name for file in second.iterdir())
        for file in first.iterdir():
            assert file.read_bytes() == (second / file.name).read_bytes()


def test_no_story_stands_on_both_sides_and_no_text_twice(raw, tmp_path):
    public, private = prepared(raw, tmp_path)
    train = [row["text"] + row["rest"] for row in table(public / "train.csv")]
    test = [row["text"] + row["rest"] for row in table(private / "texts.csv")]
    assert len(set(train)) == len(train) and not set(train) & set(test)
    # 300 texts and 20 that tell a story again, 30 that only extra_text.csv holds, and the test's own.
    assert len(train) == 350 and len(test) == 60
    stories = {row["story"] for row in table(public / "train.csv")}
    assert len(stories) < len(train) - 10


def test_a_story_of_the_test_is_left_out_of_train(raw, tmp_path):
    lines = (raw / "test.csv").read_text().splitlines()
    told = next(csv.reader(lines[:1]))
    with (raw / "train.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow((told[0], told[1], told[2] + " And so on."))
    public, _ = prepared(raw, tmp_path)
    assert not [row for row in table(public / "train.csv") if row["rest"].endswith("And so on.")]
    assert len(table(public / "train.csv")) == 350


def test_a_header_changes_nothing(raw, tmp_path):
    without, _ = prepared(raw, tmp_path / "a")
    for name in ("train.csv", "test.csv"):
        text = (raw / name).read_text()
        (raw / name).write_text("Class Index,Title,Description\n" + text)
    with_one, _ = prepared(raw, tmp_path / "b")
    assert (without / "train.csv").read_bytes() == (with_one / "train.csv").read_bytes()


def test_without_a_test_file_a_tenth_of_the_stories_is_the_test(raw, tmp_path):
    (raw / "test.csv").unlink()
    (raw / "extra_text.csv").unlink()
    _, private = prepared(raw, tmp_path)
    assert 20 <= len(table(private / "solution.csv")) <= 40


def test_without_a_train_file_it_is_told(raw, tmp_path):
    (raw / "train.csv").unlink()
    with pytest.raises(KitError, match=r"no train\.csv"):
        prepared(raw, tmp_path)


def test_a_class_that_is_none_is_told_with_its_row(raw, tmp_path):
    with (raw / "train.csv").open("a") as file:
        file.write('"7","A title","and a text of some words"\n')
    with pytest.raises(KitError, match="row 321, column 'class' holds '7'"):
        prepared(raw, tmp_path)


def test_rows_of_the_source_have_the_contexts_that_prepare_makes(raw, tmp_path):
    _, private = prepared(raw, tmp_path)
    made = {row["text"]: row["next"] for row in table(private / "texts.csv")}
    parts = list(COMPETITION.rows(raw / "test.csv", 25))
    assert [len(part) for part in parts] == [25, 25, 10]
    given = {text: y for part in parts for text, y in zip(part.x.take()["text"], part.y, strict=True)}
    assert given == made
    assert np.concatenate([part.ids for part in parts]).tolist() == list(range(1, 61))


def test_contexts_have_several_lengths_and_end_before_the_word_that_is_asked(raw, tmp_path):
    public, _ = prepared(raw, tmp_path)
    rows = table(public / "train.csv")
    assert all(row["rest"].startswith(" " + row["next"]) for row in rows)
    assert len({len(row["text"].split()) for row in rows}) > 4


def test_rows_without_a_context_are_told(tmp_path):
    file = tmp_path / "short.csv"
    file.write_text('"1","Too short",""\n')
    with pytest.raises(KitError, match="no text of more than three words"):
        list(COMPETITION.rows(file, None))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if "epochs" in recipe.settings else ())
        for name, recipe in catalog.find("ag-news").recipes.items()
    ],
)
def test_no_model_looks_at_what_follows_the_context(name, raw, tmp_path):
    public, _ = prepared(raw, tmp_path)
    train, _ = COMPETITION.load(public)
    recipe, _ = ENTRY.recipe(name)
    module = recipe.module()
    (tmp_path / "fold").mkdir()
    fold = Fold(0, train.rows(np.arange(300)), train.rows(np.arange(300, 350)), 1, tmp_path / "fold")
    fitted = module.fit(fold, **getattr(module, "SMOKE", {}))
    held = fold.valid.x.take()
    hidden = held.assign(rest="")
    assert fitted.predict(held).tolist() == fitted.predict(hidden).tolist()
    again = module.load(fold.dir)
    assert again.predict(held).tolist() == fitted.predict(held).tolist()
    assert again.language.bits(["The government said on Monday."]) == fitted.language.bits(
        ["The government said on Monday."]
    )
    assert (tmp_path / "fold" / "samples.txt").read_text().count("Temperature") == 3
