"""What is written, and what Kaggle would refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import ids, lines, metrics, submission
from kit.task.contract import Submission
from kit.task.targets import Labels, Numbers, Text

FORM = Submission("id", "label", decide=metrics.labels, holds=Labels((0, 1, 2)))
NUMBERS = Submission("id", ("low", "high"), decide=lambda pred: pred)
SAMPLE = "id,label\n1,0\n2,0\n3,0\n"
GOOD = "id,label\n1,2\n2,0\n3,1\n"


@pytest.fixture
def sample(tmp_path):
    """The sample file."""
    path = tmp_path / "sample_submission.csv"
    path.write_text(SAMPLE)
    return path


def refusal(tmp_path, sample, text, form=FORM) -> KitError:
    """What is said of a file with this text."""
    path = tmp_path / "mine.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(KitError) as error:
        submission.check(form, path, sample)
    return error.value


def test_predictions_are_joined_to_the_sample_by_id_whatever_their_order(tmp_path, sample):
    pred = np.eye(3)[[1, 2, 0]]
    submission.write(FORM, np.array([3, 1, 2]), pred, sample, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == GOOD.encode()


def test_floats_are_written_so_that_they_read_back_the_same(tmp_path):
    sample = tmp_path / "sample.csv"
    sample.write_text("id,low,high\na,0,0\n")
    submission.write(NUMBERS, np.array(["a"]), np.array([[0.1, 1 / 3]]), sample, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "id,low,high\na,0.1,0.3333333333333333\n"


def test_an_id_without_a_prediction_is_named(tmp_path, sample):
    with pytest.raises(KitError, match=r"1 ids of sample_submission\.csv have no test row, the first is 3"):
        submission.write(FORM, np.array([1, 2]), np.eye(3)[:2], sample, tmp_path / "out.csv")


def test_a_prediction_without_a_place_is_named(tmp_path, sample):
    with pytest.raises(KitError, match="the first is 9"):
        submission.write(FORM, np.array([1, 2, 3, 9]), np.eye(3)[[0, 1, 2, 0]], sample, tmp_path / "out.csv")


@pytest.mark.parametrize(
    "text", [GOOD, GOOD.replace("\n", "\r\n"), "label,id\n2,1\n0,2\n1,3\n", "id,label\n3,1\n1,2\n2,0\n"]
)
def test_a_good_file_passes_in_any_order_of_rows_and_columns(tmp_path, sample, text):
    path = tmp_path / "mine.csv"
    path.write_bytes(text.encode())
    assert submission.check(FORM, path, sample) == {"1": ("2",), "2": ("0",), "3": ("1",)}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "it is empty"),
        ("id,Label\n1,2\n2,0\n3,1\n", "required column 'label' could not be found in id,Label"),
        ("id,label,index\n1,2,0\n2,0,1\n3,1,2\n", "unexpected column 'index'"),
        (",id,label\n0,1,2\n1,2,0\n2,3,1\n", "unexpected column ''"),
        ("id,label,label\n1,2,2\n", "column 'label' stands twice"),
        ("id;label\n1;2\n2;0\n3;1\n", "separated by semicolons"),
        ("id\tlabel\n1\t2\n", "separated by tabs"),
        ("id,label\n1,2\n2,0\n", "it has 2 rows, and the id '3' is missing"),
        ("id,label\n1,2\n2,0\n3,1\n4,1\n", "row 4, column 'id' holds the unknown id '4', and it has 4 rows"),
        ("id,label\n1,2\n2,0\n7,1\n", "row 3, column 'id' holds the unknown id '7'"),
        ("id,label\n1,2\n2,0\n2,1\n", "row 3, column 'id' repeats the id 2"),
        ("id,label\n1,2\n2,\n3,1\n", "row 2, column 'label' is empty or NaN: ''"),
        ("id,label\n1,2\n2,NaN\n3,1\n", "row 2, column 'label' is empty or NaN: 'NaN'"),
        ("id,label\n1,2\n2,3\n3,1\n", "row 2, column 'label' holds '3'"),
        ("id,label\n1,2.0\n2,0\n3,1\n", "row 1, column 'label' holds '2.0'"),
        ("id,label\n1,2,9\n2,0\n3,1\n", "row 1 has 3 values"),
        (SAMPLE, "it is sample_submission.csv unchanged"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "byte order mark"),
        (GOOD.encode("utf-16"), "its encoding is UTF-16"),
        ("id,label\n1,2\n2,é\n".encode("latin-1"), "line 3 is not UTF-8"),
    ],
)
def test_what_kaggle_would_refuse_is_refused_with_row_and_column(tmp_path, sample, text, wrong):
    error = refusal(tmp_path, sample, text)
    assert error.wrong.startswith("mine.csv would be refused: ")
    assert wrong in error.wrong


@pytest.mark.parametrize(
    ("header", "cure"),
    [("id,label,index", True), (",id,label", True), ("Unnamed: 0,id,label", True), ("id,label,age", False)],
)
def test_an_index_column_is_left_out_by_a_word_more(tmp_path, sample, header, cure):
    assert (refusal(tmp_path, sample, f"{header}\n1,2,3\n").cure == "df.to_csv(path, index=False)") == cure


def test_a_refusal_says_what_is_allowed(tmp_path, sample):
    assert refusal(tmp_path, sample, "id,label\n1,2\n2,3\n3,1\n").right == "Allowed are 0, 1, 2."


@pytest.mark.parametrize("value", ["inf", "-inf", "high"])
def test_where_any_number_is_allowed_it_must_be_finite(tmp_path, value):
    sample = tmp_path / "sample.csv"
    sample.write_text("id,low,high\na,0,0\n")
    assert f"column 'high' holds '{value}'" in refusal(tmp_path, sample, f"id,low,high\na,1,{value}\n", NUMBERS).wrong


def test_a_missing_file_is_named(tmp_path, sample):
    with pytest.raises(KitError, match=r"mine\.csv does not exist"):
        submission.check(FORM, tmp_path / "mine.csv", sample)


IRIS = Submission("id", "species", decide=metrics.labels, holds=Labels(("setosa", "virginica")))
TWO_KEYS = Submission(("id", "horizon"), "target", decide=lambda pred: pred)
LISTS = Submission("id", "animals", decide=lambda pred: pred, holds=Text(most=3))
MIXED = Submission(
    "id", ("sales", "open"), decide=lambda pred: pred, holds=(Numbers(low=0), Labels((False, True))), repeats=True
)


def checked(tmp_path, form, sample, mine):
    """What is said of a file, `None` where it would be accepted."""
    (tmp_path / "sample_submission.csv").write_text(sample)
    (tmp_path / "mine.csv").write_text(mine)
    try:
        submission.check(form, tmp_path / "mine.csv", tmp_path / "sample_submission.csv")
    except KitError as error:
        return error
    return None


@pytest.mark.parametrize("holds", [Labels(("setosa", "virginica")), None])
def test_numbers_for_a_sample_of_names_are_refused_whether_declared_or_not(tmp_path, holds):
    form = replace(IRIS, holds=holds)
    sample = "id,species\n1,setosa\n2,setosa\n"
    assert checked(tmp_path, form, sample, "id,species\n1,virginica\n2,setosa\n") is None
    error = checked(tmp_path, form, sample, "id,species\n1,0\n2,1\n")
    assert "mine.csv would be refused: row 1, column 'species' holds '0'" in error.wrong
    assert "setosa" in error.right


def test_one_number_among_words_is_a_word(tmp_path):
    form = replace(IRIS, holds=None)
    assert checked(tmp_path, form, "id,species\n1,a\n2,b\n", "id,species\n1,7\n2,b\n") is None


@pytest.mark.parametrize("holds", [Text(most=3), None])
def test_ordered_guesses_are_accepted(tmp_path, holds):
    sample = "id,animals\n1,cat dog emu\n2,cat dog emu\n"
    form = replace(LISTS, holds=holds)
    assert checked(tmp_path, form, sample, "id,animals\n1,dog cat emu\n2,gnu\n") is None
    assert "holds '1'" in checked(tmp_path, form, sample, "id,animals\n1,1\n2,2\n").wrong


def test_more_guesses_than_allowed_are_refused(tmp_path):
    error = checked(tmp_path, LISTS, "id,animals\n1,a b c\n2,a\n", "id,animals\n1,a\n2,a b c d\n")
    assert "row 2, column 'animals' holds 4 items: 'a b c d'" in error.wrong
    assert error.right == "At most 3 items, parted by a space."


@pytest.mark.parametrize("holds", [Labels((False, True)), None])
@pytest.mark.parametrize("value", ["true", "TRUE", "1", "1.0"])
def test_truths_are_spelled_as_in_the_sample_file(tmp_path, holds, value):
    form = replace(IRIS, holds=holds)
    sample = "id,species\n1,False\n2,False\n"
    assert checked(tmp_path, form, sample, "id,species\n1,True\n2,False\n") is None
    error = checked(tmp_path, form, sample, f"id,species\n1,False\n2,{value}\n")
    assert f"row 2, column 'species' holds {value!r}" in error.wrong
    assert error.right == "Allowed are False, True; this one must be spelled True."


@pytest.mark.parametrize("holds", [Numbers(), None])
def test_a_sample_of_several_whole_numbers_takes_whole_numbers_only(tmp_path, holds):
    form = replace(IRIS, holds=holds)
    mine = "id,species\n1,0.7\n2,0\n"
    error = checked(tmp_path, form, "id,species\n1,0\n2,1\n", mine)
    assert "row 1, column 'species' holds '0.7', which is not a whole number" in error.wrong
    assert checked(tmp_path, form, "id,species\n1,0\n2,0\n", mine) is None
    assert checked(tmp_path, replace(IRIS, holds=Numbers(whole=False)), "id,species\n1,0\n2,1\n", mine) is None


@pytest.mark.parametrize("value", ["1e400", "inf", "0x1F", "1_000", "nan", ""])
def test_values_that_are_no_finite_numbers_are_refused_with_row_and_column(tmp_path, value):
    error = checked(tmp_path, NUMBERS, "id,low,high\na,0,0\nb,0,0\n", f"id,low,high\na,1,2\nb,1,{value}\n")
    assert error.wrong.startswith("mine.csv would be refused: row 2, column 'high' ")
    assert repr(value) in error.wrong


def test_the_first_wrong_row_is_named_whatever_its_column(tmp_path):
    mine = "id,low,high\na,1,2\nb,x,1\nc,1,y\n"
    assert (
        "row 2, column 'low' holds 'x'" in checked(tmp_path, NUMBERS, "id,low,high\na,0,0\nb,0,0\nc,0,0\n", mine).wrong
    )
    mine = "id,low,high\na,1,2\nb,1,x\nc,y,1\n"
    assert (
        "row 2, column 'high' holds 'x'" in checked(tmp_path, NUMBERS, "id,low,high\na,0,0\nb,0,0\nc,0,0\n", mine).wrong
    )


def test_a_declaration_that_the_sample_file_contradicts_is_told(tmp_path):
    error = checked(tmp_path, replace(IRIS, holds=Numbers()), "id,species\n1,7\n2,setosa\n", "id,species\n1,0\n2,1\n")
    assert error.wrong.startswith(
        "competition.py declares numbers for the column 'species', and sample_submission.csv holds 'setosa' there, in "
        "row 2."
    )


def test_two_key_columns_name_a_row_together(tmp_path):
    sample = tmp_path / "sample_submission.csv"
    sample.write_text("id,horizon,target\na,1,0\na,2,0\nb,1,0\n")
    rows, pred = ids.of(["b", "a", "a"], [1, 2, 1]), np.array([0.5, 1.5, 2.5])
    submission.write(TWO_KEYS, rows, pred, sample, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "id,horizon,target\na,1,2.5\na,2,1.5\nb,1,0.5\n"
    assert submission.check(TWO_KEYS, tmp_path / "out.csv", sample) == {
        "a|1": ("2.5",),
        "a|2": ("1.5",),
        "b|1": ("0.5",),
    }


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ("id,horizon,target\na,1,1\na,1,2\nb,1,3\n", "row 2, column 'id' and 'horizon' repeats the id a|1"),
        ("id,horizon,target\na,1,1\na,2,2\nb,9,3\n", "row 3, column 'id' and 'horizon' holds the unknown id 'b|9'"),
        ("id,target\na,1\n", "required column 'horizon' could not be found in id,target"),
    ],
)
def test_wrong_keys_are_named_by_all_their_columns(tmp_path, mine, said):
    assert said in checked(tmp_path, TWO_KEYS, "id,horizon,target\na,1,0\na,2,0\nb,1,0\n", mine).wrong


def test_rows_under_one_key_are_joined_by_their_order(tmp_path):
    sample = tmp_path / "sample_submission.csv"
    sample.write_text("id,sales,open\na,0,False\na,0,False\nb,0,True\n")
    pred = np.array([[3, True], [1.5, 0], [2, 1]], object)
    submission.write(MIXED, ids.of(["b", "a", "a"], repeats=True), pred, sample, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "id,sales,open\na,1.5,False\na,2,True\nb,3,True\n"
    assert submission.check(MIXED, tmp_path / "out.csv", sample)["a|2"] == ("2", "True")
    mine = "id,sales,open\na,1,True\nb,0,True\nb,2,True\n"
    assert "holds the unknown id 'b|2'" in checked(tmp_path, MIXED, sample.read_text(), mine).wrong


def test_columns_may_hold_different_kinds(tmp_path):
    sample = "id,sales,open\na,0,False\nb,0,False\n"
    assert "column 'open' holds '1'" in checked(tmp_path, MIXED, sample, "id,sales,open\na,1,False\nb,2,1\n").wrong
    assert (
        "column 'sales' holds '-1', which is below 0"
        in checked(tmp_path, MIXED, sample, "id,sales,open\na,-1,False\nb,2,True\n").wrong
    )
    with pytest.raises(KitError, match="`holds` names 1 kinds for 2 target columns"):
        replace(MIXED, holds=(Numbers(),))


@pytest.mark.parametrize(
    ("form", "sample", "said", "right"),
    [
        (IRIS, "id,horizon,species\n1,2,setosa\n", "unexpected column 'horizon'", '("id", "horizon")'),
        (IRIS, "id,Species\n1,setosa\n", "required column 'species' could not be found", "must name all columns"),
        (IRIS, "id,species\n1,setosa\n1,setosa\n", "row 2, column 'id' repeats the id 1", "repeats=True"),
        (IRIS, "id,species\n1\n", "row 1 has 1 values", "Each row has 2"),
    ],
)
def test_a_sample_file_that_is_not_as_declared_says_what_to_declare(tmp_path, form, sample, said, right):
    error = checked(tmp_path, form, sample, "id,species\n1,setosa\n")
    assert (
        error.wrong == f"sample_submission.csv is not as competition.py declares it: {error.wrong.partition(': ')[2]}"
    )
    assert said in error.wrong
    assert right in error.right


def test_a_sample_file_without_rows_is_refused(tmp_path):
    assert checked(tmp_path, IRIS, "id,species\n", "id,species\n").wrong == "sample_submission.csv has no rows."


def test_a_sample_file_may_start_with_a_byte_order_mark(tmp_path):
    (tmp_path / "sample_submission.csv").write_bytes(b"\xef\xbb\xbfid,species\n1,setosa\n2,setosa\n")
    (tmp_path / "mine.csv").write_text("id,species\n1,setosa\n2,virginica\n")
    assert submission.check(IRIS, tmp_path / "mine.csv", tmp_path / "sample_submission.csv")["2"] == ("virginica",)


def test_class_numbers_are_written_as_the_names_of_labels(tmp_path, told):
    (tmp_path / "sample.csv").write_text("id,species\n1,setosa\n2,setosa\n")
    submission.write(
        IRIS, np.array([2, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]), tmp_path / "sample.csv", tmp_path / "out"
    )
    assert (tmp_path / "out").read_text() == "id,species\n1,virginica\n2,setosa\n"
    assert told == []


def test_a_list_of_guesses_may_be_decided_as_columns(tmp_path):
    (tmp_path / "sample.csv").write_text("id,animals\n1,a\n2,a\n")
    pred = np.array([["cat", "dog", ""], ["emu", "gnu", "owl"]])
    submission.write(LISTS, np.array([1, 2]), pred, tmp_path / "sample.csv", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "id,animals\n1,cat dog\n2,emu gnu owl\n"


def test_what_decide_gives_that_would_be_refused_is_told_and_written(tmp_path, told):
    (tmp_path / "sample.csv").write_text("id,species\n1,setosa\n2,setosa\n")
    form = replace(IRIS, decide=lambda pred: np.array(["virginica", "rosa"]))
    submission.write(form, np.array([1, 2]), np.zeros(2), tmp_path / "sample.csv", tmp_path / "out")
    assert told == [
        "The submission would be refused: row 2, column 'species' holds 'rosa'. Allowed are setosa, virginica. "
        "`decide` in competition.py gives these values."
    ]
    assert (tmp_path / "out").read_text() == "id,species\n1,virginica\n2,rosa\n"


@pytest.mark.parametrize(
    ("decided", "said"),
    [
        (np.zeros((2, 3)), "`decide` returned 3 values a row, and there are 2 target columns"),
        (np.zeros(2), "`decide` returned 1 values a row"),
        (np.zeros((3, 2)), r"`decide` returned an array of shape \(3, 2\) for 2 rows"),
        (0.5, r"`decide` returned an array of shape \(\) for 2 rows"),
    ],
)
def test_a_decision_of_another_shape_is_refused(tmp_path, decided, said):
    (tmp_path / "sample.csv").write_text("id,low,high\na,0,0\nb,0,0\n")
    form = replace(NUMBERS, decide=lambda pred: decided)
    with pytest.raises(KitError, match=said):
        submission.write(form, np.array(["a", "b"]), np.zeros((2, 2)), tmp_path / "sample.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id,label\n1,2\n2,\x000\n3,1\n", "line 3 holds a NUL byte"),
        ("id,label\n1,2\n".encode("utf-16-le"), "its encoding is UTF-16"),
        (b'id,label\n1,2\n2,"0\n3,1\n', "a quotation mark in row 2 is not closed"),
        (b"id,label\n1,2\n2," + b"7" * 200_000 + b"\n3,1\n", "row 2 has a value of more than 131,072 characters"),
        (b"", "it is empty"),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, sample, data, said):
    assert said in refusal(tmp_path, sample, data).wrong


def test_a_folder_and_a_link_that_leads_nowhere_are_no_submissions(tmp_path, sample):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(KitError, match=r"folder\.csv would be refused: it is a folder"):
        submission.check(FORM, tmp_path / "folder.csv", sample)
    with pytest.raises(KitError, match=r"loop\.csv would be refused: it is a link that leads nowhere"):
        submission.check(FORM, tmp_path / "loop.csv", sample)


@pytest.mark.parametrize(
    ("keys", "text", "right"),
    [
        ("id", "id,y\n1,0\n1,0\n", "Each id stands once."),
        (("a", "b"), "a,b,y\n1,2,0\n1,2,0\n", "Each combination of keys stands once."),
    ],
)
def test_what_stands_once_is_named_by_its_keys(keys, text, right):
    form = Submission(keys, "y", decide=lambda pred: pred)
    with pytest.raises(KitError, match="row 2") as caught:
        list(lines.of_text(form, text.splitlines(keepends=True), Path("mine.csv")))
    assert caught.value.right == right
