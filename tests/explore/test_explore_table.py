"""Exploring tables: what each column is, what tells of the target, what test has that train has not."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest

from kit.explore import columns, drift
from kit.explore import table as explore_table
from kit.task.contract import Data

ROWS = 600


def tables(seed: int = 0, shift: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Train and test tables of like columns, and labels that `size` decides; `shift` moves `size` in the test rows."""
    random = np.random.default_rng(seed)

    def one(count: int, moved: float) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "size": random.normal(moved, 1, count),
                "colour": random.choice(["red", "green", "blue"], count),
                "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 365, count), unit="D"),
                "same": 7,
            }
        )

    train, test = one(ROWS, 0.0), one(ROWS // 2, shift)
    return train, test, (train["size"] > 0).to_numpy(np.int64)


def looked(train: pd.DataFrame, test: pd.DataFrame, y: np.ndarray, to) -> explore_table.Findings:
    data = Data(np.arange(len(train)), train, y), Data(np.arange(len(test)), test)
    return explore_table.look(*data, ["no", "yes"], to)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5, None], "number"),
        ([1, 2, 3], "number"),
        ([True, False, True], "category"),
        (["a", "b", "a"], "category"),
        (["2024-01-01", "2024-02-03", None], "date"),
        (["01/02/2024 10:00", "03/04/2024 11:30"], "date"),
        (["1", "22", "333"], "category"),
        ([f"a long sentence that is never said twice, number {number}" for number in range(9)], "text"),
        ([None, None], "constant"),
        (["x", "x", None], "constant"),
    ],
)
def test_a_column_is_told_by_its_values(values, kind):
    assert columns.kind(pd.Series(values)) == kind


def test_a_column_explains_as_much_as_it_decides():
    random = np.random.default_rng(0)
    y = random.normal(size=4000)
    assert columns.explained(columns.cells(y, "number"), y) > 0.97
    assert abs(columns.explained(columns.cells(random.normal(size=4000), "number"), y)) < 0.03
    # A value of its own for each row explains nothing, since other rows are asked.
    assert columns.explained(np.arange(4000), y) < 0.01


def test_missing_values_are_a_cell_of_their_own():
    codes = np.array([1.0, np.nan, 2.0, np.nan, 1.0])
    cell = columns.cells(codes, "category")
    assert cell[1] == cell[3] and cell[1] not in cell[[0, 2, 4]]


def test_the_mean_of_a_cell_leaves_the_fold_of_the_row_out():
    cell, y = np.zeros(50, np.int64), np.arange(50.0)
    mean, prior = columns.means(cell, y)
    fold = np.random.default_rng(0).integers(5, size=50)
    for number in range(5):
        others = y[fold != number]
        assert prior[fold == number] == pytest.approx(others.mean())
        assert mean[fold == number] == pytest.approx((others.sum() + 10 * others.mean()) / (len(others) + 10))


def test_columns_kinds_and_what_explains_the_target_are_told(tmp_path):
    findings = looked(*tables(), tmp_path)
    assert findings.facts["columns"] == "4: 1 number, 1 category, 1 date, 1 constant"
    assert findings.facts["columns of one value"] == "same"
    assert findings.facts["size alone explains"] == "90.2% of the target"
    assert "colour alone explains" not in findings.facts
    assert [path.name for path in findings.pictures] == ["by-column.png", "drift.png"]
    with (tmp_path / "columns.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert listed[0]["name"] == "size"
    assert {line["name"]: line["kind"] for line in listed}["when"] == "date"


def test_a_column_that_is_the_target_is_called_a_leak(tmp_path):
    train, test, y = tables()
    train["answer"], test["answer"] = np.where(y, "y", "n"), "n"
    told = looked(train, test, y, tmp_path).facts["answer alone explains"]
    assert told.endswith("this looks like a leak: is it known when the target is asked for?")
    assert "leak" not in looked(*tables(), tmp_path).facts["size alone explains"]


def test_columns_that_repeat_or_are_missing_in_test_are_named(tmp_path):
    train, test, y = tables()
    train["again"], test["again"] = train["size"], test["size"]
    train["later"] = np.arange(ROWS)
    facts = looked(train, test, y, tmp_path).facts
    assert facts["columns that repeat another"] == "again repeats size"
    assert facts["columns that test lacks"] == "later"


def test_missing_values_and_unseen_categories_are_told(tmp_path):
    train, test, y = tables()
    test.loc[:59, "colour"] = "white"
    train.loc[:299, "size"] = np.nan
    findings = looked(train, test, y, tmp_path)
    assert findings.facts["colour in test"] == "20.0% of its values stand in no train row"
    assert findings.facts["size missing"] == "50.0% in train, 0.0% in test"
    assert "missing.png" in [path.name for path in findings.pictures]


def test_test_rows_of_another_kind_are_told_apart_and_the_column_is_named(tmp_path):
    facts = looked(*tables(shift=1.5), tmp_path).facts
    assert "more than chance" in facts["test told from train"] and "no more" not in facts["test told from train"]
    assert facts["columns that tell them apart"].startswith("size 0.8")


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_one_kind_are_not_told_apart(seed):
    random = np.random.default_rng(seed)
    parts = [{"a": random.normal(size=500), "b": random.integers(0, 4, 500).astype(float)} for _ in range(2)]
    assert not drift.measure(*parts, {"a": "number", "b": "category"}).real


def test_names_that_stand_once_do_not_tell_test_from_train():
    train, test = np.arange(400.0), np.arange(400.0, 700.0)
    ours, theirs = drift.merged(train, test)
    assert set(ours) == set(theirs) and len(set(ours)) == 1


def test_rows_that_are_no_table_are_left_alone(tmp_path):
    data = Data(np.arange(3), np.zeros((3, 2)), np.array([0, 1, 0])), Data(np.arange(2), np.zeros((2, 2)))
    assert explore_table.look(*data, [], tmp_path) == explore_table.Findings({}, [])


@pytest.mark.parametrize("y", [np.linspace(0, 1, ROWS), np.array(["a", "b", "c"] * (ROWS // 3))])
def test_targets_that_are_numbers_or_words_are_drawn(y, tmp_path):
    train, test, _ = tables()
    train["like"] = y
    test["like"] = y[: len(test)]
    assert (tmp_path / "by-column.png") in looked(train, test, y, tmp_path).pictures
