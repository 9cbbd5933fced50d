"""The client: silent, timed, and every refusal told apart."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from kit.emulator.faults import Fault
from kit.errors import KitError
from kit.kaggle import client, credentials
from kit.kaggle.client import Refusal


def files(slug="parity"):
    """List the files of a competition."""
    what, method = "Listing the files", "competitions.list_data_files"
    return client.connect().ask(what, method, safe=True, competition_name=slug).files


def refusal(slug="parity") -> Refusal:
    """What listing the files of a competition is refused with."""
    with pytest.raises(Refusal) as caught:
        files(slug)
    return caught.value


def test_the_client_says_who_it_is_and_which_credential_won_without_its_value(site):
    kaggle = client.connect()
    assert (kaggle.user, kaggle.source) == ("tester", "KAGGLE_API_TOKEN (access token)")
    assert client.connect() is kaggle
    assert site.env["KAGGLE_API_TOKEN"] not in repr(kaggle) + repr(credentials.find())


def test_connecting_and_asking_print_nothing(site, capsys):
    assert [file.name for file in files()] == ["extra.bin", "sample_submission.csv", "test.csv", "train.csv"]
    assert capsys.readouterr() == ("", "")


def test_a_method_of_the_official_client_can_be_called_as_it_is(site):
    kaggle = client.connect()
    answer = kaggle.call("Listing", kaggle.api.competition_list_files, "parity", page_size=2, safe=True, slug="parity")
    assert [file.name for file in answer.files] == ["extra.bin", "sample_submission.csv"]


def test_another_process_may_make_the_folder_of_the_client_at_the_same_moment(site, tmp_path):
    home = tmp_path / "home" / ".kaggle"
    code = (
        "import os, os.path\n"
        f"home, look = {str(home)!r}, os.path.exists\n"
        "def exists(path):\n"
        "    found = look(path)\n"
        "    if path == home and not found: os.mkdir(path)\n"  # the other process, right after this one's look
        "    return found\n"
        "os.makedirs(os.path.dirname(home)); os.path.exists = exists\n"
        "from kit.kaggle import client\nprint(client.connect().user)"
    )
    fresh = os.environ | {"KAGGLE_CONFIG_DIR": str(home)}
    done = subprocess.run([sys.executable, "-c", code], env=fresh, capture_output=True, text=True)
    assert done.stdout == "tester\n", done.stderr


def test_without_credentials_nothing_is_imported_and_the_cure_is_named(tmp_path):
    code = (
        "import sys\nfrom kit.kaggle import client\n"
        "try:\n    client.connect()\nexcept Exception as error:\n    print(error)\n"
        "print('kaggle' in sys.modules, 'requests' in sys.modules)"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    first, *_, last = done.stdout.splitlines()
    assert (first, last) == ("There are no Kaggle credentials on this machine.", "False False")


def test_rules_that_are_not_accepted_are_told_with_their_address(site):
    site.store.run("DELETE FROM accepted")
    refused = refusal()
    assert refused.wrong == (
        "Listing the files: the rules of parity are not accepted (403). "
        "You must accept this competition's rules before you'll be able to download files."
    )
    assert refused.cure == f"{site.url}/competitions/parity/rules"


def test_rules_are_told_from_a_wrong_name_even_where_the_server_gives_no_reason(site):
    site.store.run("DELETE FROM accepted")
    site.faults.add(Fault("ListDataFiles", "status", status=403, message=""))
    assert "the rules of parity are not accepted (403)" in refusal().wrong


def test_a_wrong_name_is_told_with_near_matches(site):
    assert refusal("paritty").wrong == (
        "Listing the files: the emulator has no competition 'paritty' (403). Did you mean parity?"
    )
    assert refusal("titanic").wrong == "Listing the files: the emulator has no competition 'titanic' (403)."


def test_a_denial_of_a_competition_that_was_entered_keeps_the_servers_reason(site):
    site.faults.add(Fault("ListDataFiles", "status", status=403, message="You are banned."))
    assert refusal().wrong == "Listing the files: the emulator denies it (403). You are banned."


def test_a_revoked_token_is_told_from_what_it_hides(site, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "revoked-token")
    with pytest.raises(Refusal) as caught:
        client.connect()
    assert caught.value.wrong == (
        "Signing in: the emulator does not accept the credentials from KAGGLE_API_TOKEN (access token). "
        "It is not active."
    )
    assert caught.value.right.endswith("They hide those from KAGGLE_USERNAME and KAGGLE_KEY.")
    assert "revoked-token" not in str(caught.value)


def test_a_wrong_key_is_a_401(site, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    monkeypatch.setenv("KAGGLE_KEY", "wrong")
    refused = refusal()
    assert (refused.status, refused.wrong) == (
        401,
        "Listing the files: the emulator does not accept the credentials from "
        "KAGGLE_USERNAME and KAGGLE_KEY (legacy key) (401).",
    )


@pytest.mark.parametrize("flat", [False, True])
def test_the_reason_is_read_from_nested_and_from_flat_bodies(hosted, quick, monkeypatch, flat):
    from kit.emulator.local import running

    fault = Fault("ListDataFiles", "status", status=400, message="The moon is full.")
    with running(hosted.parent, flat_errors=flat, faults=[fault]) as site:
        for name, value in site.env.items():
            monkeypatch.setenv(name, value)
        assert refusal().reason == "The moon is full."


def test_a_429_is_waited_for_even_by_a_call_that_must_not_be_repeated(site):
    site.faults.add(Fault("ListDataFiles", "status", status=429, retry_after=0.2))
    started = time.monotonic()
    client.connect().ask("Listing", "competitions.list_data_files", safe=False, competition_name="parity")
    assert 0.2 <= time.monotonic() - started < 5
    assert site.steps("ListDataFiles") == 2


def test_a_429_with_a_long_wait_is_told_and_not_waited_for(site):
    site.faults.add(Fault("ListDataFiles", "status", status=429, retry_after=900, message="Slow down."))
    refused = refusal()
    assert (refused.wrong, refused.right) == (
        "Listing the files: the emulator asks for fewer calls (429). Slow down.",
        "Try again in 900 s.",
    )
    assert site.steps("ListDataFiles") == 1


def test_only_a_safe_call_is_repeated_after_a_503(site):
    site.faults.add(Fault("ListDataFiles", "status", status=503))
    assert len(files()) == 4
    site.faults.add(Fault("ListDataFiles", "status", status=503))
    with pytest.raises(Refusal) as caught:
        client.connect().ask("Listing", "competitions.list_data_files", safe=False, competition_name="parity")
    assert (caught.value.status, caught.value.unknown, caught.value.late) == (503, True, False)
    assert site.steps("ListDataFiles") == 3


def test_a_server_that_hangs_is_given_up_after_the_timeout(site):
    client.connect()
    site.faults.add(Fault("ListDataFiles", "delay", seconds=3, times=0))
    started = time.monotonic()
    refused = refusal()
    assert time.monotonic() - started < 2.5
    assert (refused.status, refused.late) == (0, True)
    assert refused.wrong == "Listing the files: the emulator cannot be reached: no answer in time."


def test_other_code_of_the_process_keeps_its_own_timeouts(site):
    import requests
    from requests.adapters import HTTPAdapter

    client.connect()
    seen = []

    class Spy(HTTPAdapter):
        def send(self, request, **kwargs):
            seen.append(kwargs["timeout"])
            return super().send(request, **kwargs)

    with requests.Session() as own:
        own.mount("http://", Spy())
        own.get(site.url)
    assert seen == [None]


def test_a_server_that_is_not_there_is_one_error(monkeypatch, quick, tmp_path):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name, value in {"API_ENVIRONMENT": "LOCALHOST", "API_TOKEN": "secret-token"}.items():
        monkeypatch.setenv(f"KAGGLE_{name}", value)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Refusal) as caught:
        client.connect()
    assert caught.value.wrong == "Signing in: the emulator cannot be reached: connection refused."
    assert "secret-token" not in str(caught.value)


def test_loopback_is_told_from_the_world(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
    assert (client.emulated(), client.server()) == (False, "kaggle.com")
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")  # which the client takes for production
    assert not client.emulated()
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    assert (client.emulated(), client.server()) == (True, "http://localhost")
    monkeypatch.setenv("http_proxy", "http://proxy.example.org:3128")
    assert not client.emulated()


def test_a_defect_of_kit_is_no_refusal(site):
    with pytest.raises(ZeroDivisionError):
        client.connect().call("Dividing", lambda: 1 / 0, safe=True)


def test_the_clients_own_complaint_is_a_refusal(site):
    kaggle = client.connect()
    with pytest.raises(KitError, match=r"Asking: the emulator refuses .400.: A dataset must be specified"):
        kaggle.call("Asking", kaggle.api.dataset_status, None, safe=True)


def test_credentials_are_found_in_the_order_of_the_client(tmp_path, monkeypatch):
    for name in ("API_TOKEN", "USERNAME", "KEY", "CONFIG_DIR"):
        monkeypatch.delenv(f"KAGGLE_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "kaggle.json").write_text('{"username": "me", "key": "k1"}')
    assert [refused.where for refused in credentials.find()] == [str(tmp_path / ".kaggle" / "kaggle.json")]
    (tmp_path / ".kaggle" / "access_token").write_text("t1\n")
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "k2")
    assert [(refused.where, refused.secret) for refused in credentials.find()] == [
        ("~/.kaggle/access_token", "t1"),
        ("KAGGLE_USERNAME and KAGGLE_KEY", "k2"),
    ]
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / ".kaggle" / "access_token"))
    assert (credentials.find()[0].where, credentials.find()[0].secret) == ("KAGGLE_API_TOKEN", "t1")


def test_secrets_and_signed_addresses_are_taken_out_of_texts(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "abc123")
    text = "no abc123 at https://storage.googleapis.com/x/train.zip?X-Goog-Signature=ff, sorry"
    assert credentials.redact(text) == "no [hidden] at https://storage.googleapis.com/x/train.zip sorry"


def test_a_key_that_another_outranks_is_taken_out_of_texts_too(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "kaggle.json").write_text('{"username": "me", "key": "in-the-file"}')
    monkeypatch.delenv("KAGGLE_CONFIG_DIR", raising=False)
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "in-the-variable")
    assert credentials.redact("in-the-file, in-the-variable") == "[hidden], [hidden]"
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    assert credentials.redact("in-the-file, in-the-variable") == "[hidden], [hidden]"


def test_the_clients_verbose_mode_prints_no_credential(site, workspace):
    done = subprocess.run(
        [sys.executable, "-m", "kit", "download", "parity"],
        env=os.environ | {"VERBOSE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert site.env["KAGGLE_API_TOKEN"] not in done.stdout
    assert "Authorization" not in done.stdout


def test_the_password_of_a_proxy_stays_out_of_the_servers_name(monkeypatch):
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:8080/")
    assert client.server() == "http://127.0.0.1:8080"
