"""Tests that need walls: skipped where a machine has no namespaces, and failed where CI has none."""

from __future__ import annotations

import os

import pytest

from kit.sandbox import walls

boxed = pytest.mark.usefixtures("namespaces")


def missing() -> bool:
    """Whether cases that need namespaces are to be left out. In CI they are not: there they would never run."""
    return not walls.available() and os.environ.get("CI", "").lower() not in ("1", "true")
