"""What doctor says of Kaggle."""

from __future__ import annotations

import json
import sys

from kit.emulator.faults import Fault


def told(run) -> dict[str, tuple[str, str]]:
    """The lines of doctor: what was examined to what was seen and the cure."""
    return {line["what"]: (line["seen"], line["cure"]) for line in json.loads(run("doctor", "--json")[1])}


def test_without_credentials_doctor_says_how_to_get_them_and_calls_nobody(kit, workspace, monkeypatch, tmp_path):
    for name in ("API_TOKEN", "USERNAME", "KEY", "CONFIG_DIR"):
        monkeypatch.delenv(f"KAGGLE_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "kaggle", None)  # an import of it would raise
    seen, cure = told(kit)["Kaggle credentials"]
    assert seen.startswith("none, so only local work is possible. Create a token at https://www.kaggle.com/settings")
    assert cure == ""


def test_credentials_reachability_rules_and_quota_have_a_line_each(run, site):
    lines = told(run)
    assert lines["Kaggle credentials"] == (
        "KAGGLE_API_TOKEN (access token), which comes before KAGGLE_USERNAME and KAGGLE_KEY",
        "",
    )
    assert lines["Kaggle"][0].startswith(f"{site.url} answers tester within ")
    assert lines["competition parity"] == ("entered; 5 submissions left, 0 sent today", "")
    assert lines["accelerator hours"] == ("GPU 30.0 of 30 left this week, TPU 20.0 of 20 left this week", "")


def test_rules_that_are_not_accepted_are_a_problem_with_their_address_as_cure(run, site):
    site.store.run("DELETE FROM accepted")
    status, _, err = run("doctor")
    assert status == 1
    assert f"competition parity: {site.url}/competitions/parity/rules\n" in err


def test_a_server_that_is_down_is_one_line(run, site):
    site.faults.add(Fault("*", "cut", times=0))
    lines = told(run)
    assert lines["Kaggle"][0] == "Signing in: the emulator cannot be reached: the connection was cut."
    assert "accelerator hours" not in lines


def test_a_token_that_others_can_read_is_a_problem(run, site, monkeypatch):
    token = site.home / ".kaggle" / "access_token"
    token.parent.mkdir(exist_ok=True)
    token.write_text(site.env["KAGGLE_API_TOKEN"])
    token.chmod(0o644)
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    seen, cure = told(run)["Kaggle credentials"]
    assert "other users of this machine can read it" in seen
    assert cure == f"chmod 600 {token}"
    token.unlink()


def test_live_examines_each_assumption_by_reading_only_and_names_nobody(run, site, mine):
    run("download", "parity")
    run("submit", "parity", mine(3), "--yes")
    before = len(site.seen)
    status, out, err = run("doctor", "--live")
    assert status == 0, out
    assert err.endswith("All assumptions that could be checked hold.\n")
    assert "| submissions have ref, size, description, file name and state | yes | 1 listed, newest COMPLETE" in out
    assert (
        "| inputs are mounted under /kaggle/input in a known layout | not looked at | this is no Kaggle kernel |" in out
    )
    assert "tester" not in out
    changing = {"CreateSubmission", "StartSubmissionUpload", "Upload", "SaveKernel", "CreateDataset", "StartBlobUpload"}
    assert not changing & {seen.step for seen in site.seen[before:]}


def test_live_tells_an_assumption_that_does_not_hold(run, site):
    site.faults.add(Fault("GetSubmissionLimits", "status", status=404, message="No such method.", times=0))
    status, out, err = run("doctor", "--live")
    assert status == 1
    assert "| the limits say how many submissions are left | **NO** | Asking for the limit:" in out
    assert err.endswith("1 of 11 assumptions do not hold.\n")


def test_live_takes_a_field_that_is_gone_for_a_difference(run, site, monkeypatch):
    from kit.kaggle import health

    monkeypatch.setattr(health, "_limits", lambda kaggle, slug: {}["num_today"])
    status, out, _ = run("doctor", "--live", "--json")
    assert status == 1
    assert [check["seen"] for check in json.loads(out) if check["holds"] is False] == ["KeyError: 'num_today'"]
