"""Exploring rows before a model sees them."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kit.errors import KitError
from kit.explore import image as explore_image
from kit.explore import overview
from kit.task import catalog
from kit.task.contract import Data


def blobs(count: int, seed: int = 0, side: int = 12) -> np.ndarray:
    """Smooth images, uint8 of (count, side, side)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4))
    return np.kron(coarse, np.ones((side // 4, side // 4))).astype(np.uint8)


def correlations(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The correlation of each test image (rows) with each train image, the plain way."""
    count = len(test)
    return np.corrcoef(np.concatenate([test, train]).reshape(count + len(train), -1))[:count, count:]


def test_facts_of_a_table_are_exact(given, workspace) -> None:
    train = Data(
        ids=np.arange(6),
        x=pd.DataFrame({"age": [1.0, 1.0, np.nan, 4.0, 4.0, 9.0], "name": ["a", "a", "c", None, None, "f"]}),
        y=np.array([0, 1, 0, 0, 0, 0]),
        group=np.array(["p", "p", "q", "r", "r", "s"]),
    )
    test = Data(np.arange(3), pd.DataFrame({"age": [9.0, 2.0, 2.0], "name": ["f", "b", "b"]}))
    entry = given(train, test, labels=("no", "yes"))

    explored = overview.explore(entry)

    out = workspace / "data" / entry.name / "explore"
    assert explored.facts == {
        "train rows": 6,
        "test rows": 3,
        "train missing values": 3,
        "train missing in age": "1 (16.7%)",
        "train missing in name": "2 (33.3%)",
        "test missing values": 0,
        "classes": 2,
        "largest class": "no: 5 rows (83.3%)",
        "smallest class": "yes: 1 rows (16.7%)",
        "largest to smallest class": 5.0,
        "groups": 4,
        "groups of more than one row": 2,
        "rows of the median group": 1.5,
        "rows of the largest group": 2,
        "train rows that repeat another": 2,
        "train rows with an equal of another label": 2,
        "test rows that repeat another": 1,
        "test rows that are train rows too": 1,
        "columns": "2: 1 number, 1 category",
        "age missing": "16.7% in train, 0.0% in test",
        "name in test": "66.7% of its values stand in no train row",
        "name missing": "33.3% in train, 0.0% in test",
        "all columns": str(out / "columns.csv"),
    }
    assert explored.pictures == [out / "classes.png", out / "missing.png"]
    assert explored.pictures[0].read_bytes().startswith(b"\x89PNG")


def test_facts_of_texts(given) -> None:
    x = np.array(["fire", "fire", " ", None, "flood"], object)
    entry = given(Data(np.arange(5), x, np.arange(5) % 2), Data(np.arange(1), x[4:]), kind="text")
    facts = overview.explore(entry).facts
    assert facts["train missing values"] == 2
    assert facts["train rows that repeat another"] == 1
    assert facts["train rows with an equal of another label"] == 2
    assert facts["test rows that are train rows too"] == 1


def test_missing_values_of_an_array_are_counted_in_blocks(monkeypatch) -> None:
    monkeypatch.setattr(overview, "VALUES", 4)
    x = np.array([[1, np.nan], [2, 3], [np.nan, np.nan], [4, 5], [np.nan, 6]])
    assert overview.missing("train", x) == {"train missing values": 4}
    assert overview.missing("test", np.array(["a", " ", ""])) == {"test missing values": 2}


def test_a_target_that_is_a_number_gets_its_spread(given) -> None:
    rows = Data(np.arange(5), np.arange(10.0).reshape(5, 2), np.array([1.0, 2, 3, 4, 10]))
    explored = overview.explore(given(rows, rows.head(2)))
    assert {name: value for name, value in explored.facts.items() if name.startswith("target")} == {
        "target mean": 4.0,
        "target sd": 3.1623,
        "target least": 1.0,
        "target median": 3.0,
        "target greatest": 10.0,
    }
    assert [path.name for path in explored.pictures] == ["target.png"]


def test_many_classes_are_drawn_as_a_curve(given) -> None:
    rows = Data(np.arange(300), np.arange(300.0)[:, None], np.arange(300) % 100)
    explored = overview.explore(given(rows, rows.head(2)))
    assert explored.facts["classes"] == 100
    assert [path.name for path in explored.pictures] == ["classes.png"]


def test_files_are_compared_by_what_they_hold(tmp_path) -> None:
    for name, text in (("one.wav", "sound"), ("two.wav", "sound"), ("three.wav", "other")):
        (tmp_path / name).write_text(text)
    paths = np.array([str(tmp_path / name) for name in ("one.wav", "two.wav", "three.wav")], object)
    marks = overview.fingerprints(paths)
    assert marks[0] == marks[1] != marks[2]
    assert len(np.unique(overview.fingerprints(np.array(["no file", "nor this"])))) == 2


def test_equal_rows_have_equal_fingerprints() -> None:
    x = np.array([[0, 1], [1, 0], [0, 1], [5, 5], [0, 1]], np.uint8)
    marks = overview.fingerprints(x)
    assert marks[0] == marks[2] == marks[4]
    assert len(np.unique(marks)) == 3
    assert len(overview.fingerprints(x[:0])) == 0


def test_images_get_pixel_statistics_means_and_near_duplicates(given, tmp_path) -> None:
    train, test = blobs(40), blobs(10, seed=1)
    test[3] = train[17]
    entry = given(Data(np.arange(40), train, np.arange(40) % 4), Data(np.arange(1, 11), test), kind="image")

    explored = overview.explore(entry, out=tmp_path / "out")

    assert explored.facts["image"] == "12 x 12"
    assert explored.facts["test rows that are train rows too"] == 1
    assert explored.facts["test images with a near-duplicate in train"] == 1
    assert explored.facts["closest train and test image"] == "correlation 1.0000"
    assert [path.name for path in explored.pictures] == [
        "classes.png",
        "means.png",
        "brightness.png",
        "near-duplicates.png",
    ]
    assert all(path.parent == tmp_path / "out" and path.stat().st_size > 1000 for path in explored.pictures)


def test_pixel_statistics_are_exact_in_blocks(monkeypatch) -> None:
    monkeypatch.setattr(explore_image, "BYTES", 4 * 144 * 7)
    images = blobs(40)
    images[::2, 0] = 0
    explored = explore_image.pixels(images)
    assert (explored.least, explored.greatest) == (images.min(), images.max())
    assert explored.mean == pytest.approx(images.mean())
    assert explored.sd == pytest.approx(images.std())
    assert explored.zero == (images == 0).mean()
    np.testing.assert_allclose(explored.brightness, images.mean((1, 2)), rtol=1e-6)


def test_mean_images_are_those_of_each_class() -> None:
    images, y = blobs(30), np.arange(30) % 3
    explored = explore_image.means(images, y, np.array([0, 2]))
    np.testing.assert_allclose(explored, [images[y == 0].mean(0), images[y == 2].mean(0)], rtol=1e-6)


@pytest.mark.parametrize("side", [12, 80])
def test_the_closest_train_image_is_found_as_by_comparing_all(monkeypatch, side) -> None:
    for name, value in (("TALL", 16), ("WIDE", 32), ("BYTES", 4 * side * side * 25)):
        monkeypatch.setattr(explore_image, name, value)
    train, test = blobs(150, side=side), blobs(60, seed=1, side=side)
    noise = np.random.default_rng(2).integers(-4, 5, (5, side, side))
    test[[3, 19, 20, 44, 59]] = np.clip(train[[0, 31, 32, 33, 149]].astype(int) + noise, 0, 255)
    plain = correlations(train, test)

    explored = explore_image.closest(train, test)

    near = explored.correlation >= explore_image.NEAR
    assert sorted(zip(explored.test[near].tolist(), explored.train[near].tolist(), strict=True)) == [
        (3, 0),
        (19, 31),
        (20, 32),
        (44, 33),
        (59, 149),
    ]
    assert (plain.max(1) >= explore_image.NEAR).sum() == 5
    np.testing.assert_allclose(explored.correlation, plain[explored.test, explored.train], atol=1e-5)
    assert (np.diff(explored.correlation) <= 0).all()


def test_an_image_saved_as_jpeg_is_a_near_duplicate_and_a_moved_one_is_not() -> None:
    smooth = np.asarray([Image.fromarray(image).resize((28, 28), Image.Resampling.BICUBIC) for image in blobs(20)])
    held = io.BytesIO()
    Image.fromarray(smooth[5]).save(held, "JPEG", quality=75)
    explored = explore_image.closest(smooth, np.stack([np.asarray(Image.open(held)), np.roll(smooth[6], 3, axis=1)]))
    assert explored.test.tolist() == [0, 1]
    assert explored.train[0] == 5
    assert (explored.correlation >= explore_image.NEAR).tolist() == [True, False]


def test_images_of_one_colour_are_near_to_nothing() -> None:
    train = np.concatenate([blobs(5), np.full((2, 12, 12), 7, np.uint8)])
    explored = explore_image.closest(train, np.full((3, 12, 12), 200, np.uint8))
    assert explored.correlation.tolist() == [0, 0, 0]


def test_colour_images_are_explored(given) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 40, 36, 3), np.uint8)
    entry = given(Data(np.arange(20), images, np.arange(20) % 2), Data(np.arange(4), images[8:12]), kind="image")
    explored = overview.explore(entry)
    assert explored.facts["image"] == "40 x 36 x 3"
    assert explored.facts["test images with a near-duplicate in train"] == 4


def test_images_held_as_paths_get_the_facts_of_any_rows(given) -> None:
    paths = np.array(["a.png", "b.png", "c.png"], object)
    entry = given(Data(np.arange(3), paths, np.array([0, 1, 1])), Data(np.arange(1), paths[:1]), kind="image")
    explored = overview.explore(entry)
    assert "image" not in explored.facts
    assert explored.facts["test rows that are train rows too"] == 1


def test_the_embedded_sample_of_digits_is_explored(workspace) -> None:
    from kit.data import fetch

    entry = catalog.find("digit-recognizer", sample=True)
    fetch.fetch(entry)
    explored = overview.explore(entry)
    assert (explored.facts["train rows"], explored.facts["test rows"], explored.facts["classes"]) == (1347, 450, 10)
    assert explored.facts["closest train and test image"] == "correlation 0.9941"
    assert explored.facts["test images with a near-duplicate in train"] == 0
    assert {path.parent for path in explored.pictures} == {workspace / "data" / "digit-recognizer-sample" / "explore"}


def test_without_data_the_cure_is_to_download_it(workspace) -> None:
    with pytest.raises(KitError, match="data of digit-recognizer is not here") as refused:
        overview.explore(catalog.find("digit-recognizer"))
    assert refused.value.cure.startswith("kit download digit-recognizer")


def test_a_target_of_free_texts_is_told_by_its_answers():
    facts = overview.answers(np.array(["the", "of", "the", "Oslo"]))
    assert facts == {
        "different answers": 3,
        "answers of one row only": 2,
        "most frequent answer": "the: 2 rows (50.0%)",
    }


def test_a_competition_of_free_texts_is_explored(kit):
    status, out, err = kit("explore", "ag-news", "--sample")
    assert status == 0, err
    assert "different answers" in out
    # Whole texts, whose first words only are what a model is shown; told apart by their topic.
    assert "train words a text                         median 39" in out
    assert "words.png" in err and "vocabulary.png" in err
