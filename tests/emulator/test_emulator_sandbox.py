"""The sandbox: what it shows of the machine, and what it hides."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.sandbox import walls

boxed = pytest.mark.usefixtures("namespaces")


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """What a script in a sandbox below `folder` says."""
    for name in ("working", "src", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "src" / "script.py").write_text(script)
    command = walls.command(folder, {}, 1 << 20, accelerator=False)
    environment = walls.environment(Path("/kaggle"), accelerator=False)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@boxed
def test_python_may_be_a_link_to_a_link_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "python").symlink_to("../bin/python3")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    done = run(tmp_path / "box", "import json, sys; print(sys.executable)")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/venv/python\n"), done.stderr


@boxed
def test_files_of_the_user_are_not_there(tmp_path):
    (tmp_path / "secret").write_text("key")
    done = run(
        tmp_path / "box",
        f"import os; print(os.path.exists({str(tmp_path / 'secret')!r}), sorted(os.listdir('/kaggle')))",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "False ['input', 'src', 'working']\n"


@boxed
def test_programs_are_found_where_the_path_of_a_user_does_not_lead(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert walls.available.__wrapped__()


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
