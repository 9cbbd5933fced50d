"""Names of rows are made from key columns, and taken apart into them again."""

from __future__ import annotations

import numpy as np
import pytest

from kit.task import ids


@pytest.mark.parametrize(
    "parts",
    [["7"], ["a|b"], ["CA_1", "28"], ["a|b", "c"], ["a\\", "b"], ["a\\|", "|b", ""], ["", ""], ["dos\nlíneas", "x"]],
)
def test_a_name_is_taken_apart_into_what_it_was_made_from(parts):
    assert ids.keys(ids.name(parts), len(parts)) == parts


def test_the_number_of_a_row_under_its_key_is_no_key():
    made = ids.of(np.array(["a", "a", "b|c"]), repeats=True)
    assert [ids.keys(name, 1, repeats=True) for name in made.tolist()] == [["a"], ["a"], ["b|c"]]


def test_another_number_of_keys_shows():
    assert ids.keys("7", 2) == ["7"]
