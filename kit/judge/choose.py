"""Which run is best by cross-validation, and which runs cannot be compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kit.errors import KitError
from kit.task.catalog import Entry
from kit.train import judged, record
from kit.train.runs import Run


class Place(NamedTuple):
    """A run in the order of runs. `left_out` is why it is not ranked, as the rest of a sentence that begins with the
    run; empty for a run that is, and for an unfinished one."""

    run: Run
    left_out: str


def ranked(entry: Entry, runs: Sequence[Run]) -> list[Place]:
    """Runs in order: those judged just as the competition declares it, the best first; then those that were asked to be
    judged by other folds or a holdout, by the most rows first, and the best of those that are judged alike; then the
    ones that are left out, and last the unfinished ones. Runs of the sample come after those of the real data.
    """
    if not any(run.finished for run in runs):  # nothing of the declaration is needed
        return sorted((Place(run, "") for run in runs), key=_order)
    today = judged.Today(entry)
    return sorted((Place(run, left_out(today, run)) for run in runs), key=_order)


def best(entry: Entry, runs: Sequence[Run]) -> Run | None:
    """The best of the ranked runs of the entry's data, sample or real; None when there is none.

    A score on a tenth of the rows is no better than its noise, so that a cross-validated run comes before a holdout.
    """
    of_the_data = [run for run in runs if run.finished and run.plan.sample == entry.sample]
    return next((place.run for place in ranked(entry, of_the_data) if not place.left_out), None)


def left_out(today: judged.Today, run: Run) -> str:
    """Why a run is not ranked, as the rest of a sentence that begins with it; empty where it is, or is unfinished."""
    if not run.finished:
        return ""
    if run.score is None:
        if run.record.rows.out_of_fold:
            return "has weights that were chosen on the very rows that judge it"
        return "has no score, since no row was held out"
    if run.plan.scheme not in record.SCHEMES:
        return f"was judged by the split {run.plan.scheme!r}, which may cut groups"
    try:
        return today.changed(run)
    except KitError as error:
        return f"cannot be compared with the declaration: {error.wrong}"


def sendable(run: Run) -> Run:
    """The run itself, if it has a submission.

    Raises KitError when it is unfinished.
    """
    if not run.finished:
        raise KitError(
            f"Run {run.name} is unfinished.",
            "Only a finished run has a submission.",
            f"kit train {run.plan.competition} --resume {run.name}",
        )
    return run


def _order(place: Place) -> tuple:
    run = place.run
    if run.recorded is None:
        return (3, run.plan.sample, run.name)
    recorded, plan = run.recorded, run.plan
    asked = plan.scheme != "cv" or plan.folds is not None or plan.only is not None
    score = (-1 if recorded.higher_is_better else 1) * (run.score or 0.0)
    alike = (recorded.metric, -recorded.rows.out_of_fold, -len(recorded.fold_scores), recorded.split)
    return (2 if place.left_out else int(asked), plan.sample, alike if asked or place.left_out else (), score, run.name)
