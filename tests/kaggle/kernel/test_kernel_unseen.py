"""Test files as a hidden one may be, made of the visible one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from kit.errors import KitError
from kit.kaggle.kernel import unseen
from kit.task import catalog
from kit.task.contract import Competition, Submission

ROWS = 40


@pytest.fixture
def competition(parity: Path) -> Competition:
    return replace(catalog.find("parity").competition, rows=lambda file, most: iter(()))


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A test file of numbers, a column of colours, dates, free text, and ids; train.csv beside it."""
    folder = tmp_path / "public"
    folder.mkdir()
    table = pd.DataFrame(
        {
            "id": [f"{n:03d}" for n in range(ROWS)],
            "number": range(ROWS),
            "colour": ["red", "blue"] * (ROWS // 2),
            "day": ["2026-01-01", "2026-01-02"] * (ROWS // 2),
            "text": [f"word {n}" for n in range(ROWS)],
        }
    )
    table.to_csv(folder / "test.csv", index=False)
    table[["id"]].assign(odd=[n % 2 for n in range(ROWS)])[::-1].to_csv(folder / "sample_submission.csv", index=False)
    (folder / "train.csv").write_text("id\n")
    return folder


def made(competition: Competition, public: Path, most: int = 10 * ROWS):
    """What each variant is called, what its files hold, and its ids."""
    seen = {}
    with unseen.variants(competition, public, unseen.read(competition, public), most) as variants:
        for one in variants:
            held = [
                pd.read_csv(one.public / name, dtype=str, keep_default_na=False)
                for name in ("test.csv", "sample_submission.csv")
            ]
            assert (one.public / "train.csv").read_text() == "id\n"
            seen[one.word] = (one.what, *held, one.ids)
    assert not one.public.exists()
    return seen


def test_rows_come_again_under_other_ids_in_another_order_with_unseen_categories(competition, public):
    seen = made(competition, public)
    assert [name for name in seen] == ["one", "many", "missing"]
    assert seen["one"][3] == ["000"] and len(seen["one"][1]) == len(seen["one"][2]) == 1
    what, test, sample, ids = seen["many"]
    assert what == "10 times as many rows, unseen categories in 'colour', ids in another order"
    assert test["id"].tolist() == ids and len(set(ids)) == 400 and ids != sorted(ids)
    assert sorted(sample["id"]) == sorted(ids) and sample["id"].tolist() != ids
    strange = test["colour"].str.startswith("never seen")
    assert strange.sum() == 58 and test.loc[~strange, "colour"].isin(["red", "blue"]).all()
    assert test["day"].nunique() == 2 and test["text"].nunique() == ROWS
    answers = dict(zip(sample["id"], sample["odd"], strict=True))
    assert all(int(answers[name]) == int(row) % 2 for name, row in zip(ids, test["number"], strict=True))


def test_missing_values_are_in_every_column_but_the_ids(competition, public):
    _, many, _, ids = made(competition, public)["many"]
    _, missing, _, same = made(competition, public)["missing"]
    assert ids == same and (missing["id"] != "").all()
    assert (missing == "").sum().to_dict() == {"id": 0, "number": 10, "colour": 9, "day": 9, "text": 9}
    assert ((missing == many) | (missing == "")).all().all()


def test_a_model_that_is_slow_gets_fewer_rows(competition, public):
    assert made(competition, public, most=60)["many"][0] == (
        "1.5 times as many rows, unseen categories in 'colour', ids in another order"
    )


def test_rows_that_are_numbered_stay_so(competition, public):
    pd.read_csv(public / "test.csv").drop(columns="id").to_csv(public / "test.csv", index=False)
    numbered = pd.DataFrame({"id": range(1, ROWS + 1), "odd": 0})
    numbered.to_csv(public / "sample_submission.csv", index=False)
    what, test, _, ids = made(competition, public)["many"]
    assert "id" not in test and "another order" not in what
    assert ids == [str(n) for n in range(1, 10 * ROWS + 1)]


def test_whole_numbers_stay_whole_numbers(competition, public):
    for name in ("test.csv", "sample_submission.csv"):
        table = pd.read_csv(public / name)
        table.assign(id=table["id"] + 500).to_csv(public / name, index=False)
    assert sorted(map(int, made(competition, public)["many"][3])) == [*range(500, 900)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rows": None}, "competition.py does not say of which file the test rows are (`rows` and `test`)"),
        ({"test": "test.parquet"}, "test.parquet is no CSV file"),
        ({"submission": Submission("id", "odd", decide=len, repeats=True)}, "several rows have one id"),
        (
            {"submission": Submission("text", "odd", decide=len)},
            "the ids of test.csv are not those of sample_submission.csv",
        ),
        (
            {"submission": Submission("name", "odd", decide=len)},
            "test.csv has no column 'name', and sample_submission.csv does not count its rows",
        ),
    ],
)
def test_what_cannot_be_made_is_said(competition, public, change, why):
    sample = pd.read_csv(public / "sample_submission.csv", dtype=str)
    sample.assign(text=sample["id"], name=sample["id"].iloc[::-1].to_numpy()).to_csv(
        public / "sample_submission.csv", index=False
    )
    with pytest.raises(KitError) as error:
        unseen.read(replace(competition, **change), public)
    assert error.value.wrong == f"A test file of other rows cannot be made here: {why}."
