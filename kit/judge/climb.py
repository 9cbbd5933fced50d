"""Which runs make the best blend: greedy selection with replacement."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kit.judge.scoring import Counts, Scorer

PICKS = 25
"""Runs that are picked, some of them again and again. AutoGluon saw no gain above 25 (Salinas and Erickson, TabRepo,
2024)."""

ALIKE = 1e-6
"""Scores that differ by less, in parts of the size of the score, are equal: the difference is one of rounding in
float32 and of luck, and AutoGluon rounds to six digits too. A run that is in the blend already is then picked again."""


FEW, ANEW = 8, 13
"""Of many runs a selection without a fold tries only the 8 that were the best of its last steps, and after 13
steps the better half. Picks rarely come from elsewhere, and five nested selections of 50 runs then take half of the
time of the plain one, not two and a half times as much."""


class Climbed(NamedTuple):
    """How often each run is in the best blend that was met, and its score, higher is better."""

    counts: Counts
    score: float


def climb(scorer: Scorer, without: int | None = None, picks: int = PICKS) -> Climbed:
    """Add, `picks` times, the run whose addition scores best, and keep the best of all these steps.

    `without` is the place of a fold whose rows are left out. Of equal runs the one that is in the blend most often is
    taken, then the first; of equal blends the smallest. Source: Caruana, Niculescu-Mizil, Crew, Ksikes, Ensemble
    Selection from Libraries of Models, ICML 2004, section 2.1.
    """
    counts, met = [0] * scorer.runs, list[Climbed]()
    latest = np.full(scorer.runs, -np.inf)
    for step in range(picks):
        few = without is not None and scorer.runs > 2 * FEW and step > 0
        tried = FEW if step % ANEW else scorer.runs // 2
        among = np.argsort(-latest, kind="stable")[:tried].tolist() if few else None
        scores = scorer.added(tuple(counts), without, among)
        latest = np.where(np.isfinite(scores), scores, latest)
        if np.isnan(scores).all():
            break
        best = np.nanmax(scores)
        alike = np.flatnonzero(scores >= best - ALIKE * abs(best))
        chosen = max(alike.tolist(), key=lambda run: (counts[run], -run))
        counts[chosen] += 1
        met.append(Climbed(tuple(counts), float(scores[chosen])))
    if not met:
        return Climbed((1, *counts[1:]), float("nan"))
    most = max(one.score for one in met)
    return next(one for one in met if one.score >= most - ALIKE * abs(most) * 0.01)


def weights(climbed: Climbed) -> np.ndarray:
    """A non-negative weight for each run, the sum 1."""
    return np.array(climbed.counts, np.float64) / sum(climbed.counts)
