"""Texts one after another in one array."""

from __future__ import annotations

import numpy as np
import pytest

from kit.rows import packed, views

TEXTS = ["uno", "", "dós", "🚲 bici", "fin"]


def test_texts_come_out_as_they_went_in():
    texts = packed.Texts.of(TEXTS)
    assert list(texts) == TEXTS and len(texts) == 5
    assert texts[0] == "uno" and texts[-1] == "fin" and texts[np.int64(3)] == "🚲 bici"


@pytest.mark.parametrize("index", [slice(1, 4), np.array([3, 0, 0]), np.array([], int), np.arange(5) % 2 == 0])
def test_a_selection_is_a_list_of_texts(index):
    chosen = np.arange(5)[index]
    assert packed.Texts.of(TEXTS)[index] == [TEXTS[at] for at in chosen]


def test_a_view_of_them_takes_batches_of_texts():
    rows = views.of(packed.Texts.of(TEXTS))[np.array([4, 2])]
    assert rows.take() == ["fin", "dós"] and list(rows) == ["fin", "dós"] and rows[1] == "dós"


def test_packing_goes_on_behind_other_letters():
    letters, ends = packed.pack(["ab", "c"], before=10)
    assert letters.tobytes() == b"abc" and ends.tolist() == [12, 13]


def test_a_row_that_is_not_there_is_refused():
    with pytest.raises(IndexError):
        packed.Texts.of(TEXTS)[5]
