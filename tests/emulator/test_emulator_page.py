"""The web page: what it shows, and how rules are accepted on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

from kit.emulator.local import Emulator
from tests.emulator import titanic
from tests.emulator.conftest import Caller


def proof(html: str) -> str:
    found = re.search(r'name="proof" value="(\w+)"', html)
    assert found
    return found[1]


def test_it_lists_competitions_and_shows_the_leaderboard(emulator, call) -> None:
    call.submit(titanic.right_but(21))
    emulator.settle()
    front = call.http("GET", "/")
    assert (front.status, front.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'<a href="/competitions/titanic">Titanic</a>' in front.body
    shown = call.http("GET", "/competitions/titanic").body.decode()
    teams = re.findall(r"<tr class=\"(\w*)\"><td>(\d*)</td><td>([^<]+)</td><td>([\d.]+)</td>", shown)
    assert teams == [
        ("", "1", "ahead", "0.99000"),
        ("", "2", "tester", "0.89952"),
        ("host", "", "Host Benchmark", "0.50000"),
        ("", "3", "behind", "0.10000"),
    ]
    assert "<script" not in shown
    assert emulator.user.token not in shown
    assert call.http("GET", "/competitions/none").status == 404


def test_rules_are_accepted_with_the_button_and_not_through_the_api(start: Callable[..., Emulator]) -> None:
    emulator = start({"accepted": False})
    call = Caller(emulator, emulator.user.token)
    page = call.http("GET", "/competitions/titanic/rules").body.decode()
    assert "I understand and accept" in page
    assert call("ListDataFiles", competitionName="titanic").status == 403
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = urlencode({"user": "tester", "proof": proof(page)}).encode()
    done = call.http("POST", "/competitions/titanic/rules", sent, form)
    assert (done.status, done.headers["location"]) == (303, "/competitions/titanic")
    assert call("ListDataFiles", competitionName="titanic").status == 200
    again = call.http("GET", "/competitions/titanic", headers={"Cookie": "user=tester"}).body.decode()
    assert "tester has accepted the rules." in again


def test_a_form_of_another_site_is_refused(start: Callable[..., Emulator]) -> None:
    emulator = start({"accepted": False})
    call = Caller(emulator, emulator.user.token)
    sent = urlencode({"user": "tester", "proof": "0" * 64}).encode()
    assert call.http("POST", "/competitions/titanic/rules", sent).status == 403
    assert call("ListDataFiles", competitionName="titanic").status == 403


def test_titles_are_escaped(start: Callable[..., Emulator]) -> None:
    emulator = start(title="<b>Titanic & co</b>")
    assert b"&lt;b&gt;Titanic &amp; co&lt;/b&gt;" in Caller(emulator, "").http("GET", "/").body
