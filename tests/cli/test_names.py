"""Names and terminals that do not fit: one sentence, and no traceback."""

from __future__ import annotations

import io
import sys

import pytest

from kit.cli import main

LONG = ("a" * 300, "a" * 5_000)

VERBS = (
    *("train {}", "train parity {}", "runs {}", "list {}", "leaderboard {}", "publish {}", "download {}", "new {}"),
    *(
        "download parity --from {}",
        "download parity --from /{}/x",
        "submit parity {}",
        "submit parity {}.csv --dry-run",
    ),
    *("predict parity {}", "note parity {}", "delete parity {}", "diff parity {} {}", "ensemble parity {} {}"),
    *("kernel build parity {}", "encoder import {}", "train parity --set base={}", "train parity --set {}=1"),
)


@pytest.mark.parametrize("name", LONG, ids=len)
@pytest.mark.parametrize("verb", VERBS)
def test_a_name_that_no_file_can_have_is_refused_in_a_sentence(kit, parity, monkeypatch, tmp_path, verb, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    before = sorted(tmp_path.rglob("*"))
    status, _, err = kit(*verb.format(name, name).split())
    assert status in (1, 2) and err
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and "__pycache__" not in str(path)] == []


@pytest.mark.parametrize("home", ["~nobody-has-this-name/x", "~nobody/x", *LONG, "/dev/null"], ids=range(5))
def test_a_workspace_that_is_no_folder_is_refused_in_a_sentence(kit, monkeypatch, home):
    monkeypatch.setenv("KIT_HOME", home)
    status, _, err = kit("runs")
    assert (status, err.startswith("kit: KIT_HOME is ")) == (1, True)
    assert len(err) < 600


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_cannot_print_a_sign_ends_no_verb(kit, parity, monkeypatch, encoding):
    printed = io.BytesIO()
    out = io.TextIOWrapper(printed, encoding=encoding)
    with monkeypatch.context() as here:
        here.setattr(sys, "stdout", out)
        assert main(["train", "parity", "--sample", "--no-plots"]) == 0
    out.flush()
    assert b"folds 1.00000 " + (b"\\xb1" if encoding == "ascii" else b"\xb1") + b" 0.00000" in printed.getvalue()


def test_a_setting_that_is_nested_without_end_is_refused(kit, parity):
    assert "base" in kit("train", "parity", "--sample", "--set", "base=" + "[" * 5_000)[2]
    assert kit("sweep", "parity", "table", "--sample", "--set", "base=" + "(" * 5_000)[0] == 1
