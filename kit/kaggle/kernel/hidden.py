"""A notebook that only predicts, rehearsed on test files that it has never seen, as Kaggle runs it on a hidden one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kit import records, words
from kit.errors import KitError
from kit.kaggle.kernel import inference, metadata, rehearsal, unseen
from kit.kaggle.kernel.metadata import Metadata
from kit.kaggle.kernel.unseen import Variant
from kit.limits import DISK
from kit.predict.inference import FILE, Inferred, speed
from kit.sandbox import environments, folders
from kit.sandbox import limits as sandbox
from kit.sandbox.images import Image
from kit.sandbox.limits import Limits
from kit.task import lines, submission
from kit.task.catalog import Entry
from kit.train.runs import Run

RERUN = {"KAGGLE_IS_COMPETITION_RERUN": "1"}
"""What Kaggle sets where it runs a notebook again, on the hidden files. Source: public notebooks."""

SECONDS = 300.0
"""Seconds of predictions that a rehearsal of many rows may take: fewer rows than ten times the visible ones are taken
where a model would need longer."""


class Look(NamedTuple):
    """How the notebook did on one test file, under one mount layout. `rate` is in rows a second, `memory` the most that
    all its processes used, bytes, `said` what became of its submission; `passed` is False where it made none."""

    what: str
    layout: str
    rows: int
    rate: float
    memory: int
    seconds: float
    passed: bool
    said: str

    def line(self) -> str:
        """The look as one line."""
        if not self.passed:
            return f"{self.what}: {self.said}"
        return (
            f"{self.what}: {words.count(self.rows, 'row')}, {speed(self.rate)} a second, {self.memory / 1e9:.2f} GB of "
            f"memory at the most; {self.said}"
        )


def rehearse(
    entry: Entry,
    run: Run,
    text: str,
    described: Metadata,
    inputs: dict[str, Path],
    public: Path,
    *,
    echo: Callable[[str], None],
    told: Callable[[str], None],
    keep: Path,
    limits: Limits | None = None,
    image: Image | None = None,
) -> list[Look]:
    """Run the notebook on the visible test file, on one row, on ten times as many rows with ids in another order and
    categories that nobody has seen, and on these with missing values; without a network, and with the disk and the
    memory of a machine of Kaggle's, or what this machine can give.

    `inputs` are local folders for what the metadata names, `public` is the one with the competition's files; `echo` is
    given what the notebook prints, `told` a line for each look. What it left goes into folders of `keep`. Raises
    KitError when the notebook fails, but on missing values: a recipe that cannot take these is told as such.
    """
    rehearsal.refuse_missing(described, inputs, inference.words(run))
    kind = metadata.machine_of(described).kind
    limits = limits or Limits(rehearsal.LONGEST, memory=sandbox.memory(kind))
    try:
        python = environments.of(image, text, inputs.values()) if image else None
    except ValueError as error:
        raise KitError(f"The notebook cannot be run: {error}.", "", inference.command(run, inference.HOURS)) from None
    told(
        f"No network, {DISK / 1e9:.0f} GB of disk and {limits.memory / 1e9:.0f} GB of memory"
        + (", as this machine has no more" if limits.memory < sandbox.limits.MEMORY[kind] else "")
        + (f"; in {environments.described(python)}" if python else f"; in {rehearsal.OWN}")
    )
    stage = _Stage(entry, run, text, described, inputs, public, keep, limits, python, echo)
    looks = [stage.look(Variant("visible", "the visible test file", public, []), "new", {})]
    told(looks[0].line())
    try:
        table = unseen.read(entry.competition, public)
    except KitError as error:
        told(f"{error.wrong} {error.right}")
        return looks
    most = int(min(len(table.test) * unseen.TIMES, max(len(table.test), looks[0].rate * SECONDS)))
    with unseen.variants(entry.competition, public, table, most) as (one, many, missing):
        for variant, layout in ((one, "old"), (many, "new")):
            looks.append(stage.look(variant, layout, RERUN))
            told(looks[-1].line())
        try:
            stage.echo = lambda line: None  # a failure there is told in a line
            looks.append(stage.look(missing, "new", RERUN))
        except KitError as error:
            why = f"missing values are refused. {stage.reason() or error.wrong}"
            looks.append(Look(missing.what, "new", len(missing.ids), 0.0, 0, 0.0, False, why))
        told(looks[-1].line())
    return looks


def rate(keep: Path) -> Inferred | None:
    """What a rehearsal saw on the most rows; None where there was none."""
    for word in ("many", "visible"):
        if stored := records.read_json(keep / word / FILE):
            return Inferred(**stored)
    return None


@dataclass
class _Stage:
    """Runs the notebook on one test file after the other; `last` is what it printed the last time."""

    entry: Entry
    run: Run
    text: str
    described: Metadata
    inputs: dict[str, Path]
    public: Path
    keep: Path
    limits: Limits
    python: Path | None
    echo: Callable[[str], None]
    last: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for word in ("visible", "one", "many", "missing"):
            for stale in ("submission.csv", FILE):
                (self.keep / word / stale).unlink(missing_ok=True)

    def look(self, variant: Variant, layout: str, settings: dict[str, str]) -> Look:
        """Run it once. Raises KitError when it fails, or leaves another submission than of these rows."""
        self.last = []
        local = {ref: variant.public if place == self.public else place for ref, place in self.inputs.items()}
        mounts = metadata.mounts(self.described, new=layout == "new")
        mounted = {place: local[ref] for ref, place in mounts.items()}
        with folders.temporary("kit-rehearsal-") as folder:
            ready = rehearsal.prepared(self.described, self.text, mounted, folder, self.python, settings)
            cure = f"kit predict {self.entry.name} {self.run.name} --rows FILE  # the same path, here"
            what = f"on {variant.what}"
            watched = rehearsal.Watched(ready, what, self.keep / variant.word, cure, self._said)
            ending = watched.run(self.limits)
            file = watched.take("submission.csv")
            seen = Inferred(**records.read_json(watched.take(FILE)))
        said = self._judged(file, variant)
        return Look(variant.what, layout, seen.rows, seen.rate, ending.memory, ending.seconds, True, said)

    def reason(self) -> str:
        """Why the notebook failed, in its own words."""
        errors = [match[1] for line in self.last if (match := re.search(r"\b\w*Error\S*: (.+)", line))]
        return re.sub(r"\x1b\[[0-9;]*m", "", errors[-1]) if errors else ""

    def _judged(self, file: Path, variant: Variant) -> str:
        """What is to be said of a submission. Raises KitError for one that Kaggle would refuse, or that has its rows in
        another order than the test file."""
        form = self.entry.competition.submission
        rows = submission.check(form, file, variant.public / form.sample, changed=variant.word == "visible")
        if variant.ids:
            if [*rows] != variant.ids:
                raise KitError(
                    f"The submission for {variant.what} has its rows in another order than the test file.",
                    "`rows` in competition.py must give them in the order of the file.",
                )
            return "its rows are those of the file, in its order"
        if not self.run.submission.is_file():
            return "it would be accepted"
        before = {line.id: line.targets for line in lines.of_file(form, self.run.submission)}
        other = sum(before.get(name) != values for name, values in rows.items())
        return "the same as the run's own" if not other else f"{other:,} of {len(rows):,} differ from the run's own"

    def _said(self, line: str) -> None:
        self.last.append(line)
        self.echo(line)
