"""A look at one test row."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import imread

from kit.errors import KitError
from kit.predict import stored
from kit.task import outputs
from kit.task.contract import Data
from kit.train import predictions, runs
from kit.train.runs import Plan

Y = np.array([0, 1, 2, 0])
PRED = np.array([[0.5, 0.3, 0.2], [0.125, 0.25, 0.625]], np.float64)


def rows(y: np.ndarray = Y, ids: object = (7, 9)) -> tuple[Data, Data]:
    """Four train rows and two test rows."""
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    return Data(np.arange(4), images[:4], y), Data(np.array(ids), images[4:])


def test_probabilities_are_told_by_name_the_likeliest_first(given, finished) -> None:
    entry = given(*rows(), kind="image", labels=("cat", "dog", "owl"))
    run = finished(entry, np.eye(3)[Y], PRED)
    item = stored.test_item(entry, run, 9)
    assert item.label == "owl"
    assert list(item.probabilities.items()) == [("owl", 0.625), ("dog", 0.25), ("cat", 0.125)]
    assert item.picture == run.folder / "plots" / "test-item-9.png"
    assert imread(item.picture).size


def test_integer_labels_stay_integers(given, finished) -> None:
    entry = given(*rows(), kind="image")
    item = stored.test_item(entry, finished(entry, np.eye(3)[Y], PRED), 7)
    assert (item.label, type(item.label)) == (0, int)
    assert list(item.probabilities) == ["0", "1", "2"]


def test_one_probability_a_row_is_that_of_the_second_class(given, finished) -> None:
    entry = given(*rows(np.array([0, 1, 1, 0])), kind="image", labels=(0, 1))
    run = finished(entry, np.array([0.1, 0.9, 0.8, 0.2]), np.array([0.25, 0.75]))
    assert stored.test_item(entry, run, 7)[:2] == (0, {"0": 0.75, "1": 0.25})
    assert stored.test_item(entry, run, 9)[:2] == (1, {"1": 0.75, "0": 0.25})


def test_of_many_classes_the_stored_ones_are_told(given, finished) -> None:
    entry = given(*rows(), kind="image", labels=("cat", "dog", "owl"))
    keep = outputs.top(2)
    item = stored.test_item(entry, finished(entry, keep(np.eye(3)[Y]), keep(PRED)), 9)
    assert item[:2] == ("owl", {"owl": 0.625, "dog": 0.25})


def test_no_more_than_twenty_classes_are_told(given, finished) -> None:
    entry = given(*rows(np.array([0, 49, 2, 0])), kind="image")
    pred = np.full((2, 50), 0.01)
    pred[0, 30] = 0.51
    item = stored.test_item(entry, finished(entry, np.eye(50)[[0, 49, 2, 0]], pred), 7)
    assert len(item.probabilities) == 20
    assert next(iter(item.probabilities.items())) == ("30", 0.51)


def test_a_value_has_no_probabilities(given, finished) -> None:
    entry = given(*rows(np.array([1.0, 2.0, 3.0, 4.0])), kind="image")
    item = stored.test_item(entry, finished(entry, np.arange(4.0), np.array([2.5, 3.5])), 9)
    assert item[:2] == (3.5, {})
    assert imread(item.picture).size


def test_outputs_that_are_no_probabilities_are_drawn_too(given, finished) -> None:
    entry = given(*rows(), kind="image")
    item = stored.test_item(entry, finished(entry, np.eye(3)[Y], np.array([[-3.0, 2.0, 8.0]] * 2)), 9)
    assert item[:2] == (2, {"2": 8.0, "1": 2.0, "0": -3.0})


def test_rows_go_by_id_not_by_position(given, finished, monkeypatch) -> None:
    train, test = rows()
    entry = given(train, test, kind="image")
    run = finished(entry, np.eye(3)[Y], PRED)
    predictions.save(run.folder / "test.npz", ids=np.array([9, 7]), pred=PRED[::-1])
    drawn = []
    monkeypatch.setattr(stored.rows, "draw", lambda axes, kind, row, size: drawn.append(row))
    assert stored.test_item(entry, run, 9).label == 2
    np.testing.assert_array_equal(drawn[0], test.x[1])


@pytest.mark.parametrize(
    ("ids", "item", "right"),
    [
        ((1, 2), 3, "The ids are 1 to 2."),
        ((2, 1), 0, "The ids are 1 to 2."),
        ((0, 90), 60, "The 2 ids lie between 0 and 90; near ones are 90, 0."),
        ((0, 90), "x", "The 2 ids lie between 0 and 90; near ones are 0, 90."),
        (("t1", "t2"), 3, "There are 2 ids, the first are t1, t2."),
    ],
)
def test_an_unknown_id_is_refused_with_those_there_are(given, finished, ids, item, right) -> None:
    entry = given(*rows(ids=ids), kind="image")
    run = finished(entry, np.eye(3)[Y], PRED)
    with pytest.raises(KitError, match=f"{entry.name} has no test row with the id {item}") as refused:
        stored.test_item(entry, run, item)
    assert refused.value.right == right
    assert refused.value.cure == f"kit predict {entry.name} {run.name} --test-item {ids[0]}"
    assert not (run.folder / "plots").exists()


def test_an_unfinished_run_is_refused(given) -> None:
    entry = given(*rows(), kind="image")
    run = runs.create(Plan(entry.name, "none", "", {}))
    with pytest.raises(KitError, match="is unfinished"):
        stored.test_item(entry, run, 7)
