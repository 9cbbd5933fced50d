"""Recordings of different lengths are rows, cut by offsets."""

import numpy as np
import pytest

from kit.rows.clips import Clips
from kit.task.contract import Data

WAVES = [np.full(length, length, np.int16) for length in (3, 1, 5, 2)]


def made() -> Clips:
    return Clips.of(WAVES, 8000)


def test_a_row_is_its_wave_and_an_index_array_gives_clips():
    rows = made()
    assert len(rows) == 4
    assert rows[2].tolist() == [5] * 5
    assert rows[2].dtype == np.int16
    assert [wave.tolist() for wave in rows[np.array([3, 0])]] == [[2, 2], [3, 3, 3]]
    assert [len(wave) for wave in rows[np.array([True, False, False, True])]] == [3, 2]
    assert [len(wave) for wave in rows[1:3]] == [1, 5]
    assert rows[:0].seconds.tolist() == []


def test_rows_taken_out_share_the_samples():
    rows = made()
    assert rows[np.array([3, 0])].samples is rows.samples


def test_clips_travel_in_data():
    data = Data(np.arange(4), made(), np.array([0, 1, 0, 1])).rows(np.array([2]))
    assert data.x[0].tolist() == [5] * 5


def test_an_array_of_clips_is_an_array_of_waves():
    array = np.asarray(made())
    assert array.dtype == object
    assert [wave.tolist() for wave in array] == [wave.tolist() for wave in WAVES]


def test_waves_of_another_type_are_refused():
    with pytest.raises(TypeError, match="int16, not float64"):
        Clips.of([np.zeros(3)], 8000)
