"""Zip and tar files of strangers: unpacked below one folder, and refused where they are damaged or would leave it."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from kit.errors import KitError

LARGEST = 200 * 2**30
"""Bytes that an archive may unpack to: larger than any Kaggle data set this is meant for, smaller than a zip bomb."""

LONGEST_NAME = 255
"""Bytes that a file's name may have on Linux's, macOS's and Windows' file systems."""

DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    UnicodeError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    OverflowError,
    MemoryError,
)
"""What Python's archive modules raise for bytes that are no archive, cut off, encrypted, or packed in unknown ways."""

MISFITS = (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ)
"""Errors of the file system that a member's name causes; others, such as a full disk, are not the archive's."""

Keep = Callable[[str], bool]
"""Whether a member is wanted, by its name with `/` between folders."""


def is_archive(file: Path) -> bool:
    """Whether a file is a zip or tar file, also one that is damaged further on."""
    if zipfile.is_zipfile(file):
        return True
    try:
        return tarfile.is_tarfile(file)
    except DAMAGE:
        return False


def unpack(archive: Path, to: Path, keep: Keep = lambda name: True) -> list[str]:
    """Unpack the members that `keep` wants into the folder `to`; the names of those that it does not want.

    Zip files inside that hold one file of their own name, as Kaggle's `train.csv.zip`, are unpacked too. Raises
    KitError, before anything is written, when a member would land outside `to`, has a name that no file can have, is a
    link out of it, or the whole is larger than LARGEST or the disk; and when the archive is damaged.
    """
    if not zipfile.is_zipfile(archive):
        return _untar(archive, to, keep)
    left = _unzip(archive, to, lambda name: keep(name) or (name.endswith(".zip") and keep(name[:-4])))
    for inner in sorted(to.rglob("*.zip")):
        if (to / inner.stem).suffix and not inner.with_suffix("").exists() and _holds_its_own_name(inner):
            _unzip(inner, inner.parent, lambda name: True)
            inner.unlink()
    return left


def _unzip(archive: Path, to: Path, keep: Keep) -> list[str]:
    with _told(archive), zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        for member in members:
            _refuse_name(archive, member.filename, link=stat.S_ISLNK(member.external_attr >> 16))
        kept = [member for member in members if keep(_plain(member.filename)) or member.is_dir()]
        _refuse_size(archive, to, sum(member.file_size for member in kept))
        opened.extractall(to, [member for member in kept if not member.is_dir()])
    return [member.filename for member in members if member not in kept]


def _untar(archive: Path, to: Path, keep: Keep) -> list[str]:
    with _told(archive), tarfile.open(archive) as opened:
        members = opened.getmembers()
        for member in members:
            _refuse_name(archive, member.name, link=False)
        kept = [member for member in members if keep(_plain(member.name)) or member.isdir()]
        _refuse_size(archive, to, sum(member.size for member in kept))
        # The filter refuses members outside of `to`, links out of it, and devices. Source: PEP 706.
        opened.extractall(to, kept, filter="data")
    return [member.name for member in members if member not in kept]


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    """Damage within the block becomes one KitError."""
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno and error.errno not in MISFITS:
            raise
        misfit = isinstance(error, tarfile.FilterError) or getattr(error, "errno", None)
        what = "holds a file that cannot be written here" if misfit else "is damaged"
        raise KitError(
            f"{archive.name} {what}: {error}.", "It may be cut off, or changed on its way. Download it again."
        ) from error


def _refuse_name(archive: Path, name: str, *, link: bool) -> None:
    path = PurePosixPath(_plain(name))
    if link or path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        raise KitError(
            f"{archive.name} holds {name!r}, which would be written outside its folder.",
            "Nothing was unpacked. The archive is not what Kaggle sends.",
        )
    if any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in path.parts) or not name.isprintable():
        short = name if len(name) <= 60 else f"{name[:60]}..."
        raise KitError(
            f"{archive.name} holds a file that cannot be called so: {short!r}.",
            f"Names must be printable and have at most {LONGEST_NAME} bytes. Nothing was unpacked.",
        )


def _refuse_size(archive: Path, to: Path, size: int) -> None:
    if size > LARGEST:
        raise KitError(f"{archive.name} unpacks to {size:,} bytes.", f"The limit is {LARGEST:,}.")
    if size > (free := shutil.disk_usage(to).free):
        raise KitError(f"{archive.name} unpacks to {size:,} bytes.", f"The disk has room for {free:,}.")


def _holds_its_own_name(archive: Path) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist() == [archive.stem]
    except DAMAGE:
        return False


def _plain(name: str) -> str:
    return name.replace("\\", "/")
