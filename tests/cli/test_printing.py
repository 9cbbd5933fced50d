"""What verbs print: tables that fit a narrow terminal, and are whole in a pipe."""

from __future__ import annotations

import pytest

from kit.cli import printing


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("list", "digit-recognizer"),
        ("list", "digit-recognizer", "cnn"),
        ("doctor",),
        ("runs", "parity"),
        ("submit", "parity", "--sample", "--dry-run"),
    ],
)
def test_nothing_is_wider_than_a_terminal_of_60_columns(kit, parity, monkeypatch, words):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots")
    monkeypatch.setattr(printing, "width", lambda: 60)
    _, out, _ = kit(*words)
    # A path or a digest has no place where it could be broken.
    assert out and max(len(line) for line in out.splitlines() if not line.startswith(("file ", "sha256 "))) <= 60


def test_a_pipe_gets_whole_lines(kit, parity):
    assert "Digit Recognizer: which of ten handwritten digits a 28x28 image shows" in kit("list")[1]
