"""Submissions: checked, shown, sent once, scored and recorded."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kit import records
from kit.emulator.faults import Fault
from kit.kaggle import client, ledger, send
from kit.train import runs


@pytest.fixture
def ready(run, site):
    """The competition's data is here, downloaded from the site."""
    assert run("download", "parity")[0] == 0


class Killed(BaseException):
    """Ends the process of a test at a chosen place."""


def spent(site) -> int:
    """Submissions that the server counts."""
    return len(site.store.all("SELECT ref FROM submissions"))


def test_a_run_is_sent_scored_and_recorded_beside_it_and_run_json_stays_as_it_was(run, site, ready, workspace):
    run("train", "parity", "--no-plots")
    folder = runs.find("parity", "last").folder
    before = (folder / "run.json").read_bytes()
    status, out, err = run("submit", "parity", "--yes")
    assert status == 0
    assert "remaining today  5\n" in out
    assert out.endswith("public score   1.00000\nrank           1 of 10, by your best submission\n")
    assert f"Sent to {site.url} as ref 1001." in err
    kept = json.loads((folder / "kaggle.json").read_text())
    assert {name: kept[name] for name in ("ref", "status", "public_score", "private_score", "rank", "teams")} == {
        "ref": 1001,
        "status": "complete",
        "public_score": 1.0,
        "private_score": None,
        "rank": 1,
        "teams": 10,
    }
    assert (kept["user"], kept["server"], kept["error"]) == ("tester", site.url, "")
    assert (folder / "run.json").read_bytes() == before
    row = site.store.one("SELECT * FROM submissions")
    assert row["description"] == f"{folder.name} accuracy 1.00000 #{kept['sha256'][:8]}"
    assert "1.0" in run("runs", "parity")[1]


def test_a_private_score_is_recorded_where_it_is_shown(run, site, ready, mine):
    site.site.private_scores = True
    status, out, _ = run("submit", "parity", mine(4), "--yes")
    assert (status, "private score" in out) == (0, True)


def test_the_same_bytes_are_not_sent_twice_unless_forced(run, site, ready, mine):
    run("submit", "parity", mine(3), "--yes")
    status, out, err = run("submit", "parity", mine(3, "copy.csv"), "--yes")
    assert (status, spent(site)) == (0, 1)
    assert "as ref 1001" in err
    assert "public score" in out
    status, _, err = run("submit", "parity", mine(3), "--yes", "--force")
    assert (status, spent(site)) == (0, 2)
    assert "as ref 1002." in err


def test_bytes_that_another_machine_sent_are_found_on_the_server(run, site, ready, mine, workspace):
    run("submit", "parity", mine(3), "--yes")
    ledger.path("parity").unlink()
    status, out, _ = run("submit", "parity", mine(3), "--yes", "--json")
    assert (status, spent(site)) == (0, 1)
    assert (json.loads(out)["ref"], json.loads(out)["sent"]) == (1001, False)


def test_a_kill_after_the_server_acted_spends_nothing_more(run, site, ready, mine, monkeypatch):
    ask = client.Client.ask

    def killed(self, what, method, /, **fields):
        answer = ask(self, what, method, **fields)
        if method == "competitions.create_submission":
            raise Killed
        return answer

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(client.Client, "ask", killed)
        run("submit", "parity", mine(3), "--yes")
    assert [attempt.state for attempt in _all()] == ["intended"]
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert (status, spent(site)) == (0, 1)
    assert "the submission arrived all the same, as ref 1001." in err


def _all():
    with ledger.locked("parity") as book:
        return book.attempts()


def test_a_lost_answer_of_the_last_time_is_found_and_told(run, site, ready, mine, monkeypatch):
    site.faults.add(Fault("CreateSubmission", "lost"))
    site.faults.add(Fault("ListSubmissions", "status", nth=2, times=0))  # the looks after the loss fail too
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert (status, spent(site)) == (1, 1)
    assert "The answer to the submission was lost" in err
    assert "looks for it first, so that none is spent twice" in err
    site.faults.clear()
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert (status, spent(site)) == (0, 1)
    assert "the submission arrived all the same, as ref 1001." in err


def test_a_server_that_acts_late_is_waited_for_before_another_is_sent(run, site, ready, mine, monkeypatch):
    monkeypatch.setattr(send, "LATEST", 5.0)
    site.faults.add(Fault("CreateSubmission", "delay", seconds=1.5))
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert (status, spent(site)) == (1, 0)
    status, _, err = run("submit", "parity", mine(3), "--yes")
    time.sleep(1.5)
    assert (status, spent(site)) == (0, 1), err


def test_a_kill_while_the_request_is_under_way_is_waited_for_too(run, site, ready, mine, monkeypatch):
    ask = client.Client.ask

    def killed(self, what, method, /, **fields):
        if method == "competitions.create_submission":
            raise Killed
        return ask(self, what, method, **fields)

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(client.Client, "ask", killed)
        run("submit", "parity", mine(3), "--yes")
    assert spent(site) == 0
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert (status, spent(site)) == (0, 1)
    assert "The answer was lost the last time; looking for it" in err


def test_a_server_that_says_it_did_not_act_is_asked_again_at_once(run, site, ready, mine):
    site.faults.add(Fault("CreateSubmission", "status", status=503, times=2))
    assert run("submit", "parity", mine(3), "--yes")[0] == 0
    assert (spent(site), site.steps("CreateSubmission")) == (1, 3)


def test_two_processes_that_send_the_same_file_spend_one(site, ready, mine, workspace):
    site.faults.add(Fault("StartSubmissionUpload", "delay", seconds=2, times=0))  # both are there before one is through
    words = [sys.executable, "-m", "kit", "submit", "parity", mine(3), "--yes"]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert spent(site) == 1


def test_a_file_that_cannot_be_scored_ends_in_an_error_and_is_recorded(run, site, ready, mine, monkeypatch):
    from kit.kaggle import submit
    from kit.task import submission

    # The server is stricter than the check: a file that gets past it must still end in an error.
    monkeypatch.setattr(submission, "check", lambda form, file, sample: submission.read(form, file))
    path = mine(3)
    Path(path).write_text(Path(path).read_text().replace("205,1", "205,"))
    monkeypatch.setattr(submit, "earlier", lambda *words, **more: {})
    status, _, err = run("submit", "parity", path, "--yes")
    assert status == 1
    assert "kit: The emulator could not score submission 1001: Submission contains null values: column 'odd'" in err
    assert [attempt.state for attempt in _all()] == ["error"]
    status, _, err = run("submit", "parity", path, "--yes")
    assert (status, spent(site)) == (1, 1)


def test_what_a_pull_recorded_stays_in_kaggle_json(run, site, ready):
    run("train", "parity", "--no-plots")
    file = runs.find("parity", "last").folder / "kaggle.json"
    records.write_json(file, {"kernel": {"ref": "me/k", "version": 3}})
    assert run("submit", "parity", "--yes")[0] == 0
    kept = records.read_json(file)
    assert (kept["kernel"], kept["ref"]) == ({"ref": "me/k", "version": 3}, 1001)


def test_a_renamed_file_is_recognised_on_the_server(run, site, ready, mine):
    run("submit", "parity", mine(3), "--yes", "--message", "m" * 900)
    assert len(site.store.one("SELECT description FROM submissions")["description"]) == 210
    ledger.path("parity").unlink()
    assert run("submit", "parity", mine(3, "other.csv"), "--yes")[0] == 0
    assert spent(site) == 1


def test_missing_credentials_are_told_before_the_first_training(kit, parity, monkeypatch, tmp_path):
    for name in ("API_ENVIRONMENT", "API_TOKEN", "USERNAME", "KEY", "CONFIG_DIR"):
        monkeypatch.delenv(f"KAGGLE_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    status, _, err = kit("submit", "parity", "--yes")
    assert (status, "There are no Kaggle credentials on this machine." in err) == (1, True)
    assert not runs.every("parity")


def test_no_wait_leaves_the_score_for_later(run, site, ready, mine):
    site.site.grader.hold()
    status, out, _ = run("submit", "parity", mine(3), "--yes", "--no-wait")
    assert (status, out.splitlines()[-1]) == (0, "ref 1001, no score yet")
    site.site.grader.release()
    status, out, _ = run("submit", "parity", mine(3), "--yes")
    assert (status, "public score" in out, spent(site)) == (0, True, 1)


def test_a_pending_submission_is_waited_for(run, site, ready, mine):
    site.site.grader.hold()
    threading.Timer(0.6, site.site.grader.release).start()
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert status == 0
    assert "Submission 1001 · pending\n" in err
    assert "Submission 1001 · complete\n" in err


def test_when_none_is_left_today_nothing_is_uploaded(run, site, ready, mine):
    for wrong in range(5):
        assert run("submit", "parity", mine(wrong), "--yes")[0] == 0
    status, _, err = run("submit", "parity", mine(9), "--yes")
    assert (status, spent(site), site.steps("Upload")) == (1, 5, 5)
    assert "kit: No submission is left: today's 5 are used." in err
    site.clock.advance(days=1)
    assert run("submit", "parity", mine(9), "--yes")[0] == 0


def test_the_servers_own_refusal_is_told_and_does_not_count_as_sent(run, site, ready, mine):
    site.faults.add(Fault("CreateSubmission", "status", status=400, message="The competition deadline has passed."))
    status, _, err = run("submit", "parity", mine(3), "--yes")
    assert (status, spent(site)) == (1, 0)
    assert "kit: Submitting: the emulator refuses (400): The competition deadline has passed." in err
    assert [attempt.state for attempt in _all()] == ["refused"]


def test_without_a_terminal_and_without_yes_nothing_is_sent(run, site, ready, mine):
    status, _, err = run("submit", "parity", mine(3))
    assert (status, spent(site)) == (1, 0)
    assert "Nothing was sent: there is no terminal to ask on." in err


@pytest.mark.parametrize(("said", "sent"), [("y\n", 1), ("\n", 0), ("no\n", 0)])
def test_on_a_terminal_it_asks(run, site, ready, mine, monkeypatch, said, sent):
    import io

    from kit.cli import asking

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(said))
    monkeypatch.setattr(asking, "terminal", lambda: True)
    status, _, err = run("submit", "parity", mine(3))
    assert (status, spent(site)) == (0, sent)
    assert "Send it to the emulator as tester? [y/N]" in err


def test_the_card_shows_what_changes_against_the_last_and_the_best(run, site, ready, mine):
    run("submit", "parity", mine(2), "--yes")
    run("submit", "parity", mine(8), "--yes")
    _, out, _ = run("submit", "parity", mine(3), "--dry-run")
    assert "against last  mine.csv (ref 1002, public" in out
    assert "5 of 20 labels differ, 25.00%" in out
    assert "against best  mine.csv (ref 1001, public" in out
    assert "1 of 20 labels differ, 5.00% (0→1 1); accuracy over all rows moves by at most 0.05000" in out
    facts = json.loads(run("submit", "parity", mine(3), "--dry-run", "--json")[1])["against"]
    assert {word: (facts[word]["ref"], facts[word]["rows_changed"]) for word in facts} == {
        "last": (1002, 5),
        "best": (1001, 1),
    }


def test_a_message_of_ones_own_is_sent_with_the_mark(run, site, ready, mine):
    run("submit", "parity", mine(3), "--yes", "--message", "by hand")
    assert site.store.one("SELECT description FROM submissions")["description"].startswith("by hand #")


def test_the_sample_is_never_sent_to_the_real_kaggle(kit, parity, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
    status, _, err = kit("submit", "parity", "--sample", "--yes")
    assert status == 1
    assert "kit: Kaggle cannot score a submission for the embedded sample" in err
    assert not runs.every("parity")


def test_the_sample_can_be_sent_to_an_emulator_that_hosts_it(kit, swift, quick, monkeypatch):
    from kit.emulator.local import running

    kit("download", "parity", "--sample")
    with running(sample=True) as site:
        for name, value in site.env.items():
            monkeypatch.setenv(name, value)
        status, out, _ = kit("submit", "parity", "--sample", "--yes")
    assert (status, "public score   1.00000" in out) == (0, True)


def test_a_competition_that_is_not_on_kaggle_is_not_sent_there(monkeypatch, parity):
    from kit.errors import KitError
    from kit.task import catalog
    from kit.task.sources import Web

    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
    entry = catalog.find("parity")
    object.__setattr__(entry.competition, "source", Web({}, "http://example.org"))
    with pytest.raises(KitError, match="parity is not a competition on Kaggle"):
        send.slug(entry)


def test_a_dry_run_imports_nothing_heavy_and_is_quick(workspace, parity, kit, tmp_path):
    kit("download", "parity", "--sample")
    public = workspace / "data" / "parity-sample" / "public"
    ids = range(28_000)
    (public / "sample_submission.csv").write_text("id,odd\n" + "".join(f"{n},0\n" for n in ids))
    (workspace / "mine.csv").write_text("id,odd\n" + "".join(f"{n},{n % 2}\n" for n in ids))
    code = (
        "import sys\nfrom kit.cli import main\n"
        f"assert main(['submit', 'parity', {str(workspace / 'mine.csv')!r}, '--sample', '--dry-run']) == 0\n"
        "print([name for name in ('kaggle', 'kagglesdk', 'requests', 'pandas', 'tensorflow', 'keras', 'sklearn')"
        " if name in sys.modules])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Time of the processor, since the clock on the wall would measure what else the machine does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5
