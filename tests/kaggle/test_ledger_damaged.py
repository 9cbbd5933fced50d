"""A damaged ledger: what can be read is used, the rest is set aside, and the server is asked before a file is sent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from kit.emulator.faults import Fault
from kit.kaggle import ledger, send
from kit.task.catalog import Entry
from tests.kaggle.test_ledger import FACTS

ENTRY = Entry("parity", Path(), "")


@pytest.fixture(autouse=True)
def real_kaggle(workspace, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)


def sent(ref: int) -> bytes:
    """The lines of a submission that was accepted, as they are on disk."""
    with ledger.locked("parity") as book:
        before = ledger.path("parity").read_bytes() if ledger.path("parity").exists() else b""
        book.change(book.begin(**FACTS), state=ledger.SENT, ref=ref)
    return ledger.path("parity").read_bytes()[len(before) :]


DAMAGE = {
    "no UTF-8": b"\xff\xfe\x00\n",
    "no JSON": b"hello\n",
    "null": b"null\n",
    "a list": b"[1, 2]\n",
    "an empty line": b"\n",
    "brackets": b"[" * 100_000 + b"\n",
    "no id": b'{"state": "sent"}\n',
    "an id that is a list": b'{"id": [], "state": "sent"}\n',
    "missing keys": b'{"id": "a", "sha256": "b", "server": "kaggle.com"}\n',
    "a wrong type": json.dumps({**FACTS, "id": "a", "at": "", "state": "sent", "known": 7}).encode() + b"\n",
    "a state that there is not": json.dumps({**FACTS, "id": "a", "at": "", "state": "lost"}).encode() + b"\n",
    "not a number": b'{"id": "a", "public_score": NaN}\n',
    "half a surrogate pair": json.dumps({**FACTS, "id": "a", "at": "", "state": "sent", "run": "\ud800"}).encode()
    + b"\n",
    "an endless number": b'{"id": "a", "ref": ' + b"9" * 9_999 + b"}\n",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_can_be_read_of_a_damaged_ledger_is_used_and_the_whole_is_set_aside(workspace, told, damage):
    sent(7)
    file = ledger.path("parity")
    whole = file.read_bytes() + damage
    file.write_bytes(whole)
    assert [(one.state, one.ref) for one in ledger.read(ENTRY)] == [("sent", 7)]
    assert file.with_name("ledger.damaged-1").read_bytes() == whole
    (line,) = told
    assert line.startswith(
        f"{file} has 1 damaged line, 2 could be read. It is kept as ledger.damaged-1; Kaggle is asked"
    )
    sent(8)
    assert [one.ref for one in ledger.read(ENTRY)] == [7, 8]
    assert len(told) == 1, "a ledger that was mended is as good as any"


def test_a_change_that_cannot_be_read_leaves_its_attempt_as_it_was(workspace):
    sent(7)
    file = ledger.path("parity")
    begun, changed = file.read_bytes().splitlines()
    file.write_bytes(begun + b"\n" + changed.replace(b'"ref": 7', b'"ref": "7"') + b"\n")
    assert [(one.state, one.ref) for one in ledger.read(ENTRY)] == [("intended", 0)]


@pytest.mark.parametrize("what", ["folder", "link that leads nowhere", "link to itself", "pipe"])
def test_what_is_no_file_in_the_place_of_the_ledger_is_set_aside(workspace, told, what):
    file = ledger.path("parity")
    file.parent.mkdir(parents=True)
    if what == "folder":
        file.mkdir()
    elif what == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(file.name if what == "link to itself" else "nowhere")
    assert ledger.read(ENTRY) == []
    assert os.path.lexists(file.with_name("ledger.damaged-1"))
    assert told[0].startswith(f"{file} is no file. It is kept as ledger.damaged-1; Kaggle is asked what it has")
    sent(7)
    assert [one.ref for one in ledger.read(ENTRY)] == [7]


def test_a_mending_that_was_killed_half_way_keeps_one_copy(workspace, monkeypatch):
    sent(7)
    file = ledger.path("parity")
    file.write_bytes(damaged := file.read_bytes() + b"?\n")
    file.with_name("ledger.damaged-1").write_bytes(damaged)  # killed before the mended ledger took its place
    assert len(ledger.read(ENTRY)) == 1
    assert [path.name for path in file.parent.glob("ledger.damaged-*")] == ["ledger.damaged-1"]


def test_a_run_that_only_a_damaged_ledger_names_was_sent(workspace):
    ledger.path("parity").parent.mkdir(parents=True)
    ledger.path("parity").write_bytes(b'{"id": "a", "run": "20260101-000000-table"\n')
    with ledger.locked("parity"):
        pass
    assert ledger.names("parity", "20260101-000000-table")
    assert not ledger.names("parity", "20260101-000001-table")


def test_a_full_disk_leaves_the_ledger_as_it_was(workspace, monkeypatch):
    sent(7)
    before = ledger.path("parity").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), ledger.locked("parity") as book:
        book.begin(**FACTS)
    assert ledger.path("parity").read_bytes() == before


def test_bytes_that_a_damaged_ledger_told_of_are_looked_for_on_the_server_and_not_sent_again(run, site, mine):
    run("download", "parity")
    file = mine(3)
    assert run("submit", "parity", file, "--yes")[0] == 0
    book = ledger.path("parity")
    book.write_bytes(b"\xff" + book.read_bytes().replace(b"\n", b"\xff\n"))
    status, _, err = run("submit", "parity", file, "--yes")
    assert (status, site.store.one("SELECT COUNT(*) AS n FROM submissions")["n"]) == (0, 1)
    assert "has these bytes already, as ref 1001" in err
    assert err.count("ledger.damaged-1") == 1


def test_a_submission_under_way_of_which_only_a_damaged_ledger_told_is_waited_for(run, site, mine, monkeypatch):
    monkeypatch.setattr(send, "LATEST", 5.0)
    run("download", "parity")
    site.faults.add(Fault("CreateSubmission", "delay", seconds=1.5))
    assert run("submit", "parity", mine(3), "--yes")[0] == 1
    book = ledger.path("parity")
    book.write_bytes(b"\xff" * 9 + b"\n")
    status, _, err = run("submit", "parity", mine(3), "--yes")
    time.sleep(1.5)
    assert (status, site.store.one("SELECT COUNT(*) AS n FROM submissions")["n"]) == (0, 1), err
    assert "The damaged ledger may have told of a submission under way" in err
