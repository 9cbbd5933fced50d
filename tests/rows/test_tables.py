"""Tables in files: read whole or in parts, joined, gathered and put together."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.rows import dates, formats, tables

TABLE = pd.DataFrame({"key": ["007", "008", "009"], "size": [1.5, 2.5, 3.5], "word": ["NA", "yes", "?"]})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_told_from_the_file(separator, encoding, tmp_path):
    table = pd.DataFrame({"größe": [1.5, 2.5], "wort": ["é, ü; x", "ñ|z"]})
    file = tmp_path / "table.csv"
    file.write_bytes(table.to_csv(index=False, sep=separator).encode(encoding))
    pd.testing.assert_frame_equal(tables.read(file), table, check_dtype=False)


def test_packed_files_are_read_as_the_files_in_them(tmp_path):
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(TABLE.to_csv(index=False).encode()))
    assert tables.read(tmp_path / "table.csv", text=("key",))["key"].tolist() == ["007", "008", "009"]
    assert tables.columns(tmp_path / "table.csv.gz") == ["key", "size", "word"]
    assert tables.count(tmp_path / "table.csv.gz") == 3


def test_words_for_missing_values_are_missing_but_where_columns_are_read_as_spelled(tmp_path):
    TABLE.to_csv(tmp_path / "table.csv", index=False)
    assert tables.read(tmp_path / "table.csv")["word"].isna().tolist() == [True, False, True]
    assert tables.read(tmp_path / "table.csv", text=("word",))["word"].tolist() == ["NA", "yes", "?"]


@pytest.mark.parametrize("name", ["table.csv", "table.jsonl", "table.parquet"])
def test_parts_are_the_rows_in_order(name, tmp_path):
    file = tmp_path / name
    whole = pd.DataFrame({"n": np.arange(10), "word": list("abcdefghij")})
    write = {"csv": whole.to_csv, "parquet": whole.to_parquet}.get(name.partition(".")[2])
    whole.to_json(file, orient="records", lines=True) if write is None else write(file, index=False)
    assert [len(part) for part in tables.parts(file, 4)] == [4, 4, 2]
    assert pd.concat(tables.parts(file, 4))["word"].tolist() == list("abcdefghij")
    assert [len(part) for part in tables.parts(file, None)] == [10]


def test_tables_of_the_same_columns_are_put_together_in_order(tmp_path):
    for number in (1, 2):
        TABLE.iloc[number - 1 : number].to_csv(tmp_path / f"train_{number}.csv", index=False)
    paths = [tmp_path / "train_1.csv", tmp_path / "train_2.csv"]
    assert tables.stacked(paths, text=("key",))["key"].tolist() == ["007", "008"]


def test_a_further_table_is_joined_without_changing_rows_or_order():
    left = pd.DataFrame({"shop": [2, 1, 2, 3], "sold": [5, 6, 7, 8]})
    right = pd.DataFrame({"shop": [1, 2], "town": ["Lima", "Quito"], "sold": [0, 0]})
    joined = tables.joined(left, right, "shop")
    assert joined["sold"].tolist() == [5, 6, 7, 8]
    assert joined["town"].fillna("-").tolist() == ["Quito", "Lima", "Quito", "-"]
    with pytest.raises(KitError, match="several rows with shop = 1"):
        tables.joined(left, pd.concat([right, right]), "shop")


def test_several_rows_of_a_key_become_one():
    table = pd.DataFrame({"id": [1, 1, 2], "size": [1.0, 3.0, 5.0], "kind": ["a", "a", "b"]})
    assert tables.gathered(table, "id", "part").to_dict("list") == {
        "id": [1, 2],
        "part_rows": [2, 1],
        "part_size_mean": [2.0, 5.0],
        "part_size_min": [1.0, 5.0],
        "part_size_max": [3.0, 5.0],
        "part_kind": ["a", "b"],
        "part_kind_different": [1, 1],
    }


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2014-03-31", "%Y-%m-%d"),
        ("31.03.2014", "%d.%m.%Y"),
        ("03/31/2014", "%m/%d/%Y"),
        ("31/03/2014", "%d/%m/%Y"),
        ("2014-03-31 17:05:00", "%Y-%m-%d %H:%M:%S"),
        ("2014-03-31T17:05:00Z", "iso"),
        ("31-Mar-14", "%d-%b-%y"),
        ("12.5", None),
        ("seven", None),
    ],
)
def test_dates_are_told_by_the_way_they_are_written(text, form):
    column = pd.Series([text] * 3, name="when")
    assert dates.pattern(column) == form
    if form:
        assert dates.read(column, form).dt.date.astype(str).tolist() == ["2014-03-31"] * 3


def test_a_whole_number_is_a_date_only_where_the_column_is_called_so():
    assert dates.pattern(pd.Series([20140331, 20140401], name="date")) == "%Y%m%d"
    assert dates.pattern(pd.Series([20140331, 20140401], name="price")) is None


def test_a_file_that_is_no_table_names_the_formats(tmp_path):
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    with pytest.raises(KitError, match=r"notes.pdf is not a table that kit can read"):
        formats.layout(tmp_path / "notes.pdf")
