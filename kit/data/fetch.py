"""A source to `data/<competition>/`: copied or unpacked, checked, prepared, and put in place whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from kit import notes, places, records
from kit.data import archives, check, prepared
from kit.errors import KitError
from kit.notes import tell
from kit.task.catalog import Entry
from kit.task.sources import Files

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


def fetch(
    entry: Entry,
    *,
    origin: Path | None = None,
    force: bool = False,
    download: Download | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """The competition's data folder, filled unless it is filled already.

    An entry of the sample is filled with it. Else `origin` is a zip file or a folder with the raw files, and without
    one `download` gets them. `settings` are those of the competition's `prepare`. The folder appears whole: an
    interrupted call leaves nothing in its place, and a second call does nothing. Raises KitError when files cannot be
    fetched, are missing, are not what the declaration says, or an archive would write outside its folder; for settings
    that `prepare` has not; and for other settings than those of the folder that is there, without `force`.
    """
    target = entry.data
    _tidy(target)
    competition = entry.competition
    chosen = prepared.settings(entry, settings or {})
    if (target / "manifest.json").exists() and not force:
        if settings:
            prepared.refuse_others(entry, chosen)
        tell(f"{target} is already there.")
        return target
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
            files = competition.source.files
            for file in downloaded.files:
                place(file, raw, files)
            compare(raw, {name: size for name, size in downloaded.listing.items() if _is_declared(name, files)})
            came_from = downloaded.origin
        else:
            raise KitError(
                f"The data of {entry.name} is not here.",
                f"It belongs in {target}.",
                f"kit download {entry.name}  # or, with a file that you have: --from ~/Downloads/{entry.name}.zip",
            )
        facts = check.files(raw, competition.source.files, rows=not entry.sample)
        public, private = part / "public", part / "private"
        public.mkdir()
        private.mkdir()
        if (raw / SOLUTION).exists():
            (raw / SOLUTION).rename(private / SOLUTION)
        if competition.prepare is None:
            raw.rename(public)
        else:
            tell("Preparing")
            competition.prepare(raw, public, private, **chosen)
            facts = check.files(public, {path.name: None for path in sorted(public.iterdir()) if path.is_file()})
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
                **({"settings": chosen} if chosen else {}),
                "public": facts,
            },
        )
    entry.forget()
    tell(f"{len(facts)} files in {target / 'public'}")
    return target


def take(origin: Path, raw: Path, files: Files) -> None:
    """Copy the declared files from a folder, or unpack them from a zip or tar file, into the folder `raw`.

    Where nothing is declared all files are taken. Raises KitError when `origin` is neither, and for a declared file
    that is damaged or no file.
    """
    origin = places.named(origin)
    if origin.is_dir():
        for name, wanted in files.items():
            check.refuse_no_file(origin / name, name)
            if wanted is not None and (origin / name).exists():
                check.readable(origin / name)  # before a sparse file becomes gigabytes of zeros here
        for path in sorted(origin.rglob("*")):
            below = path.relative_to(origin)
            if path.is_file() and _is_declared(below.as_posix(), files):
                (raw / below).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, raw / below)
        for archive in sorted(origin.glob("*.zip")):
            if archive.stem in files and not (raw / archive.stem).exists():
                archives.unpack(archive, raw, lambda name: _is_declared(name, files))
    elif origin.is_file() and archives.is_archive(origin):
        _unpacked(origin, raw, files)
    elif origin.is_file() and origin.name in files:
        shutil.copyfile(origin, raw / origin.name)
    else:
        raise KitError(
            f"{origin} is not a zip or tar file or a folder." if origin.exists() else f"{origin} does not exist.",
            f"It must hold {', '.join(files) or 'the raw files'}.",
        )


def place(file: Path, raw: Path, files: Files) -> None:
    """Unpack the declared files of a downloaded zip or tar file into the folder `raw`, or copy what is no archive.
    Where nothing is declared all files are taken.

    Raises KitError as `archives.unpack` does.
    """
    if archives.is_archive(file):
        _unpacked(file, raw, files)
    elif file.suffix == ".zip":
        raise KitError(f"{file.name} is damaged: it is no zip file.", "", "the same command again, with --force")
    else:
        shutil.copyfile(file, raw / file.name)


def _unpacked(archive: Path, raw: Path, files: Files) -> None:
    """Unpack the declared files, and tell which others there were."""
    if left := archives.unpack(archive, raw, lambda name: _is_declared(name, files)):
        few = ", ".join(left[:6]) + (", ..." if len(left) > 6 else "")
        tell(f"Left out, since competition.py does not declare them: {few}")


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


@contextmanager
def _building(target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its place when the block ends well, and is removed when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
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


def _tidy(target: Path) -> None:
    """Clear away what killed calls have left beside `target`, and put back what the last one had set aside."""
    for left in places.left_beside(target, "part", "old") if target.parent.is_dir() else ():
        if left.suffix == ".old" and not target.exists():
            left.rename(target)  # a kill between the two renames of `_building`
        else:
            shutil.rmtree(left)


def _is_declared(name: str, files: Files) -> bool:
    """Whether a raw file is wanted: every one where none is declared, and answers in any case."""
    in_folder = any(folder.endswith("/") and name.startswith(folder) for folder in files)
    return not files or name in files or in_folder or name == SOLUTION
