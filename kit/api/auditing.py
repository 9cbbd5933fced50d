"""Whether the scores of a competition's data can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.api.results import Listing
from kit.audit.finding import Finding
from kit.task import catalog
from kit.train import runs as store
from kit.words import Table


@dataclass(frozen=True, repr=False)
class Audited(Listing[Finding]):
    """What the detectors found. `leaks` are those that make scores too good and are not acknowledged; `groups` is the
    file of the groups that keep repeats together, None where nothing repeats."""

    competition: str
    leaks: tuple[str, ...]
    groups: Path | None

    def summary(self) -> str:
        return f"audit of {self.competition}: " + (", ".join(self.leaks) if self.leaks else "no leak")

    def table(self) -> Table:
        rows = [
            (one.name, one.level if not one.acknowledged else "known", f"{one.rows:,}" if one.rows else None, one.said)
            for one in self
        ]
        return Table(("finding", "level", "rows", "what"), rows)

    def facts(self) -> dict[str, Any]:
        return {
            "leaks": list(self.leaks),
            "groups": None if self.groups is None else str(self.groups),
            "findings": [one._asdict() | {"examples": list(one.examples)} for one in self],
        }


def audit(competition: str, *, sample: bool = False) -> Audited:
    """Look for what makes scores of a competition's data too good or too poor.

    Equal and nearly equal rows inside train, across folds and between train and test; conflicting labels, and labels
    that the best run doubts; a column that is the target; ids or an order that tell the label; and whether test rows
    are of another kind. The groups that keep all repeats together are written to `audit/groups.csv` in the data's
    folder. Raises KitError when the data is not here.
    """
    from kit.audit import audit as auditing

    entry = catalog.find(competition, sample=sample)
    if sample:
        from kit.data import fetch

        fetch.sample(entry)
    found = auditing.audit(entry, tuple(store.every(entry.name)))
    groups = auditing.write(found, entry.data / "audit" / "groups.csv")
    return Audited(found.findings, entry.name, tuple(one.name for one in found.leaks), groups)
