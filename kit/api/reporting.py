"""Runs side by side, and the page about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import places
from kit.api.results import Result
from kit.api.training import named
from kit.errors import KitError
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import runs as store
from kit.train.runs import Run
from kit.words import Table, count, duration, figure, size

if TYPE_CHECKING:
    from kit.judge.standing import Comparison, Standing
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
    `public_share` is the share of the test rows that make the public score, half where it is None. Raises KitError for
    an unknown competition, and where there is no finished run.
    """
    from kit.report import gather, page

    check_share(public_share, f"kit report {competition or ''}".strip())
    if competition is None:
        sections: list[Section] = []
        for name in catalog.names():
            runs = store.every(name)
            if not any(run.finished for run in runs):
                continue
            try:
                entry = of_its_runs(catalog.find(name, sample=sample), runs)
                sections.append(gather.section(entry, runs, public_share=public_share))
            except KitError as error:
                tell(f"{name} is left out: {error.wrong}")
        to, title = places.workspace() / "submissions" / "report.html", "Runs"
    else:
        entry = catalog.find(competition, sample=sample)
        runs = finished(entry)
        sections = [gather.section(of_its_runs(entry, runs), runs, public_share=public_share)]
        to, title = places.runs(entry.name) / "report.html", f"Runs of {entry.name}"
    if not sections:
        raise KitError("There is no finished run yet.", "A report shows runs.", "kit list  # says what can be trained")
    written = page.write(sections, title, places.named(out) if out is not None else to)
    if open:
        import webbrowser

        if not webbrowser.open(written.resolve().as_uri()):
            tell("No browser could be opened here.")
    return Report(written, written.stat().st_size, {one.name: len(one.lines) for one in sections})


@dataclass(frozen=True, repr=False)
class Compared(Result):
    """Runs side by side, the best first; `words` say which differences are noise, in sentences."""

    comparison: Comparison

    @property
    def words(self) -> list[str]:
        """What the comparison says."""
        return self.comparison.words()

    def summary(self) -> str:
        return f"comparison of {count(len(self.comparison.standings), 'run')}"

    def table(self) -> Table:
        def told(value: float | None, signed: bool = False) -> str | None:
            return None if value is None else ("+" if signed and value > 0 else "") + figure(value)

        rows = [
            (
                one.run.name,
                told(one.run.score),
                None if one.low is None or one.high is None else f"± {figure((one.high - one.low) / 2)}",
                told(one.run.record.sd),
                None if one.seed_sd is None else f"{figure(one.seed_sd)} ({one.seeds})",
                told(one.public),
                told(one.private),
                None if one.gap is None else f"{told(one.gap, signed=True)}{' (noise)' * bool(one.gap_is_noise)}",
                told(one.behind, signed=True),
                None if one.test is None else f"{one.test.p:.3f}",
                None if one.correlation is None else f"{one.correlation:.2f}",
                duration(one.run.record.fit_seconds),
                None if one.run.record.parameters is None else f"{one.run.record.parameters:,}",
                one.verdict + ", new best when made" * (one.new_best and not one.is_best),
            )
            for one in self.comparison.standings
        ]
        header = (
            *("run", "CV", "interval", "fold sd", "seed sd", "public", "private", "gap"),
            *("behind", "p", "alike", "fitting", "parameters", "against the best"),
        )
        empty = [name for at, name in enumerate(header) if all(row[at] is None for row in rows)]
        kept = [at for at, name in enumerate(header) if name not in empty]
        spare = ("parameters", "seed sd", "fold sd", "fitting", "alike", "private", "gap", "public", "p", "interval")
        return Table([header[at] for at in kept], [[row[at] for at in kept] for row in rows], spare=spare)

    def facts(self) -> dict[str, Any]:
        shown = self.comparison
        return {
            "metric": shown.metric,
            "higher_is_better": shown.higher_is_better,
            "best": shown.best.run.name if shown.best else None,
            "tried": shown.tried,
            "expected_of_the_best": shown.expected,
            "words": shown.words(),
            "runs": [_facts(one) for one in shown.standings],
        }


def _facts(one: Standing) -> dict[str, Any]:
    known = one.run.record
    return {
        "run": one.run.name,
        "cv": one.run.score,
        "interval": None if one.low is None else {"low": one.low, "high": one.high, "by": one.by},
        "fold_sd": known.sd,
        "seed_sd": one.seed_sd,
        "seeds": one.seeds,
        "public": one.public,
        "private": one.private,
        "gap": one.gap,
        "gap_is_noise": one.gap_is_noise,
        "behind": one.behind,
        "test": one.test and one.test._asdict(),
        "over_folds": one.again and one.again._asdict(),
        "correlation": one.correlation,
        "seconds": known.fit_seconds,
        "parameters": known.parameters,
        "peak_memory_bytes": known.peak_memory_bytes,
        "new_best": one.new_best,
        "verdict": one.verdict,
        "left_out": one.left_out or None,
    }


def compare(
    competition: str, runs: Sequence[str | Run] = (), *, public_share: float | None = None, sample: bool = False
) -> Compared:
    """All runs of a competition, or those that are named, side by side: scores with their noise, the leaderboard, and a
    paired test of each against the best on the same rows.

    Runs of the embedded sample are compared with `sample`, and where there are no others. `public_share` is the share
    of the test rows that make the public score, above 0 and at most 1, half where it is None. Raises KitError for an
    unknown run, an unfinished one, and for runs of the sample together with those of the real data.
    """
    from kit.judge import compare as judge

    check_share(public_share, f"kit compare {competition}")
    entry = catalog.find(competition, sample=sample)
    chosen = [named(entry, run) for run in runs] or finished(entry)
    if runs:
        first = chosen[0]
        for run in chosen:
            run.record  # noqa: B018  # refuses an unfinished one
            if run.plan.sample != first.plan.sample:
                of = {True: "the embedded sample", False: "the real data"}
                raise KitError(
                    f"{run.name} is of {of[run.plan.sample]}, and {first.name} is of {of[first.plan.sample]}.",
                    "Only runs of the same rows can be compared.",
                    f"kit compare {entry.name}",
                )
    return Compared(judge.compare(of_its_runs(entry, chosen), chosen, public_share=public_share))


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


def check_share(public_share: float | None, command: str) -> None:
    """Raises KitError for a share of the test rows that cannot be; `command` is what was asked for."""
    if public_share is not None and not 0 < public_share <= 1:
        raise KitError(
            f"The public share cannot be {public_share}.",
            "It is a share of the test rows: above 0, and at most 1.",
            f"{command} --public-share 0.5",
        )
