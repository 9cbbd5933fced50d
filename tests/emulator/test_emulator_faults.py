"""Faults: each kind strikes where and when it was told to, and resumed transfers end whole."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path

import pytest

from kit.emulator import faults
from kit.emulator.faults import Fault
from kit.errors import KitError
from tests.emulator import titanic

CUT = (http.client.HTTPException, ConnectionError)


def test_a_status_strikes_the_nth_call_with_the_wait(emulator, call) -> None:
    emulator.faults.add(Fault("List*", "status", nth=2, status=429, retry_after=7, message="Too many requests"))
    answers = [call("ListCompetitions") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 200]
    assert (answers[1].headers["retry-after"], answers[1].reason) == ("7", "Too many requests")
    assert [step for step, _ in emulator.faults.struck] == ["ListCompetitions"]


def test_a_fault_strikes_so_many_times_or_for_ever(emulator, call) -> None:
    emulator.faults.add(Fault("ListDataFiles", "status", times=2))
    emulator.faults.add(Fault("ListSubmissions", "status", times=0, status=500))
    assert [call("ListDataFiles", competitionName="titanic").status for _ in range(3)] == [503, 503, 200]
    assert [call("ListSubmissions", competitionName="titanic").status for _ in range(3)] == [500] * 3
    emulator.faults.clear()
    assert call("ListSubmissions", competitionName="titanic").status == 200


def test_a_cut_comes_before_the_server_acts(emulator, call) -> None:
    token = call.upload(titanic.right_but(0))
    emulator.faults.add(Fault("CreateSubmission", "cut"))
    with pytest.raises(CUT):
        call("CreateSubmission", competitionName="titanic", blobFileTokens=token)
    assert call("GetSubmissionLimits", competitionName="titanic").json["numToday"] == 0


def test_a_lost_answer_comes_after_the_server_acted(emulator, call) -> None:
    token = call.upload(titanic.right_but(0))
    emulator.faults.add(Fault("CreateSubmission", "lost"))
    with pytest.raises(CUT):
        call("CreateSubmission", competitionName="titanic", blobFileTokens=token)
    assert call("GetSubmissionLimits", competitionName="titanic").json["numToday"] == 1


def test_a_delay_and_a_slow_body_take_their_time(emulator, call) -> None:
    place = call("DownloadDataFile", competitionName="titanic", fileName="test.csv").headers["location"]
    emulator.faults.add(Fault("ListCompetitions", "delay", seconds=0.3))
    emulator.faults.add(Fault("Storage", "slow", seconds=0.3))
    start = time.perf_counter()
    assert call("ListCompetitions").status == 200
    assert time.perf_counter() - start >= 0.3
    start = time.perf_counter()
    assert len(call.http("GET", place).body) == 3252
    assert time.perf_counter() - start >= 0.28


def test_a_cut_download_can_be_resumed(emulator, call) -> None:
    place = call("DownloadDataFile", competitionName="titanic", fileName="test.csv").headers["location"]
    emulator.faults.add(Fault("Storage", "cut", bytes=1234))
    with pytest.raises(http.client.IncompleteRead) as broken:
        call.http("GET", place)
    first = broken.value.partial
    assert len(first) == 1234
    rest = call.http("GET", place, headers={"Range": "bytes=1234-"})
    assert first + rest.body == call.http("GET", place).body


@pytest.mark.parametrize("kind", ["upload", "cut"])
def test_an_upload_that_breaks_off_goes_on_where_it_stopped(emulator, call, kind: str) -> None:
    text = titanic.right_but(0).encode()
    told = call("StartSubmissionUpload", competitionName="titanic", contentLength=len(text), fileName="a.csv").json
    emulator.faults.add(Fault("Upload", kind, bytes=1000))
    if kind == "upload":
        assert call.http("PUT", told["createUrl"], text).status == 503
    else:
        with pytest.raises(CUT):
            call.http("PUT", told["createUrl"], text)
    asked = call.http("PUT", told["createUrl"], headers={"Content-Range": f"bytes */{len(text)}"})
    assert (asked.status, asked.headers["range"]) == (308, "bytes=0-999")
    ranged = {"Content-Range": f"bytes 1000-{len(text) - 1}/{len(text)}"}
    assert call.http("PUT", told["createUrl"], text[1000:], ranged).status == 200
    done = call.http("PUT", told["createUrl"], headers={"Content-Range": f"bytes */{len(text)}"})
    assert done.status == 200
    sent = call("CreateSubmission", competitionName="titanic", blobFileTokens=told["token"])
    assert call.submission(sent.json["ref"])["publicScore"] == "1.00000"


def test_an_upload_of_which_nothing_arrived_has_no_range(emulator, call) -> None:
    told = call("StartSubmissionUpload", competitionName="titanic", contentLength=9, fileName="a.csv").json
    asked = call.http("PUT", told["createUrl"], headers={"Content-Range": "bytes */9"})
    assert (asked.status, "range" in asked.headers) == (308, False)
    gap = call.http("PUT", told["createUrl"], b"ghi", {"Content-Range": "bytes 6-8/9"})
    assert (gap.status, gap.reason) == (400, "Upload has a gap: 0 bytes are here, the next are 6")
    assert call.http("PUT", "/upload/guess", b"x").status == 404


def test_an_upload_whose_answer_is_lost_has_arrived(emulator, call) -> None:
    told = call("StartSubmissionUpload", competitionName="titanic", contentLength=3, fileName="a.csv").json
    emulator.faults.add(Fault("Upload", "lost"))
    with pytest.raises(CUT):
        call.http("PUT", told["createUrl"], b"abc")
    assert call.http("PUT", told["createUrl"], headers={"Content-Range": "bytes */3"}).status == 200


def test_an_upload_that_is_whole_never_changes(emulator, call) -> None:
    told = call("StartSubmissionUpload", competitionName="titanic", contentLength=3, fileName="a.csv").json
    assert [call.http("PUT", told["createUrl"], data).status for data in (b"abc", b"xyz")] == [200, 200]
    assert emulator.store.blob(told["token"]).read_bytes() == b"abc"
    told = call("StartSubmissionUpload", competitionName="titanic", contentLength=0, fileName="empty.csv").json
    assert call.http("PUT", told["createUrl"]).status == 200
    sent = call("CreateSubmission", competitionName="titanic", blobFileTokens=told["token"])
    assert call.submission(sent.json["ref"])["errorDescription"] == "The submission file is empty"


def test_a_refusal_can_be_lost_too(emulator, call) -> None:
    emulator.faults.add(Fault("ListDataFiles", "lost"))
    with pytest.raises(CUT):
        call("ListDataFiles", competitionName="none")


def test_faults_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"at": "Upload", "kind": "cut", "bytes": 10}]))
    assert faults.read(file) == [Fault("Upload", "cut", bytes=10)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{", "is not JSON"),
        ('[{"at": "Upload"}]', "is no fault"),
        ('[{"at": "Upload", "kind": "cut", "byte": 1}]', "is no fault"),
        ('[{"at": "Upload", "kind": "fire"}]', "no kind of fault is called 'fire'"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "faults.json"
    file.write_text(text)
    with pytest.raises(KitError, match=words):
        faults.read(file)
    with pytest.raises(KitError, match="does not exist"):
        faults.read(tmp_path / "none.json")
