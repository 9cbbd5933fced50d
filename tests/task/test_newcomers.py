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
