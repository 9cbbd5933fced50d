"""New rows from a file of the test table's form."""

from __future__ import annotations

import pandas as pd
import pytest

from kit.errors import KitError
from kit.task import newcomers


def test_rows_are_read_in_parts_and_named_by_their_keys(tmp_path):
    pd.DataFrame({"shop": [1, 2, 3], "day": ["a", "b", "c"], "size": [1.5, 2.5, 3.5]}).to_csv(tmp_path / "new.csv")
    parts = list(newcomers.reader("shop", "day")(tmp_path / "new.csv", 2))
    assert [part.ids.tolist() for part in parts] == [["1|a", "2|b"], ["3|c"]]
    assert parts[0].x.take()["size"].tolist() == [1.5, 2.5]


def test_rows_without_keys_are_numbered_over_all_parts(tmp_path):
    pd.DataFrame({"size": [1.5, 2.5, 3.5]}).to_csv(tmp_path / "new.csv", index=False)
    assert [part.ids.tolist() for part in newcomers.reader()(tmp_path / "new.csv", 2)] == [[0, 1], [2]]


def test_keys_are_read_as_they_are_spelled_and_must_be_there(tmp_path):
    (tmp_path / "new.csv").write_text("code,size\n007,1\n")
    (part,) = newcomers.reader("code", text=("code",))(tmp_path / "new.csv", None)
    assert part.ids.tolist() == ["007"]
    with pytest.raises(KitError, match=r"new\.csv has no column 'id'"):
        next(newcomers.reader("id")(tmp_path / "new.csv", None))


def test_answers_are_taken_off_the_rows_and_files_without_them_are_predicted_only(tmp_path):
    answered = newcomers.reader("id", answers=(("big",), lambda table: table["big"].to_numpy(int)))
    (tmp_path / "new.csv").write_text("id,size,big\n1,5,1\n2,3,0\n")
    (part,) = answered(tmp_path / "new.csv", None)
    assert part.y is not None
    assert part.y.tolist() == [1, 0]
    assert list(part.x.take().columns) == ["id", "size"]
    (tmp_path / "new.csv").write_text("id,size\n1,5\n")
    assert next(answered(tmp_path / "new.csv", None)).y is None


def test_an_answer_that_is_missing_or_misspelled_is_told_in_one_sentence(tmp_path):
    answered = newcomers.reader("id", answers=(("big",), lambda table: table["big"].to_numpy(int)))
    (tmp_path / "new.csv").write_text("id,big\n1,\n2,0\n")
    with pytest.raises(KitError, match="1 of 2 rows have no answer in 'big'"):
        next(answered(tmp_path / "new.csv", None))
    (tmp_path / "new.csv").write_text("id,big\n1,yes\n2,0\n")
    with pytest.raises(KitError, match="The answers of the file cannot be read"):
        next(answered(tmp_path / "new.csv", None))
