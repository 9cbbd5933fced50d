"""What strangers' notebooks can do to the emulator: nothing leaves the host, and nothing holds it up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.emulator.local import Emulator
from kit.sandbox import kernel, walls
from kit.sandbox.limits import Limits
from tests.emulator import titanic
from tests.emulator.conftest import Caller
from tests.sandbox.conftest import living

boxed = pytest.mark.usefixtures("namespaces")

SECRET = "of the host"

WAIT = """
import os, time
def wait(word):
    while not os.path.exists("/kaggle/input/competitions/titanic/" + word):
        time.sleep(0.01)
"""

LIMITS = Limits(seconds=0, disk=64 << 20, files=500, memory=400 << 20, processes=30, log=1 << 20, line=16 << 10)


class Attacker(Caller):
    """A user of an emulator that runs notebooks, who pushes scripts and hears when they are told to go on."""

    def push(self, text: str, **more: Any) -> None:
        told = {"slug": "tester/my-kernel", "newTitle": "my kernel", "language": "python", "kernelType": "script"}
        pushed = self("SaveKernel", **{**told, "text": text, "competitionDataSources": ["titanic"], **more}).json
        assert "error" not in pushed

    def go(self, word: str) -> None:
        """Show the notebook a file of that name: inputs are the folders themselves, not copies."""
        (self.emulator.site.hosted["titanic"].files / word).touch()

    def output(self) -> Any:
        return self("ListKernelSessionOutput", userName="tester", kernelSlug="my-kernel").json

    def printed(self, word: str) -> None:
        """Wait until the notebook has printed a word."""
        session = self.emulator.site.sessions.all()[0]
        until = time.monotonic() + 20
        while not any(word in entry["data"] for entry in self.emulator.site.sessions.entries(session)):
            assert time.monotonic() < until, f"{word} was not printed"
            time.sleep(0.02)

    def failure(self) -> str:
        self.emulator.settle()
        return str(self("GetKernelSessionStatus", userName="tester", kernelSlug="my-kernel").json["failureMessage"])


@pytest.fixture
def attacker(start: Callable[..., Emulator]) -> Attacker:
    emulator = start({"kernels": "sandbox", "limits": LIMITS})
    return Attacker(emulator, emulator.user.token)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the host that the server can read."""
    file = tmp_path / "secret" / "out.txt"
    file.parent.mkdir()
    file.write_text(SECRET)
    return file


@boxed
@pytest.mark.parametrize("swap", ["file", "folder"])
def test_a_file_that_becomes_a_link_after_its_address_was_asked_for_is_not_handed_out(attacker, secret, swap):
    swaps = {
        "file": f"os.remove('deep/out.txt'); os.symlink({str(secret)!r}, 'deep/out.txt')",
        "folder": f"os.rename('deep', 'was'); os.symlink({str(secret.parent)!r}, 'deep')",
    }
    code = f"""{WAIT}
os.mkdir("deep")
open("deep/out.txt", "w").write("mine")
print("written", flush=True)
wait("swap")
{swaps[swap]}
print("swapped", flush=True)
wait("end")
"""
    attacker.push(code)
    attacker.printed("written")
    (listed,) = attacker.output()["files"]
    assert listed["fileName"] == "deep/out.txt"
    assert attacker.http("GET", listed["url"]).body == b"mine"
    attacker.go("swap")
    attacker.printed("swapped")
    for over in (False, True):
        answer = attacker.http("GET", listed["url"])
        assert (answer.status, answer.reason) == (404, "NoSuchKey")
        assert attacker.http("HEAD", listed["url"]).status == 404
        assert SECRET not in json.dumps(attacker.output())
        assert "deep/out.txt" not in [file["fileName"] for file in attacker.output()["files"]]
        if not over:
            attacker.go("end")
            attacker.emulator.settle()


@boxed
def test_links_and_other_strange_files_are_not_listed_not_measured_and_not_submitted(attacker, secret):
    solution = attacker.emulator.site.hosted["titanic"].solution
    code = f"""
import os
os.symlink({str(solution)!r}, "submission.csv")
os.symlink({str(secret)!r}, "link.txt")
os.symlink({str(secret.parent)!r}, "aside")
os.symlink("/etc", "etc")
os.mkfifo("pipe")
open("plain.txt", "w").write("mine")
"""
    attacker.push(code)
    attacker.emulator.settle()
    asked = {"userName": "tester", "kernelSlug": "my-kernel"}
    assert [file["name"] for file in attacker("ListKernelFiles", **asked).json["files"]] == ["plain.txt"]
    assert [file["fileName"] for file in attacker.output()["files"]] == ["plain.txt"]
    by_name = {"ownerSlug": "tester", "kernelSlug": "my-kernel"}
    for name in ("link.txt", "submission.csv", "aside/out.txt", "etc/passwd", "pipe", "../source", "/etc/passwd"):
        assert attacker("DownloadKernelOutput", **by_name, filePath=name).status == 404, name
        sent = {"competitionName": "titanic", "kernelOwner": "tester", "kernelSlug": "my-kernel", "kernelVersion": 1}
        assert attacker("CreateCodeSubmission", **sent, fileName=name).status == 400, name


@boxed
def test_an_output_that_grows_and_shrinks_while_it_is_fetched_ends_in_no_error_of_the_server(attacker):
    code = f"""{WAIT}
print("written", flush=True)
while not os.path.exists("/kaggle/input/competitions/titanic/end"):
    open("out.bin", "wb").write(bytes(4 << 20))
    open("out.bin", "wb").close()
"""
    attacker.push(code)
    attacker.printed("written")
    address = None
    for _ in range(200):
        if files := attacker.output()["files"]:
            address = files[0]["url"]
            break
    assert address
    for _ in range(40):
        try:
            assert attacker.http("GET", address).status in (200, 404)
        except Exception as error:  # cut short, which a client notices
            assert type(error).__name__ == "IncompleteRead"
    attacker.go("end")
    assert attacker.failure() == ""


@boxed
def test_a_line_without_an_end_takes_neither_memory_nor_disk_of_the_server(attacker):
    before = resident()
    attacker.push("import sys\nfor n in range(300):\n    sys.stdout.write('\\0' * (1 << 20))")
    assert attacker.failure() == ""
    assert resident() - before < 60 << 20
    session = attacker.emulator.site.sessions.all()[0]
    assert session.log.stat().st_size < 8 << 20  # a NUL takes six characters in JSON
    entries = json.loads(attacker.output()["log"])
    assert max(len(entry["data"]) for entry in entries) <= LIMITS.line
    assert "characters are left out here" in entries[-2]["data"]


@boxed
@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (
            "import os, time\nfor n in range(99):\n    if not os.fork():\n        time.sleep(60)\ntime.sleep(60)",
            "processes",
        ),
        ("x = bytearray(900 << 20)\nimport time\ntime.sleep(60)", "bytes of memory, and 419,430,400 are allowed"),
        ("for n in range(900):\n    open(str(n), 'w').close()", "files, and 500 are allowed"),
        ("for n in range(99):\n    open(str(n), 'wb').write(bytes(1 << 20))", "bytes, and 67,108,864 are allowed"),
    ],
)
def test_processes_memory_files_and_disk_have_limits(attacker, code, failure):
    attacker.push(code)
    said = attacker.failure()
    assert (said.startswith("Your notebook was stopped: it ") and said.endswith(failure + ".")) or failure in said
    assert living(Path(attacker.emulator.site.sessions.all()[0].folder)) == []


@boxed
def test_the_executed_notebook_is_kept_beside_the_outputs_and_not_among_them(attacker):
    cells = [{"cell_type": "code", "source": "from IPython.display import HTML\nHTML('<b>bold</b>')"}]
    attacker.push(json.dumps({"cells": cells}), kernelType="notebook")
    assert attacker.failure() == ""
    session = attacker.emulator.site.sessions.all()[0]
    executed = json.loads((Path(session.folder) / kernel.EXECUTED).read_text())
    assert executed["cells"][0]["outputs"][0]["data"]["text/html"] == ["<b>bold</b>"]
    assert attacker.output()["files"] == []


SERVER = """
import sys, time
from pathlib import Path
from kit.emulator import described, local
from kit.sandbox.limits import Limits
root, state = map(Path, sys.argv[1:])
with local.opened(state, described.user_made(root), user="tester", kernels="sandbox") as emulator:
    emulator.accept("titanic")
    print(emulator.url, emulator.user.token, flush=True)
    time.sleep(600)
"""


@boxed
def test_notebooks_die_with_a_server_that_is_killed_and_the_next_one_says_so(start, tmp_path):
    root, state = tmp_path / "hosted", tmp_path / "state"
    titanic.write(root)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(root), str(state)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url, token = server.stdout.readline().split()
        told = {"slug": "tester/my-kernel", "newTitle": "my kernel", "language": "python", "kernelType": "script"}
        body = json.dumps({**told, "text": "print('running', flush=True)\nimport time\ntime.sleep(600)"}).encode()
        request = urllib.request.Request(
            f"{url}/api/v1/kernels.KernelsApiService/SaveKernel", body, {"Authorization": f"Bearer {token}"}
        )
        urllib.request.urlopen(request, timeout=20).close()
        folder = state / "sessions" / "tester" / "my-kernel" / "1"
        until = time.monotonic() + 20
        while "running" not in (folder / "log.jsonl").read_text() and time.monotonic() < until:
            time.sleep(0.05)
        before = living(folder)
        server.send_signal(signal.SIGKILL)
    assert len(before) >= 3
    until = time.monotonic() + 10
    while living(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert living(folder) == []
    assert (folder / "log.jsonl").exists()  # what a session left stays
    emulator = start({"kernels": "sandbox", "state": state})
    session = emulator.site.sessions.find("tester", "my-kernel", 1)
    assert (session.status, session.failure) == ("ERROR", "The emulator was stopped while this session ran.")


def resident() -> int:
    """The memory of this process, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


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
