"""Notebooks: pushed, versioned, run in a sandbox, logged, and submitted."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from kit import limits
from kit.emulator.faults import Fault
from kit.emulator.local import Emulator
from kit.errors import KitError
from kit.kaggle.kernel import accelerators
from kit.sandbox import kernel
from kit.sandbox.limits import Limits
from tests.emulator.conftest import Answer, Caller

Push = Callable[..., Answer]
boxed = pytest.mark.usefixtures("namespaces")


@pytest.fixture
def runner(namespaces: None, start: Callable[..., Emulator]) -> Caller:
    """A user of an emulator that runs notebooks in a sandbox."""
    emulator = start({"kernels": "sandbox", "limits": Limits(seconds=0, disk=4 << 20)})
    return Caller(emulator, emulator.user.token)


def push(call: Caller, text: str = "print(1)", **more: Any) -> Answer:
    told = {"slug": "tester/my-kernel", "newTitle": "my kernel", "language": "python", "kernelType": "script"}
    return call("SaveKernel", **{**told, "text": text, **more})


def log(call: Caller, **more: Any) -> str:
    call.emulator.settle()
    output = call("ListKernelSessionOutput", userName="tester", kernelSlug="my-kernel", **more).json
    return "".join(entry["data"] for entry in json.loads(output["log"] or "[]"))


def status(call: Caller, **more: Any) -> tuple[str, str]:
    told = call("GetKernelSessionStatus", userName="tester", kernelSlug="my-kernel", **more).json
    return told["status"], told["failureMessage"]


@boxed
def test_code_runs_with_its_inputs_and_its_output_is_submitted(runner: Caller) -> None:
    code = """
import shutil, sys
print("working", flush=True)
print("careful", file=sys.stderr)
shutil.copy("/kaggle/input/competitions/titanic/sample_submission.csv", "submission.csv")
"""
    told = push(runner, code, competitionDataSources=["titanic"]).json
    assert (told["ref"], told["versionNumber"]) == ("/code/tester/my-kernel", 1)
    assert not any(told[key] for key in told if key.startswith("invalid"))
    runner.emulator.settle()
    assert status(runner) == ("COMPLETE", "")
    output = runner("ListKernelSessionOutput", userName="tester", kernelSlug="my-kernel").json
    entries = json.loads(output["log"])
    assert {(entry["stream_name"], entry["data"]) for entry in entries} == {
        ("stdout", "working\n"),
        ("stderr", "careful\n"),
    }
    assert all(isinstance(entry["time"], float) for entry in entries)
    assert [file["fileName"] for file in output["files"]] == ["submission.csv"]
    assert runner.http("GET", output["files"][0]["url"]).body.startswith(b"PassengerId,Survived\n")
    asked = {"competitionName": "titanic", "kernelOwner": "tester", "kernelSlug": "my-kernel", "kernelVersion": 1}
    sent = runner("CreateCodeSubmission", **asked, fileName="submission.csv").json
    assert runner.submission(sent["ref"])["publicScore"] == "0.50239"
    assert runner("CreateCodeSubmission", **asked, fileName="other.csv").status == 400
    assert runner("CreateCodeSubmission", **asked, fileName="../source").status == 400
    assert runner("CreateCodeSubmission", **{**asked, "kernelVersion": 2}).status == 403


@boxed
def test_code_sees_no_network_no_credentials_and_no_files_of_the_user(runner: Caller, monkeypatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "secret-of-the-user")
    state, solution = runner.emulator.store.folder, runner.emulator.site.hosted["titanic"].solution
    code = f"""
import os, socket, subprocess
print("secret" in str(os.environ), [name for name in os.environ if "KAGGLE" in name])
for path in ({str(state)!r}, {str(solution)!r}, "/etc/shadow", "/old/etc", "/root/.kaggle", "/home"):
    print(os.path.exists(path))
for path in ("/usr/x", "/kaggle/input/competitions/titanic/x", "/x"):
    try:
        open(path, "w")
    except OSError as error:
        print(error.errno)
for address in (("127.0.0.1", {runner.emulator.server.server_address[1]}), ("1.1.1.1", 80)):
    try:
        socket.create_connection(address, 1)
    except OSError as error:
        print(error.errno)
print(subprocess.run(["sh", "-c", "mount -o remount,rw /usr"], capture_output=True).returncode > 0)
print(open("/proc/self/status").read().count("CapEff:\\t0000000000000000"))
"""
    push(runner, code, competitionDataSources=["titanic"])
    expected = ["False ['KAGGLE_KERNEL_RUN_TYPE']", *["False"] * 6, *["30"] * 3, "111", "101", "True", "1"]
    assert log(runner).splitlines() == expected


@boxed
def test_a_failing_cell_ends_the_run_in_error(runner: Caller) -> None:
    cells = ["%%writefile part.py\nX = 41", "%matplotlib inline\nimport sys; sys.path.insert(0, '.')", "import part"]
    cells += ["!echo from the shell", "print(part.X + 1)", "raise ValueError('broken')", "print('never')"]
    text = json.dumps({"cells": [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]})
    push(runner, text, kernelType="notebook")
    printed = log(runner)
    assert "from the shell" in printed
    assert "42\n" in printed
    assert "ValueError: broken" in printed
    assert "never\n" not in printed
    assert status(runner) == ("ERROR", "The notebook ended with exit code 1.")


@boxed
def test_time_and_disk_have_limits(runner: Caller) -> None:
    push(runner, "import time\ntime.sleep(60)", sessionTimeoutSeconds=1)
    runner.emulator.settle()
    assert status(runner) == ("ERROR", "Your notebook was stopped: it took longer than 1 s.")
    code = "for n in range(10):\n    open(f'{n}', 'wb').write(bytes(1 << 20))\nimport time\ntime.sleep(30)"
    push(runner, code)
    runner.emulator.settle()
    failure = status(runner)[1]
    assert failure.startswith("Your notebook was stopped: it wrote ") and "4,194,304 are allowed" in failure
    push(runner, "open('large', 'wb').write(bytes(5 << 20))")
    assert "File too large" in log(runner)


@boxed
def test_the_log_streams_while_the_code_runs_and_is_an_array_afterwards(runner: Caller) -> None:
    push(runner, "import time\nfor n in range(3):\n    print(n)\n    time.sleep(0.3)")
    headers = {"Authorization": f"Bearer {runner.token}", "Accept": "text/event-stream"}
    connection = http.client.HTTPConnection("127.0.0.1", runner.emulator.server.server_address[1], timeout=20)
    connection.request("GET", "/api/v1/kernels/logs/stream/tester/my-kernel", headers=headers)
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "text/event-stream"
    first, start = response.readline(), time.perf_counter()
    rest = response.read().decode()
    assert json.loads(first.decode().removeprefix("data: "))["data"] == "0\n"
    assert time.perf_counter() - start > 0.4  # the rest came later: it was streamed
    assert rest.rstrip().endswith("data: END_OF_LOG")
    runner.emulator.settle()
    array = runner.http("GET", "/api/v1/kernels/logs/stream/tester/my-kernel", headers=headers)
    assert array.headers["content-type"] != "text/event-stream"
    assert [entry["data"] for entry in array.json] == ["0\n", "1\n", "2\n"]


@boxed
def test_a_log_stream_that_is_cut_can_be_read_again_from_its_start(runner: Caller) -> None:
    push(runner, "import time\nfor n in range(4):\n    print(n)\n    time.sleep(0.3)")
    runner.emulator.faults.add(Fault("LogStream", "cut", bytes=150))
    path, headers = "/api/v1/kernels/logs/stream/tester/my-kernel", {"Authorization": f"Bearer {runner.token}"}
    with pytest.raises(http.client.IncompleteRead) as broken:
        runner.http("GET", path, headers=headers)
    first = broken.value.partial.decode().split("\n\n")[0]
    again = runner.http("GET", path, headers=headers).body.decode()
    assert again.startswith(first)
    assert again.endswith("data: END_OF_LOG\n\n")


@boxed
def test_old_mounts_are_where_kaggle_had_them(start: Callable[..., Emulator]) -> None:
    emulator = start({"kernels": "sandbox", "new_mounts": False})
    call = Caller(emulator, emulator.user.token)
    push(call, "import os\nprint(os.listdir('/kaggle/input'))", competitionDataSources=["titanic"])
    assert log(call) == "['titanic']\n"


@boxed
def test_two_gpu_sessions_run_at_once_and_the_third_is_refused(runner: Caller) -> None:
    for n in (1, 2):
        assert (
            "error"
            not in push(
                runner,
                "import time; time.sleep(5)",
                slug=f"tester/kernel-{n}",
                newTitle=f"kernel {n}",
                machineShape="NvidiaTeslaT4",
            ).json
        )
    refused = push(runner, machineShape="NvidiaTeslaP100").json
    assert refused == {"error": "Maximum batch GPU session count of 2 reached."}
    for session in runner.emulator.site.sessions.all():
        assert runner("CancelKernelSession", kernelSessionId=session.id).status == 200
    runner.emulator.settle()
    assert {session.status for session in runner.emulator.site.sessions.all()} == {"CANCEL_ACKNOWLEDGED"}


def test_an_emulator_that_runs_nothing_says_so(call: Caller) -> None:
    assert push(call).json["versionNumber"] == 1
    told, failure = status(call)
    assert told == "ERROR"
    assert failure == "This emulator does not run notebooks. It does with `kit emulator serve --run-kernels`."


def test_versions_are_asked_for_by_label(call: Caller) -> None:
    for text in ("first", "second"):
        push(call, text)
    asked = {"userName": "tester", "kernelSlug": "my-kernel"}
    assert call("GetKernel", **asked).json["blob"]["source"] == "second"
    assert call("GetKernel", **asked, versionLabel="v1").json["blob"]["source"] == "first"
    assert call("GetKernel", **asked, versionLabel="1").status == 404
    assert call("GetKernel", **asked, versionLabel="v3").status == 404
    assert call("GetKernel", **asked).json["metadata"]["currentVersionNumber"] == 2


def test_private_and_unknown_notebooks_are_denied_alike(call: Caller) -> None:
    push(call)
    other = Caller(call.emulator, call.emulator.store.user("rival").token)
    for name in ("my-kernel", "none"):
        refused = other("GetKernelSessionStatus", userName="tester", kernelSlug=name)
        assert (refused.status, refused.reason) == (403, "Permission 'kernels.get' was denied")
    assert other("ListKernels").json["kernels"] == []
    push(call, isPrivate=False)
    assert other("GetKernelSessionStatus", userName="tester", kernelSlug="my-kernel").status == 200
    assert push(other).status == 403
    assert other("DeleteKernel", userName="tester", kernelSlug="my-kernel").status == 403


def test_what_is_wrong_with_a_push_is_in_the_reply(call: Caller) -> None:
    assert push(call, newTitle="abc").json == {"error": "Notebook title must be at least five characters"}
    assert push(call, language="julia").json == {"error": "Invalid language: julia"}
    sources = {"competitionDataSources": ["none"], "datasetDataSources": ["a/b"], "kernelDataSources": ["a/c"]}
    told = push(call, **sources, modelDataSources=["a/b/c/d/1"]).json
    assert told["invalidCompetitionSources"] == ["none"]
    assert told["invalidDatasetSources"] == ["a/b"]
    assert told["invalidKernelSources"] == ["a/c"]
    assert told["invalidModelSources"] == ["a/b/c/d/1"]
    assert push(call, kernelType="notebook").json == {
        "error": "The type of a notebook cannot be changed after it was created"
    }


def test_a_new_notebook_is_named_by_its_title(call: Caller) -> None:
    assert push(call, slug="tester/other", newTitle="My  Kernel!").json["ref"] == "/code/tester/my-kernel"
    refused = push(call, slug="tester/third", newTitle="my kernel")
    assert refused.status == 409
    assert "is already in use by a notebook" in refused.reason


def test_retired_accelerators_are_silently_replaced(call: Caller) -> None:
    push(call, machineShape="NvidiaTeslaP100")
    assert (
        call("GetKernel", userName="tester", kernelSlug="my-kernel").json["metadata"]["machineShape"] == "NvidiaTeslaT4"
    )


def test_the_weekly_quota_is_counted_and_binds(call: Caller) -> None:
    call.emulator.store.put("quota", "tester/gpu", {"seconds": 30 * 3600})
    quota = call("GetAcceleratorQuotaStatistics").json
    assert quota["gpuQuota"] == {"timeUsed": "108000s", "totalTimeAllowed": "108000s"}
    assert quota["tpuQuota"] == {"timeUsed": "0s", "totalTimeAllowed": "72000s"}
    refused = push(call, enableGpu=True).json
    assert refused == {"error": "Maximum weekly GPU quota of 30.00 hours reached."}
    assert push(call).json["versionNumber"] == 1


def test_kit_and_the_emulator_read_the_same_limits(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.LONGEST, "gpu", 120)
    monkeypatch.setitem(limits.HOURS, "gpu", 0.5)
    machine = accelerators.find("t4")
    assert accelerators.timeout(machine, None) == 120
    with pytest.raises(KitError, match="A timeout of 121 seconds is not possible on t4"):
        accelerators.timeout(machine, 121)
    push(call, machineShape=machine.shape, sessionTimeoutSeconds=9000)
    session = call.emulator.site.sessions.find("tester", "my-kernel", 1)
    assert session is not None and session.seconds == 120
    assert call("GetAcceleratorQuotaStatistics").json["gpuQuota"]["totalTimeAllowed"] == "1800s"
    monkeypatch.setitem(limits.AT_ONCE, "gpu", 0)
    refused = push(call, machineShape=machine.shape).json
    assert refused == {"error": "Maximum batch GPU session count of 0 reached."}


def test_a_quick_save_does_not_run(call: Caller) -> None:
    push(call, kernelExecutionType="QUICK_SAVE")
    assert status(call) == ("NEW_SCRIPT", "")


def test_a_deleted_notebook_is_gone(call: Caller) -> None:
    push(call)
    assert call("DeleteKernel", userName="tester", kernelSlug="my-kernel").status == 200
    assert call("ListKernels").json["kernels"] == []
    assert call("GetKernel", userName="tester", kernelSlug="my-kernel").status == 403


def test_a_name_can_be_used_again_and_nothing_of_before_is_left(call: Caller) -> None:
    push(call)
    session = call.emulator.site.sessions.find("tester", "my-kernel", 1)
    assert session
    (session.working / "old.csv").write_text("1")
    call("DeleteKernel", userName="tester", kernelSlug="my-kernel")
    assert push(call).json["versionNumber"] == 1
    assert call("ListKernelFiles", userName="tester", kernelSlug="my-kernel").json["files"] == []


def test_what_is_no_notebook_is_refused(call: Caller) -> None:
    for text in ("[]", '{"cells": 1}', '{"cells": [1]}', "[" * 100_000):
        with pytest.raises(ValueError, match="not a notebook"):
            kernel.check(text)
    push(call, "no json", kernelType="notebook")
    assert status(call)[1].startswith("The source cannot be run")
