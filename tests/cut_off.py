"""A training that is cut off in the midst, goes on, and must end like one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.task.contract import Report
from kit.toolbox import resume


class CutOff(Exception):
    """Where the training ends the first time."""


def goes_on(
    monkeypatch: pytest.MonkeyPatch, dir: Path, at: int, predictions: Callable[[Path, Report], Any]
) -> list[int]:
    """Cut the training off at the end of step `at`, before anything of that step is kept, let it go on, and compare its
    predictions and its figures with those of one that was not cut off; the steps of the second attempt.

    `predictions(dir, report)` trains and gives an array.
    """
    monkeypatch.setattr(resume, "SHARE", float("inf"))  # every epoch is kept, however short

    def run(name: str, stop: int) -> tuple[Any, list[Any]]:
        seen: list[Any] = []

        def report(done: int, of: int, **figures: float) -> None:
            if done == stop:
                raise CutOff
            seen.append((done, figures))

        (dir / name).mkdir(exist_ok=True)
        return predictions(dir / name, report), seen

    whole, told = run("whole", 0)
    with pytest.raises(CutOff):
        run("cut", at)
    again, rest = run("cut", 0)
    assert rest == told[-len(rest) :]
    assert again.tobytes() == whole.tobytes()
    return [done for done, _ in rest]
