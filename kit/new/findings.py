"""What `kit new` told from the files, as a person reads it: what, the answer, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kit.words import Table


class Finding(NamedTuple):
    """One answer. `sure` is False for a guess; `option` is what sets it, `others` are answers that are likely too."""

    what: str
    answer: str
    why: str
    sure: bool = True
    option: str = ""
    others: tuple[str, ...] = ()


def table(findings: list[Finding]) -> Table:
    """All findings, guesses with a question mark."""
    rows = [(each.what, each.answer + ("" if each.sure else " ?"), each.why) for each in findings]
    return Table(("what", "answer", "why"), rows)


def guesses(findings: list[Finding]) -> Iterator[Finding]:
    """The findings that may be otherwise."""
    return (each for each in findings if not each.sure)
