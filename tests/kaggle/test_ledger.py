"""The ledger: on disk before a step is tried, readable after a kill, held by one process at a time."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.kaggle import ledger
from kit.task.catalog import Entry

FACTS = {
    "server": "kaggle.com",
    "user": "me",
    "sha256": "0" * 64,
    "bytes": 3,
    "name": "submission.csv",
    "file": "submissions/parity/r/submission.csv",
    "message": "m #00000000",
}


@pytest.fixture(autouse=True)
def real_kaggle(workspace, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)


def test_what_was_noted_is_read_back():
    with ledger.locked("parity") as book:
        attempt = book.begin(**FACTS, known=(1, 2))
        book.change(attempt, state=ledger.SENT, ref=7)
        book.change(attempt, state=ledger.COMPLETE, public_score=0.5)
    (entry,) = ledger.read(Entry("parity", Path(), ""))
    assert (entry.state, entry.ref, entry.public_score, entry.known) == ("complete", 7, 0.5, (1, 2))
    assert entry.mark == "#00000000"


def test_an_attempt_is_on_disk_before_it_is_made(workspace):
    with ledger.locked("parity") as book:
        book.begin(**FACTS)
        line = (workspace / "submissions" / "parity" / "ledger.jsonl").read_text()
        assert json.loads(line)["state"] == "intended"


def test_a_line_that_a_kill_cut_off_takes_no_other_with_it(workspace):
    with ledger.locked("parity") as book:
        book.begin(**FACTS)
    file = ledger.path("parity")
    file.write_text(file.read_text() + '{"id": "abc", "sta')
    with ledger.locked("parity") as book:
        assert len(book.attempts()) == 1
        book.begin(**FACTS)
    assert [attempt.state for attempt in ledger.read(Entry("parity", Path(), ""))] == ["intended", "intended"]


def test_attempts_at_another_server_are_none_here(monkeypatch):
    with ledger.locked("parity") as book:
        book.begin(**FACTS | {"server": "http://127.0.0.1:1"})
        book.begin(**FACTS, sample=True)
    assert ledger.read(Entry("parity", Path(), "")) == []
    assert len(ledger.read(Entry("parity", Path(), "", sample=True))) == 1


def hold(seconds: float, held) -> None:
    """Hold the ledger in another process."""
    with ledger.locked("parity"):
        held.set()
        time.sleep(seconds)


def test_a_second_process_waits_and_gives_up_after_its_patience(monkeypatch, told):
    context = multiprocessing.get_context("fork")
    held = context.Event()
    other = context.Process(target=hold, args=(1.0, held))
    other.start()
    assert held.wait(5)
    monkeypatch.setattr(ledger, "PATIENCE", 0.2)
    with (
        pytest.raises(KitError, match=r"Another process has been sending to parity"),
        ledger.locked("parity"),
    ):
        pass
    assert told == ["Waiting for another process that is sending to parity."]
    monkeypatch.setattr(ledger, "PATIENCE", 10.0)
    with ledger.locked("parity") as book:
        assert book.attempts() == []
    other.join()
