"""A source to `data/<competition>/`: copied or unpacked, checked, prepared, and put in place whole."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kit import notes, records
from kit.errors import KitError
from kit.notes import tell
from kit.task.catalog import Entry
from kit.task.sources import Csv, Files

LARGEST = 200 * 2**30
"""Bytes that an archive may unpack to: larger than any Kaggle data set this is meant for, smaller than a zip bomb."""

SOLUTION = "solution.csv"
"""A raw file of this name holds answers, as the samples' do; it goes to `private/`, never to `public/`."""


class Downloaded(NamedTuple):
    """Files that came from elsewhere: zip or tar archives or plain files, what the server lists (name to bytes, empty
    where it lists nothing comparable), and the address that they came from."""

    files: list[Path]
    listing: dict[str, int]
    origin: str


Download = Callable[[Entry, bool], AbstractContextManager[Downloaded]]
"""Gets the raw files of an entry; True asks for them anew. They are kept until the block ends well."""


def sample(entry: Entry) -> Path:
    """The data folder of the entry's embedded sample, written without a word where it is not there yet.

    Raises KitError when the competition has no sample.
    """
    with notes.silent():
        return fetch(replace(entry, sample=True))


def fetch(entry: Entry, *, origin: Path | None = None, force: bool = False, download: Download | None = None) -> Path:
    """The competition's data folder, filled unless it is filled already.

    An entry of the sample is filled with it. Else `origin` is a zip file or a folder with the raw files, and without
    one `download` gets them. The folder appears whole: an interrupted call leaves nothing in its place, and a second
    call does nothing. Raises KitError when files cannot be fetched, are missing, are not what the declaration says, or
    an archive would write outside its folder.
    """
    target = entry.data
    if (target / "manifest.json").exists() and not force:
        tell(f"{target} is already there.")
        return target
    competition = entry.competition
    with ExitStack() as kept, _building(target) as part:
        raw = part / "raw"
        raw.mkdir()
        if entry.sample:
            entry.write_sample(raw)
            came_from = "embedded sample"
        elif origin is not None:
            tell(f"Reading {origin}")
            take(origin, raw, competition.source.files)
            came_from = str(origin)
        elif download is not None:
            # Left after the building, so that downloads are removed only when the folder is in its place.
            downloaded = kept.enter_context(download(entry, force))
            for file in downloaded.files:
                place(file, raw)
            compare(raw, downloaded.listing)
            came_from = downloaded.origin
        else:
            raise KitError(
                f"The data of {entry.name} is not here.",
                f"It belongs in {target}.",
                f"kit download {entry.name}  # or, with a file that you have: --from ~/Downloads/{entry.name}.zip",
            )
        facts = check(raw, competition.source.files, rows=not entry.sample)
        public, private = part / "public", part / "private"
        public.mkdir()
        private.mkdir()
        if (raw / SOLUTION).exists():
            (raw / SOLUTION).rename(private / SOLUTION)
        if competition.prepare is None:
            raw.rename(public)
        else:
            tell("Preparing")
            competition.prepare(raw, public, private)
            facts = check(public, {path.name: None for path in sorted(public.iterdir()) if path.is_file()})
        if not (public / competition.submission.sample).is_file():
            raise KitError(
                f"{competition.submission.sample} is not among the public files.",
                f"Files there: {', '.join(sorted(path.name for path in public.iterdir()))}.",
            )
        records.write_json(
            part / "manifest.json",
            {
                "competition": entry.name,
                "origin": came_from,
                "fetched": records.now(),
                "public": facts,
            },
        )
    tell(f"{len(facts)} files in {target / 'public'}")
    return target


def take(origin: Path, raw: Path, files: Files) -> None:
    """Copy the raw files from a folder, or unpack them from a zip file, into the folder `raw`.

    Raises KitError when `origin` is neither, or lacks a declared file.
    """
    origin = origin.expanduser()
    if origin.is_dir():
        for path in sorted(origin.rglob("*")):
            name = path.relative_to(origin)
            if path.is_file() and (not files or name.as_posix() in files or _in_folder(name.as_posix(), files)):
                (raw / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, raw / name)
        for archive in sorted(origin.glob("*.zip")):
            if archive.stem in files and not (raw / archive.stem).exists():
                unzip(archive, raw)
    elif zipfile.is_zipfile(origin):
        unzip(origin, raw)
    elif origin.is_file() and origin.name in files:
        shutil.copyfile(origin, raw / origin.name)
    else:
        raise KitError(
            f"{origin} is not a zip file or a folder." if origin.exists() else f"{origin} does not exist.",
            f"It must hold {', '.join(files) or 'the raw files'}.",
        )


def place(file: Path, raw: Path) -> None:
    """Unpack a downloaded zip or tar file into the folder `raw`, or copy what is no archive.

    Raises KitError as `unzip` does.
    """
    if zipfile.is_zipfile(file):
        unzip(file, raw)
    elif tarfile.is_tarfile(file):
        _untar(file, raw)
    elif file.suffix == ".zip":
        raise KitError(f"{file.name} is damaged: it is no zip file.", "", "the same command again, with --force")
    else:
        shutil.copyfile(file, raw / file.name)


def compare(raw: Path, listing: dict[str, int]) -> None:
    """Compare what was unpacked with what the server lists.

    Raises KitError when a listed file is missing or has another size.
    """
    for name, size in listing.items():
        path = raw / name
        if not path.is_file():
            raise KitError(
                f"{name} is missing from the download.", "Kaggle lists it.", "the same command again, with --force"
            )
        if path.stat().st_size != size:
            raise KitError(
                f"{name} has {path.stat().st_size:,} bytes.",
                f"Kaggle lists it with {size:,}.",
                "the same command again, with --force",
            )


def unzip(archive: Path, to: Path) -> None:
    """Unpack a zip file into the folder `to`; zip files inside it that hold one file of their own name too.

    Raises KitError, before anything is written, when a member would land outside `to`, is a link, or the whole is
    larger than LARGEST; and when the archive is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            for member in members:
                _refuse_member(archive, member)
            if (size := sum(member.file_size for member in members)) > LARGEST:
                raise KitError(f"{archive.name} unpacks to {size:,} bytes.", f"The limit is {LARGEST:,}.")
            opened.extractall(to)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise KitError(
            f"{archive} is damaged: {error}", "It may be cut off; download it again.", "kit download --force"
        ) from error
    for inner in sorted(to.rglob("*.zip")):
        if (to / inner.stem).suffix and not inner.with_suffix("").exists():
            unzip(inner, inner.parent)
            inner.unlink()


def check(folder: Path, files: Files, *, rows: bool = True) -> dict[str, dict[str, Any]]:
    """Size, sha256 and, of CSV files, number of rows of each declared file.

    Raises KitError when a file is missing or differs from its declaration. `rows=False` compares the columns only, as
    for samples.
    """
    facts: dict[str, dict[str, Any]] = {}
    for name, wanted in files.items():
        path = folder / name
        if not path.exists():
            held = ", ".join(sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*"))[:8])
            raise KitError(f"{name} is missing.", f"Found: {held or 'nothing'}. Needed: {', '.join(files)}.")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in (item for item in inside if item.is_file()):
            facts[file.relative_to(folder).as_posix()] = _facts(file, wanted, rows)
    return facts


def _facts(path: Path, wanted: Csv | None, rows: bool) -> dict[str, Any]:
    digest, lines, quoted, last = hashlib.sha256(), 0, False, b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            lines += block.count(b"\n")
            quoted = quoted or b'"' in block
            last = block[-1:]
    facts: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}
    if wanted is None:
        return facts
    with path.open(encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        header = tuple(next(reader, ()))
        # A quoted text may hold line ends, so that only a CSV reader can count its rows; without quotes lines are rows.
        count = sum(1 for row in reader if row) if quoted else lines - (last == b"\n")
    if header != wanted.columns:
        raise KitError(
            f"{path.name} has the columns {_short(header)}.",
            f"They must be {_short(wanted.columns)}.",
        )
    if rows and wanted.rows is not None and count != wanted.rows:
        raise KitError(f"{path.name} has {count:,} rows.", f"It must have {wanted.rows:,}; the file may be cut off.")
    if rows and wanted.size is not None and facts["bytes"] != wanted.size:
        raise KitError(f"{path.name} has {facts['bytes']:,} bytes.", f"It must have {wanted.size:,}.")
    return facts | {"rows": count}


@contextmanager
def _building(target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its place when the block ends well, and is removed when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in [*target.parent.glob(f".{target.name}.*.part"), *target.parent.glob(f".{target.name}.*.old")]:
        if _alive(int(left.name.rsplit(".", 2)[1])):
            continue
        if left.suffix == ".old" and not target.exists():
            left.rename(target)  # a kill between the two renames below
        else:
            shutil.rmtree(left)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        yield part
        if target.exists():
            aside = target.with_name(f".{target.name}.{os.getpid()}.old")
            target.rename(aside)
            part.rename(target)
            shutil.rmtree(aside)
        else:
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _untar(archive: Path, to: Path) -> None:
    try:
        with tarfile.open(archive) as opened:
            if (size := sum(member.size for member in opened)) > LARGEST:
                raise KitError(f"{archive.name} unpacks to {size:,} bytes.", f"The limit is {LARGEST:,}.")
            opened.extractall(to, filter="data")  # refuses members outside `to`, links out of it, and devices
    except (tarfile.TarError, EOFError) as error:
        raise KitError(
            f"{archive.name} is damaged, or would write outside its folder: {error}",
            "",
            "the same command again, with --force",
        ) from error


def _refuse_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    outside = name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise KitError(
            f"{archive.name} holds {member.filename!r}, which would be written outside its folder.",
            "Nothing was unpacked. The archive is not what Kaggle sends.",
        )


def _in_folder(name: str, files: Files) -> bool:
    return any(folder.endswith("/") and name.startswith(folder) for folder in files)


def _short(columns: tuple[str, ...]) -> str:
    return ",".join(columns) if len(columns) <= 6 else f"{','.join(columns[:3])},...,{columns[-1]} ({len(columns)})"
