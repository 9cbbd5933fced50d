"""Files that no training has seen: what a run's model says of them, as items and as pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from kit.errors import KitError
from kit.predict import files
from kit.rows.clips import Clips
from kit.task.contract import Data
from kit.train import runs
from kit.train.runs import Plan

RECIPE = '''\
"""High or low: whether most of a row lies above its middle."""

import numpy as np

from kit.task.contract import Fitted


def fit(fold, *, unlike: float = 0.0):
    return load(fold.dir)


def load(dir):
    far = float((dir / "far.txt").read_text())

    def predict(x):
        p = np.array([value(row) for row in (x["text"] if hasattr(x, "columns") else x)])
        return np.stack([1 - p, p], axis=1)

    return Fitted(predict, unlike=(lambda x: np.array([far * value(row) for row in x])) if far else None)


def value(row):
    """Loudness of the second half, brightness, or share of capital letters."""
    if isinstance(row, str):
        return np.mean([letter.isupper() for letter in row])
    return np.abs(row[len(row) // 2 :].astype(float)).sum() / max(1, np.abs(row.astype(float)).sum())
'''


@pytest.fixture
def trained(given, finished):
    """A competition of rows and a finished run of two folds whose recipe reads one number from each."""

    def make(x, test, kind: str, far: float = 0.0, y: int = 4):
        entry = given(Data(np.arange(y), x, np.arange(y) % 2), Data(np.array([7, 9]), test), kind=kind, labels=(0, 1))
        (entry.folder / "none.py").write_text(RECIPE)
        run = finished(entry, np.eye(2)[np.arange(y) % 2], np.eye(2))
        for number in (0, 1):
            run.fold(number).mkdir()
            (run.fold(number) / "done.json").write_text("{}")
            (run.fold(number) / "far.txt").write_text(str(far))
        return entry, run

    return make


def clips(count: int) -> Clips:
    return Clips.of([np.ones(100, np.int16)] * count, 8000)


def word(seconds: float = 0.4, rate: int = 16000) -> np.ndarray:
    place = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 300 * place) * np.sin(np.pi * place / seconds)).astype(np.float32)


def spoken(path: Path, words: int) -> str:
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    gap = np.zeros(8000, np.float32)
    soundfile.write(path, np.concatenate([gap, *[part for _ in range(words) for part in (word(), gap)]]), 16000)
    return str(path)


def test_each_utterance_of_a_recording_is_an_item(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    names = [spoken(tmp_path / "one.wav", 1), spoken(tmp_path / "two.flac", 2)]
    items, pictures = files.files(entry, run, names)
    assert [item.file for item in items] == [names[0], names[1], names[1]]
    assert [(round(item.start, 1), round(item.end, 1)) for item in items] == [(0.4, 1.0), (0.4, 1.0), (1.3, 1.9)]
    assert all(item.label in (0, 1) and set(item.probabilities) == {"0", "1"} for item in items)
    assert sum(items[0].probabilities.values()) == pytest.approx(1)
    assert [picture.name for picture in pictures] == ["file-one.wav.png", "file-two.flac.png"]
    assert all(imread(picture).size for picture in pictures)


def test_files_of_one_name_have_a_picture_each(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    (tmp_path / "other").mkdir()
    names = [spoken(folder / "me.wav", 1) for folder in (tmp_path, tmp_path / "other")]
    pictures = files.files(entry, run, names).pictures
    assert [picture.name for picture in pictures] == ["file-me.wav.png", "file-me.wav-2.png"]


def test_more_utterances_than_fit_a_picture_are_told_all_the_same(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    items, (picture,) = files.files(entry, run, [spoken(tmp_path / "many.wav", 14)])
    assert len(items) == 14
    assert imread(picture).size


def test_what_is_unlike_the_training_data_has_no_label(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio", far=100.0)
    (item,) = files.files(entry, run, [spoken(tmp_path / "one.wav", 1)]).items
    assert item.label is None
    assert files.said(item) == "unlike the training data"
    assert json.loads(json.dumps(item.facts())) | {"moved": ()} == item._asdict()


def test_an_image_becomes_a_row_of_the_competition_s_size(trained, tmp_path):
    from PIL import Image

    images = np.zeros((6, 8, 8), np.uint8)
    entry, run = trained(images[:4], images[4:], "image")
    high = np.zeros((8, 8), np.uint8)
    high[4:] = 200
    Image.fromarray(high).save(tmp_path / "same.png")
    Image.fromarray(high).resize((32, 32)).convert("RGB").save(tmp_path / "large.jpg")
    names = [str(tmp_path / name) for name in ("same.png", "large.jpg")]
    items, pictures = files.files(entry, run, names)
    assert [item.label for item in items] == [1, 1]
    assert items[0].facts() == {"file": names[0], "label": 1, "probabilities": {"1": 1.0, "0": 0.0}}
    assert all(imread(picture).size for picture in pictures)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [(None, "does not exist"), (b"", "cannot be read as an image"), (b"\x89PNG\r\n\x1a\n123", "cannot be")],
)
def test_a_broken_image_is_refused(trained, tmp_path, data, wrong):
    images = np.zeros((6, 8, 8), np.uint8)
    entry, run = trained(images[:4], images[4:], "image")
    file = tmp_path / "a.png"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(KitError, match=wrong):
        files.files(entry, run, [str(file)])


def test_a_text_is_a_file_or_the_words_themselves(trained, tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"keyword": [None] * 6, "text": ["a"] * 6})
    entry, run = trained(frame[:4], frame[4:], "text")
    file = tmp_path / "tweet.txt"
    file.write_text("FIRE ", encoding="utf-8")
    items, _ = files.files(entry, run, [str(file), "a lovely day"])
    assert [item.label for item in items] == [1, 0]
    assert [item.file for item in items] == [str(file), "a lovely day"]
    assert [part.text for part in items[1].moved] == ["a ", "lovely ", "day"]
    assert items[0].facts()["moved"] == [["FIRE", 0.0]]


def test_words_that_moved_a_text_are_told_by_the_command_and_on_a_page(trained, tmp_path, kit):
    entry, run = trained(np.array(["a"] * 4, object), np.array(["a"] * 2, object), "text")
    page = tmp_path / "words.html"
    status, out, err = kit("predict", entry.name, run.name, "so QUIET AND DARK here", "--html", str(page))
    assert status == 0, err
    assert "Words that moved 1 (log-odds, by occlusion): " in out and "\x1b" not in out
    assert f"Page: {page}" in err and "QUIET" in page.read_text()
    status, _, err = kit("predict", entry.name, run.name, "--test-item", "7", "--html", str(page))
    assert status == 2 and "--html goes with files" in err


def test_a_page_of_words_is_refused_where_rows_are_no_texts(trained, tmp_path, kit):
    from PIL import Image

    entry, run = trained(np.zeros((4, 8, 8), np.uint8), np.zeros((2, 8, 8), np.uint8), "image")
    Image.new("L", (8, 8), 200).save(tmp_path / "a.png")
    status, _, err = kit("predict", entry.name, run.name, str(tmp_path / "a.png"), "--html", str(tmp_path / "w.html"))
    assert status == 1 and "these predictions have none" in err
    assert not (tmp_path / "w.html").exists()


def test_texts_that_are_none_are_refused(trained, tmp_path):
    texts = np.array(["a"] * 6, object)
    entry, run = trained(texts[:4], texts[4:], "text")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty.txt").write_text(" \n")
    for name, wrong in (("binary.txt", "byte 0 is not UTF-8"), ("empty.txt", "holds no text")):
        with pytest.raises(KitError, match=wrong):
            files.files(entry, run, [str(tmp_path / name)])


def test_rows_of_a_table_are_in_no_file(trained):
    entry, run = trained(np.zeros((4, 3)), np.zeros((2, 3)), "table")
    with pytest.raises(KitError, match="kind table, which are not kept in one file each"):
        files.files(entry, run, ["row.csv"])


def test_a_microphone_hears_recordings_only(trained):
    entry, run = trained(np.zeros((4, 3)), np.zeros((2, 3)), "table")
    with pytest.raises(KitError, match="kind table, and a microphone records sound only"):
        files.recorded(entry, run, 1)


def test_a_run_without_its_weights_is_refused(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    for number in (0, 1):
        (run.fold(number) / "done.json").unlink()
    with pytest.raises(KitError, match=r"weights of run .* are not here"):
        files.files(entry, run, [spoken(tmp_path / "one.wav", 1)])


def test_weights_that_cannot_be_read_are_refused(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    (run.fold(1) / "far.txt").write_text("damaged")
    with pytest.raises(KitError, match=r"weights of run .* cannot be read"):
        files.files(entry, run, [spoken(tmp_path / "one.wav", 1)])


@pytest.mark.parametrize("error", ["RecursionError", "MemoryError", "AttributeError"])
def test_whatever_a_framework_raises_for_damaged_weights_is_one_clear_error(trained, tmp_path, error):
    entry, run = trained(clips(4), clips(2), "audio")
    file = entry.folder / "none.py"
    file.write_text(file.read_text().replace("    far = float", f"    raise {error}('no config')\n    far = float"))
    with pytest.raises(KitError, match=r"weights of run .* cannot be read: .*no config"):
        files.files(entry, run, [spoken(tmp_path / "one.wav", 1)])


def test_a_recipe_that_stores_no_model_is_refused(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    (entry.folder / "none.py").write_text(RECIPE.replace("def load", "def read"))
    with pytest.raises(KitError, match="Recipe none stores no model"):
        files.files(entry, run, [spoken(tmp_path / "one.wav", 1)])


def test_an_unfinished_run_has_no_model(trained, tmp_path):
    entry, _ = trained(clips(4), clips(2), "audio")
    with pytest.raises(KitError, match="is unfinished"):
        files.files(entry, runs.create(Plan(entry.name, "none", "", {})), [spoken(tmp_path / "one.wav", 1)])


def test_a_blend_predicts_files_through_its_members(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    name = spoken(tmp_path / "one.wav", 1)
    blend = runs.create(Plan(entry.name, "blend", "mean", {run.name: 1.0})).finish(run.record)
    assert files.files(entry, blend, [name]).items == files.files(entry, run, [name]).items


def test_a_run_of_a_recipe_that_is_gone_says_so(trained, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    gone = runs.create(Plan(entry.name, "gone", "", {})).finish(run.record)
    with pytest.raises(KitError, match=f"was fitted by recipe gone, which {entry.name} no longer has"):
        files.files(entry, gone, [spoken(tmp_path / "one.wav", 1)])


def test_the_command_prints_items_and_json(trained, kit, tmp_path):
    entry, run = trained(clips(4), clips(2), "audio")
    name = spoken(tmp_path / "one.wav", 1)
    status, out, err = kit("predict", entry.name, "last", name)
    assert status == 0
    assert out.splitlines()[0].split() == ["file", "from", "to", "label", "probabilities"]
    assert "file-one.wav.png" in err
    status, out, _ = kit("predict", entry.name, run.name, name, name, "--json")
    items = json.loads(out)
    assert status == 0
    assert [set(item) for item in items] == [{"file", "label", "probabilities", "start", "end"}] * 2


def test_the_command_wants_just_one_of_files_a_test_row_and_the_microphone(trained, kit, tmp_path):
    entry, _ = trained(clips(4), clips(2), "audio")
    assert kit("predict", entry.name, "last")[0] == 2
    assert kit("predict", entry.name, "last", "a.wav", "--test-item", "7")[0] == 2
    assert kit("predict", entry.name, "last", "--record", "1", "--test-item", "7")[0] == 2
    status, out, _ = kit("predict", entry.name, "last", "--test-item", "7", "--json")
    assert status == 0
    assert set(json.loads(out)[0]) == {"item", "label", "probabilities"}


def test_a_broken_file_ends_the_command_with_one_message(trained, kit, tmp_path):
    entry, _ = trained(clips(4), clips(2), "audio")
    (tmp_path / "empty.wav").touch()
    status, out, err = kit("predict", entry.name, "last", spoken(tmp_path / "one.wav", 1), str(tmp_path / "empty.wav"))
    assert status == 1
    assert out == ""
    assert "empty.wav is empty" in err
    assert "Traceback" not in err
