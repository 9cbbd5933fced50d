"""The suites' verdict: what is counted as wrong, so that a suite which ran nothing is not taken for one that passed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.client_suite import __main__ as suite
from tests.client_suite import sdist
from tests.client_suite.expected import IN_THE_CLIENT, LINES, TESTS, Line, Outcome, wrong_lines, wrong_tests

KNOWN = [Line(command, 2, f"error: {words}") for command, (_, words) in IN_THE_CLIENT.items()]
RIGHT = [*KNOWN, *(Line(f"kaggle {n}", 0, "") for n in range(LINES - len(KNOWN)))]


def test_exactly_the_expected_tests_pass() -> None:
    assert wrong_tests(Outcome(TESTS)) == []


@pytest.mark.parametrize(
    ("outcome", "problems"),
    [
        (Outcome(), ["0 tests pass; exactly 54 must"]),
        (Outcome(TESTS - 1), ["53 tests pass; exactly 54 must"]),
        (Outcome(TESTS + 1), ["55 tests pass; exactly 54 must"]),
        (Outcome(TESTS, failed=["a"]), ["failed: a", "53 tests pass; exactly 54 must"]),
        (Outcome(TESTS + 1, skipped=["a"]), ["skipped: a"]),
    ],
)
def test_another_number_of_tests_is_wrong(outcome: Outcome, problems: list[str]) -> None:
    assert wrong_tests(outcome) == problems


def test_exactly_the_known_command_lines_fail() -> None:
    assert wrong_lines(RIGHT) == []


def test_a_command_line_that_fails_passes_or_is_missing_against_expectation_is_wrong() -> None:
    assert wrong_lines([*RIGHT[:-1], Line("kaggle new", 1, "")]) == ["exit status 1: kaggle new"]
    first, *rest = RIGHT
    assert wrong_lines([dataclasses.replace(first, status=0), *rest]) == [
        f"passes, and was known to fail: {first.command}"
    ]
    other = dataclasses.replace(first, printed="ConnectionError")
    assert wrong_lines([other, *rest]) == [f"fails for another reason than '--size': {first.command}"]
    assert wrong_lines(rest) == [f"did not run: {first.command}", "73 command lines ran; exactly 74 must"]
    assert len(wrong_lines([])) == len(IN_THE_CLIENT) + 1


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ("", Outcome(0)),
        ("import unittest\nraise SystemExit(0)", Outcome(0)),
        (
            "import unittest\n@unittest.skip('all')\nclass Suite(unittest.TestCase):\n    def test(self): pass",
            Outcome(1, skipped=["test (backend_tests.Suite.test)"]),
        ),
        (
            "import unittest\nclass Suite(unittest.TestCase):\n    def test_1(self): pass\n    def test_2(self): 1 / 0",
            Outcome(2, failed=["test_2 (backend_tests.Suite.test_2)"]),
        ),
    ],
)
def test_the_outcome_says_what_ran_was_skipped_and_failed(tests: str, outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "backend_tests.py").write_text(tests)
    assert suite.run_tests(tmp_path, dict(os.environ))[0] == outcome


def test_the_exit_status_says_whether_anything_was_wrong(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["client_suite"])
    monkeypatch.setattr(sdist, "fetch", lambda: Path())
    monkeypatch.setattr(suite, "backend", lambda sources: [])
    monkeypatch.setattr(suite, "commands", lambda sources: ["73 command lines ran; exactly 74 must"])
    assert suite.main() == 1
    assert capsys.readouterr().out == "WRONG: 73 command lines ran; exactly 74 must\n"
    monkeypatch.setattr(suite, "commands", lambda sources: [])
    assert suite.main() == 0


def test_the_suites_of_an_unknown_version_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdist, "version", lambda name: "2.3.0")
    with pytest.raises(SystemExit, match=r"kaggle 2\.3\.0 is installed; the suites of 2\.2\.4 and 2\.2\.5 are known\."):
        sdist.fetch()
