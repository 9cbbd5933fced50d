"""Tests that need namespaces are skipped at home, and fail in CI, where nobody reads what is skipped."""

from __future__ import annotations

import pytest

from kit.sandbox import walls


@pytest.mark.parametrize(
    ("ci", "outcome", "words"),
    [
        ("true", pytest.fail.Exception, "CI needs user namespaces"),
        ("", pytest.skip.Exception, "this machine has no user namespaces"),
    ],
)
def test_a_test_that_needs_namespaces_is_skipped_at_home_and_fails_in_ci(monkeypatch, request, ci, outcome, words):
    monkeypatch.setattr(walls, "available", lambda: False)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=words):
        request.getfixturevalue("namespaces")
