"""Arrays in a temporary file, put together part by part."""

from __future__ import annotations

import numpy as np
import pytest

from kit.rows import spilled


def test_parts_come_back_as_one_map_that_cannot_be_written_to():
    made = spilled.joined(np.full((rows, 2), rows, np.int32) for rows in (3, 0, 1))
    assert isinstance(made, np.memmap) and made.dtype == np.int32
    assert made.tolist() == [[3, 3], [3, 3], [3, 3], [1, 1]]
    with pytest.raises(ValueError, match="read-only"):
        made[0] = 0


def test_parts_without_rows_are_an_empty_array():
    made = spilled.joined([np.zeros((0, 4), np.float32)])
    assert (made.shape, made.dtype) == ((0, 4), np.float32)


@pytest.mark.parametrize("other", [np.zeros((1, 2), np.int64), np.zeros((1, 3), np.int32)])
def test_a_part_of_another_kind_is_refused(other):
    with pytest.raises(ValueError, match="behind one of int32"):
        spilled.joined([np.zeros((1, 2), np.int32), other])


def test_no_part_at_all_is_refused():
    with pytest.raises(ValueError, match="no part"):
        spilled.joined([])
