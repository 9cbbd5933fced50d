"""Looking around on Kaggle: competitions and files, page by page, and what is told when that is refused."""

from __future__ import annotations

import json

import pytest

import kit as api
from kit.emulator.faults import Fault
from kit.errors import KitError
from kit.kaggle import listings


def test_competitions_are_listed_with_deadline_teams_and_whether_one_has_entered(run):
    status, out, err = run("competitions")
    assert (status, err) == (0, "")
    header, _, line = out.splitlines()
    assert header.split() == ["slug", "title", "deadline", "reward", "teams", "entered"]
    assert line.split()[:2] == ["parity", "Parity"]
    assert line.split()[-1] == "yes"


def test_a_search_that_fits_nothing_says_so(run):
    assert run("competitions", "house", "prices") == (0, "", "No competition fits 'house prices'.\n")


def test_competitions_speak_json(run):
    (listed,) = json.loads(run("competitions", "pari", "--json")[1])
    assert (listed["slug"], listed["title"], listed["entered"], listed["metric"]) == (
        "parity",
        "Parity",
        True,
        "accuracy",
    )
    assert listed["deadline"].endswith("Z")


def test_files_are_listed_with_size_and_date(run):
    status, out, _ = run("files", "parity")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == [
        "extra.bin",
        "sample_submission.csv",
        "test.csv",
        "train.csv",
    ]
    assert "878.9 KiB" in out


def test_files_beyond_the_first_are_told_of_with_the_command_that_lists_them(run):
    status, out, err = run("files", "parity", "--most", "3")
    assert status == 0
    assert len(out.splitlines()) == 5
    assert err == "There are more: kit files parity --most 15\n"


def test_a_listing_is_read_over_several_pages(site, monkeypatch):
    monkeypatch.setattr(listings, "PAGE", 2)
    listed = api.files("parity")
    assert [one.name for one in listed] == ["extra.bin", "sample_submission.csv", "test.csv", "train.csv"]
    assert next(one.bytes for one in listed) == 900_000
    assert not listed.more
    assert [len(api.files("parity", most=most)) for most in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert [api.files("parity", most=most).more for most in (3, 4)] == [True, False]


def test_a_wrong_slug_is_told_with_those_that_are_near(run):
    status, out, err = run("files", "paritty")
    assert (status, out) == (1, "")
    assert "has no competition 'paritty' (" in err
    assert "Did you mean parity?" in err
    assert "Try: kit competitions paritty" in err


def test_rules_that_are_not_accepted_are_told(site, run):
    site.store.run("DELETE FROM accepted")
    status, out, err = run("files", "parity")
    assert (status, out) == (1, "")
    assert "the rules of parity are not accepted (403)" in err
    assert f"Try: {site.url}/competitions/parity/rules" in err


def test_a_server_that_fails_for_a_moment_is_asked_again(site, run):
    site.faults.add(Fault("ListDataFiles", "status", status=503))
    assert run("files", "parity")[0] == 0


def test_without_credentials_the_cure_is_named(kit, monkeypatch, tmp_path):
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    status, out, err = kit("competitions")
    assert (status, out) == (1, "")
    assert "https://www.kaggle.com/settings" in err


def test_fewer_than_one_item_is_refused(site):
    with pytest.raises(KitError, match="0 files cannot be listed"):
        api.files("parity", most=0)
