"""Files that a kernel left: no link is followed, and nothing but plain files is opened."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from kit.sandbox import opened

SECRET = b"of the host"


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A folder that a kernel left, beside a file of the host."""
    (tmp_path / "secret").write_bytes(SECRET)
    folder = tmp_path / "working"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "out.csv").write_bytes(b"id\n")
    (folder / "deep" / "er" / "out.csv").write_bytes(b"deeper\n")
    return folder


def refused(folder: Path, name: str) -> str:
    with pytest.raises(opened.Refused) as error:
        opened.opened(folder, name)
    return str(error.value)


def test_plain_files_are_opened_at_any_depth(left):
    for name, data in (("out.csv", b"id\n"), ("deep/er/out.csv", b"deeper\n")):
        with opened.opened(left, name) as file:
            assert file.read() == data


@pytest.mark.parametrize("name", ["../secret", "deep/../../secret", "/etc/passwd", "", ".", "deep//er", "out.csv\0"])
def test_a_name_that_leads_out_of_the_folder_is_refused(left, name):
    assert "is not the name of a file below its folder" in refused(left, name)


@pytest.mark.parametrize("target", ["../secret", "{tmp}/secret", "out.csv"])
def test_a_link_is_refused_wherever_it_leads(left, target):
    (left / "link").symlink_to(target.format(tmp=left.parent))
    assert refused(left, "link") == "'link' is a link, and links are not followed"


def test_a_folder_that_is_a_link_is_refused(left):
    (left / "aside").symlink_to(left.parent)
    assert refused(left, "aside/secret").startswith("'aside/secret' lies below a link, or below something else")


def test_what_is_no_plain_file_is_refused_at_once(left):
    os.mkfifo(left / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(left)  # the path of a socket may have 107 bytes only
        listening.bind("socket")
        os.chdir(here)
        assert refused(left, "pipe") == "'pipe' is not a plain file"  # nobody writes to it: it would wait for ever
        assert "cannot be read" in refused(left, "socket")
    assert refused(left, "deep") == "'deep' is not a plain file"


def test_a_missing_file_is_told_apart(left):
    with pytest.raises(opened.Missing):
        opened.opened(left, "none.csv")
    with pytest.raises(opened.Missing):
        opened.opened(left, "none/out.csv")
    with pytest.raises(opened.Missing):
        opened.opened(left / "none", "out.csv")


def test_a_name_of_too_many_folders_is_refused(left):
    assert "more than 64 folders" in refused(left, "a/" * 64 + "b")


def test_the_listing_names_plain_files_only_and_measures_no_link(left):
    (left / "link").symlink_to("../secret")
    (left / "aside").symlink_to("..")
    os.mkfifo(left / "pipe")
    Path(os.fsdecode(os.fsencode(left) + b"/\xff")).write_bytes(b"")
    assert [(one.name, one.size) for one in opened.listing(left)] == [("deep/er/out.csv", 7), ("out.csv", 3)]
    assert opened.listing(left / "none") == []


def test_folders_in_folders_without_end_are_listed_as_far_as_names_may_go(left):
    place = left
    for _ in range(80):
        place = place / "d"
        place.mkdir()
        (place / "f").write_bytes(b"")
    assert max(one.name.count("/") for one in opened.listing(left)) == opened.DEPTH


def test_a_copy_is_whole_or_refused(left, tmp_path):
    opened.copy(left, "out.csv", tmp_path / "copy", most=3)
    assert (tmp_path / "copy").read_bytes() == b"id\n"
    with pytest.raises(opened.Refused, match="has 7 bytes, and 3 are allowed"):
        opened.copy(left, "deep/er/out.csv", tmp_path / "other", most=3)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("swapped", ["out.csv", "deep"])
def test_a_name_that_is_swapped_for_a_link_again_and_again_never_gives_the_host_s_file(left, swapped):
    (left.parent / "er").mkdir()
    (left.parent / "er" / "out.csv").write_bytes(SECRET)
    name, target = ("out.csv", "../secret") if swapped == "out.csv" else ("deep/er/out.csv", "..")
    over = threading.Event()

    def swap() -> None:
        os.symlink(target, left / "link")
        while not over.is_set():  # exchange the two names: file, link, file, link, ...
            (left / swapped).rename(left / "aside")
            (left / "link").rename(left / swapped)
            (left / swapped).rename(left / "link")
            (left / "aside").rename(left / swapped)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[str] = set()
    tries: list[None] = []
    try:
        until = time.monotonic() + 10
        while not ({"file", "link"} <= seen and len(tries) > 2000) and time.monotonic() < until:
            tries.append(None)
            try:
                with opened.opened(left, name) as file:
                    assert file.read() != SECRET
                seen.add("file")
            except opened.Refused as error:
                seen.add("missing" if isinstance(error, opened.Missing) else "link")
    finally:
        over.set()
        thread.join()
    assert {"file", "link"} <= seen  # else nothing was raced for
