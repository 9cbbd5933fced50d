"""The web pages: what they show, how rules are accepted on them, and what a hostile text cannot do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from kit.emulator import page
from kit.emulator.local import Emulator
from tests.emulator import titanic
from tests.emulator.conftest import Answer, Caller

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"


class Read(HTMLParser):
    """A page as a browser reads it: its elements, and its text by element. Fails on tags that do not match."""

    VOID = ("meta", "link", "input", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.setdefault(self.open[-1], []).append(" ".join(data.split()))

    def of(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.elements if name == tag]


def get(call: Caller, path: str, user: str = "") -> Read:
    """The page at a path as `user` sees it."""
    answer = call.http("GET", path, headers={"Cookie": f"user={user}"})
    assert answer.status == 200
    return Read(answer.body.decode())


def proof(html: bytes, action: str) -> str:
    field = re.search(rf'action="{action}"[^>]*>\s*<input type="hidden" name="proof" value="(\w+)"', html.decode())
    assert field
    return field[1]


def send(call: Caller, action: str, shown_at: str, **form: str) -> Answer:
    """Send a form of the page that is shown at a path."""
    told = {"proof": proof(call.http("GET", shown_at).body, action), **form}
    return call.http("POST", action, urlencode(told).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def board(html: bytes) -> list[tuple[str, ...]]:
    """The rows of a leaderboard: mark, rank, team, score."""
    team = r'<tr class="(\w*)">\s*<td class="number">(\d*)</td>\s*<td>([^<]+?)(?: <span.*?)?</td>'
    return re.findall(team + r'\s*<td class="number">([\d.]+)', html.decode())


def test_the_front_page_lists_competitions(start: Callable[..., Emulator]) -> None:
    emulator = start({"accepted": False}, description="Who survived?")
    call = Caller(emulator, emulator.user.token)
    front = get(call, "/")
    assert front.texts["h1"] == ["Competitions"]
    assert {"href": "/competitions/titanic"} in front.of("a")
    assert front.texts["dd"] == ["accuracy", "2", "1 Jan 2035"]
    assert "Who survived?" in front.texts["p"]
    assert "rules accepted" not in front.texts["span"]
    emulator.accept("titanic")
    assert "rules accepted" in get(call, "/", "tester").texts["span"]


def test_a_competition_shows_its_facts_files_sample_and_leaderboard(emulator: Emulator, call: Caller) -> None:
    call.submit(titanic.right_but(21))
    emulator.settle()
    answer = call.http("GET", "/competitions/titanic", headers={"Cookie": "user=tester"})
    assert board(answer.body) == [
        ("", "1", "ahead", "0.99000"),
        ("me", "2", "tester", "0.89952"),
        ("host", "", "Host Benchmark", "0.50000"),
        ("", "3", "behind", "0.10000"),
    ]
    shown = Read(answer.body.decode())
    sections = ["What a submission looks like", "Data", "Submissions of tester", "Public leaderboard", "Rules"]
    assert shown.texts["h2"] == sections
    assert "tester is number 2 of 3." in shown.texts["strong"]
    assert shown.texts["code"][:2] == ["sample_submission.csv", "PassengerId,Survived 892,0 893,0 894,0"]
    assert shown.texts["code"][2:5] == ["sample_submission.csv", "test.csv", "train.csv"]
    assert "5 a day" in shown.texts["dd"]
    assert emulator.user.token not in answer.body.decode()
    assert call.http("GET", "/competitions/none").status == 404


def test_after_the_deadline_the_private_leaderboard_is_shown(start: Callable[..., Emulator]) -> None:
    emulator = start(deadline="2026-01-01T00:00:00Z")
    answer = Caller(emulator, "").http("GET", "/competitions/titanic")
    assert board(answer.body)[0][2:] == ("ahead", "0.98000")
    shown = Read(answer.body.decode())
    assert "Private leaderboard" in shown.texts["h2"]
    assert "ended" in shown.texts["span"]
    assert "it has passed" in shown.texts["dd"]


def test_a_long_leaderboard_is_shown_in_pages(start: Callable[..., Emulator]) -> None:
    teams = [{"name": f"team {n}", "public": 1 - n / 1000} for n in range(page.PLACES + 5)]
    call = Caller(start(teams=teams), "")
    names = {
        number: [row[2] for row in board(call.http("GET", f"/competitions/titanic?page={number}").body)]
        for number in ("1", "2", "3", "0", "-1", "x", "9" * 5000)
    }
    first, second = [f"team {n}" for n in range(page.PLACES)], [f"team {page.PLACES + n}" for n in range(5)]
    assert names == {**dict.fromkeys(("1", "0", "-1", "x", "9" * 5000), first), "2": second, "3": second}


def test_rules_are_accepted_with_the_button_and_not_through_the_api(start: Callable[..., Emulator]) -> None:
    emulator = start({"accepted": False})
    call = Caller(emulator, emulator.user.token)
    assert "I understand and accept" in get(call, "/competitions/titanic").texts["button"]
    assert call("ListDataFiles", competitionName="titanic").status == 403
    done = send(call, "/competitions/titanic/rules", "/competitions/titanic/rules", user="tester")
    assert (done.status, done.headers["location"]) == (303, "/competitions/titanic")
    assert done.headers["set-cookie"] == "user=tester; Path=/; SameSite=Strict; HttpOnly"
    assert call("ListDataFiles", competitionName="titanic").status == 200
    again = get(call, "/competitions/titanic", "tester")
    assert "tester has accepted the rules." in again.texts["p"]
    assert "I understand and accept" not in again.texts["button"]


def test_nobody_is_chosen_until_somebody_chooses(start: Callable[..., Emulator]) -> None:
    emulator = start({"accepted": False})
    emulator.store.user("ana")
    call = Caller(emulator, "")
    for user in ("", "nobody"):
        shown = get(call, "/competitions/titanic", user)
        assert [option for option in shown.of("option") if "selected" in option] == [
            {"value": "", "selected": None, "disabled": None}
        ] * 2
    done = send(call, "/user", "/", user="ana", back="/competitions/titanic")
    assert (done.status, done.headers["location"]) == (303, "/competitions/titanic")
    assert send(call, "/user", "/", user="nobody").status == 404
    assert send(call, "/user", "/").status == 404
    for back in ("//evil.example", "https://evil.example", "/a\r\nSet-Cookie: x=y", "\\evil", "/é"):
        assert send(call, "/user", "/", user="ana", back=back).headers["location"] == "/"
    shown = get(call, "/", "ana")
    assert [option for option in shown.of("option") if "selected" in option] == [{"selected": None}]
    assert 'eval "$(kit emulator env --user ana)" kaggle competitions list' in shown.texts["code"]


def test_a_form_of_another_site_is_refused(start: Callable[..., Emulator]) -> None:
    emulator = start({"accepted": False})
    call = Caller(emulator, emulator.user.token)
    for forged in ("0" * 64, "", "é", proof(call.http("GET", "/").body, "/user")):
        sent = urlencode({"user": "tester", "proof": forged}).encode()
        assert call.http("POST", "/competitions/titanic/rules", sent).status == 403
    assert call("ListDataFiles", competitionName="titanic").status == 403


def test_the_browser_is_told_to_run_nothing_and_to_be_framed_by_nobody(call: Caller) -> None:
    for path in ("/", "/competitions/titanic", "/nowhere"):
        headers = call.http("GET", path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"] == "text/html; charset=utf-8"


def test_pages_load_the_style_sheet_and_the_icon_from_the_server_and_nothing_else(call: Caller) -> None:
    shown = get(call, "/competitions/titanic")
    wanted = {link["href"] for link in shown.of("link")} | {image["src"] for image in shown.of("img")}
    assert wanted == {"/style.css", "/icon.svg"}
    types = {path: call.http("GET", path).headers["content-type"] for path in sorted(wanted)}
    assert types == {"/icon.svg": "image/svg+xml", "/style.css": "text/css; charset=utf-8"}
    assert not shown.of("script")
    assert not [element for _, element in shown.elements if "style" in element]
    sheet = call.http("GET", "/style.css").body.decode()
    assert "prefers-color-scheme: dark" in sheet
    assert "url(" not in sheet and "@import" not in sheet


@pytest.mark.parametrize(
    "key", ["title", "category", "reward", "description", "rules", "metric name", "team", "file", "sample"]
)
def test_a_hostile_text_is_shown_and_does_nothing(start: Callable[..., Emulator], key: str) -> None:
    told: dict[str, Any] = {}
    if key in ("title", "category", "reward", "description", "rules"):
        told = {key: HOSTILE}
    elif key == "team":
        told = {"teams": [{"name": HOSTILE, "public": 0.5, "baseline": True}, {"name": "b", "public": 0.4}]}
    emulator = start(**told)
    hosted = emulator.site.hosted["titanic"]
    name = HOSTILE.replace("/", "")
    if key == "file":
        (hosted.files / name).write_text("1")
    if key == "sample":
        (hosted.files / "sample_submission.csv").write_text(f"{HOSTILE}\n" * 3)
    if key == "metric name":
        object.__setattr__(hosted, "metric", dataclasses.replace(hosted.metric, name=HOSTILE))
    call = Caller(emulator, "")
    pages = [get(call, "/"), get(call, "/competitions/titanic")]
    for shown in pages:
        assert not shown.of("script")
        assert {image["src"] for image in shown.of("img")} == {"/icon.svg"}
        assert not [element for _, element in shown.elements if any(name.startswith("on") for name in element)]
    texts = [text for shown in pages for several in shown.texts.values() for text in several]
    assert any(name in text or HOSTILE in text for text in texts)


def test_a_user_sees_what_became_of_their_submissions_and_nobody_elses(emulator: Emulator, call: Caller) -> None:
    assert "Submissions of tester" not in get(call, "/competitions/titanic", "tester").texts["h2"]
    call.submit(titanic.right_but(0))
    call.submit("PassengerId\n1\n")
    emulator.settle()
    emulator.site.grader.hold()
    call.submit(titanic.right_but(1))
    shown = get(call, "/competitions/titanic", "tester")
    assert "Submissions of tester" in shown.texts["h2"]
    outcomes = [text for text in shown.texts["td"] if text in ("pending", "error", "1.00000")]
    assert outcomes[:3] == ["pending", "error", "1.00000"]
    emulator.store.user("rival")
    assert "Submissions of rival" not in get(call, "/competitions/titanic", "rival").texts["h2"]


def test_a_code_competition_says_what_it_wants_and_how_it_is_submitted_to(tmp_path, start) -> None:
    titanic.write_code(tmp_path / "hosted", rerun_hours=0.5)
    emulator = start()
    call = Caller(emulator, emulator.user.token)
    assert "code competition" in get(call, "/").texts["span"]
    shown = get(call, "/competitions/titanic", "tester")
    assert "code competition" in shown.texts["span"]
    assert shown.texts["h2"][:2] == ["Code requirements", "What a submission looks like"]
    assert shown.texts["li"][:2] == ["The run may take 30 minutes.", "Internet access is off."]
    commands = " ".join(shown.texts["code"])
    assert "submit titanic -f submission.csv -k tester/NOTEBOOK -v 1" in commands
    pages = call("ListCompetitionPages", competitionName="titanic", pageName="code-requirements").json["pages"]
    assert "CPU Notebook <= 0.5 hours run-time" in pages[0]["content"]
    assert page._span(9 * 3600) == "9 hours" and page._span(3600) == "1 hour" and page._span(90) == "90 seconds"
