"""The mark of tests that need walls: skipped where a machine has no namespaces, and failed where CI has none."""

from __future__ import annotations

import pytest

boxed = pytest.mark.usefixtures("namespaces")
