"""The verbs `kit emulator serve`, `env` and `accept`, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.emulator import titanic


@pytest.fixture
def words(workspace: Path) -> list[str]:
    """The command that serves the small Titanic, with its state in the workspace."""
    titanic.write(workspace / "mine")
    return ["serve", "--competitions", str(workspace / "mine")]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"KIT_HOME": str(folder)}
    command = [sys.executable, "-m", "kit", "emulator", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder
    )


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    process = start(folder, *words)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = start(folder, *words)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip().removeprefix("Kaggle on loopback: ")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def status(url: str, token: str) -> int:
    path = f"{url}/api/v1/competitions.CompetitionApiService/ListDataFiles"
    request = urllib.request.Request(
        path,
        json.dumps({"competitionName": "titanic"}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_serve_env_and_accept_work_together(workspace: Path, words: list[str]) -> None:
    with serving(workspace, *words) as (_, url):
        code, printed, _ = run(workspace, "env", "--json")
        variables = json.loads(printed)
        assert code == 0
        assert (variables["http_proxy"], variables["KAGGLE_USERNAME"]) == (url, "kit")
        shell = run(workspace, "env", "--user", "rival")[1].splitlines()
        assert f"export http_proxy={url}" in shell
        assert "export KAGGLE_USERNAME=rival" in shell
        assert status(url, variables["KAGGLE_API_TOKEN"]) == 403
        code, said, _ = run(workspace, "accept", "titanic")
        assert (code, said) == (0, "kit has accepted the rules of titanic.\n")
        assert status(url, variables["KAGGLE_API_TOKEN"]) == 200
    code, printed, said = run(workspace, "env")
    assert (code, printed) == (1, "")
    assert said.startswith("kit: No emulator runs on ")


def test_faults_come_from_a_file_and_rules_can_be_accepted_at_the_start(workspace: Path, words: list[str]) -> None:
    (workspace / "faults.json").write_text('[{"at": "ListDataFiles", "kind": "status", "status": 429}]')
    with serving(workspace, *words, "--faults", "faults.json", "--accept") as (process, url):
        token = json.loads(run(workspace, "env", "--json")[1])["KAGGLE_API_TOKEN"]
        assert [status(url, token), status(url, token)] == [429, 200]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert token not in process.stderr.read()


def test_with_nothing_to_host_the_cure_is_named(workspace: Path) -> None:
    code, _, said = run(workspace, "serve", "--sample")
    assert code == 1
    assert said.startswith("kit: There is no prepared sample to host.")
    assert "kit download" in said


def test_a_competition_is_served_as_code_and_who_cannot_submit_is_told(words: list[str], workspace: Path) -> None:
    code, _, err = run(workspace, *words, "--code", "titanik")
    assert code == 1
    assert "titanik is not hosted." in err and "Try: kit emulator serve --code titanic" in err
    with serving(workspace, *words, "--code", "titanic") as (process, url):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as reply:
            assert b"code competition" in reply.read()
        assert process.stderr is not None
        notes = [process.stderr.readline() for _ in range(2)]
    assert notes[1] == "Code competitions: titanic. Nobody can submit to them without --run-kernels.\n"
