"""What a killed `kit download` leaves, and the next one makes of it."""

from __future__ import annotations

import os

DEAD = 2**22 + 1
"""A process number above Linux's largest."""


def test_data_set_aside_by_a_killed_replacement_comes_back(kit, parity, workspace, monkeypatch):
    """Killed between the two renames, and the new data cannot be had again."""
    monkeypatch.setenv("HOME", str(workspace))  # no credentials
    kit("download", "parity", "--sample")
    sample = workspace / "data" / "parity-sample"
    sample.rename(workspace / "data" / f".parity.{DEAD}.old")
    assert kit("download", "parity")[0] == 0
    assert (workspace / "data" / "parity" / "manifest.json").exists()
    assert not list((workspace / "data").glob("*.old"))


def test_what_a_killed_download_half_built_is_cleared_away(kit, parity, workspace):
    (workspace / "data" / f".parity-sample.{DEAD}.part" / "raw").mkdir(parents=True)
    assert kit("download", "parity", "--sample")[0] == 0
    assert [path.name for path in (workspace / "data").iterdir()] == ["parity-sample"]


def test_what_a_killed_replacement_half_built_is_cleared_away_by_a_call_that_has_nothing_to_do(kit, parity, workspace):
    kit("download", "parity", "--sample")
    (workspace / "data" / f".parity-sample.{DEAD}.part" / "raw").mkdir(parents=True)
    (workspace / "data" / ".parity-sample.notes").mkdir()  # not of kit
    assert kit("download", "parity", "--sample")[0] == 0
    assert sorted(path.name for path in (workspace / "data").iterdir()) == [".parity-sample.notes", "parity-sample"]


def test_what_a_running_process_builds_is_left_alone_and_what_has_this_ones_number_is_not(kit, parity, workspace):
    """A number is used again after a restart of the machine."""
    theirs, ours = (workspace / "data" / f".parity-sample.{pid}.part" for pid in (os.getppid(), os.getpid()))
    theirs.mkdir(parents=True)
    ours.mkdir()
    assert kit("download", "parity", "--sample")[0] == 0
    assert (theirs.is_dir(), ours.exists()) == (True, False)
