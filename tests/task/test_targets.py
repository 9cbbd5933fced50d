"""What a target column may hold, and how it is spelled."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import targets
from kit.task.targets import Labels, Numbers, Text


def wrong(target: targets.Target, text: str) -> str | None:
    """Why a column cannot hold a text."""
    problem = target.problem(text)
    return problem and problem.wrong


@pytest.mark.parametrize("text", ["0", "-1", "+2.5", ".5", "5.", "1e5", "1E-400", "0.1234567890123456789", " 3 "])
def test_plain_decimal_numbers_are_numbers(text):
    assert wrong(Numbers(), text) is None


@pytest.mark.parametrize(
    "text",
    ["abc", "0x1F", "1_000", "1,5", "1e", "--1", ".", "inf", "-inf", "Infinity", "1e400x", "٣", "1\u00a0", "\t1"],
)
def test_what_only_looks_like_a_number_is_none(text):
    assert wrong(Numbers(), text) == f"holds {text!r}, which is not a plain number"


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1" + "0" * 400])
def test_a_number_that_overflows_is_refused(text):
    assert wrong(Numbers(), text) == f"holds {text!r}, which is more than a 64-bit number can be"


@pytest.mark.parametrize("text", ["", " ", "NaN", "nan", "null", "None", "NA", "n/a", "<NA>"])
def test_what_stands_for_a_missing_value_is_refused_for_every_kind(text):
    for target in (Numbers(), Labels((0, 1)), Text(), Text(most=3), Text(among=("a", "b"))):
        assert wrong(target, text) == f"is empty or NaN: {text!r}"


def test_a_label_that_looks_missing_is_a_label():
    assert wrong(Labels(("None", "Mild")), "None") is None
    assert wrong(Text(among=("NA", "DE")), "NA") is None


@pytest.mark.parametrize(
    ("target", "text", "said", "right"),
    [
        (Numbers(whole=True), "2.0", "which is not a whole number", "Each value must be a whole number such as 12."),
        (Numbers(0, 1), "-0.1", "which is below 0", "Each value must be a finite number from 0 to 1."),
        (Numbers(0, 1), "1.01", "which is above 1", "Each value must be a finite number from 0 to 1."),
        (Numbers(low=0), "-1", "which is below 0", "Each value must be a finite number, at least 0."),
        (Numbers(high=9.5), "10", "which is above 9.5", "Each value must be a finite number, at most 9.5."),
    ],
)
def test_bounds_of_numbers_are_told(target, text, said, right):
    assert target.problem(text) == (f"holds {text!r}, {said}", right)


@pytest.mark.parametrize("text", ["0", "1"])
def test_both_bounds_belong_to_the_numbers(text):
    assert wrong(Numbers(0, 1), text) is None


@pytest.mark.parametrize(
    ("labels", "text", "meant"),
    [
        ((0, 1, 2), "2.0", "2"),
        ((0, 1, 2), " 1", "1"),
        ((0, 1, 2), "3", ""),
        ((0, 1, 2), "True", ""),
        ((False, True), "true", "True"),
        ((False, True), "1", "True"),
        ((False, True), "0", "False"),
        ((False, True), "2", ""),
        (("setosa", "virginica"), "Setosa", "setosa"),
        (("setosa", "virginica"), "0", ""),
    ],
)
def test_a_label_must_be_spelled_as_declared_and_the_right_spelling_is_told(labels, text, meant):
    problem = Labels(labels).problem(text)
    allowed = f"Allowed are {', '.join(map(str, labels))}"
    assert problem == (f"holds {text!r}", f"{allowed}; this one must be spelled {meant}." if meant else f"{allowed}.")


def test_of_many_labels_a_dozen_is_named():
    assert Labels(range(50)).right == "Allowed are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 38 more."
    assert Labels(range(12)).right == "Allowed are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11."


def test_labels_come_from_any_sequence_and_are_plain_values():
    assert Labels(np.arange(3)) == Labels(range(3)) == Labels([0, 1, 2])
    assert type(Labels(np.arange(3)).options[0]) is int
    assert Labels(np.array(["a", "b"])).options == ("a", "b")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "holds no labels"),
        ((0, 1, 1), "names the label 1 twice"),
        (("1", 1), "names the label 1 twice"),
        ((True, False), "would make True class 0"),
    ],
)
def test_a_set_that_is_none_is_refused(options, said):
    with pytest.raises(KitError, match=said):
        Labels(options)


@pytest.mark.parametrize(
    ("labels", "values", "texts"),
    [
        ((0, 1, 2), np.array([2, 0]), ["2", "0"]),
        ((0, 1, 2), np.array([2.0, 0.0]), ["2", "0"]),
        ((0, 1, 2), np.array([2, 7]), ["2", "7"]),
        ((3, 5, 8), np.array([0, 3]), ["0", "3"]),  # class numbers of integers are labels of their own
        ((False, True), np.array([True, False]), ["True", "False"]),
        ((False, True), np.array([1, 0]), ["True", "False"]),
        (("a", "b"), np.array(["b", "a"]), ["b", "a"]),
        (("a", "b"), np.array([1, 0]), ["b", "a"]),
        (("a", "b"), np.array([1, -1]), ["b", "-1"]),
        (("a", "b"), np.array(["b", 0], object), ["b", "a"]),
    ],
)
def test_labels_are_written_as_they_are_spelled_and_class_numbers_by_their_names(labels, values, texts):
    assert Labels(labels).texts(values) == texts


@pytest.mark.parametrize(
    ("labels", "y", "outside"),
    [
        ((0, 1), [0, 1, 1], []),
        ((0, 1), [0, 1, 2], [2]),
        ((0, 1), [0.0, 0.5, 1.0], [1]),
        ((0, 1), [0, -9223372036854775808], [1]),
        ((0, 1), ["0", "1"], []),
        ((3, 5, 8), [3, 8], []),
        ((3, 5, 8), [0, 2, 1], []),  # class numbers
        ((3, 5, 8), [0, 8], [0]),  # neither labels nor class numbers
        ((False, True), [True, False], []),
        ((False, True), [1, 0], []),
        ((False, True), ["True", "true"], [1]),
        (("a", "b"), ["a", "c"], [1]),
        (("a", "b"), [0, 1], []),
        (("a", "b"), [0, 2], [1]),
        (("a", "b"), [0.0, 0.5], [1]),
    ],
)
def test_targets_outside_of_the_set_are_told(labels, y, outside):
    assert np.flatnonzero(Labels(labels).outside(np.array(y))).tolist() == outside


@pytest.mark.parametrize(
    ("target", "text", "said"),
    [
        (Text(most=3), "dog cat emu", None),
        (Text(most=3), "dog", None),
        (Text(most=3), "dog cat emu gnu", "holds 4 items: 'dog cat emu gnu'"),
        (Text(most=3), "dog  cat", None),
        (Text(most=3, separator=","), "dog, cat,emu", None),
        (Text(most=3, separator=","), "dog,,emu", "holds an empty item: 'dog,,emu'"),
        (Text(most=2, among=("dog", "cat")), "cat dog", None),
        (Text(most=2, among=("dog", "cat")), "cat emu", "holds 'emu'"),
        (Text(most=2, among=(10, 20)), "20 10", None),
        (Text(), "any words, with 7 of them here", None),
    ],
)
def test_lists_have_at_most_so_many_known_items(target, text, said):
    assert wrong(target, text) == said


def test_what_a_list_may_hold_is_told():
    assert Text().right == "Each value must be a text."
    assert Text(most=3).right == "At most 3 items, parted by a space."
    assert Text(most=2, separator=";", among=("a", "b")).right == "At most 2 items, parted by ';'; allowed are a, b."


def test_texts_lists_and_tables_of_items_are_written_alike():
    assert Text(most=2).texts(np.array(["a b", "c"])) == ["a b", "c"]
    assert Text(most=2).texts(np.array([["a", "b"], ["c", ""]])) == ["a b", "c"]
    lists = np.empty(2, object)
    lists[:] = [["a", "b"], ("c",)]
    assert Text(most=2, separator=",").texts(lists) == ["a,b", "c"]


def test_numbers_are_written_so_that_they_read_back_the_same():
    assert Numbers().texts(np.array([0.1, 1 / 3, 2.0])) == ["0.1", "0.3333333333333333", "2.0"]
    assert Numbers(whole=True).texts(np.array([2.0, 2.5])) == ["2", "2.5"]
    assert Numbers().texts(np.array([2, 3])) == ["2", "3"]


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        (["0", "0"], Numbers()),
        (["0.5", "1"], Numbers()),
        (["True", "True"], Labels((False, True))),
        (["true", "false"], Labels(("false", "true"))),
        (["FALSE"], Labels(("FALSE", "TRUE"))),
        (["True", "true"], Text()),
        (["setosa", "7"], Text()),
        (["", " "], Text()),
        (["", "7"], Numbers()),
    ],
)
def test_a_sample_file_tells_what_its_column_holds(sample, kind):
    assert targets.like(sample) == kind


@pytest.mark.parametrize(
    ("sample", "whole"), [(["0", "1"], True), (["0", "0"], False), (["0", "1.0"], False), (["0", "0", "", "3"], True)]
)
def test_several_whole_numbers_in_the_sample_file_ask_for_whole_numbers(sample, whole):
    assert targets.told(Numbers(low=0), sample) == Numbers(0, None, whole)
    assert targets.told(Numbers(whole=not whole), sample) == Numbers(whole=not whole)


@pytest.mark.parametrize(
    ("target", "same", "other"),
    [
        (Numbers(), ["0", "-3.5"], ["setosa", "True"]),
        (Numbers(whole=True), ["0"], ["0.5", "setosa"]),
        (Labels((1, 2, 3)), ["1", "0"], ["setosa", "0.5"]),
        (Labels(("setosa", "virginica")), ["setosa", "flower"], ["0", "Setosa", "SETOSA"]),
        (Labels((False, True)), ["True"], ["true", "1", "yes"]),
        (Labels(("10", "20")), ["10", "0"], ["ten"]),
        (Text(), ["0", "setosa"], []),
    ],
)
def test_a_sample_file_of_another_kind_is_told_from_one_of_placeholders(target, same, other):
    assert not any(map(target.unlike, same))
    assert all(map(target.unlike, other))
