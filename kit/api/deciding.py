"""From runs to what is sent: forecast, choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.api.results import Listing, Result
from kit.api.training import named
from kit.errors import KitError
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import runs as store
from kit.train.runs import Run
from kit.words import Table

if TYPE_CHECKING:
    from kit.judge.forecast import Range
    from kit.judge.selection import Choice

SHARE = 0.5
"""The share of test rows that is taken for the public one where none is told."""


@dataclass(frozen=True, repr=False)
class Forecasts(Listing[Any]):
    """What is expected of runs, each a `kit.judge.forecast.Forecast`, the best private score first. `places` says by
    the name of a run, where there is a leaderboard, its median rank, the ranks between which it should fall, and in
    what share of cases it is in the first 1, 5, 10, 25 and 50 percent."""

    metric: str
    places: dict[str, dict[str, Any]]

    def summary(self) -> str:
        return f"forecast of {len(self)} runs"

    def table(self) -> Table:
        def told(range: Range) -> str:
            return f"{range.expected:.5f} ({range.low:.5f} to {range.high:.5f})"

        ranked = bool(self.places)
        rows = [
            (
                one.run,
                f"{one.parts['cv']:.5f}",
                told(one.public),
                told(one.private),
                *([f"{self.places[one.run]['median']:,}", f"{self.places[one.run]['top 10%']:.0%}"] if ranked else []),
            )
            for one in self
        ]
        return Table(("run", "CV", "public", "private", *(["rank", "top 10%"] if ranked else [])), rows)

    def facts(self) -> list[dict[str, Any]]:
        return [one.facts() | ({"rank": self.places[one.run]} if one.run in self.places else {}) for one in self]


def forecast(
    competition: str,
    runs: Sequence[str | Run] = (),
    *,
    public_share: float = SHARE,
    leaderboard: str | Path | None = None,
    sample: bool = False,
    seed: int = 0,
) -> Forecasts:
    """The interval in which the public and the private score of each run should fall, at 90%.

    Without `runs` all that have a score and predictions here. `leaderboard` is a downloaded leaderboard, a zip file or
    a table, with which the ranks are told. Raises KitError for a run without a score, and a board that cannot be read.
    """
    from kit.judge import forecast as judge

    entry, chosen = candidates(competition, runs, sample=sample)
    board = _board(leaderboard)
    repeats = _repeats(entry)
    others = _others(entry)
    made = [
        judge.forecast(entry, run, public_share=public_share, repeats=repeats, others=others, seed=seed)
        for run in chosen
    ]
    higher = entry.competition.metric.higher_is_better
    made.sort(key=lambda one: one.private.expected, reverse=higher)
    places = {}
    if board is not None:
        scores = [row.score for row in board.rows if row.score is not None]
        for one in made:
            expected, sd = (one.private, one.private_sd) if board.private else (one.public, one.public_sd)
            places[one.run] = judge.places(scores, expected.expected, sd, higher_is_better=higher, seed=seed)
    return Forecasts(tuple(made), entry.competition.metric.name, places)


@dataclass(frozen=True, repr=False)
class Chosen(Result):
    """What to send with the slots that are left, and which two submissions to select at the end."""

    choice: Choice
    metric: str

    def summary(self) -> str:
        select = self.choice.select
        return f"select {select.first}" + (f" and {select.second}" if select.second else "")

    def table(self) -> Table:
        """The candidates, with what is expected of them before any public score was seen."""
        spend = {one.run: at for at, one in enumerate(self.choice.spend, 1)}
        rows = [
            (
                one.run,
                f"{one.private.expected:.5f}",
                "sent" if one.run in self.choice.sent else f"send as {spend[one.run]}" if one.run in spend else None,
                "yes" if one.run in (self.choice.select.first, self.choice.select.second) else None,
            )
            for one in self.choice.forecasts
        ]
        return Table(("run", f"private {self.metric}", "slot", "select"), rows)

    def facts(self) -> dict[str, Any]:
        return self.choice.facts()


def choose(
    competition: str,
    runs: Sequence[str | Run] = (),
    *,
    slots: int = 1,
    public_share: float = SHARE,
    sample: bool = False,
    seed: int = 0,
) -> Chosen:
    """Which runs to send with `slots` submissions, and which two to select at the end: those of which the better one
    should have the best private score.

    Without `runs` all that were judged by as many rows as any other, the best 40 of them. Raises KitError where there
    is none, and where nothing was sent and no slot is left.
    """
    from kit.judge import forecast as judge
    from kit.judge import selection

    if slots < 0:
        raise KitError(f"{slots} slots are too few.", "It is the number of submissions that are left, from 0.")
    entry, known = candidates(competition, runs, sample=sample)
    most = max(run.record.rows.out_of_fold for run in known)
    few = [run for run in known if not runs and run.record.rows.out_of_fold < most]
    if few:
        tell(f"Left out, since fewer rows judged them: {', '.join(run.name for run in few)}.")
    repeats = _repeats(entry)
    made = {
        run.name: judge.forecast(
            entry, run, public_share=public_share, repeats=repeats, others=_others(entry), seed=seed
        )
        for run in known
        if run not in few
    }
    sign = 1 if entry.competition.metric.higher_is_better else -1
    chosen = sorted((run for run in known if run not in few), key=lambda run: -sign * made[run.name].private.expected)
    chosen = chosen[: selection.MOST]
    forecasts = [made[run.name] for run in chosen]
    publics = _publics(chosen)
    done = selection.choose(entry, chosen, forecasts, publics, slots=slots, public_share=public_share, seed=seed)
    return Chosen(done, entry.competition.metric.name)


def candidates(competition: str, runs: Sequence[str | Run], *, sample: bool = False) -> tuple[Entry, list[Run]]:
    """The competition and the runs that are named; without names all of its data that are judged as it declares today
    and whose predictions are here. Raises KitError where there is none."""
    from kit.judge import choose

    entry = catalog.find(competition, sample=sample)
    if runs:
        chosen = [named(entry, run) for run in runs]
        return replace(entry, sample=chosen[0].plan.sample), chosen
    known = [run for run in store.every(entry.name) if run.finished and run.plan.sample == entry.sample]
    ranked = [place.run for place in choose.ranked(entry, known) if not place.left_out]
    here = [run for run in ranked if (run.folder / "oof.npz").exists()]
    if gone := len(ranked) - len(here):
        tell(f"Without predictions here, and so left out: {gone} of {len(ranked)} runs. Git keeps only their records.")
    if not here:
        raise KitError(
            f"No run of {entry.name} has a score and its predictions here.",
            "A run is judged by the predictions for its held-out rows.",
            f"kit train {entry.name}{entry.flag}",
        )
    return entry, here


def _publics(runs: Sequence[Run]) -> dict[str, float]:
    """The public scores of runs that were sent to where submissions go now: an emulator's score is none of Kaggle's."""
    from kit.kaggle import client

    kept = {run.name: run.kaggle() for run in runs}
    return {
        name: float(kaggle["public_score"])
        for name, kaggle in kept.items()
        if kaggle.get("server") == client.server() and isinstance(kaggle.get("public_score"), (int, float))
    }


def _others(entry: Entry) -> list[Run]:
    """The finished runs of the competition's data, of which one may tell how easy another's rows were."""
    return [run for run in store.every(entry.name) if run.finished and run.plan.sample == entry.sample]


def _repeats(entry: Entry) -> Any:
    """The rows of test that repeat rows of train; None where the rows are not here, or are of another kind."""
    from kit.judge import repeats

    if entry.competition.kind not in ("table", "text"):
        return None
    try:
        train, test = entry.competition.load(entry.public())
    except KitError:
        return None
    return repeats.find(train, test)


def _board(file: str | Path | None) -> Any:
    from kit.kaggle import leaderboard as boards

    if file is None:
        return None
    try:
        return boards.read(Path(file).read_bytes(), name=str(file))
    except OSError as error:
        raise KitError(
            f"{file} cannot be read: {error.strerror}.", "It is a leaderboard's zip file or table, from Kaggle's page."
        ) from None
