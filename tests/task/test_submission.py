"""What is written, and what Kaggle would refuse."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.task import metrics, submission
from kit.task.contract import Submission
from kit.task.targets import Labels

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
