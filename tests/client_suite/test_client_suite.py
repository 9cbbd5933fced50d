"""The official suites as tests: minutes long, and in need of a package index, hence slow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.client_suite import __main__ as suite
from tests.client_suite import sdist


@pytest.fixture(scope="module")
def sources() -> Path:
    """The official client's sdist; the tests are skipped where no package index has it."""
    try:
        return sdist.fetch()
    except subprocess.CalledProcessError:
        pytest.skip("no package index offers the sdist of kaggle")


@pytest.mark.slow
def test_all_backend_tests_of_the_client_pass(sources: Path) -> None:
    assert suite.backend(sources) == []


@pytest.mark.slow
def test_all_command_lines_of_the_client_pass_but_those_that_fail_in_it(sources: Path) -> None:
    assert suite.commands(sources) == []
