"""Limits of kernels: written once, the same for kit and the emulator, and those that the official client knows."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from kit import limits
from kit.errors import KitError
from kit.kaggle.kernel import accelerators


def retired_in_the_client() -> dict[str, str]:
    """Machine, in lower case, to what the installed client says of it."""
    package = importlib.util.find_spec("kaggle")
    assert package and package.origin
    source = (Path(package.origin).parent / "api" / "kaggle_api_extended.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_RETIRED_ACCELERATORS":
            return dict(ast.literal_eval(node.value))
    raise AssertionError("the client has no _RETIRED_ACCELERATORS")


def test_retired_machines_and_what_is_given_instead_are_those_of_the_client() -> None:
    said = retired_in_the_client()
    assert {shape.lower() for shape in limits.RETIRED} == said.keys()
    for shape, given in limits.RETIRED.items():
        assert (given or "CPU") in said[shape.lower()]


@pytest.mark.parametrize("machine", accelerators.KNOWN, ids=lambda machine: machine.word)
def test_a_machine_is_counted_as_what_it_is(machine: accelerators.Accelerator) -> None:
    assert limits.kind(machine.shape) == machine.kind


@pytest.mark.parametrize("shape", limits.RETIRED)
def test_a_retired_machine_is_refused_and_the_one_given_instead_is_named(shape: str) -> None:
    with pytest.raises(KitError) as refused:
        accelerators.find(shape)
    instead = next(machine for machine in accelerators.KNOWN if machine.shape == limits.RETIRED[shape])
    assert refused.value.cure == f"--accelerator {instead.word}  # instead of {shape}"
