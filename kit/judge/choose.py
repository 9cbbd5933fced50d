"""Which run is best by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence

from kit.errors import KitError
from kit.train.runs import Run


def comparable(run: Run) -> tuple[bool, str, int]:
    """What two runs must share for their scores to be compared: the data, the metric, and how many rows judged them."""
    return (
        (run.plan.sample, "", 0)
        if not run.finished
        else (run.plan.sample, run.record.metric, run.record.rows.out_of_fold)
    )


def ranked(runs: Sequence[Run]) -> list[Run]:
    """Runs judged by the most rows first, the best of them first; then those judged by another split than the declared
    one; runs without a score last."""

    def key(run: Run) -> tuple:
        sign = 1 if run.finished and not run.record.higher_is_better else -1
        sample, _, rows = comparable(run)
        return (run.score is None, sample, _otherwise(run), -rows, sign * (run.score or 0.0), run.name)

    return sorted(runs, key=key)


def best(runs: Sequence[Run], *, sample: bool = False) -> Run | None:
    """The finished run with the best score among those judged by the most rows; None when there is none.

    A score on a tenth of the rows is no better than its noise, so that a cross-validated run comes before a holdout.
    Runs judged by another split than the declared one do not count, since that one may leak.
    """
    scored = [r for r in ranked(runs) if r.score is not None and r.plan.sample == sample and not _otherwise(r)]
    return scored[0] if scored else None


def _otherwise(run: Run) -> bool:
    return run.plan.scheme not in ("cv", "holdout", "full")


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
