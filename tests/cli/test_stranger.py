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


def test_new_writes_files_that_run_without_an_edit_to_a_checked_submission(kit, workspace, titanic):
    status, out, err = kit("new", "titanic", "--from", str(titanic), "--yes")
    assert status == 0
    assert "metric   accuracy ?" in out
    assert "Guessed: metric is accuracy. Likely too: auc, f1. --metric says otherwise.\n" in err
    assert err.endswith("Next: kit train titanic\n")
    folder = workspace / "competitions" / "titanic"
    assert "mixed.py" in {path.name for path in folder.iterdir()}
    assert len((folder / "competition.py").read_text().splitlines()) < 50
    status, out, _ = kit("train", "titanic", "--no-plots", "--folds", "3", "--set", "rounds=20", "--set", "models=2")
    assert status == 0
    assert out.startswith("accuracy 1.00000 out-of-fold on 80 rows")
    status, out, err = kit("submit", "titanic", "--dry-run")
    assert status == 0
    assert "columns      PassengerId,Survived\n" in out
    assert err == "Kaggle would accept this file. Nothing was sent.\n"
    run = next((workspace / "submissions" / "titanic").glob("*-mixed"))
    status, _, _ = kit("predict", "titanic", run.name, "--rows", str(titanic / "test.csv"))
    assert status == 0
    assert (run / "rows-test.csv").read_text() == (run / "submission.csv").read_text()
    status, out, _ = kit("importance", "titanic", run.name, "--repeats", "1")
    assert status == 0
    assert out.splitlines()[2].split()[0] in ("Pclass", "Fare")
    assert {line.split()[0] for line in out.splitlines()[2:]} == {"Pclass", "Name", "Sex", "Age", "Fare"}


def test_a_second_new_does_not_overwrite_the_first(kit, workspace, titanic):
    kit("new", "titanic", "--from", str(titanic))
    before = (workspace / "competitions" / "titanic" / "competition.py").read_bytes()
    status, _, err = kit("new", "titanic", "--from", str(titanic), "--metric", "auc")
    assert status == 1
    assert "is already there" in err
    assert (workspace / "competitions" / "titanic" / "competition.py").read_bytes() == before


def test_new_does_not_hide_a_competition_that_comes_with_kit_unless_it_is_told_to(kit, workspace, titanic):
    status, _, err = kit("new", "digit-recognizer", "--from", str(titanic))
    assert status == 1
    assert "digit-recognizer is a competition that comes with kit; a new one of this name would hide it here." in err
    assert "kit train digit-recognizer" in err
    assert not (workspace / "competitions").exists()
    assert kit("new", "digit-recognizer", "--from", str(titanic), "--over")[0] == 0
    assert (workspace / "competitions" / "digit_recognizer" / "competition.py").is_file()


def test_new_without_files_and_without_credentials_says_where_the_files_may_come_from(kit, workspace, monkeypatch):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "KIT_KAGGLE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(workspace))
    status, _, err = kit("new", "store-sales")
    assert status == 1
    assert "without Kaggle credentials nothing can be downloaded" in err
    assert "kit new store-sales --from ~/Downloads/store-sales.zip" in err
    assert not (workspace / "competitions").exists()


@pytest.mark.parametrize("name", ["../evil", "Titanic", "2nd", "a b", ""])
def test_a_name_that_could_be_no_folder_is_refused(kit, workspace, name):
    status, _, err = kit("new", name)
    assert status == 1
    assert "cannot be a competition's name" in err
    assert not (workspace / "competitions").exists()
