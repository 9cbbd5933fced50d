"""IMDB sentiment as a task: the forms in which reviews are published, repeats and films, and what is refused."""

from __future__ import annotations

import csv
import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import catalog, splits

REPEATED = "One of the dullest films that I have ever seen, with a script that goes nowhere and actors who know it."


@pytest.fixture
def entry(workspace):
    return catalog.find("imdb-sentiment")


@pytest.fixture
def archive(tmp_path):
    """The archive's folders: six reviews of each label in each half, two of each film; one test review repeats."""
    root = tmp_path / "archive" / "aclImdb"
    for half in ("train", "test"):
        for word in ("pos", "neg"):
            (root / half / word).mkdir(parents=True)
            for number in range(6):
                text = f"{half} {word} {number}<br /><br />Number {number} of {word} in {half}."
                (root / half / word / f"{number}_{9 if word == 'pos' else 2}.txt").write_text(text, encoding="utf-8")
            films = [f"http://www.imdb.com/title/{half}{word}{number // 2}/usercomments\n" for number in range(6)]
            (root / half / f"urls_{word}.txt").write_text("".join(films), encoding="utf-8")
    (root / "train" / "neg" / "3_2.txt").write_text(REPEATED, encoding="utf-8")
    (root / "test" / "neg" / "0_2.txt").write_text(REPEATED.upper(), encoding="utf-8")
    return root.parent


def table(path: Path, header: tuple[str, ...], rows: list[tuple]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_reviews_of_a_film_are_one_group_and_their_lines_end_without_tags(entry, archive, kit):
    status, _, err = kit("download", entry.name, "--from", str(archive))
    assert status == 0, err
    assert "0 of 12 train rows repeat" in err and "0 of 12 test rows another test row, and 1 a train row" in err
    train, test = entry.competition.load(entry.public())
    assert len(train) == len(test) == 12
    assert train.ids[0] == "train_pos_00000" and train.x[0] == "train pos 0\n\nNumber 0 of pos in train."
    assert train.y.tolist() == [1] * 6 + [0] * 6
    groups = dict(zip(train.ids.tolist(), train.group.tolist(), strict=True))
    assert groups["train_pos_00000"] == groups["train_pos_00001"] != groups["train_pos_00002"]
    column = splits.StratifiedGrouped(3)(train)
    assert all(len(set(column[train.group == group].tolist())) == 1 for group in set(groups.values()))


def test_test_reviews_have_ids_that_do_not_tell_their_labels(entry, archive, kit):
    kit("download", entry.name, "--from", str(archive))
    test = entry.competition.load(entry.public())[1]
    assert test.ids.tolist() == list(range(1, 13)) and test.y is None
    with (entry.data / "private" / "solution.csv").open(newline="") as file:
        labels = [int(row["label"]) for row in csv.DictReader(file)]
    assert [("pos" in text) for text in test.x.take() if REPEATED.upper() != text] == [
        bool(label) for label, text in zip(labels, test.x.take(), strict=True) if REPEATED.upper() != text
    ]
    assert labels != sorted(labels)


def test_the_archive_gives_the_same_bytes_packed_as_unpacked(entry, archive, kit, tmp_path):
    packed = tmp_path / "aclImdb_v1.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(archive / "aclImdb", "aclImdb")
        readme = tarfile.TarInfo("aclImdb/README")
        tar.addfile(readme, io.BytesIO(b""))
    written = []
    for origin in (archive, packed):
        assert kit("download", entry.name, "--force", "--from", str(origin))[0] == 0
        written.append({path.name: path.read_bytes() for path in entry.public().iterdir()})
    assert written[0] == written[1]


def test_one_table_of_all_reviews_is_halved_and_no_repeat_is_cut_apart(entry, kit, tmp_path):
    rows = [(f"Film number {n} was watched by {n} of us.<br />Fine.", "positive") for n in range(20)]
    rows += [(f"Nobody of the {n} liked film number {n}, and I neither.", "negative") for n in range(16)]
    rows += [(REPEATED, "negative"), (f"{REPEATED} Avoid.", "negative")] * 2
    kaggle = table(tmp_path / "raw" / "IMDB Dataset.csv", ("review", "sentiment"), rows)
    assert kit("download", entry.name, "--from", str(kaggle.parent))[0] == 0
    train, test = entry.competition.load(entry.public())
    assert len(train) + len(test) == 40 and abs(len(train) - len(test)) <= 3
    inside = {text.startswith(REPEATED) for text in train.x.take()} & {True}
    outside = {text.startswith(REPEATED) for text in test.x.take()} & {True}
    assert not (inside and outside)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: shutil.rmtree(root / "test" / "neg"), "test/neg does not exist"),
        (lambda root: [path.unlink() for path in (root / "train" / "pos").iterdir()], "train/pos does not exist"),
        (lambda root: (root / "train" / "pos" / "0_9.txt").write_text("<br />"), "0_9.txt is an empty review"),
        (lambda root: (root / "train" / "pos" / "0_9.txt").write_bytes(b"caf\xe9"), "0_9.txt is not text: byte 3"),
        (lambda root: (root / "train" / "pos" / "notes.md").write_text("x"), "notes.md is not named"),
    ],
)
def test_an_archive_that_lacks_something_is_refused_by_its_name(entry, archive, kit, damage, message):
    damage(archive / "aclImdb")
    status, _, err = kit("download", entry.name, "--from", str(archive))
    assert status == 1 and message in err
    assert not entry.data.exists()


def test_a_folder_without_reviews_is_refused_with_the_forms_that_would_be_right(entry, kit, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("nothing")
    status, _, err = kit("download", entry.name, "--from", str(tmp_path / "other"))
    assert status == 1 and "it holds notes.txt" in err and "train/pos" in err


def test_rows_are_read_from_the_sources_own_table_with_their_answers(entry, tmp_path):
    rows = [("test_neg_00000", "Bad.<br /><br />Awful.", 1, 0), ("test_pos_00001", "Good.", 9, 1)]
    file = table(tmp_path / "new.csv", ("id", "review", "rating", "label"), rows)
    (data,) = entry.competition.rows(file, None)
    assert data.ids.tolist() == ["test_neg_00000", "test_pos_00001"]
    assert data.x.take().tolist() == ["Bad.\n\nAwful.", "Good."] and data.y.tolist() == [0, 1]
    file = table(tmp_path / "kaggle.csv", ("review", "sentiment"), [("Bad.", "negative"), ("Good.", "positive")])
    (data,) = entry.competition.rows(file, None)
    assert data.ids.tolist() == [1, 2] and data.y.tolist() == [0, 1]


def test_a_row_without_a_review_and_a_label_that_is_none_are_refused(entry, tmp_path):
    for rows, message in (([("a", "")], "row 1, column 'review' is empty"), ([("a", "b", "7")], "holds '7'")):
        file = table(tmp_path / "new.csv", ("id", "review", "label")[: len(rows[0])], rows)
        with pytest.raises(KitError, match=message):
            next(entry.competition.rows(file, None))


@pytest.mark.realdata
def test_the_real_reviews_are_25_000_of_each_label_and_98_test_reviews_repeat_a_train_review(entry, kit, shared):
    status, _, err = kit("download", entry.name, "--from", str(shared / "imdb-sentiment.zip"))
    assert status == 0 and "121 of 25,000 train rows" in err and "and 98 a train row" in err
    train, test = entry.competition.load(entry.public())
    assert np.bincount(train.y).tolist() == [12_500, 12_500] and len(test) == 20_000
    assert not any("<br" in text for text in train.x.take())
