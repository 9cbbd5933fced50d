"""Parsed files kept as memory-mapped arrays."""

from __future__ import annotations

import os

import numpy as np
import pytest

from kit.rows import cache

CALLS = []


def parse(path):
    """One array, and a note of the call."""
    CALLS.append(path)
    return {"values": np.loadtxt(path, int)}


def source(tmp_path, text="1\n2\n"):
    """A file in a public folder."""
    (tmp_path / "public").mkdir(exist_ok=True)
    path = tmp_path / "public" / "train.txt"
    path.write_text(text)
    return path


def test_a_file_is_parsed_once_and_mapped_after_that(tmp_path):
    CALLS.clear()
    path = source(tmp_path)
    first, second = cache.arrays(path, parse), cache.arrays(path, parse)
    assert len(CALLS) == 1
    assert first["values"].tolist() == second["values"].tolist() == [1, 2]
    assert isinstance(second["values"], np.memmap)
    assert (tmp_path / "cache").is_dir()


def test_a_changed_file_is_parsed_again(tmp_path):
    CALLS.clear()
    cache.arrays(source(tmp_path), parse)
    assert cache.arrays(source(tmp_path, "1\n2\n3\n"), parse)["values"].tolist() == [1, 2, 3]
    assert len(CALLS) == 2


def test_an_interrupted_parse_leaves_nothing_that_is_served(tmp_path):
    answers = iter([{"values": np.arange(2), "labels": None}, {"values": np.arange(3), "labels": np.arange(3)}])

    def build(path):
        arrays = next(answers)
        if arrays["labels"] is None:
            np.save(next((tmp_path / "cache").iterdir()) / "values.npy", arrays["values"])
            raise KeyboardInterrupt
        return arrays

    with pytest.raises(KeyboardInterrupt):
        cache.arrays(source(tmp_path), build)
    assert cache.arrays(source(tmp_path), build)["values"].tolist() == [0, 1, 2]


def test_a_folder_that_cannot_be_written_is_cached_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "elsewhere"))
    assert cache.arrays(source(tmp_path), parse)["values"].tolist() == [1, 2]
    assert list((tmp_path / "elsewhere").rglob("values.npy"))


def test_edited_code_is_not_served_what_the_code_before_it_parsed(tmp_path):
    """The edit is of a constant, which changes nothing of the function's byte code."""
    path = source(tmp_path)
    for constant in (10, 20):
        code = tmp_path / "reading.py"
        code.write_text(f"import numpy as np\n\ndef read(path):\n    return {{'values': np.array([{constant}])}}\n")
        exec(compile(code.read_text(), str(code), "exec"), scope := {})
        assert cache.arrays(path, scope["read"])["values"].tolist() == [constant]


@pytest.mark.parametrize(
    "damage", [b"", b"hello", b"\x93NUMPY\x01\x00\x04\x00((((", b"\x93NUMPY\x01\x00"], ids=range(4)
)
def test_damaged_arrays_are_parsed_again(tmp_path, told, damage):
    path = source(tmp_path)
    cache.arrays(path, parse)
    (file,) = (tmp_path / "cache").rglob("values.npy")
    file.write_bytes(damage)
    assert cache.arrays(path, parse)["values"].tolist() == [1, 2]
    assert told == [f"{file.parent} is damaged; it is made again."]


def test_a_folder_that_somebody_else_made_first_holds_no_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"kit-cache-{os.getuid()}").symlink_to(tmp_path / "theirs")
    assert cache.arrays(source(tmp_path), parse)["values"].tolist() == [1, 2]
    assert not list((tmp_path / "theirs").iterdir())


def halves(path):
    """The lines of a file in two parts."""
    values = np.loadtxt(path, int, ndmin=1)
    yield {"values": values[:1], "pairs": np.zeros((1, 2), np.float32)}
    yield {"values": values[1:], "pairs": np.ones((len(values) - 1, 2), np.float32)}


def test_parts_are_written_one_behind_the_other(tmp_path):
    path = source(tmp_path, "7\n8\n9\n")
    made = cache.streamed(path, halves)
    assert made["values"].tolist() == [7, 8, 9] and isinstance(made["values"], np.memmap)
    assert made["pairs"].tolist() == [[0, 0], [1, 1], [1, 1]]


def test_what_parts_hang_on_besides_makes_another_entry(tmp_path):
    path = source(tmp_path)
    cache.streamed(path, halves)
    cache.streamed(path, halves, beside="other settings")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_file_without_parts_is_refused_and_leaves_nothing_whole(tmp_path):
    path = source(tmp_path)
    with pytest.raises(ValueError, match="no rows"):
        cache.streamed(path, lambda path: iter(()))
    assert not list((tmp_path / "cache").rglob("whole"))


def test_parts_of_other_types_are_refused(tmp_path):
    def build(path):
        yield {"values": np.zeros(1, np.int64)}
        yield {"values": np.zeros(1, np.float32)}

    with pytest.raises(ValueError, match="float32"):
        cache.streamed(source(tmp_path), build)
