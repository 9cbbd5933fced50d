"""The columns that models see: computed once where that takes long, and stored with a model that needs them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.toolbox import featured, frames
from kit.toolbox.featured import Featured

CALLS: list[int] = []


def slow(train: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    CALLS.append(len(rows))
    return rows.assign(more=rows["size"] - train["size"].mean())


def alone(train: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(twice=rows["size"] * 2)


def inside(train: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(rank=rows["size"].map(lambda value: (train["size"] < value).sum()))


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame({"size": [1.0, 2.5, np.nan], "tags": [["a", "b"], [], ["c"]], "name": ["x", None, "x"]})


def test_what_took_long_is_computed_once_for_rows_of_the_same_content(workspace, rows, monkeypatch):
    monkeypatch.setattr(featured, "SLOW", 0.0)
    CALLS.clear()
    first = Featured(slow, rows)(rows)
    again = Featured(slow, rows.copy())(rows.copy())
    assert CALLS == [3]
    pd.testing.assert_frame_equal(first, again)
    Featured(slow, rows)(rows.iloc[:2])
    Featured(slow, rows.assign(size=1.0))(rows)
    assert CALLS == [3, 2, 3]


def test_what_is_quick_is_never_kept(workspace, rows):
    CALLS.clear()
    Featured(slow, rows)(rows)
    Featured(slow, rows)(rows)
    assert CALLS == [3, 3]
    assert not (workspace / "data").exists()


def test_a_damaged_file_is_computed_again_and_old_ones_go(workspace, rows, monkeypatch):
    monkeypatch.setattr(featured, "SLOW", 0.0)
    CALLS.clear()
    Featured(slow, rows)(rows)
    (file,) = (workspace / "data" / ".features").glob("*/*.npz")
    file.write_bytes(file.read_bytes()[:100])
    Featured(slow, rows)(rows)
    assert CALLS == [3, 3]
    monkeypatch.setattr(featured, "KEPT", file.stat().st_size)
    Featured(slow, rows)(rows.iloc[:1])
    assert len([*(workspace / "data" / ".features").glob("*/*.npz")]) == 1


def test_training_rows_are_stored_only_where_features_look_at_them(rows):
    assert Featured(alone, rows).state() is None
    for function in (slow, inside):
        state = Featured(function, rows).state()
        assert state is not None
        restored = Featured.restored(function, state)
        pd.testing.assert_frame_equal(restored(rows), Featured(function, rows)(rows))


def test_features_must_keep_the_rows(rows):
    with pytest.raises(KitError, match="returned 2 rows for 3 rows"):
        Featured(lambda train, rows: rows.iloc[:2], rows)(rows)
    with pytest.raises(KitError, match="returned ndarray for 3 rows"):
        Featured(lambda train, rows: rows.to_numpy(), rows)(rows)  # type: ignore[arg-type,return-value]


def test_a_table_of_all_kinds_of_columns_comes_back_as_it_was(tmp_path):
    table = pd.DataFrame(
        {
            "number": np.array([1.5, np.nan, -0.0], np.float32),
            "count": [1, 2, 3],
            "flag": [True, False, True],
            "text": ["a", None, 'é,"\n'],
            "mixed": pd.Series([1, "1", np.nan], dtype=object),
            "list": [[1, 2], [], ["x"]],
            "kind": pd.Categorical(["b", "a", None]),
            "day": pd.to_datetime(["2020-01-01 00:00:00", None, "2021-05-06 07:08:09"]),
        }
    )
    frames.save(table, tmp_path / "table.npz")
    loaded = frames.load(tmp_path / "table.npz")
    pd.testing.assert_frame_equal(loaded, table, check_categorical=False)
    empty = frames.restored(frames.state(table.iloc[:0]))
    assert (list(empty.columns), len(empty)) == (list(table.columns), 0)
