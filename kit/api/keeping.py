"""Keeping runs: notes and tags, deleting, comparing two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kit.api.results import Result
from kit.api.training import named
from kit.errors import KitError
from kit.task import catalog
from kit.train import keeping
from kit.train.runs import Run
from kit.words import Table

if TYPE_CHECKING:
    from kit.judge.paired import Pair


@dataclass(frozen=True, repr=False)
class Note(Result):
    """What a person says of a run."""

    run: Run
    text: str
    tags: tuple[str, ...]

    def summary(self) -> str:
        return f"{self.run.name}: {self.text or 'no note'}" + (f" [{', '.join(self.tags)}]" if self.tags else "")

    def table(self) -> Table:
        return Table(("run", "tags", "note"), [(self.run.name, ", ".join(self.tags), self.text)])

    def facts(self) -> dict[str, Any]:
        return {"run": self.run.name, "note": self.text, "tags": list(self.tags)}


@dataclass(frozen=True, repr=False)
class Difference(Result):
    """What two runs differ in, and how they compare on the same rows; `why_not` says why `pair` is None."""

    first: Run
    second: Run
    values: dict[str, tuple[Any, Any]]
    pair: Pair | None
    why_not: str = ""

    def summary(self) -> str:
        return f"{len(self.values)} differences of {self.first.name} and {self.second.name}"

    def table(self) -> Table:
        rows = [(name, _said(one), _said(other)) for name, (one, other) in self.values.items()]
        return Table(("what", self.first.name, self.second.name), rows)

    def facts(self) -> dict[str, Any]:
        return {
            "first": self.first.name,
            "second": self.second.name,
            "differences": {name: list(values) for name, values in self.values.items()},
            "paired": asdict(self.pair) | {"verdict": self.pair.verdict()} if self.pair else None,
        }


def note(
    competition: str, run: str | Run, text: str | None = None, *, tag: Sequence[str] = (), untag: Sequence[str] = ()
) -> Note:
    """Write a note or tags to a run, and give those that it has; without any, only give them.

    An empty `text` takes the note away. They lie in `notes.json` in the run's folder; `run.json` is never changed.
    Raises KitError for an unknown run and for a tag that is not one word.
    """
    kept = named(catalog.find(competition), run)
    words = [[each] if isinstance(each, str) else list(each) for each in (tag, untag)]
    notes = keeping.write(kept, text=text, tag=words[0], untag=words[1])
    return Note(kept, notes.text, notes.tags)


def delete(competition: str, run: str | Run, *, force: bool = False) -> Run:
    """Delete a run with all its files; the run that was.

    Raises KitError for an unknown run, and, unless `force`, for one that a blend is made of or that was submitted.
    """
    gone = deletable(competition, run, force=force)
    keeping.delete(gone)
    return gone


def deletable(competition: str, run: str | Run, *, force: bool = False) -> Run:
    """The run, if it may be deleted. Raises KitError as `delete` does."""
    from kit.kaggle import ledger

    entry = catalog.find(competition)
    gone = named(entry, run)
    if force:
        return gone
    blends = keeping.members_of(gone)
    sent = bool(gone.kaggle()) or ledger.names(entry.name, gone.name)
    if blends or sent:
        why = [f"the blend {blends[0]} is made of it"] if blends else []
        why += ["it was submitted to Kaggle"] if sent else []
        raise KitError(
            f"Run {gone.name} is not deleted: {' and '.join(why)}.",
            "Without it the blend predicts nothing new." if blends else "Its folder is the only copy of what was sent.",
            f"kit delete {entry.name} {gone.name} --force",
        )
    return gone


def diff(competition: str, first: str | Run, second: str | Run) -> Difference:
    """What two runs differ in (settings, code, data, versions, scores), with a paired comparison on the same rows.

    Raises KitError for an unknown run.
    """
    from kit.judge import paired

    entry = catalog.find(competition)
    one, other = named(entry, first), named(entry, second)
    if one.name == other.name:
        raise KitError(f"Both are run {one.name}.", "Two different runs are compared.", f"kit runs {entry.name}")
    try:
        pair, why_not = paired.compare(entry, one, other), ""
    except KitError as error:
        pair, why_not = None, error.wrong
    return Difference(one, other, paired.differences(one, other), pair, why_not)


def _said(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return f"{value:.5f}" if isinstance(value, float) and abs(value) < 1e4 and value != int(value) else str(value)
