"""The door of `kit download`: files that are not what the declaration says are refused in one sentence."""

from __future__ import annotations

import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from kit.data import check
from kit.errors import KitError
from kit.task.sources import Csv
from kit.task.targets import Labels, Numbers, Text

TRAIN = Csv(("id", "text", "target"), holds={"target": Labels((0, 1))})


def said(path: Path, data: bytes | str, wanted: Csv = TRAIN, *, rows: bool = True) -> KitError:
    """What is said of a file."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(KitError) as error:
        check.csv_file(path, wanted, rows)
    assert "\n" not in error.value.wrong
    return error.value


@pytest.mark.parametrize(
    ("data", "count"),
    [
        ("id,text,target\n1,a,0\n2,b,1\n", 2),
        ("id,text,target\n1,a,0\n2,b,1", 2),
        ("id,text,target\r\n1,a,0\r\n2,b,1\r\n", 2),
        ('id,text,target\n1,"a, b\nc",0\n2,"",1\n', 2),
        ("id,text,target\n\n1,a,0\n\n2,b,1\n\n", 2),
        (b"\xef\xbb\xbfid,text,target\n1,a,0\n", 1),
        ("id,text,target\n1,ñ,0\n", 1),
        ("id,text,target\n", 0),
    ],
)
def test_a_right_file_passes_with_its_number_of_rows(tmp_path, data, count):
    path = tmp_path / "train.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    facts = check.csv_file(path, TRAIN)
    assert (facts["rows"], facts["bytes"]) == (count, path.stat().st_size)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ("id,text,target\n1,a,0\n2,b,\n", "train.csv, row 2: the column 'target' is empty or NaN: ''."),
        ("id,text,target\n1,a,0\n2,b, \n", "train.csv, row 2: the column 'target' is empty or NaN: ' '."),
        ("id,text,target\n1,a,0\n2,b,nan\n", "train.csv, row 2: the column 'target' is empty or NaN: 'nan'."),
        ("id,text,target\n1,a,0\n2,b,0.5\n", "train.csv, row 2: the column 'target' holds '0.5'."),
        ("id,text,target\n1,a,0\n2,b,2\n", "train.csv, row 2: the column 'target' holds '2'."),
        ('id,text,target\n1,"a",0\n2,"b\nc",\n', "train.csv, row 2: the column 'target' is empty or NaN: ''."),
        ("id,text,target\n1,a\n", "train.csv is damaged: row 1 has 2 values and the header 3."),
        ("id,text,target\n1,a,0\n2,a,b,0\n", "train.csv is damaged: row 2 has 4 values and the header 3."),
        ('id,text,target\n1,"a,0\n2,b,1\n', "train.csv is damaged: a quotation mark in row 1 is not closed."),
        (
            f"id,text,target\n1,{'x' * 200_000},0\n",
            "train.csv is damaged: row 1 has a value of more than 131,072 characters.",
        ),
        ("id,text\n1,a\n", "train.csv has the columns id,text."),
        ("", "train.csv is damaged: it is empty."),
        ("id,text,target\n1,ñ,0\n".encode("latin-1"), "train.csv is damaged: line 2 is not UTF-8."),
        ("id,text,target\n1,a,0\n".encode("utf-16"), "train.csv is damaged: its encoding is UTF-16."),
        (b"id,text,target\n1,a\x00,0\n", "train.csv is damaged: line 2 holds a NUL byte, which no text does."),
        (b"id,text,target\n1,\xc3", "train.csv is damaged: line 2 is not UTF-8."),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, data, wrong):
    error = said(tmp_path / "train.csv", data)
    assert error.wrong == wrong
    assert error.right


def test_rows_and_bytes_are_compared_but_for_samples(tmp_path):
    path, data = tmp_path / "train.csv", "id,text,target\n1,a,0\n"
    error = said(path, data, Csv(TRAIN.columns, rows=2))
    assert (error.wrong, error.right) == ("train.csv has 1 rows.", "It must have 2; the file may be cut off.")
    assert said(path, data, Csv(TRAIN.columns, rows=1, size=20)).right == "It must have 20."
    assert check.csv_file(path, Csv(TRAIN.columns, rows=2, size=20), rows=False)["rows"] == 1
    assert "holds '7'" in said(path, data.replace(",0", ",7"), TRAIN, rows=False).wrong


def test_many_columns_are_named_by_the_first_and_the_last(tmp_path):
    error = said(tmp_path / "x.csv", "a,b,c,d,e,f\n", Csv(("a", "b", "c", "d", "e", "f", "g")))
    assert (error.wrong, error.right) == ("x.csv has the columns a,b,c,d,e,f.", "They must be a,b,c,...,g (7).")


def test_several_columns_are_compared_whatever_their_place(tmp_path):
    wanted = Csv(("a", "b", "c"), holds={"c": Numbers(0, 1), "a": Text(most=2)})
    assert "row 1: the column 'a' holds 3 items" in said(tmp_path / "x.csv", "a,b,c\nx y z,,0\n", wanted).wrong
    assert (
        "row 2: the column 'c' holds '1.5', which is above 1"
        in said(tmp_path / "x.csv", "a,b,c\nx,,0\ny,,1.5\n", wanted).wrong
    )


def test_many_different_values_are_compared_and_not_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "DIFFERENT", 10)
    wanted = Csv(("a", "b"), holds={"a": Numbers(high=998)})
    rows = "".join(f"{number},x\n" for number in range(1000))
    assert "row 1,000: the column 'a' holds '999'" in said(tmp_path / "x.csv", "a,b\n" + rows, wanted).wrong


def test_a_wide_file_is_compared_without_being_parsed(tmp_path):
    """785 columns as Digit Recognizer has them; parsing all values took ten times as long."""
    columns = ("label", *(f"pixel{i}" for i in range(784)))
    path = tmp_path / "train.csv"
    path.write_text(",".join(columns) + "\n" + ("7," + ",".join(["0"] * 784) + "\n") * 3000)
    started = time.process_time()
    assert check.csv_file(path, Csv(columns, holds={"label": Labels(range(10))}))["rows"] == 3000
    quick = time.process_time() - started
    path.write_text(path.read_text().replace("\n7,", '\n"7",', 1))
    started = time.process_time()
    check.csv_file(path, Csv(columns, holds={"label": Labels(range(10))}))
    assert quick < (time.process_time() - started) / 2


def test_a_sparse_file_of_three_gigabytes_is_refused_in_little_memory_and_not_copied(parity, workspace, raw, kit):
    with (raw / "train.csv").open("ab") as hole:
        hole.truncate(3 << 30)
    tracemalloc.start()
    try:
        status, _, err = kit("download", "parity", "--from", str(raw))
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert status == 1
    assert "train.csv is damaged: line 62 holds a NUL byte" in err
    assert list((workspace / "data").iterdir()) == []


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("other.csv"))
    path.with_name("other.csv").symlink_to(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def blank(path: Path) -> None:
    path.write_text(path.read_text().replace("103,103,1", "103,103,"))


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        (folder, "train.csv is damaged: it is a folder."),
        (loop, "train.csv is damaged: it is a link that leads nowhere."),
        (Path.unlink, "train.csv is missing."),
        (lambda path: path.write_text(""), "train.csv is damaged: it is empty."),
        (lambda path: path.write_bytes(path.read_bytes().decode().encode("utf-16")), "its encoding is UTF-16"),
        (blank, "train.csv, row 4: the column 'odd' is empty or NaN: ''."),
    ],
)
def test_nothing_is_left_where_a_file_is_refused(kit, parity, raw, workspace, damage, wrong):
    declaration = parity / "competition.py"
    text = declaration.read_text().replace(
        'Csv(("id", "number", "odd"), 60)', 'Csv(("id", "number", "odd"), 60, holds={"odd": Labels((0, 1))})'
    )
    declaration.write_text(text)
    damage(raw / "train.csv")
    status, _, err = kit("download", "parity", "--from", str(raw))
    assert status == 1
    assert wrong in err
    assert "Traceback" not in err
    assert list((workspace / "data").iterdir()) == []


def test_of_an_archive_only_what_is_declared_is_kept(kit, parity, raw, workspace, tmp_path, told):
    with zipfile.ZipFile(tmp_path / "parity.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(raw.iterdir()):
            archive.write(path, path.name)
        archive.writestr("huge.bin", b"0" * 10_000_000)
    assert kit("download", "parity", "--from", str(tmp_path / "parity.zip"))[0] == 0
    data = workspace / "data" / "parity"
    assert sorted(path.name for path in (data / "public").iterdir()) == [
        "sample_submission.csv",
        "test.csv",
        "train.csv",
    ]
    assert (data / "private" / "solution.csv").is_file()
    assert "Left out, since competition.py does not declare them: huge.bin" in told


def test_an_undeclared_kind_of_file_must_be_there_and_hold_something(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "empty.txt").write_text("")
    (tmp_path / "data.bin").write_bytes(b"12")
    facts = check.files(tmp_path, {"images/": None, "data.bin": None})
    assert {name: each["bytes"] for name, each in facts.items()} == {"images/empty.txt": 0, "data.bin": 2}
    (tmp_path / "data.bin").write_bytes(b"")
    with pytest.raises(KitError, match=r"data\.bin is empty"):
        check.files(tmp_path, {"data.bin": None})
    with pytest.raises(KitError, match=r"images is damaged: it is a folder"):
        check.files(tmp_path, {"images": None})
    with pytest.raises(KitError, match=r"more\.csv is missing") as error:
        check.files(tmp_path, {"more.csv": None})
    assert error.value.right.startswith("There are: data.bin, images, images/empty.txt.")
