"""What predictions say: labels, probabilities, guesses, and what is kept of many classes."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import metrics, outputs

IRIS = ("setosa", "virginica", "aster")
PRED = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]])


@pytest.mark.parametrize(
    ("pred", "values", "said"),
    [
        (PRED, None, [1, 0, 2]),
        (PRED, IRIS, ["virginica", "setosa", "aster"]),
        (PRED, (1, 2, 4), [2, 1, 4]),
        (PRED.astype(np.float32), np.array(IRIS), ["virginica", "setosa", "aster"]),
        (np.array([0.2, 0.5, 0.9]), None, [0, 1, 1]),
        (np.array([[0.2], [0.5], [0.9]]), ("no", "yes"), ["no", "yes", "yes"]),
        (np.array([0.2, 0.5, 0.9]), (False, True), [False, True, True]),
        (np.array([0.2, 0.5, 0.9]), (10, 5), [10, 5, 5]),
        (np.array([1.0, 2.0, 2.0]), (1, 2), [1, 2, 2]),
        (np.array([0.2, 2.4, 2.6]), (0, 1, 2, 3), [0, 2, 3]),
        (np.array([4, 1, 4]), (1, 4), [4, 1, 4]),
        (np.array(["b", "a"]), ("a", "b"), ["b", "a"]),
    ],
)
def test_the_label_is_the_likeliest_class_as_the_submission_spells_it(pred, values, said):
    assert metrics.labels(pred, values).tolist() == said


def test_the_label_of_what_was_kept_is_the_first_of_each_row():
    assert metrics.labels(outputs.top(2)(PRED)).tolist() == [1, 0, 2]
    assert metrics.labels(outputs.top(2)(PRED), IRIS).tolist() == ["virginica", "setosa", "aster"]


def test_another_threshold_may_be_set():
    assert metrics.labels(np.array([0.2, 0.4, 0.9]), ("no", "yes"), 0.3).tolist() == ["no", "yes", "yes"]


def test_more_labels_than_columns_are_refused():
    with pytest.raises(KitError, match="have 3 columns, and there are 2 labels"):
        metrics.labels(PRED, ("a", "b"))
    with pytest.raises(KitError, match="the 3 labels are texts"):
        metrics.labels(PRED[:, 0], IRIS)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_the_positive_class_is_the_second(shape):
    p = np.array([0.2, 0.5, 0.9])
    assert outputs.positive(p.reshape(shape)).tolist() == [0.2, 0.5, 0.9]
    assert outputs.positive(np.stack([1 - p, p], axis=1)).tolist() == [0.2, 0.5, 0.9]
    assert outputs.positive(np.array(["yes", "no", "yes"]), ("no", "yes")).tolist() == [1, 0, 1]


def test_labels_count_as_sure():
    sure = outputs.probabilities(np.array(["aster", "setosa"]), IRIS)
    assert sure.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_guesses_are_the_likeliest_labels_parted_by_spaces():
    assert outputs.guesses(PRED, IRIS, 2).tolist() == [
        ["virginica", "aster"],
        ["setosa", "aster"],
        ["aster", "virginica"],
    ]
    assert outputs.joined(PRED, IRIS, 2).tolist() == ["virginica aster", "setosa aster", "aster virginica"]
    assert outputs.joined(outputs.top(2)(PRED), IRIS, 1).tolist() == ["virginica", "setosa", "aster"]
    assert outputs.joined(PRED, (7, 8, 9), 5).tolist() == ["8 9 7", "7 9 8", "9 8 7"]


def test_guesses_of_texts_are_filled_up_and_cut_off():
    assert outputs.guesses(np.array(["a b c", "d"]), (), 2).tolist() == [["a", "b"], ["d", ""]]


def test_a_label_with_a_space_cannot_stand_in_a_list():
    with pytest.raises(KitError, match="'Yellow Fever' cannot stand in a list of guesses"):
        outputs.joined(np.array([[0.3, 0.7]]), ("Zika", "Yellow Fever"), 2)


@pytest.mark.parametrize("values", [("no", "yes"), (0, 1), (False, True), (3, 1), np.array(["x", "ab"])], ids=str)
def test_a_label_has_its_place_among_the_values(values):
    at = np.array([1, 0, 0, 1])
    y = np.asarray(values)[at]
    assert outputs.index(y, values).tolist() == at.tolist()
    assert outputs.index(y.astype(object), values).tolist() == at.tolist()


def test_a_label_that_is_not_declared_is_named():
    with pytest.raises(KitError, match="The label abc is not among the declared labels"):
        outputs.index(np.array(["ab", "abc"]), ("ab", "cd"))
    with pytest.raises(KitError, match="The label 5 is not among the declared labels"):
        outputs.index(np.array([0, 5]), (0, 1))


@pytest.mark.parametrize(
    ("y", "columns", "values"),
    [
        (np.array([0, 2]), 4, [0, 1, 2, 3]),
        (np.array([1, 2, 3, 4]), 4, [1, 2, 3, 4]),
        (np.array([1, 1]), None, [0, 1]),
        (np.array([True, True]), None, [False, True]),
        (np.array(["b", "a", "b"], object), 2, ["a", "b"]),
        (np.array([0.0, 1.0]), None, [0.0, 1.0]),
    ],
)
def test_labels_that_are_not_declared_are_read_off_the_rows(y, columns, values):
    assert outputs.classes(y, columns).tolist() == values


def test_top_keeps_the_likeliest_classes_in_order():
    kept = outputs.top(2)(PRED[:2])
    assert kept["label"].tolist() == [[1, 2], [0, 2]]
    assert kept["p"].tolist() == [[np.float16(0.6), np.float16(0.3)], [0.5, np.float16(0.3)]]
    assert kept.itemsize == 8
    assert outputs.top(9)(PRED)["label"].tolist() == [[1, 2, 0], [0, 2, 1], [2, 1, 0]]


def test_five_of_many_classes_take_twenty_bytes_a_row():
    assert outputs.top(5)(np.random.default_rng(0).random((3, 1588))).itemsize == 20


@pytest.mark.parametrize(
    ("y", "declared", "values"),
    [
        (np.array([1, 0]), ("no", "yes"), [0, 1]),
        (np.array(["yes", "no"]), ("no", "yes"), ["no", "yes"]),
        (np.array([5, 3]), (3, 5), [3, 5]),
    ],
)
def test_declared_labels_come_as_declared_or_by_their_numbers_as_the_rows_hold_them(y, declared, values):
    assert outputs.classes(y, 2, declared).tolist() == values


def test_twelve_declared_labels_are_named_and_of_more_the_first_twelve():
    for count, end in ((12, "11."), (13, "11, ....")):
        with pytest.raises(KitError) as caught:
            outputs.index(np.array(["x"]), tuple(map(str, range(count))))
        assert caught.value.right == "These are " + ", ".join(map(str, range(11))) + f", {end}"
