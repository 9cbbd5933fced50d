"""Runs side by side, and the page about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import places
from kit.api.results import Result
from kit.errors import KitError
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import runs as store
from kit.train.runs import Run
from kit.words import Table, count, size

if TYPE_CHECKING:
    from kit.report.gather import Section


@dataclass(frozen=True, repr=False)
class Report(Result):
    """A page in the file `path`; `runs` are how many of each competition it shows."""

    path: Path
    bytes: int
    runs: dict[str, int]

    def summary(self) -> str:
        return f"report of {count(sum(self.runs.values()), 'run')}, {size(self.bytes)}: {self.path}"

    def table(self) -> Table:
        return Table(("competition", "runs"), [*self.runs.items()])

    def facts(self) -> dict[str, Any]:
        return {"path": str(self.path), "bytes": self.bytes, "runs": self.runs}


def report(
    competition: str | None = None,
    *,
    out: str | Path | None = None,
    public_share: float | None = None,
    sample: bool = False,
    open: bool = False,
) -> Report:
    """Write one HTML file about the runs of a competition, else of all that have runs: scores with their intervals, CV
    against the leaderboard, curves, confusions, worst mistakes, studies and pictures of the data.

    It goes to `submissions/COMPETITION/report.html`, else to `submissions/report.html`, or to `out`, and with `open` is
    shown in the browser. Runs of the embedded sample are shown with `sample`, and where there are no others.
    `public_share` is the share of the test rows, above 0 and at most 1, that make the public score. Raises KitError for
    an unknown competition, and where there is no finished run.
    """
    from kit.report import gather, page

    check_share(public_share, "report")
    if competition is None:
        sections: list[Section] = []
        for name in catalog.names():
            runs = store.every(name)
            if not any(run.finished for run in runs):
                continue
            try:
                sections.append(
                    gather.section(
                        of_its_runs(catalog.find(name, sample=sample), runs), runs, public_share=public_share
                    )
                )
            except KitError as error:
                tell(f"{name} is left out: {error.wrong}")
        to, title = places.workspace() / "submissions" / "report.html", "Runs"
    else:
        entry = catalog.find(competition, sample=sample)
        runs = finished(entry)
        sections = [gather.section(of_its_runs(entry, runs), runs, public_share=public_share)]
        to, title = places.runs(entry.name) / "report.html", f"Runs of {entry.name}"
    if not sections:
        raise KitError(
            "There is no finished run yet.", "A report shows runs.", f"kit train {next(iter(catalog.names()), 'NAME')}"
        )
    written = page.write(sections, title, places.named(out) if out is not None else to)
    if open:
        import webbrowser

        if not webbrowser.open(written.resolve().as_uri()):
            tell("No browser could be opened here.")
    return Report(written, written.stat().st_size, {one.name: len(one.lines) for one in sections})


def finished(entry: Entry) -> list[Run]:
    """All runs of a competition. Raises KitError where none of them is finished."""
    runs = store.every(entry.name)
    if not any(run.finished for run in runs):
        raise KitError(f"{entry.name} has no finished run.", "Train one first.", f"kit train {entry.name}{entry.flag}")
    return runs


def of_its_runs(entry: Entry, runs: Sequence[Run]) -> Entry:
    """The entry whose data the runs are of: that of the sample where no finished run is of the real data."""
    if entry.sample or any(run.finished and not run.plan.sample for run in runs):
        return entry
    return catalog.find(entry.name, sample=True)


def check_share(public_share: float | None, verb: str) -> None:
    """Raises KitError for a share of the test rows that cannot be."""
    if public_share is not None and not 0 < public_share <= 1:
        raise KitError(
            f"The public share cannot be {public_share}.",
            "It is a share of the test rows: above 0, and at most 1.",
            f"kit {verb} COMPETITION --public-share 0.5",
        )
