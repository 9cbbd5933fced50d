"""MercadoLibre's files become a task as a stream, the same to the byte however the file is cut into blocks."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.catalog import find
from tests.conftest import SHARED

ENTRY = find("meli-titles")
HEADER = ("title", "label_quality", "language", "category")


def raw(tmp_path: Path, rows: int = 400) -> Path:
    """A folder with a train.csv of `rows` titles, of which every second is Spanish and every fifth unreliable."""
    folder = tmp_path / "raw"
    folder.mkdir()
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(HEADER)
        for n in range(rows):
            quality = "unreliable" if n % 5 == 0 else "reliable"
            language = "spanish" if n % 2 else "portuguese"
            lines.writerow((f'Título "{n}",\n dos', quality, language, f"C{n % 7}"))
    return folder


def prepared(tmp_path: Path, folder: Path, name: str = "made", **settings) -> tuple[Path, Path]:
    public, private = tmp_path / name / "public", tmp_path / name / "private"
    public.mkdir(parents=True)
    private.mkdir()
    ENTRY.competition.prepare(folder, public, private, **settings)
    return public, private


def table(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_rows_are_split_and_keep_their_numbers_and_titles(tmp_path):
    public, private = prepared(tmp_path, raw(tmp_path))
    train, test, solution = (
        table(file) for file in (public / "train.csv", public / "test.csv", private / "solution.csv")
    )
    assert (len(train), len(test)) == (320, 80)
    assert sorted(int(row["id"]) for row in train + test) == list(range(1, 401))
    for row in train + test:
        assert row["title"] == f'Título "{int(row["id"]) - 1}",\n dos'
    assert {row["id"]: row["category"] for row in solution} == {
        row["id"]: f"C{(int(row['id']) - 1) % 7}" for row in test
    }
    assert "category" not in test[0]
    assert [row["id"] for row in table(public / "sample_submission.csv")] == [row["id"] for row in test]
    assert (public / "categories.txt").read_text().split() == [f"C{n}" for n in range(7)]


def test_filters_and_the_number_of_rows_are_settings(tmp_path):
    public, _ = prepared(tmp_path, raw(tmp_path), language="spanish", quality="reliable", rows=50, test=0.1)
    rows = table(public / "train.csv") + table(public / "test.csv")
    assert (len(rows), len(table(public / "test.csv"))) == (50, 5)
    assert {row["language"] for row in rows} == {"spanish"} and {row["label_quality"] for row in rows} == {"reliable"}


def test_the_same_rows_are_drawn_whatever_the_blocks_and_others_with_another_seed(tmp_path, monkeypatch):
    module = __import__("sys").modules[ENTRY.competition.prepare.__module__]
    folder = raw(tmp_path)
    whole, _ = prepared(tmp_path, folder, "whole", rows=100)
    monkeypatch.setattr(module, "BLOCK", 2_000)
    blocks, _ = prepared(tmp_path, folder, "blocks", rows=100)
    other, _ = prepared(tmp_path, folder, "other", rows=100, seed=1)
    for name in ("train.csv", "test.csv", "sample_submission.csv", "categories.txt"):
        assert (whole / name).read_bytes() == (blocks / name).read_bytes()
    assert (whole / "train.csv").read_bytes() != (other / "train.csv").read_bytes()


def test_a_smaller_drawing_is_part_of_a_larger_one(tmp_path):
    folder = raw(tmp_path)
    drawn = []
    for count in (60, 200):
        public, _ = prepared(tmp_path, folder, str(count), rows=count)
        drawn.append({row["id"] for file in ("train.csv", "test.csv") for row in table(public / file)})
    assert len(drawn[0]) == 60 and drawn[0] < drawn[1]


def test_a_packed_file_gives_the_same(tmp_path):
    folder = raw(tmp_path)
    plain, _ = prepared(tmp_path, folder, "plain")
    (folder / "train.csv.gz").write_bytes(gzip.compress((folder / "train.csv").read_bytes()))
    (folder / "train.csv").unlink()
    packed, _ = prepared(tmp_path, folder, "packed")
    assert (plain / "train.csv").read_bytes() == (packed / "train.csv").read_bytes()


def test_the_challenges_own_test_rows_are_the_test_where_they_are_there(tmp_path):
    folder = raw(tmp_path)
    (folder / "test.csv").write_text("id,title,language\n0,Uno,spanish\n7,Dois,portuguese\n")
    public, private = prepared(tmp_path, folder)
    assert [(row["id"], row["title"]) for row in table(public / "test.csv")] == [("0", "Uno"), ("7", "Dois")]
    assert len(table(public / "train.csv")) == 400 and not (private / "solution.csv").exists()
    spanish, _ = prepared(tmp_path, folder, "spanish", language="spanish")
    assert [row["id"] for row in table(spanish / "test.csv")] == ["0"]


@pytest.mark.parametrize(
    ("change", "settings", "wrong"),
    [
        (lambda text: text.replace("label_quality", "quality", 1), {}, "label_quality"),
        (lambda text: text.replace("C3\r\n", "\r\n", 1), {}, "without a category"),
        (lambda text: text + "half,a,row\r\n", {}, "cannot be read"),
        (lambda text: text, {"language": "french"}, "0 rows are left"),
        (lambda text: text, {"test": 1.5}, "no train or no test rows"),
        (lambda text: text, {"rows": 1}, "1 rows are left"),
    ],
)
def test_what_cannot_be_prepared_is_refused(change, settings, wrong, tmp_path):
    folder = raw(tmp_path)
    text = (folder / "train.csv").read_bytes().decode()
    (folder / "train.csv").write_bytes(change(text).encode())
    with pytest.raises(KitError, match=wrong):
        prepared(tmp_path, folder, **settings)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    folder = raw(tmp_path)
    (folder / "train.csv").write_bytes((folder / "train.csv").read_text().encode("latin1"))
    with pytest.raises(KitError, match=r"train\.csv cannot be read"):
        prepared(tmp_path, folder)


def test_a_folder_without_the_file_is_refused(tmp_path):
    (tmp_path / "raw").mkdir()
    with pytest.raises(KitError, match=r"no train\.csv"):
        prepared(tmp_path, tmp_path / "raw")


def test_titles_are_memory_mapped_and_categories_are_numbers_of_the_list(tmp_path):
    public, _ = prepared(tmp_path, raw(tmp_path))
    train, test = ENTRY.competition.load(public)
    assert isinstance(train.x.store.letters, np.memmap) and train.y.dtype == np.int16
    assert train.x[0] == 'Título "0",\n dos' and train.y[:3].tolist() == [(n - 1) % 7 for n in train.ids[:3]]
    assert len(test) == 80 and test.y is None


def test_settings_of_preparing_come_from_the_command_and_stand_in_the_manifest(kit, workspace, tmp_path):
    folder = raw(tmp_path)
    assert kit("download", "meli-titles", "--from", str(folder), "--set", "language=spanish")[0] == 0
    assert '"language": "spanish"' in (workspace / "data/meli-titles/manifest.json").read_text()
    assert kit("download", "meli-titles", "--from", str(folder))[0] == 0  # without settings what is there is good
    code, _, err = kit("download", "meli-titles", "--from", str(folder), "--set", "language=portuguese")
    assert code == 1 and "was prepared with language='spanish'" in err and "--force" in err
    assert kit("download", "meli-titles", "--from", str(folder), "--set", "rows=50", "--force")[0] == 0
    assert '"rows": 50' in (workspace / "data/meli-titles/manifest.json").read_text()


@pytest.mark.parametrize(
    ("setting", "said"),
    [("langauge=spanish", "Did you mean 'language'?"), ("rows=many", "must be a whole number"), ("test=a", "a number")],
)
def test_a_setting_that_there_is_not_is_answered_before_anything_is_read(setting, said, kit, tmp_path):
    code, _, err = kit("download", "meli-titles", "--from", str(raw(tmp_path)), "--set", setting)
    assert code == 1 and said in err


@pytest.mark.realdata
def test_the_real_spanish_titles_are_split_four_to_one(tmp_path):
    import zipfile

    archive = SHARED / "meli-challenge-2019-es.zip"
    if not archive.is_file():
        pytest.skip(f"{archive} is not here")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "raw")
    public, _ = prepared(tmp_path, tmp_path / "raw")
    train, test = ENTRY.competition.load(public)
    assert (len(train), len(test), len(np.unique(train.y))) == (41_264, 10_316, 632)
