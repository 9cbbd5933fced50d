"""The workflows of GitHub: they run what the Makefile runs, with every version of the client that is supported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.client_suite import sdist

ROOT = Path(__file__).resolve().parent.parent
yaml = pytest.importorskip("yaml", reason="the extra test is not installed")


def job(name: str) -> dict[str, Any]:
    """A job of the workflow `tests.yml`."""
    told = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    return dict(told["jobs"][name])


def commands(name: str) -> list[str]:
    return [step["run"] for step in job(name)["steps"] if "run" in step]


def test_the_tests_run_where_namespaces_are_allowed() -> None:
    allow = "sudo sysctl -e -w kernel.apparmor_restrict_unprivileged_userns=0"
    assert commands("test") == [allow, "make test"]
    assert commands("client-suite")[0] == allow


def test_the_clients_suites_run_with_every_version_that_they_are_known_of() -> None:
    assert commands("client-suite")[-1] == "python -m tests.client_suite"
    assert {one["kaggle"] for one in job("client-suite")["strategy"]["matrix"]["include"]} == set(sdist.SHA256)
