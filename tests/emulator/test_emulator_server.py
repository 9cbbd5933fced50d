"""The server: who may call it, by which names, and what it remembers."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.emulator import submissions
from kit.emulator.local import Emulator, address, running
from kit.emulator.store import Store
from kit.errors import KitError
from tests.emulator import titanic
from tests.emulator.conftest import Caller

RPC = "/v1/competitions.CompetitionApiService/ListCompetitions"


def raw(emulator: Emulator, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", emulator.server.server_address[1]), timeout=5) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return connection.recv(65536)


def test_basic_and_bearer_credentials_are_accepted_and_wrong_ones_refused(emulator, call) -> None:
    user = emulator.user
    for name, key, status in (
        (user.name, user.key, 200),
        (user.name, user.token, 200),
        (user.name, "wrong", 401),
        ("nobody", user.key, 401),
    ):
        word = base64.b64encode(f"{name}:{key}".encode()).decode()
        assert call.http("POST", f"/api{RPC}", b"{}", {"Authorization": f"Basic {word}"}).status == status
    for header in (f"Bearer {user.token}x", "Bearer ", "Basic !!!", ""):
        refused = call.http("POST", f"/api{RPC}", b"{}", {"Authorization": header})
        assert (refused.status, refused.reason) == (401, "Unauthenticated")


def test_a_token_is_looked_up_without_credentials(emulator, call) -> None:
    path = "/api/v1/security.OAuthService/IntrospectToken"
    known = call.http("POST", path, json.dumps({"token": emulator.user.token}).encode()).json
    assert known == {"active": True, "username": "tester", "userId": emulator.user.id, "scope": "resources.admin:*"}
    assert call.http("POST", path, b'{"token": "other"}').json == {"active": False}


def test_both_paths_and_absolute_addresses_are_understood(emulator, call) -> None:
    headers = {"Authorization": f"Bearer {emulator.user.token}"}
    for path in (RPC, f"/api{RPC}"):
        assert call.http("POST", path, b"{}", headers).status == 200
    token = emulator.user.token
    asked = f"POST http://localhost/api{RPC} HTTP/1.1\nHost: localhost\nAuthorization: Bearer {token}\n"
    assert raw(emulator, asked + "Content-Length: 2\n\n{}").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "request_line",
    [
        "GET http://api.kaggle.com/ HTTP/1.1\nHost: api.kaggle.com\n\n",
        "GET / HTTP/1.1\nHost: evil.example\n\n",
        "GET https://localhost/ HTTP/1.1\nHost: localhost\n\n",
        "GET / HTTP/1.0\n\n",
        "CONNECT api.kaggle.com:443 HTTP/1.1\nHost: api.kaggle.com:443\n\n",
        "CONNECT localhost:443 HTTP/1.1\nHost: localhost:443\n\n",
    ],
)
def test_foreign_hosts_and_tunnels_are_refused(emulator, request_line: str) -> None:
    assert raw(emulator, request_line).startswith(b"HTTP/1.1 403")


def test_it_listens_on_loopback_only(emulator) -> None:
    assert emulator.server.server_address[0] == "127.0.0.1"


def test_what_it_does_not_know_is_a_404_and_what_is_no_json_a_400(emulator, call) -> None:
    headers = {"Authorization": f"Bearer {emulator.user.token}"}
    assert call("InventCompetition").status == 404
    assert call.http("POST", f"/api{RPC}", b"{", headers).status == 400
    assert call.http("POST", f"/api{RPC}", b"[]", headers).status == 400
    assert call("ListCompetitions", pageSize=-1).status == 400


def test_a_page_token_that_was_never_given_starts_at_the_front(call) -> None:
    assert len(call("ListDataFiles", competitionName="titanic", pageToken="abcd").json["files"]) == 3


def test_a_restart_forgets_nothing_and_grades_what_was_pending(tmp_path: Path) -> None:
    titanic.write(tmp_path / "hosted")
    state = tmp_path / "state"
    with running(tmp_path / "hosted", state=state) as first:
        call = Caller(first, first.user.token)
        call.submit(titanic.right_but(21))
        first.settle()
        first.site.grader.hold()
        ref = call.submit(titanic.right_but(0)).json["ref"]
        token = call("StartSubmissionUpload", competitionName="titanic", contentLength=6, fileName="a").json[
            "createUrl"
        ]
        call.http("PUT", token, b"abc", {"Content-Range": "bytes 0-2/6"})
    with running(tmp_path / "hosted", state=state, accepted=False) as second:
        call = Caller(second, first.user.token)
        assert second.user == first.user
        graded = call.submission(ref)
        assert (graded["status"], graded["publicScore"]) == ("COMPLETE", "1.00000")
        assert call("GetSubmissionLimits", competitionName="titanic").json["numToday"] == 2
        path = token.removeprefix(first.url)
        assert call.http("PUT", path, headers={"Content-Range": "bytes */6"}).headers["range"] == "bytes=0-2"
        rows = call("GetLeaderboard", competitionName="titanic").json["submissions"]
        assert [row["teamName"] for row in rows] == ["tester", "ahead", "Host Benchmark", "behind"]


def test_clients_that_race_for_the_last_submissions_get_just_those(emulator, call, monkeypatch) -> None:
    token = call.upload(titanic.right_but(0))
    statuses = []
    counted = submissions._made

    def slowly(*asked: Any) -> tuple[int, int]:
        counts = counted(*asked)
        time.sleep(0.02)  # between counting and inserting, where the others would come in
        return counts

    monkeypatch.setattr(submissions, "_made", slowly)

    def submit() -> None:
        statuses.append(call("CreateSubmission", competitionName="titanic", blobFileTokens=token).status)

    threads = [threading.Thread(target=submit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 5 + [400] * 15
    emulator.settle()
    assert len(call("ListSubmissions", competitionName="titanic").json["submissions"]) == 5


def test_a_second_process_can_accept_rules_while_the_server_runs(
    start: Callable[..., Emulator], tmp_path: Path
) -> None:
    emulator = start({"accepted": False})
    other = Store(emulator.store.folder)
    other.accept("titanic", "tester", "2030-01-01T00:00:00.000Z")
    other.close()
    assert Caller(emulator, emulator.user.token)("ListDataFiles", competitionName="titanic").status == 200


def test_an_emulator_that_does_not_run_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="No emulator runs"):
        address(tmp_path)
    (tmp_path / "server.json").write_text('{"url": "http://127.0.0.1:1", "pid": 1}')
    with pytest.raises(KitError, match="No emulator runs"):
        address(tmp_path)


def test_a_port_that_is_taken_is_refused_with_a_cure(start: Callable[..., Emulator], emulator) -> None:
    with pytest.raises(KitError, match="cannot be used"):
        start({"port": emulator.server.server_address[1]})


def test_each_user_has_an_environment_and_no_credential_of_the_real_site(emulator) -> None:
    mine, other = emulator.env, emulator.env_of("rival")
    assert mine["http_proxy"] == mine["HTTPS_PROXY"] == emulator.url
    assert (mine["no_proxy"], mine["KAGGLE_API_ENVIRONMENT"]) == ("", "LOCALHOST")
    assert (mine["KAGGLE_USERNAME"], other["KAGGLE_USERNAME"]) == ("tester", "rival")
    assert mine["KAGGLE_API_TOKEN"] != other["KAGGLE_API_TOKEN"]
    assert list(Path(mine["HOME"]).iterdir()) == []


def test_the_state_is_readable_by_its_owner_only(emulator) -> None:
    assert (emulator.store.folder / "emulator.db").stat().st_mode & 0o077 == 0
