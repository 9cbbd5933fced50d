"""What the suites must give, line by line, and in which words a difference is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

TESTS = 54
"""Tests of `backend_tests.py`, of kaggle 2.2.4 and of 2.2.5. All must pass."""

LINES = 74
"""Lines of `test_commands.sh` that call the client, of kaggle 2.2.4 and of 2.2.5."""

_PAGES = ("the client's argparse takes `titanic` for a subcommand", "invalid choice: 'titanic'")
IN_THE_CLIENT = {
    "kaggle d list --size 10": ("the client refuses a deprecated option before it sends anything", "--size"),
    "kaggle m get -p tmp $KAGGLE_DEVELOPER/test-model": (
        "the client cannot write the datetime that it received as JSON",
        "datetime is not JSON serializable",
    ),
    "kaggle c pages titanic": _PAGES,
    "kaggle c pages titanic -v -q": _PAGES,
    "kaggle c pages titanic --page-name rules --content": _PAGES,
    "kaggle c pages list titanic --page-name rules": _PAGES,
}
"""Command lines that must fail, each with the reason and with words that the client prints then."""


@dataclass(frozen=True)
class Outcome:
    """How the run of the backend tests ended: how many ran, and the names of those that did not pass."""

    ran: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def passed(self) -> int:
        """Tests that ran to their end and found nothing wrong."""
        return self.ran - len(self.failed) - len(self.skipped)


@dataclass(frozen=True)
class Line:
    """A command line of the script: its exit status, and what it printed."""

    command: str
    status: int
    printed: str


def wrong_tests(outcome: Outcome) -> list[str]:
    """How the backend tests' outcome differs from what it must be; empty where exactly `TESTS` tests pass."""
    problems = [f"failed: {name}" for name in outcome.failed]
    problems += [f"skipped: {name}" for name in outcome.skipped]
    if outcome.passed != TESTS:
        problems.append(f"{outcome.passed} tests pass; exactly {TESTS} must")
    return problems


def wrong_lines(lines: Sequence[Line]) -> list[str]:
    """How the command lines' results differ from what they must be.

    Empty where `LINES` lines ran, exactly those of `IN_THE_CLIENT` failed, and each of these for its own reason.
    """
    problems = []
    for line in lines:
        reason, words = IN_THE_CLIENT.get(line.command, ("", ""))
        if line.status and not reason:
            problems.append(f"exit status {line.status}: {line.command}")
        elif reason and not line.status:
            problems.append(f"passes, and was known to fail: {line.command}")
        elif reason and words not in line.printed:
            problems.append(f"fails for another reason than {words!r}: {line.command}")
    problems += [
        f"did not run: {command}" for command in sorted(IN_THE_CLIENT.keys() - {line.command for line in lines})
    ]
    if len(lines) != LINES:
        problems.append(f"{len(lines)} command lines ran; exactly {LINES} must")
    return problems
