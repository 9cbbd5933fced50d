"""Archives of strangers: unpacked below one folder, or refused in one sentence with nothing left behind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from kit.data import archives
from kit.errors import KitError


@pytest.fixture
def into(tmp_path) -> Path:
    """The folder to unpack into, with a file beside it that must stay as it is."""
    (tmp_path / "beside.txt").write_text("mine")
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def zipped(path: Path, members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file of names and contents."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name) if method == zipfile.ZIP_STORED else name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    """A tar file of names and contents."""
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def listed(folder: Path) -> list[str]:
    """All that lies below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def refused(archive: Path, into: Path) -> str:
    """What is said of an archive; what lies beside the folder is untouched."""
    with pytest.raises(KitError) as error:
        archives.unpack(archive, into)
    assert (into.parent / "beside.txt").read_text() == "mine"
    assert {path.name for path in into.parent.iterdir()} <= {"beside.txt", "into", archive.name}
    return error.value.wrong


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_file_is_unpacked_with_its_folders(tmp_path, into, method):
    archive = zipped(tmp_path / "a.zip", {"train.csv": "1", "images/1.png": "2", "images/": ""}, method)
    assert archives.is_archive(archive)
    assert archives.unpack(archive, into) == []
    assert listed(into) == ["images/1.png", "train.csv"]
    assert (into / "train.csv").read_text() == "1"


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_file_is_unpacked_with_its_folders(tmp_path, into, mode):
    archive = tarred(tmp_path / "a.tar", {"train.csv": b"1", "images/1.png": b"2"}, mode)
    assert archives.is_archive(archive)
    assert archives.unpack(archive, into) == []
    assert listed(into) == ["images/1.png", "train.csv"]


@pytest.mark.parametrize("make", [zipped, tarred])
def test_members_that_are_not_wanted_are_left_out_and_named(tmp_path, into, make):
    archive = make(tmp_path / "a", {"train.csv": b"1", "huge.bin": b"0" * 1000, "images/1.png": b"2"})
    left = archives.unpack(archive, into, lambda name: name == "train.csv" or name.startswith("images/"))
    assert (left, listed(into)) == (["huge.bin"], ["images/1.png", "train.csv"])


def test_a_member_that_is_not_wanted_is_not_counted_as_too_large(tmp_path, into, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 100)
    archive = zipped(tmp_path / "a.zip", {"train.csv": "1", "huge.bin": "0" * 1000})
    assert "unpacks to 1,001 bytes" in refused(archive, into)
    assert listed(into) == []
    archives.unpack(archive, into, lambda name: name == "train.csv")
    assert listed(into) == ["train.csv"]


def test_zip_files_that_hold_one_file_of_their_own_name_are_unpacked_too(tmp_path, into):
    inner = zipped(tmp_path / "inner.zip", {"train.json": "{}"}).read_bytes()
    other = zipped(tmp_path / "other.zip", {"a.txt": "1"}).read_bytes()
    (tmp_path / "inner.zip").unlink(), (tmp_path / "other.zip").unlink()
    archive = zipped(tmp_path / "a.zip", {"train.json.zip": inner, "more.csv.zip": other, "plain.zip": other})
    assert archives.unpack(archive, into, {"train.json", "more.csv"}.__contains__) == ["plain.zip"]
    assert listed(into) == ["more.csv.zip", "train.json"]


def test_a_zip_file_that_holds_itself_is_not_unpacked_for_ever(tmp_path, into):
    inner = zipped(tmp_path / "x.csv.zip", {"x.csv.zip": "no end"}).read_bytes()
    (tmp_path / "x.csv.zip").unlink()
    archive = zipped(tmp_path / "a.zip", {"x.csv.zip": inner})
    archives.unpack(archive, into)
    assert listed(into) == ["x.csv.zip"]


def test_what_stands_already_is_not_replaced_by_an_inner_archive(tmp_path, into):
    inner = zipped(tmp_path / "x.csv.zip", {"x.csv": "packed"}).read_bytes()
    (tmp_path / "x.csv.zip").unlink()
    archives.unpack(zipped(tmp_path / "a.zip", {"x.csv.zip": inner, "x.csv": "plain"}), into)
    assert (into / "x.csv").read_text() == "plain"


OUTSIDE = ["../out.txt", "/etc/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt", "C:/out.txt", "\\out.txt"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_member_that_would_land_outside_is_refused_before_anything_is_written(tmp_path, into, make, name):
    wrong = refused(make(tmp_path / "a", {"first.txt": b"1", name: b"2"}), into)
    assert wrong == f"a holds {name!r}, which would be written outside its folder."
    assert listed(into) == []


@pytest.mark.parametrize(
    "name", ["x" * 256, "é" * 128, "a/" + "x" * 300 + "/b", "new\nline.txt", "bell\x07.txt", "\x1b[2J"]
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_name_that_no_file_should_have_is_refused_before_anything_is_written(tmp_path, into, make, name):
    wrong = refused(make(tmp_path / "a", {"first.txt": b"1", name: b"2"}), into)
    assert wrong.startswith("a holds a file that cannot be called so: ")
    assert len(wrong) < 130
    assert listed(into) == []


@pytest.mark.parametrize(
    ("name", "shown"), [("\a" + "x" * 59, "\a" + "x" * 59), ("\a" + "x" * 60, "\a" + "x" * 59 + "...")]
)
def test_a_long_name_is_told_by_its_beginning(tmp_path, into, name, shown):
    wrong = refused(zipped(tmp_path / "a.zip", {name: "1"}), into)
    assert wrong == f"a.zip holds a file that cannot be called so: {shown!r}."


def test_names_as_long_as_file_systems_allow_are_written(tmp_path, into):
    archives.unpack(zipped(tmp_path / "a.zip", {"x" * 255: "1", "é" * 127: "2"}), into)
    assert len(listed(into)) == 2


def test_links_in_zip_files_are_refused(tmp_path, into):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "'link', which would be written outside its folder" in refused(tmp_path / "a.zip", into)


@pytest.mark.parametrize("target", ["/etc/passwd", "../beside.txt"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_out_of_tar_files_are_refused(tmp_path, into, target, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, target
        archive.addfile(info)
    assert "a.tar holds a file that cannot be written here" in refused(tmp_path / "a.tar", into)


def test_devices_are_refused(tmp_path, into):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("device")
        info.type = tarfile.CHRTYPE
        archive.addfile(info)
    assert "a.tar holds a file that cannot be written here" in refused(tmp_path / "a.tar", into)


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a/b/c")])
def test_a_file_where_a_folder_is_wanted_is_one_sentence(tmp_path, into, make, names):
    assert "holds a file that cannot be written here" in refused(make(tmp_path / "x", dict.fromkeys(names, b"1")), into)


def test_an_archive_larger_than_the_disk_is_refused(tmp_path, into, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: namedtuple("usage", "total used free")(10, 9, 1))
    with pytest.raises(KitError, match=r"a\.zip unpacks to 5 bytes") as error:
        archives.unpack(zipped(tmp_path / "a.zip", {"x": "12345"}), into)
    assert error.value.right == "The disk has room for 1."


def test_an_encrypted_archive_is_named(tmp_path, into):
    data = bytearray(zipped(tmp_path / "a.zip", {"x.txt": "12345"}).read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert "encrypted" in refused(tmp_path / "a.zip", into)


def test_a_full_disk_is_not_called_damage(tmp_path, into, monkeypatch):
    def full(*words, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(OSError, match="No space left"):
        archives.unpack(zipped(tmp_path / "a.zip", {"x": "1"}), into)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04", b"not an archive", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00"])
def test_what_is_no_archive_is_none(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert not archives.is_archive(tmp_path / "x")


def whole(folder: Path) -> list[Path]:
    """Archives of every kind, of some thousand bytes each."""
    text = "".join(f"{number},{number * number}\n" for number in range(400)).encode()
    members = {"train.csv": text, "images/1.png": random.Random(0).randbytes(500)}
    made = [
        zipped(folder / f"{method}.zip", members, method)
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    ]
    return made + [
        tarred(folder / f"{mode[2:] or 'plain'}.tar", members, mode) for mode in ("w", "w:gz", "w:bz2", "w:xz")
    ]


@pytest.mark.parametrize("kind", range(8))
def test_every_way_of_damage_is_one_sentence_and_writes_nothing_outside(tmp_path, into, kind):
    """Bits turned, cut off, and spliced, a hundred times each kind of archive."""
    store = tmp_path / "store"
    store.mkdir()
    archive = whole(store)[kind]
    good, draw = archive.read_bytes(), random.Random(kind)
    outcomes = {"refused": 0, "none": 0, "unpacked": 0}
    for number in range(100):
        data = bytearray(good)
        if number % 3 == 0:
            for _ in range(draw.randint(1, 8)):
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        elif number % 3 == 1:
            del data[draw.randrange(len(data)) :]
        else:
            at = draw.randrange(len(data))
            data[at : at + draw.randint(0, 50)] = draw.randbytes(draw.randint(0, 50))
        target = into / str(number)
        target.mkdir()
        broken = store / "broken"
        broken.write_bytes(data)
        if not archives.is_archive(broken):
            outcomes["none"] += 1
            continue
        try:
            archives.unpack(broken, target)
            outcomes["unpacked"] += 1
        except KitError as error:
            assert error.wrong.count("\n") == 0
            outcomes["refused"] += 1
    assert (tmp_path / "beside.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"beside.txt", "into", "store"}
    assert outcomes["refused"] + outcomes["none"] >= 10  # a plain tar file has no sums of its contents


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_that_is_no_tar_file_is_none(tmp_path, pack):
    (tmp_path / "x.csv.gz").write_bytes(pack(b"a,b\n1,2\n" * 100))
    assert not archives.is_archive(tmp_path / "x.csv.gz")
