"""A stranger adds a competition in two files, without touching kit, and takes it from download to submission."""

from __future__ import annotations

import csv
import random

import pytest


@pytest.fixture
def titanic(tmp_path):
    """Files in Titanic's own format, made up."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    draw = random.Random(0)
    columns = ["PassengerId", "Survived", "Pclass", "Name", "Sex", "Age", "Fare"]

    def passenger(number: int) -> list:
        kind = draw.choice([1, 2, 3])
        age = "" if draw.random() < 0.2 else draw.randint(1, 80)
        return [number, int(kind == 1), kind, f"Doe, {number}", draw.choice(["male", "female"]), age, 100 / kind]

    rows = [passenger(number) for number in range(1, 121)]
    for name, held, part in (("train", columns, rows[:80]), ("test", [columns[0], *columns[2:]], rows[80:])):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(held)
            lines.writerows(part if name == "train" else [[row[0], *row[2:]] for row in part])
    (folder / "gender_submission.csv").write_text("PassengerId,Survived\n" + "".join(f"{r[0]},0\n" for r in rows[80:]))
    return folder


def test_new_writes_two_files_under_50_lines_that_run_from_download_to_a_checked_submission(kit, workspace, titanic):
    status, out, _ = kit("new", "titanic", "--from-kaggle", "titanic")
    assert status == 0
    folder = workspace / "competitions" / "titanic"
    assert sorted(path.name for path in folder.iterdir()) == ["baseline.py", "competition.py"]
    assert sum(len(path.read_text().splitlines()) for path in folder.iterdir()) < 50
    assert kit("download", "titanic", "--from", str(titanic))[0] == 0
    status, out, _ = kit("train", "titanic", "--no-plots", "--folds", "3")
    assert status == 0
    assert out.startswith("accuracy 1.00000 out-of-fold on 80 rows")
    status, out, err = kit("submit", "titanic", "--dry-run")
    assert status == 0
    assert "columns      PassengerId,Survived\n" in out
    assert err == "Kaggle would accept this file. Nothing was sent.\n"


def test_a_second_new_does_not_overwrite_the_first(kit, workspace):
    kit("new", "titanic")
    status, _, err = kit("new", "titanic")
    assert status == 1
    assert "is already there" in err


@pytest.mark.parametrize("name", ["../evil", "Titanic", "2nd", "a b", ""])
def test_a_name_that_could_be_no_folder_is_refused(kit, workspace, name):
    status, _, err = kit("new", name)
    assert status == 1
    assert "cannot be a competition's name" in err
    assert not (workspace / "competitions").exists()
