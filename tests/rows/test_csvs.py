"""CSV files of strangers: what is read, what is refused, and in how much memory."""

from __future__ import annotations

import hashlib
import os
import random
import tracemalloc

import pytest

from kit.rows import csvs
from kit.rows.csvs import Damaged


@pytest.fixture
def file(tmp_path):
    """Writes bytes into a file."""

    def write(data: bytes | str):
        path = tmp_path / "x.csv"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


@pytest.mark.parametrize(
    ("data", "lines", "mark", "plain"),
    [
        (b"a,b\n1,2\n", 2, False, True),
        (b"a,b\n1,2", 2, False, True),
        (b"a,b\r\n1,2\r\n", 2, False, True),
        (b"a,b\r1,2\r", 1, False, False),
        (b'a,b\n1,"2"\n', 2, False, False),
        (b"\xef\xbb\xbfa,b\n", 1, True, True),
        ("a\nñandú\n".encode(), 2, False, True),
        (b"a\n" + b"x" * (csvs.LONGEST_FIELD + 1) + b"\n", 2, False, False),
        (b"a\n" + b"x" * (csvs.LONGEST_FIELD // 2) + b"\n", 2, False, True),
    ],
)
def test_one_look_tells_lines_marks_and_whether_lines_are_rows(file, data, lines, mark, plain):
    told = csvs.look(file(data))
    assert told == (len(data), hashlib.sha256(data).hexdigest(), lines, mark, plain)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_told_does_not_depend_on_where_a_block_ends(file, monkeypatch, seed):
    random.seed(seed)
    lines = ["é" * random.randint(0, 9) + ",1" for _ in range(random.randint(1, 40))]
    path = file("\n".join(lines))
    whole = csvs.look(path)
    monkeypatch.setattr(csvs, "BLOCK", random.randint(1, 13))
    assert csvs.look(path) == whole


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", "it is empty"),
        ("a,b\n1,2\n".encode("utf-16"), "its encoding is UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "its encoding is UTF-16"),
        (b"a,b\n1,\x002\n", "line 2 holds a NUL byte"),
        (bytes(5000), "line 1 holds a NUL byte"),
        ("a\n1\nñ\n".encode("latin-1"), "line 3 is not UTF-8"),
        (b"a\n1\n\xc3", "line 3 is not UTF-8"),
        (b"a\n\xff\n", "line 2 is not UTF-8"),
    ],
)
@pytest.mark.parametrize("block", [3, 1 << 20])
def test_what_is_no_text_in_utf8_is_refused_with_its_line(file, monkeypatch, data, wrong, block):
    if "UTF-16" not in wrong:  # that is told by the first block, of a size that files have
        monkeypatch.setattr(csvs, "BLOCK", block)
    with pytest.raises(Damaged) as damaged:
        csvs.look(file(data))
    assert damaged.value.wrong.startswith(wrong)
    assert damaged.value.right


def test_a_line_without_end_is_refused_where_it_is_too_long(file, monkeypatch):
    monkeypatch.setattr(csvs, "LONGEST_LINE", 1 << 20)
    monkeypatch.setattr(csvs, "BLOCK", 1 << 16)
    assert csvs.look(file(b"a\n" + b"x" * (1 << 20) + b"\n")).lines == 2
    with pytest.raises(Damaged, match="line 2 has more than 1 MiB"):
        csvs.look(file(b"a\n" + b"x" * ((1 << 20) + 1)))


def test_a_sparse_file_of_three_gigabytes_is_refused_in_little_memory_and_time(tmp_path):
    path = tmp_path / "sparse.csv"
    with path.open("wb") as hole:
        hole.write(b"a,b\n1,2\n")
        hole.truncate(3 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(Damaged, match="line 3 holds a NUL byte"):
            csvs.look(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_large_file_is_read_in_blocks(file):
    path = file(b"a,b\n" + b"1,2\n" * 5_000_000)
    tracemalloc.start()
    try:
        assert csvs.look(path).lines == 5_000_001
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    for name, wrong in (("folder", "a folder"), ("a", "a link that leads nowhere"), ("pipe", "not a plain file")):
        with pytest.raises(Damaged, match=f"it is {wrong}"):
            csvs.look(tmp_path / f"{name}.csv")
    with pytest.raises(FileNotFoundError):
        csvs.look(tmp_path / "missing.csv")


def test_rows_come_without_blank_lines_and_byte_order_mark(file):
    path = file(b'\xef\xbb\xbfa,b\n\n1,"x\ny"\n\n"q""q",\n')
    assert list(csvs.rows(path)) == [["a", "b"], ["1", "x\ny"], ['q"q', ""]]
    assert list(csvs.parsed([])) == []


def test_quotation_marks_inside_of_values_are_read_as_pandas_reads_them(file):
    assert list(csvs.rows(file('a,b\n5" pipe,1\n"x"y,2\n'))) == [["a", "b"], ['5" pipe', "1"], ["xy", "2"]]


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', "a quotation mark in row 2 is not closed"),
        ('a,"b\n1,2\n', "a quotation mark in the header is not closed"),
        ('a,b\n1,"', "a quotation mark in row 1 is not closed"),
        (f"a,b\n1,2\n3,{'x' * 200_000}\n5,6\n", "row 2 has a value of more than 131,072 characters"),
        (f"{'x' * 200_000}\n", "the header has a value of more than 131,072 characters"),
        ('a,b\n1,"2\n' + "3,4\n" * 100_000, "row 1 has a value of more than 131,072 characters"),
    ],
)
def test_rows_that_cannot_be_told_apart_are_refused_by_their_number(file, data, wrong):
    with pytest.raises(Damaged) as damaged:
        list(csvs.rows(file(data)))
    assert damaged.value.wrong.startswith(wrong)


def test_a_line_end_in_the_middle_of_a_given_line_is_damage():
    with pytest.raises(Damaged, match="row 1 cannot be read: "):
        list(csvs.parsed(["a,b\n", "1,2\r3,4\n"]))


def test_lines_may_end_as_on_any_system(file):
    assert list(csvs.rows(file("a,b\r\n1,2\r3,4\n"))) == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_rows_before_a_damaged_one_are_given():
    rows = csvs.parsed(["a,b\n", "1,2\n", '3,"\n'])
    assert [next(rows), next(rows)] == [["a", "b"], ["1", "2"]]
    with pytest.raises(Damaged):
        next(rows)
