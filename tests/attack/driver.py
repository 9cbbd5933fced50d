"""Sends inputs to the doors and counts what becomes of them."""

from __future__ import annotations

import os
import resource
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from kit import notes
from kit.errors import KitError
from tests.attack.doors import DOORS, Door, Refused, tree

LONGEST = 10.0
"""Seconds that one input may take; on a quiet machine each takes milliseconds."""

LONGEST_SENTENCE = 1_100
"""Characters of what is wrong."""


class _Ended(BaseException):
    """The time is over. Hypothesis takes no exception of this kind for a failure of the test."""


@dataclass
class Counts:
    """What became of the inputs of a door: `refused` in a sentence, `survived`, `failed` in any other way."""

    door: str
    tried: int = 0
    refused: int = 0
    survived: int = 0
    failed: int = 0
    seconds: float = 0.0
    failure: str = field(default="", repr=False)


def attack(door: Door, tries: int, number: int, *, until: float = float("inf")) -> Counts:
    """Send `tries` inputs to a door, those of the seed `number`; ends at the time `until`, or with the first failure,
    which is made as small as it can be."""
    counts, began = Counts(door.name), time.monotonic()
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="kit-attack-") as place, notes.silent():
        root = Path(place, "workspace")
        root.mkdir()
        os.environ.pop("KAGGLE_API_ENVIRONMENT", None)
        os.environ |= {"KIT_HOME": str(root), "HOME": place}
        try:
            with door.opened(root) as (strategy, attempt):
                _send(counts, strategy, attempt, Path(place), tries, number, until)
        finally:
            os.environ.clear()
            os.environ.update(before)
    counts.seconds = time.monotonic() - began
    return counts


def _send(counts: Counts, strategy: Any, attempt: Any, place: Path, tries: int, number: int, until: float) -> None:
    outside = tree(place) - {path for path in tree(place) if path.startswith("workspace")}

    @seed(number)
    @settings(
        max_examples=tries,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(strategy)
    def once(value: Any) -> None:
        if time.monotonic() > until:
            raise _Ended
        counts.tried += not counts.failed
        began, refused = time.monotonic(), False
        try:
            try:
                attempt(value)
            except KitError as error:
                _check_sentence(error)
                refused = True
            except Refused:
                refused = True
            took = time.monotonic() - began
            left = {path for path in tree(place) if not path.startswith("workspace")}
            assert left == outside, f"it left {sorted(left ^ outside)[:5]} outside of the workspace"
            assert took < LONGEST, f"it took {took:.1f} s"
        except BaseException:
            counts.failed = 1
            raise
        if not counts.failed:
            counts.refused += refused
            counts.survived += not refused

    try:
        once()
    except _Ended:
        pass
    except Exception:
        counts.failure = traceback.format_exc()


def _check_sentence(error: KitError) -> None:
    """A refusal is for a person: a short sentence in one line, which any file can hold."""
    assert 0 < len(error.wrong) <= LONGEST_SENTENCE and "\n" not in error.wrong, f"{error.wrong[:200]!r} is no sentence"


def memory() -> int:
    """The most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def everything(tries: int, number: int, *, seconds: float, only: str = "") -> list[Counts]:
    """All doors, each with its share of `tries` inputs, in at most so many seconds."""
    until = time.monotonic() + seconds
    shares = sum(door.share for door in DOORS)
    doors = [door for door in DOORS if only in door.name]
    return [attack(door, -(-tries * door.share // shares), number, until=until) for door in doors]


def table(counts: list[Counts]) -> str:
    """The counts as a table in Markdown."""
    total = Counts("**all**")
    for one in counts:
        for name in ("tried", "refused", "survived", "failed", "seconds"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
    lines = ["| door | tried | refused | survived | failed | s |", "| --- | --: | --: | --: | --: | --: |"]
    for one in (*counts, total):
        figures = (f"{value:,}" for value in (one.tried, one.refused, one.survived, one.failed))
        lines.append(f"| {one.door} | {' | '.join(figures)} | {one.seconds:.0f} |")
    return "\n".join(lines)
