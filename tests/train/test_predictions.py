"""What a prediction array is."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.train import predictions


def test_rows_are_predicted_in_chunks_and_come_back_in_order(monkeypatch):
    monkeypatch.setattr(predictions, "CHUNK", 4)
    seen = []
    pred = predictions.run(lambda x: seen.append(len(x)) or x * 2, np.arange(10))
    assert (pred.tolist(), seen) == (list(range(0, 20, 2)), [4, 4, 2])


@pytest.mark.parametrize(("largest", "sizes"), [(80, [2, 2, 1]), (40, [1] * 5), (8, [1] * 5)])
def test_rows_that_are_large_are_predicted_in_smaller_chunks(monkeypatch, largest, sizes):
    monkeypatch.setattr(predictions, "LARGEST", largest)
    seen = []
    pred = predictions.run(lambda x: seen.append(len(x)) or x.sum(1), np.ones((5, 5)))
    assert (pred.tolist(), seen) == ([5.0] * 5, sizes)


def test_a_frame_is_cut_by_position(monkeypatch):
    monkeypatch.setattr(predictions, "CHUNK", 2)
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=[7, 5, 9])
    assert predictions.run(lambda x: x["a"].to_numpy(), frame).tolist() == [1, 2, 3]


def test_no_rows_give_an_empty_array_of_the_recipes_shape():
    assert predictions.run(lambda x: np.zeros((len(x), 3)), np.zeros((0, 2))).shape == (0, 3)


def test_another_number_of_rows_is_refused():
    with pytest.raises(KitError, match=r"an array of shape \(2,\) for 3 rows"):
        predictions.run(lambda x: x[:2], np.arange(3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_row(monkeypatch, value):
    monkeypatch.setattr(predictions, "CHUNK", 2)
    with pytest.raises(KitError, match="NaN or infinity for row 3 of 5"):
        predictions.run(lambda x: np.where(x == 3, value, x)[:, None], np.arange(5.0))


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        predictions.save(tmp_path / f"{name}.npz", ids=np.array(["x", "y"], object), pred=np.arange(2.0))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert predictions.load(tmp_path / "a.npz")["ids"].tolist() == ["x", "y"]


def test_a_missing_or_cut_file_is_one_clear_error(tmp_path):
    with pytest.raises(KitError, match="is missing"):
        predictions.load(tmp_path / "oof.npz")
    predictions.save(tmp_path / "oof.npz", pred=np.arange(1000.0))
    (tmp_path / "oof.npz").write_bytes((tmp_path / "oof.npz").read_bytes()[:500])
    with pytest.raises(KitError, match="cannot be read"):
        predictions.load(tmp_path / "oof.npz")


def test_nothing_is_unpickled(tmp_path):
    np.savez(tmp_path / "evil.npz", pred=np.array([{"a": 1}], object))
    with pytest.raises(KitError, match="cannot be read"):
        predictions.load(tmp_path / "evil.npz")


def npy(header: str, body: bytes = b"", version: int = 1) -> bytes:
    """An array's file with a header of one's own."""
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2, "little") + header.encode() + body


RIGHT = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n"

BAD_ARRAYS = {
    "7 TiB": npy(RIGHT.replace("(2,)", "(962072674304,)"), bytes(16)),
    "more than a number counts": npy(RIGHT.replace("(2,)", f"({10**30},)"), bytes(16)),
    "fewer than none": npy(RIGHT.replace("(2,)", "(-2,)"), bytes(16)),
    "an unbalanced header": npy("{'descr': '<f8', 'shape': ((((", bytes(16)),
    "nested brackets": npy("[" * 9_000, bytes(16)),
    "a header without a key": npy("{'descr': '<f8', 'shape': (2,)}", bytes(16)),
    "a header that is code": npy("__import__('os').abort()", bytes(16)),
    "a type that there is not": npy(RIGHT.replace("<f8", "<q99"), bytes(16)),
    "objects": npy(RIGHT.replace("<f8", "|O"), bytes(16)),
    "too few bytes": npy(RIGHT, bytes(15)),
    "another version": npy(RIGHT, bytes(16), version=9),
    "no array": b"hello",
    "nothing": b"",
    "not a number": npy(RIGHT, np.array([1.0, np.nan]).tobytes()),
}


@pytest.mark.parametrize("member", BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_a_damaged_array_is_one_clear_error(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "oof.npz", "w") as archive:
        archive.writestr("pred.npy", member)
    with pytest.raises(KitError, match=r"oof\.npz cannot be read: "):
        predictions.load(tmp_path / "oof.npz", "pred")


def test_an_array_that_is_missing_is_named(tmp_path):
    predictions.save(tmp_path / "oof.npz", ids=np.arange(2), pred=np.arange(2.0))
    with pytest.raises(KitError, match="it holds no 'fold'"):
        predictions.load(tmp_path / "oof.npz", *predictions.OOF)


def test_arrays_of_other_lengths_are_refused(tmp_path):
    for arrays in ({"ids": np.arange(3), "pred": np.arange(2.0)}, {"pred": np.array(1.0)}):
        predictions.save(tmp_path / "oof.npz", **arrays)
        with pytest.raises(KitError, match="its arrays have different numbers of rows"):
            predictions.load(tmp_path / "oof.npz")


def test_what_unpacks_to_more_than_it_has_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "oof.npz", pred=np.zeros(1 << 20))
    with pytest.raises(KitError, match=r"'pred\.npy' in it is compressed"):
        predictions.load(tmp_path / "oof.npz")


@pytest.mark.parametrize("text", [b"", b"PK", b"\x93NUMPY\x01\x00", b"\x80\x04N."])
def test_what_is_no_npz_file_is_refused(tmp_path, text):
    (tmp_path / "oof.npz").write_bytes(text)
    with pytest.raises(KitError, match=r"oof\.npz cannot be read: File is not a zip file"):
        predictions.load(tmp_path / "oof.npz")
