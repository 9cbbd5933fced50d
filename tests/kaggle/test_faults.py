"""Every kind of fault at every step of download and submit: success or one clear error, nothing spent twice, no file
half-written, no credential in any output (which the fixture `run` sees to)."""

from __future__ import annotations

import json

import pytest

from kit.emulator.faults import Fault

KINDS = {
    "503 once": {"kind": "status", "status": 503},
    "503 for ever": {"kind": "status", "status": 503, "times": 0},
    "403": {"kind": "status", "status": 403},
    "429 with a long wait": {"kind": "status", "status": 429, "retry_after": 900, "times": 0},
    "cut once": {"kind": "cut", "bytes": 300},
    "slow": {"kind": "slow", "seconds": 0.1},
    "lost once": {"kind": "lost", "bytes": 100},
    "upload": {"kind": "upload", "bytes": 50},
    "late once": {"kind": "delay", "seconds": 0.5},
}
SLOW = {
    "400": {"kind": "status", "status": 400},
    "401": {"kind": "status", "status": 401},
    "404": {"kind": "status", "status": 404},
    "429 with a short wait": {"kind": "status", "status": 429, "retry_after": 0.05},
    "cut for ever": {"kind": "cut", "times": 0},
    "lost for ever": {"kind": "lost", "bytes": 100, "times": 0},
    "late for ever": {"kind": "delay", "seconds": 0.5, "times": 0},
}
"""Variants of the kinds above, left to `make test-all` so that `make test` stays short."""

DOWNLOAD = ("IntrospectToken", "ListDataFiles", "DownloadDataFiles", "Storage")
SUBMIT = (
    "IntrospectToken",
    "GetSubmissionLimits",
    "ListSubmissions",
    "StartSubmissionUpload",
    "Upload",
    "CreateSubmission",
    "GetSubmission",
    "DownloadLeaderboard",
)


def crossed(steps):
    """Each step with each kind of fault, as parameters of a test."""
    steps = []
    for step in steps:
        for kinds, marks in ((KINDS, ()), (SLOW, (pytest.mark.slow,))):
            for name, fault in kinds.items():
                steps.append(pytest.param(step, fault, id=f"{step}, {name}", marks=marks))
    return steps


def is_one_error(err: str) -> bool:
    """Whether the last words on standard error are those of a KitError, and the only ones of one."""
    return sum(line.startswith("kit: ") for line in err.splitlines()) == 1


def is_whole(workspace, hosted) -> bool:
    """Whether the public files are those of the server, to the byte."""
    public = workspace / "data" / "parity" / "public"
    wanted = {path.name: path.read_bytes() for path in (hosted / "public").iterdir()}
    return {path.name: path.read_bytes() for path in public.iterdir()} == wanted


@pytest.mark.parametrize(("step", "fault"), crossed(DOWNLOAD))
def test_a_download_under_a_fault_is_whole_or_one_error(run, site, hosted, workspace, step, fault):
    site.faults.add(Fault(step, **fault))
    status, _, err = run("download", "parity")
    if status == 0:
        assert is_whole(workspace, hosted)
    else:
        assert (status, is_one_error(err)) == (1, True)
        assert [path.name for path in (workspace / "data").iterdir()] in ([], [".downloads"])
    site.faults.clear()
    status, _, err = run("download", "parity")
    assert status == 0, err
    assert is_whole(workspace, hosted)
    assert sorted(path.name for path in (workspace / "data").iterdir()) == [".downloads", "parity"]
    assert not list((workspace / "data" / ".downloads").iterdir())


@pytest.mark.parametrize(("step", "fault"), crossed(SUBMIT))
def test_a_submission_under_a_fault_is_scored_or_one_error_and_is_never_spent_twice(
    run, kit, site, workspace, mine, step, fault
):
    assert kit("download", "parity", "--from", str(workspace / "hosted" / "parity" / "public"))[0] == 0
    site.faults.add(Fault(step, **fault))
    words = ("submit", "parity", mine(3), "--yes", "--json")
    status, out, err = run(*words)
    if status == 0:
        assert json.loads(out)["state"] == "complete"
    else:
        assert (status, out, is_one_error(err)) == (1, "", True)
    site.faults.clear()
    status, out, err = run(*words)
    assert (status, err.count("kit: ")) == (0, 0)
    facts = json.loads(out)
    spent = site.store.all("SELECT ref FROM submissions")
    assert [facts["ref"]] == [row["ref"] for row in spent]
    assert facts["public_score"] == float(site.store.one("SELECT public FROM submissions")["public"])
    ledger = (workspace / "submissions" / "parity" / "ledger.jsonl").read_text()
    assert all(json.loads(line) for line in ledger.splitlines())
