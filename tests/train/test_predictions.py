"""What a prediction array is."""

from __future__ import annotations

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
