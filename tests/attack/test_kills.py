"""A sample of the kill matrix; `make attack` goes through all of it."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

import pytest

from tests.attack import scenarios
from tests.attack.kills import Outcome
from tests.attack.scenarios import WAYS

SAMPLE = {
    "download --from --force": 5,
    "train": 50,
    "submit a file": 5,
    "publish": 3,
    "kernel push": 3,
    "server": 8,
}
"""Scenarios, and how many steps lie between two kills."""


def _send(to: Connection, only: str, step: int, ways: tuple) -> None:
    to.send(scenarios.matrix(only=only, step=step, slow=False, ways=ways))


def matrix(only: str, step: int, ways: tuple) -> list[Outcome]:
    """A part of the matrix, in a process of its own, whose forks have no threads of other tests."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.attack.preloaded"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, only, step, ways))
    process.start()
    there.close()
    outcomes = here.recv()
    process.join()
    return outcomes


@pytest.mark.parametrize(("only", "step"), SAMPLE.items(), ids=SAMPLE)
def test_the_same_command_ends_right_after_a_kill(only: str, step: int) -> None:
    outcomes = matrix(only, step, ("kill",))
    assert [loss for one in outcomes for loss in one.losses] == []
    assert sum(one.points for one in outcomes) >= 2


@pytest.mark.slow
def test_every_disturbance_of_every_command_is_survived() -> None:
    outcomes = matrix("", 1, WAYS)
    assert [loss for one in outcomes for loss in one.losses] == []
    assert sum(one.points for one in outcomes) >= 150
