"""The official client, unmodified, in a process of its own: what a user would run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.emulator.faults import Fault
from kit.emulator.local import Emulator
from tests.emulator import titanic

BEGIN = """
import json, sys, time
from kaggle.api.kaggle_api_extended import KaggleApi
api = KaggleApi()
api.authenticate()
seen = {}
"""
END = "print('SEEN' + json.dumps(seen, default=str))"


def python(emulator: Emulator, folder: Path, code: str) -> dict[str, Any]:
    """Run code with the client's API; what it put into `seen`."""
    done = run(emulator, folder, sys.executable, "-c", f"{BEGIN}\n{code}\n{END}")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.rpartition("SEEN")[2]))


def run(emulator: Emulator, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.upper().startswith("KAGGLE_")}
    return subprocess.run(
        words, cwd=folder, env=env | emulator.env, capture_output=True, text=True, timeout=120, check=False
    )


def test_download_submit_score_limits_and_leaderboard(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(titanic.right_but(21))
    (tmp_path / "bad.csv").write_text(titanic.submission([1, 0]))
    seen = python(
        emulator,
        tmp_path,
        """
api.competition_download_files("titanic", path="data")
api.competition_download_file("titanic", "test.csv", path="data")
sent = [api.competition_submit(name, "from the client", "titanic") for name in ("mine.csv", "bad.csv")]
seen["message"] = sent[0].message
for _ in range(50):
    mine = api.competition_submissions("titanic")
    if not any(one.status.name == "PENDING" for one in mine):
        break
    time.sleep(0.1)
seen["mine"] = [[one.ref, one.status.name, one.public_score, one.error_description] for one in mine]
seen["refs"] = [one.ref for one in sent]
limits = api.competition_get_submission_limits("titanic")
seen["limits"] = [limits.num_today, limits.num_allowed_now]
seen["board"] = [[one.team_name, one.score] for one in api.competition_leaderboard_view("titanic")]
api.competition_leaderboard_download("titanic", "board")
seen["who"] = api.config_values["username"]
""",
    )
    first, second = seen["refs"]
    assert seen["message"] == "Successfully submitted to Titanic"
    assert seen["mine"] == [
        [second, "ERROR", "", "Submission must have 418 rows"],
        [first, "COMPLETE", "0.89952", ""],
    ]
    assert seen["limits"] == [1, 4]
    assert seen["board"] == [
        ["ahead", "0.99000"],
        ["tester", "0.89952"],
        ["Host Benchmark", "0.50000"],
        ["behind", "0.10000"],
    ]
    assert seen["who"] == "tester"
    assert (tmp_path / "data" / "test.csv").read_text().startswith("PassengerId,Age\n892,30\n")
    with zipfile.ZipFile(tmp_path / "data" / "titanic.zip") as archive:
        assert archive.namelist() == ["sample_submission.csv", "test.csv", "train.csv"]
    with zipfile.ZipFile(tmp_path / "board" / "titanic.zip") as archive:
        assert archive.read(archive.namelist()[0]).startswith(b"\xef\xbb\xbfRank,TeamId,")


def test_rules_credentials_and_limits_are_refused_by_name(start: Callable[..., Emulator], tmp_path: Path) -> None:
    emulator = start({"accepted": False}, daily=1)
    (tmp_path / "mine.csv").write_text(titanic.right_but(0))
    code = """
def reason(call):
    try:
        call()
    except Exception as error:
        return [error.response.status_code, error.response.json()["error"]["message"]]
seen["rules"] = reason(lambda: api.competition_list_files("titanic"))
seen["typo"] = reason(lambda: api.competition_list_files("titanik"))
"""
    seen = python(emulator, tmp_path, code)
    assert seen["rules"] == [
        403,
        "You must accept this competition's rules before you'll be able to download files.",
    ]
    assert seen["typo"] == [403, "Permission 'competitions.get' was denied"]
    emulator.accept("titanic")
    kaggle = str(Path(sys.executable).parent / "kaggle")
    words = (kaggle, "competitions", "submit", "titanic", "-f", "mine.csv", "-m", "one")
    assert "Successfully submitted to Titanic" in run(emulator, tmp_path, *words).stdout
    refused = run(emulator, tmp_path, *words)
    assert refused.returncode == 1
    assert "400" in refused.stderr
    assert emulator.steps("CreateSubmission") == 2


def test_a_cut_download_ends_whole_and_a_lost_answer_was_an_upload(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(titanic.right_but(0))
    emulator.faults.add(Fault("Storage", "cut", bytes=1000, times=2))
    emulator.faults.add(Fault("CreateSubmission", "lost"))
    seen = python(
        emulator,
        tmp_path,
        """
api.competition_download_file("titanic", "test.csv", path="data")
try:
    api.competition_submit("mine.csv", "lost", "titanic")
except Exception as error:
    seen["error"] = type(error).__name__
""",
    )
    public = emulator.site.hosted["titanic"].files
    assert (tmp_path / "data" / "test.csv").read_bytes() == (public / "test.csv").read_bytes()
    assert seen["error"] in ("ConnectionError", "ProxyError")
    emulator.settle()
    rows = emulator.store.all("SELECT status, description FROM submissions")
    assert [tuple(row) for row in rows] == [("COMPLETE", "lost")]


@pytest.mark.usefixtures("namespaces")
def test_push_follow_and_fetch_a_notebook_and_submit_its_output(start: Callable[..., Emulator], tmp_path: Path) -> None:
    emulator = start({"kernels": "sandbox"})
    folder = tmp_path / "kernel"
    folder.mkdir()
    (folder / "code.py").write_text(
        "import shutil\nprint('at work')\n"
        "shutil.copy('/kaggle/input/competitions/titanic/sample_submission.csv', 'submission.csv')\n"
    )
    told = {
        "id": "tester/my-kernel",
        "title": "my kernel",
        "code_file": "code.py",
        "language": "python",
        "kernel_type": "script",
        "enable_internet": False,
        "competition_sources": ["titanic"],
    }
    (folder / "kernel-metadata.json").write_text(json.dumps(told))
    seen = python(
        emulator,
        tmp_path,
        """
pushed = api.kernels_push("kernel", timeout="600")
seen["version"] = pushed.version_number
seen["log"] = [event["data"] for event in api.kernels_logs_stream("tester/my-kernel")]
for _ in range(50):
    state = api.kernels_status("tester/my-kernel")
    if state.status.name not in ("QUEUED", "RUNNING"):
        break
    time.sleep(0.1)
seen["status"] = state.status.name
seen["files"], _ = api.kernels_output("tester/my-kernel", "out")
api.competition_submit_code("submission.csv", "code", "titanic", "tester/my-kernel", 1)
seen["pulled"] = api.kernels_pull("tester/my-kernel", "pulled", metadata=True)
""",
    )
    assert seen["version"] == 1
    assert seen["log"] == ["at work\n"]
    assert seen["status"] == "COMPLETE"
    assert (tmp_path / "out" / "submission.csv").read_text() == titanic.submission([0] * 418)
    assert (tmp_path / "pulled" / "my-kernel.py").read_text() == (folder / "code.py").read_text()
    emulator.settle()
    rows = emulator.store.all("SELECT status, public, description FROM submissions")
    assert [tuple(row) for row in rows] == [("COMPLETE", "0.50239", "code")]


def test_datasets_are_uploaded_resumed_and_downloaded(emulator: Emulator, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    content = os.urandom(300_000)
    (folder / "numbers.bin").write_bytes(content)
    told = {"id": "tester/my-numbers", "title": "My numbers", "licenses": [{"name": "CC0-1.0"}]}
    (folder / "dataset-metadata.json").write_text(json.dumps(told))
    emulator.faults.add(Fault("Upload", "upload", bytes=100_000))
    seen = python(
        emulator,
        tmp_path,
        """
made = api.dataset_create_new("data")
seen["made"] = [made.status, made.error]
seen["status"] = api.dataset_status("tester/my-numbers")
api.dataset_download_files("tester/my-numbers", path="back", unzip=True)
""",
    )
    assert seen == {"made": ["ok", ""], "status": "ready"}
    assert (tmp_path / "back" / "numbers.bin").read_bytes() == content
    assert [step for step, _ in emulator.faults.struck] == ["Upload"]
    assert emulator.steps("StartBlobUpload") == 1  # resumed, not begun anew


def test_nothing_that_the_client_prints_holds_a_credential(emulator: Emulator, tmp_path: Path) -> None:
    kaggle = str(Path(sys.executable).parent / "kaggle")
    for words in (("competitions", "files", "titanic"), ("competitions", "files", "titanik"), ("config", "view")):
        done = run(emulator, tmp_path, kaggle, *words)
        for secret in (emulator.user.key, emulator.user.token):
            assert secret not in done.stdout + done.stderr
