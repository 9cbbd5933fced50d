"""A kernel to the emulator and its run back, with all that can go wrong on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.emulator.faults import Fault
from kit.emulator.local import Emulator
from kit.errors import KitError
from kit.kaggle import client, transfer
from kit.kaggle.kernel import accelerators, metadata, notebook, outputs, push, quota, sessions, versions
from kit.kaggle.kernel.versions import Pushed
from kit.task import catalog
from kit.train import provenance, record, runs
from tests.given import recorded
from tests.kaggle.kernel.conftest import boxed

CPU = accelerators.find("cpu")
QUICK = "import os\nopen('/kaggle/working/answer.txt', 'w').write('42')\nprint('done')"


FOLDER = "submissions/parity/20260101-000000-table"
LEFT = record.facts(recorded(runs.Run(Path(FOLDER), record.Plan("parity", "table", "", {})))) | {
    "schema": record.SCHEMA
}
RUN = f"""
import json, os
os.chdir("/kaggle/working")
os.makedirs("{FOLDER}/fold-0")
json.dump({LEFT}, open("{FOLDER}/run.json", "w"))
print("done")
"""
"""A kernel that leaves a run folder, without training."""
LARGE = f"open('{FOLDER}/test.npz', 'wb').write(bytes(70_000))"


def silent(text: str) -> None:
    """A Note that says nothing."""


def book(*code: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "metadata": {}, "source": text} for text in code]})


def described(name: str = "quick-kernel", **changes) -> dict:
    return {
        "id": f"INSERT_USER_HERE/{name}",
        "title": name.replace("-", " "),
        "code_file": notebook.FILE,
        "language": "python",
        "kernel_type": "notebook",
        "enable_internet": False,
        "competition_sources": ["parity"],
        **changes,
    }


def send(text: str = book(QUICK), machine=CPU, **changes) -> Pushed:
    return push.push(client.connect(), text, described(**changes), machine=machine)


def error_of(action, *args, **changes) -> str:
    with pytest.raises(KitError) as error:
        action(*args, **changes)
    return str(error.value)


@boxed
def test_a_recipe_goes_to_kaggle_and_its_run_comes_back_as_if_trained_here(emulator: Emulator, kit, jupyter):
    status, out, err = kit("push", "parity", "table", "--sample", "--seed", "5", "--no-rehearse", "--json")
    assert status == 0, err
    told = json.loads(out)
    assert told["kernel"] | {"at": "", "pulled": "", "sha256": ""} == {
        "ref": "tester/parity-table-sample",
        "version": 1,
        "url": f"{emulator.url}/code/tester/parity-table-sample",
        "accelerator": "cpu",
        "timeout": 32_400,
        "words": "parity table --sample",
        "sha256": "",
        "at": "",
        "pulled": "",
    }
    assert told["where"] == "kaggle"
    pulled = runs.find("parity", "last")
    assert pulled.folder == Path(told["folder"]) and pulled.finished
    recipe, _ = catalog.find("parity").recipe("table")
    assert pulled.plan.code == provenance.code(recipe.files)
    assert kit("train", "parity", "table", "--sample", "--seed", "5", "--no-plots")[0] == 0
    here = runs.every("parity")[1]
    for name in ("submission.csv", "oof.npz", "test.npz", "fold-2/share.npy"):
        assert (pulled.folder / name).read_bytes() == (here.folder / name).read_bytes()
    assert {**vars(pulled.plan)} == {**vars(here.plan)}
    assert kit("kernel", "status", "parity", "table", "--sample")[1] == "tester/parity-table-sample v1: complete\n"
    assert kit("kernel", "pull", "parity", "table", "--sample")[0] == 0
    assert len(runs.every("parity")) == 2


FAILS_THERE = """
    import os
    if os.environ.get("KAGGLE_KERNEL_RUN_TYPE") and fold.number == 1:
        os.kill(os.getpid(), 9)
"""


@boxed
def test_what_a_kernel_finished_before_it_was_ended_is_pulled_and_gone_on_with(emulator: Emulator, kit, parity):
    recipe = (parity / "table.py").read_text()
    (parity / "table.py").write_text(recipe.replace("    random =", f"{FAILS_THERE[1:]}    random =", 1))
    status, _, err = kit("push", "parity", "table", "--sample", "--no-rehearse")
    assert status == 1
    status, out, err = kit("kernel", "pull", "parity", "table", "--sample")
    assert status == 0, err
    begun = runs.find("parity", "last")
    assert out == f"Unfinished run: {begun.folder}\n"
    assert f"Go on with: kit train parity --resume {begun.name}" in err
    assert [begun.done(number) is not None for number in range(3)] == [True, False, False]
    assert kit("train", "parity", "--resume", begun.name, "--no-plots")[0] == 0
    assert kit("train", "parity", "table", "--sample", "--no-plots")[0] == 0
    whole = next(run for run in runs.every("parity") if run.name != begun.name)
    for name in ("submission.csv", "oof.npz", "test.npz"):
        assert (begun.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@boxed
def test_a_failed_kernel_ends_with_its_failure_and_the_end_of_its_log(emulator: Emulator):
    pushed = send(book("print('before')", "1 / 0"))
    lines: list[str] = []
    state = sessions.follow(client.connect(), pushed, echo=lines.append)
    assert state.status == "ERROR" and "before" in lines and "ZeroDivisionError: division by zero" in lines
    said = error_of(sessions.succeeded, client.connect(), pushed, state)
    assert "tester/quick-kernel v1 ended with ERROR. The notebook ended with exit code 1." in said
    assert "| ZeroDivisionError: division by zero" in said


@boxed
@pytest.mark.parametrize("fault", [Fault("LogStream", "lost", bytes=90, times=2), Fault("LogStream", "status")])
def test_a_log_that_breaks_off_is_gone_on_with_and_no_line_is_said_twice(emulator: Emulator, fault):
    pushed = send(book("import time\nfor n in range(8):\n    print('line', n, flush=True)\n    time.sleep(0.1)"))
    emulator.faults.add(fault)
    lines: list[str] = []
    assert sessions.follow(client.connect(), pushed, echo=lines.append).status == "COMPLETE"
    assert [line for line in lines if not line.startswith("[")] == [f"line {n}" for n in range(8)]


@boxed
def test_a_status_that_cannot_be_asked_for_is_waited_out(emulator: Emulator, monkeypatch):
    monkeypatch.setattr(sessions, "PATIENCE", 60.0)  # half a second is over before the retries on a busy machine
    pushed = send(book("import time\ntime.sleep(1)\nprint('end')"))
    emulator.faults.add(Fault("GetKernelSessionStatus", "status", times=client.ATTEMPTS + 1))
    emulator.faults.add(Fault("LogStream", "cut", times=0))
    lines: list[str] = []
    assert sessions.follow(client.connect(), pushed, echo=lines.append).status == "COMPLETE"
    assert "The kernel runs on" in lines[0] and lines[-1] == "end"


@boxed
def test_an_older_version_is_asked_for_by_its_own_label(emulator: Emulator):
    first = send(book("print('one')"))
    emulator.settle()
    second = send(book("print('two')"))
    emulator.settle()
    assert (first.version, second.version) == (1, 2)
    assert sessions.log(client.connect(), first) == ["one"]
    assert sessions.log(client.connect(), second) == ["two"]
    lines: list[str] = []
    sessions.follow(client.connect(), first, echo=lines.append)
    assert lines == ["one"]


@boxed
def test_every_page_of_the_output_is_fetched(emulator: Emulator, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "PAGE", 3)
    write = f"for n in range(8):\n    open(f'{FOLDER}/fold-0/{{n}}.txt', 'w').write(str(n))"
    pushed = send(book(RUN, write))
    emulator.settle()
    run = outputs.land(client.connect(), pushed, "parity")
    assert [(run.folder / "fold-0" / f"{n}.txt").read_text() for n in range(8)] == [str(n) for n in range(8)]
    assert emulator.steps("ListKernelSessionOutput") == 3


@boxed
def test_a_kernel_that_left_no_run_lands_nothing(emulator: Emulator):
    pushed = send()
    emulator.settle()
    assert "left no finished run of parity" in error_of(outputs.land, client.connect(), pushed, "parity")
    assert runs.every("parity") == []


def test_a_source_that_kaggle_does_not_know_fails_the_push(emulator: Emulator):
    said = error_of(send, dataset_sources=["nobody/nothing"], competition_sources=["parity", "unknown"])
    assert "took tester/quick-kernel as version 1 without what it does not know" in said
    assert "CompetitionSources: unknown; DatasetSources: nobody/nothing" in said or (
        "DatasetSources: nobody/nothing; CompetitionSources: unknown" in said
    )


def test_an_unknown_model_fails_the_push_although_the_official_client_says_nothing(emulator: Emulator):
    assert "ModelSources: keras/bert/keras/none/1" in error_of(send, model_sources=["keras/bert/keras/none/1"])


def test_a_title_that_is_taken_is_explained(emulator: Emulator):
    send()
    emulator.settle()
    another = described() | {"id": "tester/another-kernel"}
    said = error_of(push.push, client.connect(), book(QUICK), another, machine=CPU)
    assert "The requested title" in said and "change both" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "Your notebook is too large"}, "refuses tester/a-b-c: Your notebook is too large"),
        ({"ref": "/code/tester/a-b-c"}, "without a version number"),
        ({"ref": "/code/tester/other", "versionNumber": 1}, "saved tester/a-b-c as tester/other"),
        ({"versionNumber": 1, "invalidTags": ["x"]}, "Tags: x"),
    ],
)
def test_an_answer_that_is_not_wholly_well_fails_the_push(answer, said):
    assert said in error_of(push._checked, answer, "tester/a-b-c")


def test_a_full_house_is_told_apart():
    with pytest.raises(push.Full):
        push._checked({"error": "Maximum batch GPU session count of 2 reached."}, "tester/a-b-c")


def test_the_weekly_quota_is_shown_before_a_push_to_a_gpu_and_not_to_a_processor(emulator: Emulator, told):
    emulator.store.put("quota", "tester/gpu", {"seconds": 5400.0})
    quota.show(client.connect(), CPU)
    assert told == []
    quota.show(client.connect(), accelerators.find("t4"))
    assert told[0].startswith("GPU quota: 1.5 of 30 h used this week, 28.5 h left until Saturday")


def test_a_push_without_quota_is_refused_before_it_is_sent(emulator: Emulator):
    emulator.store.put("quota", "tester/gpu", {"seconds": 30 * 3600.0})
    assert "No GPU time is left this week" in error_of(send, machine=accelerators.find("t4"))
    assert emulator.steps("SaveKernel") == 0


def test_a_stale_notebook_is_not_pushed(emulator: Emulator, parity, kit):
    assert kit("kernel", "build", "parity", "table", "--sample")[0] == 0
    (parity / "table.py").write_text((parity / "table.py").read_text() + "# changed\n")
    status, _, err = kit("kernel", "push", "parity", "table", "--sample")
    assert status == 1
    assert "kernel.ipynb is stale" in err and "Try: kit kernel build parity table --sample" in err
    assert emulator.steps("SaveKernel") == 0


def test_an_error_names_the_words_that_were_typed(emulator: Emulator, kit):
    assert "Try: kit kernel build parity table --sample\n" in kit("kernel", "push", "parity", "table", "--sample")[2]
    assert kit("kernel", "build", "parity", "table")[0] == 0
    status, _, err = kit("kernel", "status", "parity", "table")
    assert (status, "Try: kit kernel push parity table\n" in err) == (1, True)


def test_metadata_is_written_once_and_then_the_user_s(workspace, parity, kit):
    assert kit("kernel", "build", "parity", "table")[0] == 0
    file = workspace / "kernels" / "parity-table" / metadata.FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"keywords": ["odd"]}))
    assert kit("kernel", "build", "parity", "table", "--accelerator", "t4")[0] == 0
    written = json.loads(file.read_text())
    assert (written["keywords"], written["machine_shape"], written["enable_gpu"]) == (["odd"], "NvidiaTeslaT4", True)


STEPS = ("GetKernel", "SaveKernel", "GetKernelSessionStatus", "ListKernelSessionOutput", "Storage", "LogStream")
FAULTS = [
    Fault(step, kind, **more)
    for step in STEPS
    for kind, more in (
        ("status", {}),
        ("status", {"status": 403, "message": "Permission 'kernels.get' was denied"}),
        ("status", {"status": 429, "retry_after": 0.01}),
        ("status", {"times": 0}),
        ("cut", {}),
        ("lost", {"bytes": 5}),
    )
]
FAULTS += [Fault("*", kind, times=0, seconds=0.05) for kind in ("slow", "delay")]


@boxed
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.at}-{fault.kind}-{fault.status}-{fault.times}")
def test_every_fault_at_every_step_ends_in_the_run_or_in_one_clear_error(
    emulator: Emulator,
    workspace,
    capfd,
    monkeypatch,
    fault,
    told,
):
    monkeypatch.setattr(transfer, "FAILURES", 2)
    connected = client.connect()
    emulator.faults.add(fault)
    said = []
    try:
        pushed = push.push(connected, book(RUN, LARGE), described(), machine=CPU)
        state = sessions.follow(connected, pushed, echo=said.append)
        sessions.succeeded(connected, pushed, state)
        run = outputs.land(connected, pushed, "parity")
        assert (run.folder / "test.npz").stat().st_size == 70_000
    except KitError as error:
        said.append(str(error))
        assert (workspace / "submissions" / "parity").exists() is False
        # A push that was cut off may still arrive, so that it is not made twice.
        assert fault.times == 0 or fault.status == 403 or (fault.at, fault.kind) == ("SaveKernel", "cut")
    assert emulator.faults.struck or fault.at == "LogStream", "the kernel may be over before it is streamed"
    emulator.faults.clear()
    emulator.settle()
    assert versions.newest(connected, "tester/quick-kernel") <= 1, "the quota was spent twice"
    printed = "\n".join([*said, *told, *capfd.readouterr()])
    for secret in (emulator.user.token, emulator.user.key, "/storage/"):
        assert secret not in printed


def test_a_push_whose_answer_was_lost_is_found_again_and_not_repeated(emulator: Emulator, told):
    emulator.faults.add(Fault("SaveKernel", "lost"))
    assert send().version == 1
    assert told == ["The answer was lost, and the push had arrived."]
    assert emulator.steps("SaveKernel") == 1


def test_a_lost_push_that_cannot_be_told_from_an_older_one_is_not_repeated(emulator: Emulator, monkeypatch):
    send()
    emulator.settle()
    monkeypatch.setattr(versions, "newest", lambda connected, ref: 0)
    emulator.faults.add(Fault("SaveKernel", "cut"))

    def unnumbered(call):
        return {"metadata": {"ref": "tester/quick-kernel"}, "blob": {"source": book(QUICK)}}

    from kit.emulator import routes

    monkeypatch.setitem(routes.ROUTES, "kernels.KernelsApiService/GetKernel", unnumbered)
    assert "does not say which version it has" in error_of(send)
    assert emulator.steps("SaveKernel") == 2


def test_a_push_that_never_arrived_says_so(emulator: Emulator):
    emulator.faults.add(Fault("SaveKernel", "cut", times=0))
    said = error_of(send)
    assert "Pushing tester/quick-kernel" in said and "It did not arrive so far" in said
    assert versions.newest(client.connect(), "tester/quick-kernel") == 0


@boxed
def test_a_download_that_was_killed_is_gone_on_with_and_lands_whole(emulator: Emulator, workspace, monkeypatch):
    whole = bytes(range(256)) * 4000
    pushed = send(book(RUN, f"open('{FOLDER}/test.npz', 'wb').write(bytes(range(256)) * 4000)"))
    emulator.settle()
    monkeypatch.setattr(transfer, "FAILURES", 1)
    emulator.faults.add(Fault("Storage", "cut", nth=2, bytes=300_000))
    emulator.faults.add(Fault("Storage", "status", nth=3, times=0, status=503))
    error_of(outputs.land, client.connect(), pushed, "parity")
    assert not (workspace / "submissions" / "parity").exists()
    emulator.faults.clear()
    run = outputs.land(client.connect(), pushed, "parity")
    assert (run.folder / "test.npz").read_bytes() == whole
    assert sorted(path.name for path in run.folder.iterdir()) == ["kaggle.json", "run.json", "test.npz"]


@boxed
@pytest.mark.parametrize(("option", "step"), [("--submit", "CreateSubmission"), ("--code", "CreateCodeSubmission")])
def test_a_pulled_run_is_submitted_as_a_file_or_as_code(emulator: Emulator, kit, option, step):
    words = ("push", "parity", "table", "--sample", "--no-rehearse", option)
    status, out, err = kit(*words)
    assert status == 0, err
    assert "public score 1.00000" in err and "accuracy 1.00000 out-of-fold" in out
    run = runs.find("parity", "last")
    assert run.kaggle()["public_score"] == 1.0
    assert run.kaggle()["kernel"]["ref"] == "tester/parity-table-sample"
    assert emulator.steps("CreateSubmission") + emulator.steps("CreateCodeSubmission") == emulator.steps(step) == 1


@boxed
def test_only_a_run_that_a_kernel_left_can_be_submitted_as_code(emulator: Emulator, kit):
    assert kit("train", "parity", "table", "--sample", "--no-plots")[0] == 0
    status, _, err = kit("submit", "parity", "last", "--sample", "--yes", "--code")
    assert status == 1 and "was not left by a kernel" in err
    assert emulator.steps("CreateCodeSubmission") == 0


@boxed
@pytest.mark.parametrize("emulator", ["prepared"], indirect=True)
def test_a_prepared_task_is_published_attached_rehearsed_and_trained_on_kaggle(emulator: Emulator, kit):
    words = ("push", "parity", "table", "--sample")
    status, _, err = kit(*words, "--no-rehearse")
    assert status == 1 and "DatasetSources: tester/kit-parity" in err and "Try: kit publish parity" in err
    emulator.settle()
    assert kit("publish", "parity", "--sample")[0] == 0
    status, out, err = kit(*words)
    assert status == 0, err
    assert "accuracy 1.00000 out-of-fold" in out and "new mounts: two folds" in err
