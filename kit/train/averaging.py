"""Several models of one fold, which differ in their seeds only, as one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.task import merging
from kit.task.contract import Fitted, Fold, Metric
from kit.train import progress

MOST = 9
"""Seeds of a fold, at most. A fold's seed is 1,000 times the run's and its number, and each further model's 100 more,
so that no two of a run are the same."""


def places(folder: Path) -> list[Path]:
    """The folders of the models of a fold: its own, or one for each seed."""
    return sorted(folder.glob("seed-*")) or [folder]


def fit(
    fold: Fold, seeds: int, fit_one: Callable[[Fold], Fitted], show: progress.Display, name: str, metric: Metric
) -> Fitted:
    """The mean of `seeds` models of the same rows. Each has a folder of its own, and the first has the fold's seed."""
    members = []
    for number in range(seeds):
        place = fold.dir / f"seed-{number}"
        place.mkdir(exist_ok=True)
        report = progress.reporter(place, f"{name}, seed {number + 1}/{seeds}", show)
        members.append(fit_one(fold._replace(seed=fold.seed + 100 * number, dir=place, report=report)))
    return merged(members, metric)


def merged(members: Sequence[Fitted], metric: Metric) -> Fitted:
    """Several models as one, whose predictions are merged as the metric declares."""
    if len(members) == 1:
        return members[0]
    judges = [member.unlike for member in members if member.unlike]

    def predict(x: Any) -> np.ndarray:
        parts = [np.asarray(member.predict(x)) for member in members]
        return merging.declared(metric, parts[0])(parts)

    def unlike(x: Any) -> np.ndarray:
        return np.mean([judge(x) for judge in judges], axis=0)

    known = [member.parameters for member in members if member.parameters]
    return Fitted(predict, sum(known) or None, unlike if judges else None)
