"""`kit new`: a competition from its files, looked at before a line is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from kit import places
from kit.api.results import Result
from kit.data import fetch
from kit.errors import KitError
from kit.new import findings, guess, write
from kit.new import origin as origin_
from kit.new.findings import Finding
from kit.new.guess import Answers, Draft
from kit.new.look import Look
from kit.new.ready import ready
from kit.notes import tell
from kit.task import checks, splits
from kit.task.catalog import Entry
from kit.words import Table

Ask = Callable[[Finding], str]
"""Asks a person about a guess; an empty answer keeps it."""


@dataclass(frozen=True, repr=False)
class Made(Result):
    """A competition that was written: its name, its folder, its files, what was told from the data, and why."""

    name: str
    folder: Path
    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    default: str

    def summary(self) -> str:
        return f"{self.name}: {len(self.files)} files in {self.folder}"

    def table(self) -> Table:
        return findings.table(list(self.findings))

    def facts(self) -> dict[str, Any]:
        told = [each._asdict() for each in self.findings]
        return {"name": self.name, "folder": str(self.folder), "files": list(self.files), "findings": told}


def new(name: str, *origin: str | Path, ask: Ask | None = None, over: bool = False, **answers: Any) -> Made:
    """Write a competition called `name` into the workspace, and place its files in `data/<name>/`.

    `origin` is a zip file, a folder, files, or on Kaggle a competition's slug or a dataset such as `zillow/zecon`;
    without one `name` is the slug. `answers` are what
    the files leave open, by the names of `Answers`: `metric="rmsle"`, `target="count"`, `split="time"` and so on. `ask`
    is called for guesses where there is somebody to ask. `over` allows the name of a competition that comes with kit,
    which is then hidden in this workspace. What is written has been tried: its rows were loaded and split.

    Raises KitError when the name is taken, or the files are no competition; nothing is left behind then.
    """
    folder = _free(name, over=over)
    said, source = _answers(answers), origin_.told(name, origin)
    with _staging(name) as stage:
        raw = stage / "raw"
        raw.mkdir()
        origin_.taken(source, name, raw)
        if not said.metric:
            said = replace(said, official=origin_.metric(source))
        files = ready(raw, stage, said)
        draft = _draft(files.look, said, ask)
        texts = write.files(draft, name=name, source=source, ready=files)
        (stage / folder.name).mkdir()
        for file, text in texts.items():
            (stage / folder.name / file).write_text(text, encoding="utf-8")
        entry = Entry(name, stage / folder.name, "")
        _placed(entry, raw)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(stage / folder.name, folder)
    return Made(name, folder, tuple(texts), tuple(draft.findings), draft.default)


def _answers(said: dict[str, Any]) -> Answers:
    """What a person says; several columns may be given as one text or as a list.

    Raises KitError for a name that is no answer.
    """
    known = [each.name for each in fields(Answers)]
    if unknown := [name for name in said if name not in known]:
        raise KitError(f"{unknown[0]!r} is no answer of kit new.", f"Known are {', '.join(known)}.")
    several: dict[str, tuple[str, ...]] = {}
    for name in ("id", "target"):
        if name in said:
            several[name] = (said[name],) if isinstance(said[name], str) else tuple(said[name])
    return Answers(**{**said, **several})


def _free(name: str, *, over: bool) -> Path:
    """The folder of a new competition. Raises KitError when the name cannot be one, or is taken."""
    stem = name.replace("-", "_")
    if not stem.isidentifier() or stem != stem.lower():
        raise KitError(
            f"{name!r} cannot be a competition's name.",
            "Names are words in lower case with hyphens, such as house-prices, and start with a letter.",
            "kit new my-task --from ~/Downloads/my-task.zip",
        )
    folder = places.workspace() / "competitions" / stem
    if folder.exists():
        raise KitError(
            f"{folder} is already there.", "A new competition needs a new name.", f"kit train {name}, or rm -r {folder}"
        )
    if not over and any((root / stem / "competition.py").is_file() for root in places.competition_roots()):
        raise KitError(
            f"{name} is a competition that comes with kit; a new one of this name would hide it here.",
            "Train the one that is there, or choose another name; --over hides it.",
            f"kit train {name}",
        )
    return folder


@contextmanager
def _staging(name: str) -> Iterator[Path]:
    """A folder for what is not finished, in the workspace so that it can be moved into its place."""
    target = places.workspace() / "data" / f"new-{name}"
    target.parent.mkdir(exist_ok=True)
    for left in places.left_beside(target, "part"):  # of a call that was killed
        shutil.rmtree(left)
    stage = target.with_name(f".{target.name}.{os.getpid()}.part")
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _draft(seen: Look, answers: Answers, ask: Ask | None) -> Draft:
    """The draft, with what a person said to its guesses."""
    draft = guess.draft(seen, answers)
    for finding in findings.guesses(draft.findings) if ask else ():
        answer = ask(finding) if ask else ""
        if answer:
            field = finding.option.removeprefix("--")
            given: dict[str, Any] = {field: (answer,) if field == "target" else answer}
            answers = replace(answers, **given)
            draft = guess.draft(seen, answers)
    return draft


def _placed(entry: Entry, raw: Path) -> None:
    """Place the files in the competition's data folder, and load and split their rows as a training would, so that what
    is wrong is told now. Where it is, no data is left that was not there before."""
    there = entry.data.exists()
    fetch.fetch(entry, origin=raw, force=True)
    try:
        rows, test = checks.load(entry)
        splits.column(entry.competition.split, rows)
        entry.recipe()
    except BaseException:
        if not there:
            shutil.rmtree(entry.data)
        raise
    tell(f"Tried: {len(rows):,} training rows and {len(test):,} test rows load, and split.")
