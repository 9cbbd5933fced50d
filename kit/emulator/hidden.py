"""The two faces of a code competition: what competitors see of the test rows, and what a re-run sees."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from kit import places
from kit.emulator.hosting import Code, Gateway, Hosted
from kit.errors import KitError
from kit.sandbox import opened
from kit.serving import package
from kit.task import ids, lines

SHOWN, SHARE = 20, 10
"""Test rows that are shown of a competition which is hosted as code: so many, and at most one in ten."""


def laid_out(hosted: Hosted, folder: Path, *, as_code: bool) -> Hosted:
    """A competition with both faces laid out below `folder`, which must be the server's own.

    Of a code competition with hidden files, these are put over the public ones. With `as_code` any other becomes one:
    all its public files are hidden, and of their test rows a small part is shown. One with a gateway is given a package
    `kaggle_evaluation`, unless it has one. Nothing is copied where the file system has hard links.

    Raises KitError for a competition whose test rows cannot be told.
    """
    shown = folder / "shown" / hosted.slug
    if hosted.code:
        whole, public = folder / "hidden" / hosted.slug, hosted.files
        _lay(whole, {**_files(public), **_files(hosted.code.hidden)})
        if hosted.code.gateway and not (public / package.NAME).exists():
            _lay(shown, _files(public))
            package.lay(shown, _told(hosted, hosted.code.gateway))
            public = shown
        return replace(hosted, files=public, code=replace(hosted.code, hidden=whole))
    if not as_code:
        return hosted
    _show(hosted, shown)
    return replace(hosted, files=shown, kernels_only=True, code=Code(hosted.files))


def _told(hosted: Hosted, gateway: Gateway) -> dict[str, Any]:
    """What the gateway that competitors try their servers with is told of the visible rows."""
    form, told = hosted.form, {name: getattr(gateway, name) for name in ("test", "rows", "by", "frames")}
    return {**told, "sample": form.sample, "keys": list(form.keys)}


def _files(folder: Path) -> dict[str, Path]:
    return {entry.name: folder / entry.name for entry in opened.listing(folder)}


def _lay(folder: Path, files: dict[str, Path]) -> None:
    """Make `folder` anew of files by their names in it."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, source in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another disk, or a file system without links
            shutil.copy(source, target)
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        path.chmod(0o755)  # notebooks that root runs are run as somebody else


def _show(hosted: Hosted, folder: Path) -> None:
    """Lay out the public files with a few of the test rows.

    The first rows of the sample file are shown. A CSV file all of whose ids are test rows' is cut to these, and so is
    one without ids that has a row for each line of the sample file. In folders that are called after the test, files
    that are named after other test rows are left out. All else is shown as it is.
    """
    sample = hosted.files / hosted.form.sample
    if not sample.is_file():
        raise KitError(f"{sample} does not exist.", "Without it nobody can tell which rows are the test's.")
    every = [line.id for line in lines.of_sample(hosted.form, sample)]
    count = max(1, min(SHOWN, len(every) // SHARE))
    if count == len(every):
        raise KitError(f"{sample} has {len(every)} row.", "A code competition needs test rows that it can hide.")
    keep, rest = set(every[:count]), set(every[count:])
    files = _files(hosted.files)
    cut = {name: rows for name, path in files.items() if (rows := _cut(hosted, path, keep, rest)) is not None}
    _lay(folder, {name: path for name, path in files.items() if name not in cut and not _names(name, rest)})
    for name, rows in cut.items():
        with places.whole(folder / name) as part, part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        (folder / name).chmod(0o644)


def _names(name: str, rest: set[str]) -> bool:
    """Whether a file is one of test rows that are hidden."""
    path = PurePosixPath(name)
    return any("test" in part.lower() for part in path.parts[:-1]) and bool({path.name, path.stem} & rest)


def _cut(hosted: Hosted, path: Path, keep: set[str], rest: set[str]) -> list[list[str]] | None:
    """What is shown of a file of test rows, with its header; None for any other file."""
    if path.suffix.lower() != ".csv":
        return None
    form = hosted.form
    targets = {column.lower() for column in form.targets}
    shown: list[list[str]] = []
    number = 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if path.name != form.sample and targets & {column.lower() for column in header}:
            return None  # training rows: they have answers
        keyed = [header.index(key) for key in form.keys] if set(form.keys) <= set(header) else None
        name = ids.namer(repeats=form.repeats)
        for number, row in enumerate(rows, 1):
            if keyed is None:
                if number <= len(keep):
                    shown.append(row)
                continue
            id = name([row[at] for at in keyed]) if len(row) == len(header) else ""
            if id in keep:
                shown.append(row)
            elif id not in rest:
                return None  # rows that nobody asks for
    whole = number == len(keep) + len(rest) if keyed is None else bool(shown)
    return [header, *shown] if whole else None
