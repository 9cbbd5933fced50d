"""The door: who is let in before anything is read, and what of a request reaches the code behind it."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import struct
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from kit.emulator import fields, landing, reruns, routes, uploads
from kit.emulator.fields import FIELDS
from kit.emulator.local import Emulator
from kit.emulator.site import Call
from kit.emulator.wire import Refusal
from tests.emulator import titanic
from tests.emulator.conftest import Answer, Caller
from tests.emulator.test_emulator_conformance import BESIDE, SDK, sdk_fields
from tests.emulator.test_emulator_datasets import create, upload

LIST = "/api/v1/competitions.CompetitionApiService/ListCompetitions"
TOKEN = "/api/v1/security.OAuthService/IntrospectToken"


def raw(emulator: Emulator, request: str | bytes) -> bytes:
    """What the server answers to these bytes, until it closes the connection or has nothing more to say."""
    data = request if isinstance(request, bytes) else request.replace("\n", "\r\n").encode()
    with socket.create_connection(("127.0.0.1", emulator.server.server_address[1]), timeout=5) as connection:
        connection.sendall(data)
        return connection.recv(65536)


def post(call: Caller, path: str, body: bytes, **headers: str) -> Answer:
    return call.http("POST", path, body, {"Authorization": f"Bearer {call.token}", **headers})


# Strangers


def test_a_stranger_is_refused_before_the_body_is_sent(emulator: Emulator) -> None:
    for length in (0, 63 << 20, 10**17):
        asked = f"POST {LIST} HTTP/1.1\nHost: localhost\nContent-Length: {length}\n\n"
        assert raw(emulator, asked).startswith(b"HTTP/1.1 401")


def test_what_a_stranger_sends_is_not_kept(emulator: Emulator, call: Caller) -> None:
    body = bytes(fields.LARGE)
    call.http("POST", LIST, b"{}")
    tracemalloc.start()
    try:
        assert call.http("POST", LIST, body).status == 401
        assert call.http("POST", TOKEN, body).status == 413
        assert call.http("POST", "/user", body).status == 413
        assert call.http("POST", "/api/v1/none.None/None", body).status == 404
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_client_that_waits_for_leave_gets_it_after_it_is_known(emulator: Emulator, call: Caller) -> None:
    asked = f"POST {LIST} HTTP/1.1\nHost: localhost\nContent-Length: 2\nExpect: 100-continue\n"
    refused = raw(emulator, f"{asked}\n")
    assert refused.startswith(b"HTTP/1.1 401")
    assert b"Connection: close" in refused
    assert raw(emulator, f"{asked}Authorization: Bearer {call.token}\n\n") == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_body_has_a_largest_size_by_method(call: Caller) -> None:
    save = "/api/v1/kernels.KernelsApiService/SaveKernel"
    text = "x" * (2 << 20)
    assert post(call, LIST, json.dumps({"search": text}).encode()).status == 413
    told = {"slug": "tester/a-kernel", "newTitle": "a kernel", "language": "python", "kernelType": "script"}
    assert post(call, save, json.dumps({**told, "text": text}).encode()).json["versionNumber"] == 1
    assert post(call, save, b'{"text": [' + b"[]," * (1 << 20) + b"[]]}").status == 413  # no text, but a million lists
    assert post(call, save, b" " * (fields.LARGE + 1)).status == 413


# Requests that are no proper HTTP


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\nHost: [::1\n\n", 403),
        ("GET / HTTP/1.1\nHost: localhost:x\n\n", 403),
        ("GET / HTTP/1.1\nHost: evil@localhost\n\n", 403),
        ("GET / HTTP/1.1\nHost: LOCALHOST:80\n\n", 200),
        ("GET http://[::1/ HTTP/1.1\nHost: localhost\n\n", 403),
        ("GET http://localhost HTTP/1.1\nHost: localhost\n\n", 200),
        ("GET * HTTP/1.1\nHost: localhost\n\n", 400),
        ("OPTIONS / HTTP/1.1\nHost: localhost\n\n", 405),
        ("DELETE /competitions/titanic HTTP/1.1\nHost: localhost\n\n", 405),
        ("GET / HTTP/3.0\nHost: localhost\n\n", 400),
        ("GET /" + "x" * 70_000 + " HTTP/1.1\nHost: localhost\n\n", 414),
        ("GET / HTTP/1.1\nHost: localhost\n" + "A: b\n" * 200 + "\n", 431),
        (f"POST {LIST} HTTP/1.1\nHost: localhost\nContent-Length: -1\n\n", 411),
        (f"POST {LIST} HTTP/1.1\nHost: localhost\nContent-Length: {'9' * 5000}\n\n", 411),
        (f"POST {LIST} HTTP/1.1\nHost: localhost\nContent-Length: 2\nContent-Length: 3\n\n{{}}", 411),
        (f"POST {LIST} HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked\n\n2\n{{}}\n0\n\n", 411),
    ],
    ids=lambda value: value[:40].replace("\n", " ") if isinstance(value, str) else None,
)
def test_a_request_that_is_no_proper_http_is_refused(emulator: Emulator, request_text: str, status: int) -> None:
    assert raw(emulator, request_text).startswith(f"HTTP/1.1 {status}".encode())


@pytest.mark.parametrize(
    "header", ["Basic é", "Basic " + "A" * 1001, "Bearer é\xff", "Basic w6k=", "Digest x", "Basic Og=="]
)
def test_credentials_that_are_none_are_refused(emulator: Emulator, header: str) -> None:
    asked = f"POST {LIST} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\nContent-Length: 2\r\n\r\n{{}}"
    assert raw(emulator, asked.encode("latin-1")).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "path", ["/storage/é/x/y", "/storage/%C3%A9/%F0%9F%92%A9/y", "/storage/", "/storage/a", "/storage/%00/b"]
)
def test_an_address_that_was_not_signed_here_is_refused(emulator: Emulator, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert raw(emulator, request.encode()).startswith(b"HTTP/1.1 403")


def test_a_form_whose_proof_is_not_ascii_is_refused(call: Caller) -> None:
    for form in ("proof=%C3%A9&user=tester", "proof=&user=", "%FF=%FF", "a" * 60_000):
        assert call.http("POST", "/competitions/titanic/rules", form.encode()).status == 403


@pytest.mark.parametrize(
    ("header", "status", "size"),
    [
        ("bytes=5-2", 200, 3252),
        ("bytes=-5", 200, 3252),
        ("bytes=5-4", 200, 3252),
        (f"bytes={'9' * 5000}-", 200, 3252),
        ("bytes=99999-", 416, 0),
        ("bytes=3250-99999", 206, 2),
        ("lines=1-2", 200, 3252),
    ],
)
def test_a_range_that_means_nothing_is_passed_over(call: Caller, header: str, status: int, size: int) -> None:
    place = call("DownloadDataFile", competitionName="titanic", fileName="test.csv").headers["location"]
    answer = call.http("GET", place, headers={"Range": header})
    assert (answer.status, len(answer.body)) == (status, size)


# Fields


WRONG = {
    str: ["1", "true", "1.5", "{}", "[]", r'"\ud800"', r'"a\u0000b"'],
    int: ['"x"', "NaN", "Infinity", "-2", "1.0", "true", str(2**53 + 1), "1e400", "9" * 4000, "[]", "{}"],
    bool: ['"true"', "1", "[]", "{}"],
    dict: ['"x"', "1", "[]", "true"],
}


def wrong_values(name: str) -> Iterator[str]:
    """JSON texts of values that a field of that name must not hold."""
    field = FIELDS[name]
    wrong = WRONG[field.type]
    if field.type is str:
        wrong = [*wrong, json.dumps("x" * (field.most + 1))]
    if not field.many:
        yield from wrong
        return
    yield from ("1", '"x"', "true", "{}")
    yield from (f"[{value}]" for value in wrong)
    yield json.dumps([{} if field.type is dict else "x"] * (field.many + 1))


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_another_kind_never_reaches_a_handler(name: str) -> None:
    for value in wrong_values(name):
        with pytest.raises(Refusal) as refused:
            fields.read(f'{{"{name}": {value}}}'.encode())
        assert refused.value.status in (400, 413), (name, value[:50])


def test_a_field_that_is_null_or_unknown_is_left_out() -> None:
    told = {"search": None, "page": None, "unknown": [1], "pageSize": 3, "page2": float(1)}
    assert fields.read(json.dumps(told).encode()) == {"pageSize": 3}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b'{"page": NaN}',
        b"[" * 200_000,
        b'{"body": ' * 100_000,
        b'{"body": ' * 20 + b"{}" + b"}" * 20,
        b'{"directories": [' * 30 + b"]}" * 30,
        b'{"page": ' + b"1" * 5000 + b"}",
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
def test_a_body_that_is_no_proper_json_object_is_refused(call: Caller, body: bytes) -> None:
    assert post(call, LIST, body).status == 400


def test_what_is_wrong_with_a_field_is_said(call: Caller) -> None:
    refused = call("ListCompetitions", page="x")
    assert refused.reason == "Invalid value of 'page': it must be a whole number from -1 to 1,000,000,000"
    refused = call("SaveKernel", competitionDataSources=["a", 1])
    assert refused.reason.endswith("it must be a list of at most 100, each a text of at most 1,000 characters")


HOSTILE: dict[type, tuple[Any, ...]] = {
    str: ("x", "", "../..", "/etc/passwd", "a/b/c/d/e/f", "..", "é" * 60, "x" * 200, "v99999999999999999999", "%s%n"),
    int: (0, 1, 2**53),
    bool: (True, False),
    dict: (
        {},
        {"files": [{"token": "x"}]},
        {"framework": "../..", "instanceSlug": ".."},
        {"title": "x", "licenses": []},
    ),
}


def test_no_method_breaks_whatever_its_fields_hold(call: Caller) -> None:
    """Each method with each of its fields at hostile values, beside others that are right."""
    right = {"competitionName": "titanic", "ownerSlug": "tester", "datasetSlug": "my-data", "userName": "tester"}
    right |= {"slug": "tester/a-kernel", "newTitle": "a kernel", "language": "python", "kernelType": "script"}
    right |= {"kernelSlug": "a-kernel", "modelSlug": "net", "framework": "keras", "instanceSlug": "small"}
    site, user = call.emulator.site, call.emulator.user
    answered = 0
    for route in sorted(set(routes.ROUTES) - BESIDE):
        names = {name for name, _, _ in sdk_fields(SDK[route][0])} & FIELDS.keys()
        create(call)  # again for each method, some of which delete it
        call("SaveKernel", **right)
        call("CreateModel", **{**right, "slug": "net"}, title="Net")
        instance = {"instanceSlug": "small", "framework": "keras", "files": [upload(call, "w", b"1")]}
        call("CreateModelInstance", ownerSlug="tester", modelSlug="net", body=instance)
        for name in sorted(names):
            field = FIELDS[name]
            for one in HOSTILE[field.type]:
                value = [one, "tester/net/keras/small/1/../../.."][: 1 + (field.type is str)] if field.many else one
                with contextlib.suppress(Refusal):
                    body = fields.read(json.dumps({**right, name: value}).encode())
                    routes.ROUTES[route](Call(site, user, body, "http://localhost"))
                answered += 1
    assert answered > 2500


# Names and archives


@pytest.mark.parametrize("name", ["..", ".", "a/..", "x/", "é" * 101, "a\\.."])
def test_an_upload_must_have_a_name_that_a_file_can_have(call: Caller, name: str) -> None:
    refused = call("StartBlobUpload", type="DATASET", name=name, contentLength=1)
    assert refused.status == 400
    assert refused.reason.startswith("Invalid name of a file or folder: ")


def packed(*members: tuple[str, bytes], **options: Any) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return into.getvalue()


def names(call: Caller) -> list[str]:
    listed = call("ListDatasetFiles", ownerSlug="tester", datasetSlug="my-data", pageSize=1000).json["datasetFiles"]
    return [file["name"] for file in listed]


@pytest.mark.parametrize("name", ["...zip", "..zip", ".zip"])
def test_an_archive_whose_name_leaves_no_folder_is_refused(call: Caller, name: str) -> None:
    archive = upload(call, name, packed(("inside.csv", b"1")))
    told = {"ownerSlug": "tester", "slug": "my-data", "title": "My data", "files": [archive]}
    refused = call("CreateDataset", **told)
    assert refused.status == 400
    assert not list(call.emulator.store.folder.rglob("inside.csv"))


def test_members_stay_below_the_folder_of_their_archive(call: Caller) -> None:
    archive = packed(("../../up.csv", b"1"), ("/etc/abs.csv", b"2"), ("a/../b.csv", b"3"), ("..", b"4"))
    create(call, files=[upload(call, "a.csv", b"x\n"), upload(call, "data.zip", archive)])
    kept = [path for path in call.emulator.store.folder.rglob("*.csv") if path.is_file()]
    assert all(path.is_relative_to(call.emulator.store.folder / "files" / "datasets") for path in kept)


@pytest.mark.parametrize("case", ["bomb", "many", "deep", "damaged", "encrypted", "name too long", "file and folder"])
def test_an_archive_that_would_flood_the_disk_or_is_damaged_is_refused_and_leaves_nothing(
    call: Caller, case: str
) -> None:
    good = packed(("a.csv", bytes(1000)))
    data = {
        "bomb": lambda: packed(("zeros", bytes(landing.ALWAYS + 1))),
        "many": lambda: packed(*((f"{'d/' * 30}{n}", b"") for n in range(landing.MEMBERS // 30))),
        "deep": lambda: packed(("d/" * 2000 + "x", b"")),
        "damaged": lambda: good[:40] + b"\xff" * 8 + good[48:],
        "encrypted": lambda: (
            good[:6] + b"\x01" + good[7:].replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
        ),
        "name too long": lambda: packed(("x" * 300, b"1")),
        "file and folder": lambda: packed(("a", b"1"), ("a/b", b"2")),
    }[case]()
    before = sorted(call.emulator.store.folder.rglob("*"))
    archive = upload(call, "data.zip", data)
    refused = call("CreateDataset", ownerSlug="tester", slug="my-data", title="My data", files=[archive])
    assert refused.status == 400, refused.body
    assert refused.reason.startswith("data.zip ")
    assert str(call.emulator.store.folder) not in refused.reason
    left = [
        path for path in call.emulator.store.folder.rglob("*") if path not in before and path.parent.name != "blobs"
    ]
    assert [path.name for path in left] == ["landing"]
    assert call("GetDatasetStatus", ownerSlug="tester", datasetSlug="my-data").status == 403


def test_a_declared_size_that_is_too_small_does_not_let_more_through(call: Caller) -> None:
    archive = bytearray(packed(("zeros", bytes(landing.ALWAYS * 2))))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = bytes(archive).index(signature) + offset
        archive[at : at + 4] = struct.pack("<I", 1000)
    refused = call(
        *("CreateDataset",),
        **{
            "ownerSlug": "tester",
            "slug": "my-data",
            "title": "My data",
            "files": [upload(call, "z.zip", bytes(archive))],
        },
    )
    assert (refused.status, refused.reason.startswith("z.zip cannot be unpacked")) == (400, True)


def test_names_are_used_once_and_uploads_too(call: Caller) -> None:
    told = {"ownerSlug": "tester", "slug": "my-data", "title": "My data"}
    one, two = upload(call, "a.csv", b"1"), upload(call, "a.csv", b"2")
    assert call("CreateDataset", **told, files=[one, two]).reason == "Two files or folders are called 'a.csv'"
    inner = {"name": "a.csv", "files": [two]}
    assert call("CreateDataset", **told, files=[one], directories=[inner]).status == 400
    inner = {"name": "..", "files": [two]}
    assert call("CreateDataset", **told, files=[one], directories=[inner]).status == 400
    assert call("CreateDataset", **told, files=[one, one]).reason == "The upload of a.csv is named twice"
    archive = upload(call, "a.csv.zip", packed(("x", b"1")))
    assert call("CreateDataset", **told, files=[one, archive]).status == 400
    assert call("CreateDataset", **told, files=[one]).json["status"] == "ok"
    assert names(call) == ["a.csv"]


def test_unpacking_keeps_nobody_waiting(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack, waiting, go = landing._unpack, threading.Event(), threading.Event()

    def slowly(*asked: Any) -> None:
        waiting.set()
        assert go.wait(10)
        unpack(*asked)

    monkeypatch.setattr(landing, "_unpack", slowly)
    archive = upload(call, "data.zip", packed(("x.csv", b"1")))
    thread = threading.Thread(target=create, args=(call,), kwargs={"files": [archive]})
    thread.start()
    assert waiting.wait(10)
    start = time.perf_counter()
    assert call.submit(titanic.right_but(0)).status == 200  # writes to the store
    assert time.perf_counter() - start < 2
    go.set()
    thread.join(10)
    assert names(call) == ["data/x.csv"]


def test_an_upload_takes_no_more_than_the_disk_has_to_spare(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SPARE", 1 << 62)
    refused = call("StartBlobUpload", type="DATASET", name="a", contentLength=1)
    assert (refused.status, refused.reason) == (413, "The emulator's disk has no room for 1 bytes")


def test_a_submission_is_no_larger_than_its_answers_allow(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "LEAST_ROOM", 0)
    monkeypatch.setattr(reruns, "ROOM", 1)
    most = call.emulator.site.hosted["titanic"].solution.stat().st_size
    told = {"competitionName": "titanic", "fileName": "a.csv"}
    assert call("StartSubmissionUpload", **told, contentLength=most).status == 200
    assert call("StartSubmissionUpload", **told, contentLength=most + 1).status == 413


def test_a_file_that_is_deleted_while_it_is_asked_for_is_a_404(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    create(call)

    def gone(*asked: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr("kit.emulator.datasets._file", gone)
    assert call("ListDatasetFiles", ownerSlug="tester", datasetSlug="my-data").status == 404


def test_a_full_disk_is_said_and_is_no_defect(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*asked: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kit.emulator.files.move", full)
    refused = call(
        "CreateDataset", ownerSlug="tester", slug="my-data", title="My data", files=[upload(call, "a", b"1")]
    )
    assert (refused.status, refused.reason) == (413, "The emulator's disk is full.")
