"""The workflows of GitHub: they run what the Makefile runs, with every version of the client that is supported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.sandbox import images
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
    assert commands("test") == [allow, "make test CONSTRAINTS=${{ matrix.constraints }}"]
    assert commands("client-suite")[0] == allow


def test_the_tests_run_with_every_python_and_with_both_sets_of_versions() -> None:
    matrix = job("test")["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert [ROOT / file for file in matrix["constraints"]] == sorted((ROOT / "kit").glob("constraints*.txt"))[::-1]


@pytest.mark.parametrize("package", ["numpy", "pandas", "scikit-learn", "keras", "tensorflow", "tf-keras", "xgboost"])
def test_kaggles_constraints_are_those_of_its_image(package: str) -> None:
    lines = (ROOT / "kit" / "constraints-kaggle.txt").read_text(encoding="utf-8").splitlines()
    assert f"{package}=={images.read(images.SHIPPED / 'cpu.json').packages[package]}" in lines


def test_the_clients_suites_run_with_every_version_that_they_are_known_of() -> None:
    assert commands("client-suite")[-1] == "python -m tests.client_suite"
    assert {one["kaggle"] for one in job("client-suite")["strategy"]["matrix"]["include"]} == set(sdist.SHA256)
