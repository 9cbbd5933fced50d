"""Tables in files are read in parts whatever their format, and refused where they are not what they should be."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.rows import files

TABLE = pd.DataFrame({"id": ["007", "8", "x"], "text": ["one, two", "3", "dos\nlíneas"], "size": [1, 2, 3]})


def written(path: Path, table: pd.DataFrame = TABLE) -> Path:
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path, index=False)
        return path
    text = table.to_csv(index=False) if kind == "csv" else table.to_json(orient="records", lines=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read(path: Path, rows: int | None = None, **more) -> list[files.Part]:
    given = {"optional": ("id",), "texts": ("id", "text")} | more
    return list(files.parts(path, ("text", "size"), rows=rows, **given))


@pytest.mark.parametrize("rows", [None, 1, 2, 100])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.parquet", "csv.without_ending.csv"])
def test_every_format_gives_the_same_rows_in_parts(tmp_path, name, rows):
    parts = read(written(tmp_path / name), rows)
    assert [len(part) for part in parts] == {None: [3], 1: [1, 1, 1], 2: [2, 1], 100: [3]}[rows]
    table = pd.concat([part.table for part in parts])
    assert table["text"].tolist() == TABLE["text"].tolist()
    assert table["size"].tolist() == [1, 2, 3]
    assert table.index.tolist() == [1, 2, 3]
    assert [name for part in parts for name in map(str, part.ids("id"))] == ["007", "8", "x"]


def test_what_a_file_is_hangs_on_what_it_holds_and_not_on_its_name(tmp_path):
    path = written(tmp_path / "a.csv.gz").rename(tmp_path / "a.txt")
    assert read(path)[0].table["size"].tolist() == [1, 2, 3]


def test_rows_without_ids_are_numbered_through_all_parts(tmp_path):
    parts = read(written(tmp_path / "a.csv", TABLE.drop(columns="id")), 2)
    assert [part.ids("id").tolist() for part in parts] == [[1, 2], [3]]


def test_whole_numbers_as_ids_are_numbers_and_others_keep_their_spelling(tmp_path):
    for ids, wanted in ((["1", "20"], [1, 20]), (["01", "20"], ["01", "20"]), (["1.0", "2"], ["1.0", "2"])):
        (part,) = read(written(tmp_path / "a.csv", TABLE.head(2).assign(id=ids)))
        assert part.ids("id").tolist() == wanted


def test_columns_nobody_asked_for_are_left_out_and_the_order_does_not_matter(tmp_path):
    path = written(tmp_path / "a.csv", TABLE.assign(more=0)[["more", "size", "text", "id"]])
    assert read(path)[0].table.columns.tolist() == ["text", "size", "id"]


def test_a_csv_file_without_a_header_has_its_columns_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("3,Title,Words\n4,Other,More\n")
    (part,) = files.parts(path, ("class", "title"), names=("class", "title", "text"))
    assert part.table.to_numpy().tolist() == [[3, "Title"], [4, "Other"]]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TABLE.to_csv(index=False).encode())
    assert read(path)[0].ids("id").tolist() == ["007", "8", "x"]


GOOD = TABLE.to_csv(index=False).encode()
BROKEN = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n", "has no header and no rows"),
    "header only": (b"id,text,size\n", "has no rows"),
    "another header": (b"id,words\n1,a\n", r"lacks the columns text, size; its header is id, words"),
    "one column less": (b"id,text\n1,a\n", r"lacks the column 'size'; its header is id, text"),
    "semicolons": (b"id;text;size\n1;a;2\n", "lacks the columns text, size; its header is id;text;size"),
    "a row too long": (b"id,text,size\n1,a,2,3\n", "cannot be read"),
    "a later row too long": (b"id,text,size\n1,a,2\n1,a,2,3\n", "cannot be read: .*line 3"),
    "an open quote": (b'id,text,size\n1,"a,2\n', "cannot be read"),
    "UTF-16": ("id,text,size\n1,a,2\n".encode("utf-16"), "is not text in UTF-8"),
    "Latin-1": ("id,text,size\n1,ñ,2\n".encode("latin-1"), "is not text in UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "is not text in UTF-8"),
    "a zip file": (b"PK\x03\x04" + bytes(40), "is a zip file"),
    "gzip cut off": (gzip.compress(GOOD * 100)[:60], "cannot be read"),
    "gzip damaged": (gzip.compress(GOOD)[:-6] + b"abcdef", "cannot be read"),
    "JSON cut off": (b'{"id": 1, "text": "a", "size": 2}\n{"id": 2, "te', "cannot be read"),
    "Parquet cut off": (b"PAR1" + bytes(50), "cannot be read"),
}


@pytest.mark.parametrize("rows", [None, 1])
@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_not_what_it_should_be_is_refused_and_named(tmp_path, what, rows):
    if what == "a later row too long" and rows and int(pd.__version__.partition(".")[0]) < 3:
        pytest.skip("pandas before 3 does not see that the first row of a part is too long")
    data, wrong = BROKEN[what]
    path = tmp_path / "new.csv"
    path.write_bytes(data)
    with pytest.raises(KitError, match=wrong) as refused:
        read(path, rows)
    assert str(path) in refused.value.wrong


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    with pytest.raises(KitError, match=r"none\.csv does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(KitError, match="is not a file"):
        read(tmp_path)


def part(**columns) -> files.Part:
    table = pd.DataFrame(columns)
    table.index = np.arange(11, 11 + len(table))
    return files.Part(Path("new.csv"), table)


@pytest.mark.parametrize("value", [0.5, 256, -1, np.nan, "ink", "3.5"])
def test_a_pixel_that_is_no_whole_number_is_named_by_its_row_and_column(value):
    rows = part(a=[1, 2], b=[3, value])
    right = "is empty" if value is np.nan else f"holds '{value}'"
    with pytest.raises(KitError, match=f"new.csv: row 12, column 'b' {right}"):
        rows.integers(("a", "b"), 0, 255, np.uint8)


def test_whole_numbers_are_read_however_they_are_typed():
    for b in ([3, 4], [3.0, 4.0], ["3", "4"]):
        assert part(a=[1, 2], b=b).integers(("a", "b"), 0, 255, np.uint8).tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("value", "wrong"), [(0.5, "holds '0.5'"), (2, "holds"), (np.nan, "is empty"), ("a", "holds 'a'")]
)
def test_a_label_that_is_not_allowed_is_named_by_its_row(value, wrong):
    with pytest.raises(KitError, match=f"new.csv: row 12, column 'y' {wrong}"):
        part(y=[1, value]).labels("y", (0, 1))


def test_labels_are_those_that_are_allowed_or_none():
    assert part(y=[1, 0]).labels("y", (0, 1)).tolist() == [1, 0]
    assert part(y=[1.0, 0.0]).labels("y", (0, 1)).tolist() == [1, 0]
    assert part(y=["dog", "cat"]).labels("y", ("cat", "dog")).tolist() == ["dog", "cat"]
    assert part(y=["True", "False"]).labels("y", (False, True)).tolist() == [True, False]
    assert part(x=[1]).labels("y", (0, 1)) is None


def test_a_row_without_an_id_is_refused():
    with pytest.raises(KitError, match="row 12, column 'id' is empty"):
        part(id=["a", None]).ids("id")


def test_a_missing_key_of_json_is_a_missing_value(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ({"text": "a", "size": 1}, {"size": 2})))
    (rows,) = read(path)
    with pytest.raises(KitError, match="row 2, column 'text' is empty"):
        rows.full(["text"])
