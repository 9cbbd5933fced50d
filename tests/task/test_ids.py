"""How rows are named by one key column, by several, and where a key repeats."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.task import ids


def test_one_key_column_is_its_own_name():
    assert ids.of(pd.Series([3, 1])).tolist() == [3, 1]
    assert ids.of(pd.Series([3, 1])).dtype == np.int64
    assert ids.of(pd.Series(["x|y", "z"])).tolist() == ["x|y", "z"]
    assert ids.of(["x", "y"]).dtype.kind == "U"


def test_several_key_columns_are_one_text():
    table = pd.DataFrame({"store": ["CA_1", "TX_2"], "day": [28, 7]})
    assert ids.of(table["store"], table["day"]).tolist() == ["CA_1|28", "TX_2|7"]


def test_rows_under_one_key_are_numbered():
    assert ids.of(["a", "b", "a"], repeats=True).tolist() == ["a|1", "b|1", "a|2"]
    assert ids.of(["a", "a"], [1, 1], repeats=True).tolist() == ["a|1|1", "a|1|2"]


def test_different_keys_have_different_names():
    keys = [("a|b", "c"), ("a", "b|c"), ("a\\", "b"), ("a\\|b", ""), ("", "a|b")]
    names = ids.of(*zip(*keys, strict=True)).tolist()
    assert len(set(names)) == len(keys)
    assert [tuple(ids.keys(name, 2)) for name in names] == keys


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("key", [("a",), ("a|b", "c\\"), ("", "", "x")])
def test_a_name_tells_its_keys(key, repeats):
    name = ids.namer(repeats=repeats)(key)
    assert tuple(ids.keys(name, len(key), repeats=repeats)) == key


def test_times_are_named_as_a_csv_file_spells_them():
    times = pd.Series(pd.to_datetime(["2011-01-15 01:00:00", "2011-01-15 02:00:00"]))
    assert ids.of(times).tolist() == ["2011-01-15 01:00:00", "2011-01-15 02:00:00"]


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NaT])
def test_a_row_without_a_key_is_named(gap):
    with pytest.raises(KitError, match=r"Row 2 has no id: its column 'day' is empty"):
        ids.of(pd.Series(["a", "b"]), pd.Series(["x", gap], name="day", dtype=object))


def test_key_columns_of_another_length_are_no_keys():
    with pytest.raises(ValueError, match="shorter"):
        ids.of(["a", "b"], ["c"])


def test_no_rows_have_no_names():
    assert ids.of([], []).tolist() == []


def test_another_number_of_keys_shows():
    assert ids.keys("7", 2) == ["7"]
