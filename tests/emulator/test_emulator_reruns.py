"""Code competitions: a notebook is run again on hidden files, and nothing but a score or a kind of error is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.data import fetch
from kit.emulator import described, hidden, hosting, outcomes
from kit.emulator.local import Emulator, running
from kit.errors import KitError
from kit.kaggle import client
from kit.sandbox.limits import Limits
from kit.task import catalog
from tests.emulator import titanic
from tests.emulator.conftest import Answer, Caller

boxed = pytest.mark.usefixtures("namespaces")

LIMITS = Limits(seconds=0, disk=48 << 20, memory=400 << 20)

GOOD = """
import csv, os
FOLDER = "/kaggle/input/competitions/titanic/"
AGAIN = os.getenv("KAGGLE_IS_COMPETITION_RERUN")
names = [row[0] for row in list(csv.reader(open(FOLDER + "test.csv")))[1:]]
def answer(wrong=0):
    with open("submission.csv", "w") as file:
        file.write("PassengerId,Survived\\n")
        file.writelines(f"{name},{int(name) % 2 ^ (at < wrong)}\\n" for at, name in enumerate(names))
answer()
"""
"""Right answers for whatever rows are there."""

GONE = "if AGAIN: os.remove('submission.csv')"

HIDDEN = str(titanic.FIRST + titanic.ROWS - 1)
"""An id that stands in the hidden files and nowhere else."""


class Competitor(Caller):
    """A user of an emulator that hosts the small Titanic as a code competition."""

    def push(self, text: str, **more: Any) -> int:
        """Push a script; its version, once it has run on what everybody sees."""
        told = {"slug": "tester/my-kernel", "newTitle": "my kernel", "language": "python", "kernelType": "script"}
        sources = {"competitionDataSources": ["titanic"]}
        pushed = self("SaveKernel", **{**told, **sources, "text": text, **more}).json
        self.emulator.site.sessions.settle()
        return int(pushed["versionNumber"])

    def send(self, version: int, name: str = "submission.csv") -> Answer:
        """Submit a version."""
        asked = {"competitionName": "titanic", "kernelOwner": "tester", "kernelSlug": "my-kernel"}
        return self("CreateCodeSubmission", **asked, kernelVersion=version, fileName=name)

    def result(self, text: str, name: str = "submission.csv") -> Any:
        """The submission that a script makes, once it is scored."""
        return self.submission(self.send(self.push(text), name).json["ref"])

    def rerun(self, text: str) -> Any:
        """The submission that a script makes, once it is scored. It is not run before: the version stands as if."""
        version = self.push(text, kernelExecutionType="QUICK_SAVE")
        session = self.emulator.site.sessions.find("tester", "my-kernel", version)
        assert session is not None
        (session.working / "submission.csv").write_text("PassengerId,Survived\n")
        session.status = "COMPLETE"
        self.emulator.site.sessions.keep(session)
        return self.submission(self.send(version).json["ref"])

    def limits(self) -> Any:
        return self("GetSubmissionLimits", competitionName="titanic").json


@pytest.fixture
def host(tmp_path: Path, start: Callable[..., Emulator]) -> Callable[..., Competitor]:
    """Hosts the small Titanic as a code competition; keywords go to `competition.json`."""

    def begin(options: dict[str, Any] | None = None, **told: Any) -> Competitor:
        titanic.write_code(tmp_path / "hosted", **told)
        emulator = start({"kernels": "sandbox", "limits": LIMITS, **(options or {})})
        return Competitor(emulator, emulator.user.token)

    return begin


@boxed
def test_a_notebook_is_scored_by_what_it_says_of_the_hidden_rows(host: Callable[..., Competitor]) -> None:
    call = host()
    assert call("GetCompetition", competitionName="titanic").json["isKernelsSubmissionsOnly"] is True
    version = call.push(f"{GOOD}\nanswer(wrong=2 if AGAIN else 0)")
    call.emulator.site.grader.hold()
    sent = call.send(version).json
    assert sent["message"] == "Successfully submitted to Titanic"
    assert call("GetSubmission", ref=sent["ref"]).json["status"] == "PENDING"
    call.emulator.site.grader.release()
    told = call.submission(sent["ref"])
    assert (told["status"], told["publicScore"], told["errorDescription"]) == ("COMPLETE", "0.99043", "")
    assert (told["privateScore"], told["totalBytes"]) == ("", 0)  # a size would tell something
    assert call.limits()["numToday"] == 1
    shown = call.http("GET", "/competitions/titanic", headers={"Cookie": "user=tester"}).body.decode()
    assert re.findall(r"<td>my-kernel, version 1</td>\s*<td>0.99043</td>", shown)
    rows = call("GetLeaderboard", competitionName="titanic").json["submissions"]
    assert [row["teamName"] for row in rows] == ["tester", "ahead", "Host Benchmark", "behind"]
    output = call("ListKernelSessionOutput", userName="tester", kernelSlug="my-kernel").json
    shown = call.http("GET", output["files"][0]["url"]).body.decode()
    assert shown.count("\n") == titanic.SHOWN + 1 and HIDDEN not in shown  # what the version itself has left
    call.emulator.clock.advance(days=4000)
    after = call("GetSubmission", ref=sent["ref"]).json
    assert after["privateScore"] == "1.00000"


@boxed
@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("if AGAIN: 1 / 0", outcomes.THREW),
        ("if AGAIN: __import__('time').sleep(60)", outcomes.TIMEOUT),
        ("if AGAIN: x = bytearray(900 << 20); __import__('time').sleep(60)", outcomes.EXCEEDED),
        (GONE, outcomes.NOT_FOUND),
        (f"{GONE}; os.symlink(FOLDER + 'test.csv', 'submission.csv')", outcomes.NOT_FOUND),
        (f"{GONE}; os.mkfifo('submission.csv')", outcomes.NOT_FOUND),
        ("if AGAIN: open('submission.csv', 'wb').truncate(40 << 20)", outcomes.SCORING),
        ("if AGAIN: names = names[:20]; answer()", outcomes.SCORING),  # the rows that everybody sees
        ("if AGAIN: open('submission.csv', 'w').write('PassengerId,Survived\\n892,maybe\\n')", outcomes.SCORING),
    ],
)
def test_what_goes_wrong_is_told_by_its_kind_only_and_takes_a_submission(host, code, outcome) -> None:
    call = host(**{"rerun_hours": 1 / 3600} if outcome is outcomes.TIMEOUT else {})
    told = call.rerun(f"{GOOD}\n{code}")
    assert (told["status"], told["publicScore"], told["totalBytes"]) == ("COMPLETE", "", 0)
    assert told["errorDescription"] == outcome.told
    assert told["errorDescription"].startswith(f"{outcome.kind}: ")
    page = call.http("GET", "/competitions/titanic", headers={"Cookie": "user=tester"}).body.decode()
    assert f"<td>{outcome.kind}</td>" in page
    assert call.limits()["numToday"] == 1
    listed = call("ListSubmissions", competitionName="titanic", group="SUBMISSION_GROUP_SUCCESSFUL").json
    assert listed["submissions"] == []
    assert "tester" not in call("GetLeaderboard", competitionName="titanic").body.decode()


SPY = f"""{GOOD}
import shutil, sys
seen = open(FOLDER + "test.csv").read()
print(seen[-40:])
print(seen[-40:], file=sys.stderr)
os.makedirs("deep", exist_ok=True)
for name in ("copy.csv", "deep/copy.csv", "__notebook__.ipynb"):
    open(name, "w").write(seen)
shutil.copytree(FOLDER, "all", dirs_exist_ok=True)
if AGAIN:
    open("submission.csv", "a").write(seen[-40:])
"""


@boxed
def test_nothing_that_a_rerun_prints_or_writes_can_be_had_from_the_server(host) -> None:
    call = host()
    told = call.result(SPY)
    assert told["errorDescription"] == outcomes.SCORING.told
    ref = told["ref"]
    own = {"userName": "tester", "kernelSlug": "my-kernel"}
    replies = [call(method, **own) for method in ("GetKernel", "ListKernelSessionOutput", "ListKernelFiles")]
    replies += [call("ListKernels"), call("GetSubmission", ref=ref), call("ListSubmissions", competitionName="titanic")]
    replies += [call("GetKernelSessionStatus", **own), call("ListDataFiles", competitionName="titanic")]
    stream = "/api/v1/kernels/logs/stream/tester/my-kernel"
    replies.append(call.http("GET", stream, headers={"Authorization": f"Bearer {call.token}"}))
    for file in replies[1].json["files"]:
        replies.append(call.http("GET", file["url"]))
    for name in ("test.csv", "sample_submission.csv"):
        where = call("DownloadDataFile", competitionName="titanic", fileName=name).headers["location"]
        replies.append(call.http("GET", where))
    assert all(reply.status == 200 for reply in replies)
    assert not [reply for reply in replies if HIDDEN.encode() in reply.body]
    refused = call("DownloadSubmission", submissionId=ref)
    assert (refused.status, refused.reason) == (403, "Permission 'submissions.download' was denied")
    assert left(call.emulator) == []
    assert call("DownloadDataFile", competitionName="titanic", fileName="../hidden/test.csv").status == 404


def left(emulator: Emulator) -> list[str]:
    """The files of the emulator's memory that hold a hidden id, but for the hidden files."""
    state = emulator.store.folder
    return [
        str(path.relative_to(state))
        for path in state.rglob("*")
        if path.is_file() and "faces/hidden" not in str(path) and HIDDEN.encode() in path.read_bytes()
    ]


@boxed
def test_a_good_submission_leaves_no_file_of_hidden_rows_either(host) -> None:
    call = host()
    told = call.result(GOOD)
    assert told["publicScore"] == "1.00000"
    assert call("DownloadSubmission", submissionId=told["ref"]).status == 403
    assert left(call.emulator) == []
    assert [path.name for path in (call.emulator.store.folder / "reruns").iterdir()] == []


LOOK = """
import json, os
told = {}
for folder, _, files in os.walk("/kaggle/input"):
    for name in files:
        text = open(os.path.join(folder, name), errors="replace").read()
        told[os.path.join(folder, name)] = text.count("\\n")
print(json.dumps(told), os.path.exists(%r), os.path.exists(%r))
"""


@boxed
def test_a_run_that_is_no_rerun_sees_nothing_hidden_and_a_rerun_sees_only_its_own(host, tmp_path) -> None:
    other = titanic.write_code(tmp_path / "other")
    other.rename(tmp_path / "hosted-other")
    call = host()
    (tmp_path / "hosted-other").rename(tmp_path / "hosted" / "olympic")
    site = call.emulator.site
    site.hosted["olympic"] = hidden.laid_out(
        next(one for one in described.user_made(tmp_path / "hosted") if one.slug == "olympic"),
        call.emulator.store.folder / "faces",
        as_code=False,
    )
    call.emulator.accept("olympic")
    version = call.push(
        LOOK % (str(site.hosted["titanic"].code.hidden), str(site.hosted["titanic"].solution)),
        competitionDataSources=["titanic", "olympic"],
    )
    output = call("ListKernelSessionOutput", userName="tester", kernelSlug="my-kernel").json
    (line,) = json.loads(output["log"])
    told = json.loads(line["data"].rpartition("}")[0] + "}")
    assert line["data"].endswith("} False False\n")
    counts = {path.removeprefix("/kaggle/input/competitions/"): count for path, count in told.items()}
    shown = {"test.csv": titanic.SHOWN + 1, "sample_submission.csv": titanic.SHOWN + 1, "train.csv": 3}
    assert counts == {f"{slug}/{name}": count for slug in ("titanic", "olympic") for name, count in shown.items()}
    assert version == 1
    # The re-run writes what it sees as scores of the public rows: 0 where a thing is as it should be.
    probe = f"""{GOOD}
other = open("/kaggle/input/competitions/olympic/test.csv").read().count("\\n")
private = any(name == "solution.csv" for _, _, files in os.walk("/kaggle") for name in files)
internet = True
try:
    __import__("socket").create_connection(("1.1.1.1", 80), 1)
except OSError:
    internet = False
answer(wrong=0 if (other, private, internet, len(names)) == (21, False, False, 418 if AGAIN else 20) else 100)
"""
    version = call.push(probe, competitionDataSources=["titanic", "olympic"])
    assert call.submission(call.send(version).json["ref"])["publicScore"] == "1.00000"


@boxed
def test_only_a_version_that_meets_the_code_requirements_is_taken(host) -> None:
    call = host()
    refused = call.send(call.push(GOOD, enableInternet=True))
    assert refused.status == 400
    assert refused.reason.startswith("Your Notebook cannot use internet access in this competition.")
    none = call.send(call.push("open('submission.csv', 'w').close()", competitionDataSources=[]))
    assert (none.status, none.reason) == (
        400,
        "Your Notebook must use the competition's data: add titanic to its inputs.",
    )
    failed = call.send(call.push("1 / 0"))
    assert failed.reason == "Notebook version 3 has not finished successfully (status ERROR)"
    missing = call.send(call.push(GOOD), "other.csv")
    assert missing.reason == "Notebook version 4 has no output file other.csv"
    assert call.submit(titanic.submission([0] * 418)).reason == (
        "This competition only accepts Submissions from Notebooks."
    )
    assert call.limits()["numToday"] == 0


def test_an_emulator_that_runs_no_notebooks_takes_no_submission_and_says_why(host) -> None:
    call = host({"kernels": "off"})
    refused = call.send(call.push(GOOD))
    assert refused.status == 400
    assert refused.reason == (
        "Notebook version 1 has not finished successfully (status ERROR): This emulator does not run notebooks. It "
        "does with `kit emulator serve --run-kernels`."
    )
    assert call.limits()["numToday"] == 0


@boxed
def test_the_official_client_submits_a_version_and_reads_what_became_of_it(host, monkeypatch) -> None:
    call = host()
    for name, value in call.emulator.env.items():
        monkeypatch.setenv(name, value)
    api = client.connect().api
    for code in (GOOD, f"{GOOD}\nif AGAIN: 1 / 0"):
        version = call.push(code)
        sent = api.competition_submit_code("submission.csv", "by hand", "titanic", "tester/my-kernel", str(version))
        assert sent.message == "Successfully submitted to Titanic"
        call.emulator.settle()
    failed, good = api.competition_submissions("titanic")
    assert (good.status.name, good.public_score, good.error_description) == ("COMPLETE", "1.00000", "")
    assert (failed.status.name, failed.public_score, failed.error_description) == ("COMPLETE", "", outcomes.THREW.told)
    assert next(place.team_name for place in api.competition_leaderboard_view("titanic")) == "tester"


@boxed
def test_a_failed_rerun_counts_for_the_daily_limit_as_on_kaggle(host) -> None:
    call = host(daily=1)
    version = call.push(f"{GOOD}\nif AGAIN: 1 / 0")
    assert call.send(version).status == 200
    call.emulator.settle()
    assert "has used its daily Submission allowance (1)" in call.send(version).reason


@boxed
def test_a_rerun_that_was_stopped_with_the_server_is_run_after_the_restart(host, start, tmp_path) -> None:
    state = tmp_path / "state"
    titanic.write_code(tmp_path / "hosted")
    options: dict[str, Any] = {"state": state, "kernels": "sandbox", "limits": LIMITS}
    slow = f"{GOOD}\nif AGAIN: __import__('time').sleep(1.5)"
    with running(tmp_path / "hosted", **options) as emulator:
        call = Competitor(emulator, emulator.user.token)
        ref = call.send(call.push(slow)).json["ref"]
        call("DeleteKernel", userName="tester", kernelSlug="my-kernel")  # what was submitted is submitted
    emulator = start(options)
    call = Competitor(emulator, emulator.user.token)
    assert call.submission(ref)["publicScore"] == "1.00000"
    off = start({"state": state, "kernels": "off"})
    assert Competitor(off, off.user.token)("GetSubmission", ref=ref).json["publicScore"] == "1.00000"


@boxed
def test_a_version_of_before_can_be_submitted_when_its_competition_is_hosted_as_code(start, tmp_path) -> None:
    titanic.write(tmp_path / "hosted")
    options: dict[str, Any] = {"state": tmp_path / "state", "kernels": "sandbox", "limits": LIMITS}
    with running(tmp_path / "hosted", **options) as emulator:
        version = Competitor(emulator, emulator.user.token).push(GOOD)
    emulator = start({**options, "code": ["titanic"]})
    call = Competitor(emulator, emulator.user.token)
    assert call.submission(call.send(version).json["ref"])["publicScore"] == "1.00000"


@boxed
def test_a_hidden_input_that_is_gone_is_the_systems_fault_and_takes_no_submission(host) -> None:
    call = host()
    version = call.push(GOOD)
    hosted = call.emulator.site.hosted["titanic"]
    hosted.code.hidden.rename(hosted.code.hidden.parent / "gone")
    told = call.submission(call.send(version).json["ref"])
    assert told["errorDescription"] == outcomes.SYSTEM.told
    assert call.limits()["numToday"] == 0


def test_any_competition_can_be_hosted_as_code_with_few_of_its_test_rows_shown(start) -> None:
    emulator = start({"code": ["titanic"]})
    call = Caller(emulator, emulator.user.token)
    assert call("GetCompetition", competitionName="titanic").json["isKernelsSubmissionsOnly"] is True
    hosted = emulator.site.hosted["titanic"]
    texts = {name: path.read_text() for name, path in hosted.public_files}
    assert texts["train.csv"] == "PassengerId,Survived,Age\n1,0,22\n2,1,38\n"
    assert texts["test.csv"] == "PassengerId,Age\n" + "".join(f"{titanic.FIRST + row},30\n" for row in range(20))
    assert texts["sample_submission.csv"] == titanic.submission([0] * 20)
    assert hosted.sample.read_text() == titanic.submission([0] * titanic.ROWS)
    board = [row["teamName"] for row in call("GetLeaderboard", competitionName="titanic").json["submissions"]]
    assert board == ["ahead", "Host Benchmark", "behind"]


def test_test_rows_are_told_by_id_by_place_and_by_file_name(tmp_path: Path) -> None:
    folder = titanic.write(tmp_path / "hosted")
    first = titanic.FIRST
    public = folder / "public"
    (public / "pixels.csv").write_text("a,b\n" + "".join(f"{row},0\n" for row in range(titanic.ROWS)))
    (public / "other.csv").write_text("a,b\n1,2\n")
    (public / "mixed.csv").write_text(f"PassengerId,b\n{first},2\n1,2\n")
    turned = reversed(range(titanic.ROWS))
    (public / "turned.csv").write_text("b,PassengerId\n" + "".join(f"x,{first + row}\n" for row in turned))
    for name in ("test_images", "train_images"):
        (public / name).mkdir()
        for row in (0, 19, 20):
            (public / name / f"{first + row}.png").write_text("")
    shown = hidden.laid_out(described.user_made(tmp_path / "hosted")[0], tmp_path / "faces", as_code=True)
    names = dict(shown.public_files)
    assert names["pixels.csv"].read_text() == "a,b\n" + "".join(f"{row},0\n" for row in range(20))
    assert names["turned.csv"].read_text() == "b,PassengerId\n" + "".join(
        f"x,{first + 19 - row}\n" for row in range(20)
    )
    for name in ("other.csv", "mixed.csv"):
        assert names[name].read_text() == (public / name).read_text()
    images = sorted(name for name in names if name.endswith(".png"))
    assert images == [f"test_images/{first}.png", f"test_images/{first + 19}.png"] + [
        f"train_images/{first + row}.png" for row in (0, 19, 20)
    ]


def test_a_prepare_function_can_hide_files_too(raw: Path, parity: Path) -> None:
    declared = parity / "competition.py"
    text = declared.read_text().replace("    load=load,", "    load=load,\n    prepare=hide,")
    declared.write_text(text.replace("competition = ", HIDE))
    entry = catalog.find("parity")
    fetch.fetch(entry, origin=raw)
    (hosted,) = (one for one in hosting.catalogued() if one.slug == "parity")
    assert hosted.kernels_only and hosted.code == hosting.Code(entry.data / "hidden")
    assert [name for name, _ in hosted.public_files] == ["sample_submission.csv", "test.csv", "train.csv"]
    assert hosted.sample.read_text().count("\n") == 21


HIDE = """
def hide(raw, public, private):
    (public.parent / "hidden").mkdir()
    for name in ("train", "test", "sample_submission"):
        lines = (raw / f"{name}.csv").read_text().splitlines(keepends=True)
        (public / f"{name}.csv").write_text("".join(lines if name == "train" else lines[:5]))
        if name != "train":
            (public.parent / "hidden" / f"{name}.csv").write_text("".join(lines))


competition = """


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda folder: (folder / "hidden" / "sample_submission.csv").unlink(), "sample_submission.csv does not exist"),
        (
            lambda folder: (folder / "hidden" / "sample_submission.csv").write_text("PassengerId,Survived\n1,0\n"),
            "has other ids than",
        ),
    ],
)
def test_hidden_files_that_cannot_be_scored_are_told_at_the_start(tmp_path: Path, spoil, wrong: str) -> None:
    spoil(titanic.write_code(tmp_path))
    with pytest.raises(KitError, match=wrong):
        described.user_made(tmp_path)


def test_what_is_said_of_reruns_must_make_sense(tmp_path: Path) -> None:
    titanic.write_code(tmp_path / "a", rerun_hours=0)
    with pytest.raises(KitError, match="'rerun_hours' is 0"):
        described.user_made(tmp_path / "a")
    titanic.write(tmp_path / "b", rerun_hours=9)
    with pytest.raises(KitError, match="no files are hidden"):
        described.user_made(tmp_path / "b")
    titanic.write(tmp_path / "c")
    with pytest.raises(KitError, match="nope is not hosted"), running(tmp_path / "c", code=["nope"]):
        pass
