"""A short attack on every door, always with the same inputs; `make attack` is the long one."""

from __future__ import annotations

import pytest

from tests.attack import driver
from tests.attack.doors import DOORS, Door

TRIES = 1_000
"""Inputs over all doors: about fifteen seconds of one core."""


@pytest.mark.filterwarnings("ignore")  # of zipfile, for names that are in an archive twice, and of Hypothesis
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_every_input_is_refused_in_a_sentence_or_survived(door: Door, record_property) -> None:
    counts = driver.attack(door, TRIES * door.share // 100, 15)
    for name in ("tried", "refused", "survived", "failed"):
        record_property(name, getattr(counts, name))
    print(counts)
    assert not counts.failed, counts.failure
    assert counts.tried == counts.refused + counts.survived > 0
