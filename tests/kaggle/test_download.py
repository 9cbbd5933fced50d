"""Downloads: resumed, checked, and in place as a whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from kit.data import fetch
from kit.emulator.faults import Fault
from kit.kaggle import transfer

FILES = ("extra.bin", "sample_submission.csv", "test.csv", "train.csv")


def declare(parity: Path, source: str, files: str) -> None:
    """Let parity come from another source."""
    text = (parity / "competition.py").read_text()
    begin, end = text.index("    source=KaggleCompetition("), text.index("    load=load")
    text = f"{text[:begin]}    source=sources.{source}, files={files}),\n{text[end:]}"
    (parity / "competition.py").write_text(text.replace("from kit.task import", "from kit.task import sources,"))


def test_a_competition_is_downloaded_checked_and_recorded(run, site, hosted, workspace):
    status, out, err = run("download", "parity", "--json")
    assert status == 0
    manifest = json.loads(out)
    assert manifest["origin"] == f"{site.url}/competitions/parity"
    assert manifest["public"]["train.csv"]["rows"] == 60
    assert (workspace / "data" / "parity" / "public" / "extra.bin").read_bytes() == (
        hosted / "public" / "extra.bin"
    ).read_bytes()
    assert "parity: 4 files, 0.9 MiB\n" in err
    assert not (workspace / "data" / "parity" / "private" / "solution.csv").exists()


def test_a_second_download_asks_the_server_nothing(run, site):
    run("download", "parity")
    before = len(site.seen)
    status, _, err = run("download", "parity")
    assert (status, len(site.seen) - before) == (0, 0)
    assert "is already there." in err


def test_a_killed_download_goes_on_where_it_was(run, site, workspace, monkeypatch):
    site.faults.add(Fault("Storage", "cut", bytes=500_000, nth=2, times=1))
    with monkeypatch.context() as dying:
        dying.setattr(transfer, "CONNECTIONS", 1)  # as if the process had been killed
        status, _, err = run("download", "parity")
    assert (status, "What has arrived is kept" in err) == (1, True)
    part = workspace / "data" / ".downloads" / "parity" / "parity.zip.part"
    arrived = part.stat().st_size
    assert 0 < arrived <= 500_000
    asked = []
    receive = transfer.get
    monkeypatch.setattr(transfer, "get", lambda *words: asked.append(words[2]) or receive(*words))
    assert run("download", "parity")[0] == 0
    assert asked == [{"Range": f"bytes={arrived}-"}]


def test_half_of_another_file_is_not_gone_on_with(run, site, workspace):
    folder = workspace / "data" / ".downloads" / "parity"
    folder.mkdir(parents=True)
    (folder / "parity.zip.part").write_bytes(b"x" * 1000)
    (folder / "parity.zip.part.json").write_text('{"mark": "another day", "size": 900000}')
    assert run("download", "parity")[0] == 0


def test_more_than_the_whole_file_is_thrown_away(run, site, workspace):
    folder = workspace / "data" / ".downloads" / "parity"
    folder.mkdir(parents=True)
    (folder / "parity.zip.part").write_bytes(b"x" * 2_000_000)
    (folder / "parity.zip.part.json").write_text('{"mark": "m", "size": 2000001}')
    assert run("download", "parity")[0] == 0


def test_files_that_differ_from_the_declaration_are_not_put_in_place(run, hosted, workspace):
    text = (hosted / "public" / "train.csv").read_text()
    (hosted / "public" / "train.csv").write_text(text[: text.rindex("\n", 0, -1) + 1])
    status, _, err = run("download", "parity")
    assert (status, "train.csv has 59 rows." in err) == (1, True)
    assert not (workspace / "data" / "parity").exists()


def test_a_file_that_the_server_lists_and_does_not_send_is_named(run, site, hosted, monkeypatch):

    compare = fetch.compare
    monkeypatch.setattr(fetch, "compare", lambda raw, listing: compare(raw, listing | {"more.csv": 7}))
    assert "more.csv is missing from the download." in run("download", "parity")[2]
    monkeypatch.setattr(fetch, "compare", lambda raw, listing: compare(raw, listing | {"test.csv": 7}))
    assert "Kaggle lists it with 7." in run("download", "parity")[2]


def test_an_archive_that_is_none_is_named_and_fetched_again_with_force(run, site, workspace):
    folder = workspace / "data" / ".downloads" / "parity"
    folder.mkdir(parents=True)
    (folder / "parity.zip").write_bytes(b"not a zip file")
    assert "parity.zip is damaged" in run("download", "parity")[2]
    assert run("download", "parity", "--force")[0] == 0


def test_two_downloads_at_once_do_not_share_a_file(run, site, workspace):
    import fcntl

    folder = workspace / "data" / ".downloads" / "parity"
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, _, err = run("download", "parity")
    assert (status, "Another process is downloading parity." in err) == (1, True)


def test_without_credentials_the_way_by_hand_is_named(kit, parity, monkeypatch, tmp_path):
    for name in ("API_TOKEN", "USERNAME", "KEY", "CONFIG_DIR"):
        monkeypatch.delenv(f"KAGGLE_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    status, _, err = kit("download", "parity")
    assert status == 1
    assert "There are no Kaggle credentials, without which parity cannot be fetched." in err
    assert "Try: kit download parity --from ~/Downloads/parity.zip" in err


def test_the_sample_is_embedded_even_where_the_server_hosts_it(run, site):
    status, _, _ = run("download", "parity", "--sample")
    assert (status, site.steps("ListDataFiles")) == (0, 0)


def test_a_full_disk_is_told_before_a_byte_is_fetched(run, site, monkeypatch):
    import shutil
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1))
    status, _, err = run("download", "parity")
    assert (status, "has room for 1." in err) == (1, True)


def test_a_dataset_is_downloaded_through_the_same_door(run, site, hosted, parity, workspace):
    run("download", "parity")
    assert run("publish", "parity")[0] == 0
    declare(parity, 'KaggleDataset("tester/kit-parity"', repr(dict.fromkeys(FILES)))
    (workspace / "data" / "parity").rename(workspace / "data" / "old")
    import sys

    for name in [name for name in sys.modules if name.startswith("competition_parity")]:
        del sys.modules[name]
    status, out, err = run("download", "parity", "--json")
    assert status == 0, err
    assert json.loads(out)["origin"] == f"{site.url}/datasets/tester/kit-parity"
    assert (workspace / "data" / "parity" / "public" / "extra.bin").stat().st_size == 900_000


@pytest.fixture
def web(raw, tmp_path):
    """A plain web server with the raw files of parity in a zip file; its address and the sha256."""
    import functools
    import threading
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    folder = tmp_path / "web"
    folder.mkdir()
    with zipfile.ZipFile(folder / "parity.zip", "w") as archive:
        for path in sorted(raw.iterdir()):
            archive.write(path, path.name)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    digest = hashlib.sha256((folder / "parity.zip").read_bytes()).hexdigest()
    yield f"http://127.0.0.1:{server.server_address[1]}/parity.zip", digest
    server.shutdown()
    server.server_close()


def test_plain_addresses_are_fetched_and_their_sha256_compared(kit, parity, web, workspace, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url, digest = web
    declare(parity, f'Web({{"{url}": "{digest}"}}, page="http://example.org"', "{}")
    status, _, err = kit("download", "parity")
    assert status == 0, err
    assert (workspace / "data" / "parity" / "private" / "solution.csv").exists()


def test_a_file_that_is_not_declared_does_not_stay(run, site, hosted, workspace):
    (hosted / "public" / "zeros.bin").write_bytes(bytes(1 << 24))
    status, _, err = run("download", "parity")
    assert (status, "Left out, since competition.py does not declare them: zeros.bin\n" in err) == (0, True)
    kept = workspace / "data" / "parity" / "public"
    assert sorted(path.name for path in kept.iterdir()) == sorted(FILES)


def test_a_wrong_sha256_keeps_a_file_out(kit, parity, web, workspace, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    declare(parity, f'Web({{"{web[0]}": "{"0" * 64}"}}, page="http://example.org"', "{}")
    status, _, err = kit("download", "parity")
    assert status == 1
    assert f"parity.zip has the sha256 {web[1]}." in err
    assert not (workspace / "data" / "parity").exists()
    assert not (workspace / "data" / ".downloads" / "parity" / "parity.zip").exists()
