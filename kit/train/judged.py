"""How runs of a competition are judged as it is declared today: metric, split and groups, without loading its rows.

Scores can be compared only where all three are the same. Metric and split need the declaration, and groups the rows;
what was learned of either is kept in the run store, so that listing runs imports and loads nothing as long as neither
changes.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kit import places, records
from kit.errors import KitError
from kit.notes import tell
from kit.task import imports
from kit.task.catalog import Entry
from kit.train import provenance, record
from kit.train.record import Plan
from kit.train.runs import Run

if TYPE_CHECKING:
    from kit.task.contract import Data

FILE = Path(".cache", "declared.json")
"""Below a competition's run store."""


@dataclass(frozen=True)
class Declared:
    """What a declaration says of judging.

    `text` is the digest of the declaration's files. `splits` are splits as text, by what a plan asks for (`cv`, `cv 3`
    with three folds, `holdout`, a name); `groups` a digest of the groups (None without them), by the digest of the data
    that they were loaded from.
    """

    text: str
    metric: str
    higher_is_better: bool
    splits: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str | None] = field(default_factory=dict)


class Today:
    """A competition as it is declared today. What is asked of it is learned when it is asked first."""

    def __init__(self, entry: Entry) -> None:
        self._entries = {sample: replace(entry, sample=sample) for sample in (False, True)}
        self._text = _digest(*((path.name, path.read_text("utf-8")) for path in _declaration(entry)))
        self._known = _read(entry, self._text)
        self._data: dict[bool, dict[str, str]] = {}

    def changed(self, run: Run) -> str:
        """Why the score of a finished run cannot be compared with those of runs judged as declared today, as the rest
        of a sentence that begins with the run; empty where it can.

        Where the data is not here, neither it nor the groups are compared. Raises KitError when the declaration or the
        rows cannot be read.
        """
        recorded, declared, split = run.record, self._declared(), self.split(run.plan)
        if (recorded.metric, recorded.higher_is_better) != (declared.metric, declared.higher_is_better):
            better = "" if recorded.metric != declared.metric else ", with the other direction"
            return f"was judged by {recorded.metric}, and the competition declares {declared.metric}{better}"
        if recorded.split != split:
            return f"was split by {recorded.split}, and the competition declares {split}"
        data = self.data(sample=run.plan.sample)
        if other := sorted(name for name, digest in run.plan.data.items() if data.get(name, digest) != digest):
            return f"was trained on another {other[0]} than the one that is here"
        if not data or run.plan.scheme not in record.SCHEMES:  # a split by name is given no groups
            return ""
        groups = self.groups(sample=run.plan.sample)
        if recorded.groups == groups:
            return ""
        before = "without groups" if recorded.groups is None else "with other groups" if groups else "with groups"
        return f"was split {before}, and `load` gives {'groups' if groups else 'none'} now"

    def split(self, plan: Plan) -> str:
        """The split that a plan asks for, as text."""
        asked = plan.scheme if plan.folds is None else f"{plan.scheme} {plan.folds}"
        declared = self._declared()
        if asked not in declared.splits:
            from kit.train import fold

            text = provenance.split(fold.scheme(self._entries[False].competition, plan))
            declared = self._learned(replace(declared, splits=declared.splits | {asked: text}))
        return declared.splits[asked]

    def groups(self, *, sample: bool, rows: Data | None = None) -> str | None:
        """The digest of the groups of the training rows, which are loaded where it is not known and they are not given.
        None without groups."""
        declared, data = self._declared(), _digest(*sorted(self.data(sample=sample).items()))
        if data not in declared.groups:
            if rows is None:
                entry = self._entries[sample]
                tell(f"Loading the rows of {entry.name} once, to compare their groups with those of its runs.")
                rows, _ = entry.competition.load(entry.public())
            declared = self._learned(replace(declared, groups=declared.groups | {data: provenance.groups(rows.group)}))
        return declared.groups[data]

    def data(self, *, sample: bool) -> dict[str, str]:
        """The sha256 of each public file; nothing where they are not here."""
        if sample not in self._data:
            try:
                self._data[sample] = provenance.data(self._entries[sample].public())
            except KitError:
                self._data[sample] = {}
        return self._data[sample]

    def _declared(self) -> Declared:
        if self._known is None:
            metric = self._entries[False].competition.metric
            self._known = Declared(self._text, metric.name, metric.higher_is_better)
        return self._known

    def _learned(self, declared: Declared) -> Declared:
        self._known = declared
        if not places.on_kaggle():  # what a kernel leaves should be its results only
            with contextlib.suppress(OSError):  # what cannot be kept is learned anew the next time
                records.write_json(places.runs(self._entries[False].name) / FILE, vars(declared))
        return declared


def remember(entry: Entry, plan: Plan, rows: Data) -> None:
    """Keep the split of a run and the groups of the training rows that are loaded, for the next list of runs."""
    today = Today(entry)
    today.split(plan)
    if today.data(sample=entry.sample):
        today.groups(sample=entry.sample, rows=rows)


def _declaration(entry: Entry) -> list[Path]:
    """The declaration, and the files of its folder that it imports."""
    return imports.beside(entry.folder / "competition.py")


def _read(entry: Entry, text: str) -> Declared | None:
    """What was learned of the very same declaration; None where there is nothing that can be used."""
    try:
        stored = records.typed(Declared, records.read_json(places.runs(entry.name) / FILE))
    except (KitError, ValueError, OSError):
        return None
    return stored if stored.text == text else None


def _digest(*pairs: tuple[str, str]) -> str:
    return hashlib.sha256(repr(pairs).encode()).hexdigest()
