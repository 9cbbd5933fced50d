"""How runs stand to each other: each one's score and how sure it is, and what can be said of all of them in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kit.judge.noise import Test
from kit.train.runs import Run
from kit.words import count, figure

SURE = 0.05
"""A difference with a p-value below this is called more than noise, after Holm's correction for all the runs that are
compared (Scandinavian Journal of Statistics 6, 1979)."""


@dataclass(frozen=True)
class Standing:
    """A finished run beside the others.

    `left_out` says why it is not compared, as the rest of a sentence that begins with the run. `low` and `high` are the
    95% interval of its score, by its rows, or by its folds where the out-of-fold predictions are not here. `seeds`
    counts the runs that differ from it in the seed only, itself too, and `seed_sd` is the standard deviation of their
    scores. `gap` is the public score less the CV score, and `gap_noise` two standard errors of it. `behind` is by how
    much it is worse than the best on the rows that judged both, in the metric's unit, `test` the paired test of that on
    these rows, with the p-value after Holm's correction, `again` the test over folds and seeds; `correlation` that of
    its errors with those of the best. `new_best` says that it was more than noise better than all before it (the
    Ladder).
    """

    run: Run
    left_out: str = ""
    low: float | None = None
    high: float | None = None
    by: str = ""
    seeds: int = 1
    seed_sd: float | None = None
    public: float | None = None
    private: float | None = None
    gap: float | None = None
    gap_noise: float | None = None
    behind: float | None = None
    test: Test | None = None
    again: Test | None = None
    correlation: float | None = None
    new_best: bool = False
    is_best: bool = False

    @property
    def gap_is_noise(self) -> bool | None:
        """Whether the gap is within the noise of the rows; None where either is not known."""
        return None if self.gap is None or self.gap_noise is None else abs(self.gap) <= self.gap_noise

    @property
    def verdict(self) -> str:
        """How it stands to the best, in a few words."""
        if self.left_out or self.is_best:
            return "not compared" if self.left_out else "the best"
        said = self.test or self.again
        if said is None or self.behind is None:
            return "not tested"
        if said.p >= SURE:
            return "noise"
        word = "worse" if self.behind > 0 else "better"
        retrained = self.again is None or self.again.p < SURE
        return word if retrained else f"{word} on these rows"


@dataclass(frozen=True)
class Comparison:
    """Runs, the best first, those that cannot be compared last. `tried` runs of the same rows were compared; `expected`
    is what the best of so many may be expected to score, the luck of the choice taken off, None where there is one only
    or the predictions are not here. `errors` are correlations of errors between the runs named in `alike`."""

    metric: str
    higher_is_better: bool
    standings: tuple[Standing, ...]
    tried: int = 0
    expected: float | None = None
    alike: tuple[str, ...] = ()
    errors: np.ndarray | None = None

    @property
    def best(self) -> Standing | None:
        """The best of the compared runs."""
        return next((one for one in self.standings if one.is_best), None)

    @property
    def luck(self) -> float | None:
        """How much of the best score is expected to be luck of having chosen it, 0 or more."""
        best = self.best
        if best is None or best.run.score is None or self.expected is None:
            return None
        return max(0.0, (best.run.score - self.expected) * (1 if self.higher_is_better else -1))

    def words(self) -> list[str]:
        """What the comparison says, in sentences."""
        best = self.best
        if best is None or best.run.score is None:
            return ["No run can be compared yet."]
        sure = (
            "" if best.low is None or best.high is None else f", 95% interval {figure(best.low)} to {figure(best.high)}"
        )
        said = [f"The best is {best.run.name}, {self.metric} {figure(best.run.score)}{sure}."]
        if self.luck is not None and self.expected is not None:
            often = f"It is the best of {self.tried} that were tried on the same rows"
            lucky = (
                f". The best of many is partly the luckiest: on other rows {figure(self.expected)} is to be expected"
            )
            said.append(f"{often}{lucky}, {figure(self.luck)} less good." if self.luck > 0 else f"{often}.")
        tested = [one for one in self.standings if one.behind is not None]
        within = self.within_noise()
        unsure = [one for one in tested if one.verdict.endswith("on these rows")]
        if within:
            named = ", ".join(within[:5]) + (f" and {len(within) - 5} more" if len(within) > 5 else "")
            what = "differs" if len(within) == 1 else "differ"
            said.append(f"{_of(len(within), len(tested))} {what} from it by no more than noise: {named}.")
        if unsure:
            what = "is" if len(unsure) == 1 else "are"
            said.append(
                f"{_of(len(unsure), len(tested))} {what} worse on these rows by more than noise, but the folds differ "
                "so much that a new training could give another order."
            )
        clear = [one for one in tested if one.verdict == "worse"]
        if clear and (within or unsure):
            what = "is" if len(clear) == 1 else "are"
            said.append(f"{_of(len(clear), len(tested))} {what} worse by more than noise.")
        if tested and not within and not unsure:
            every = "Every other run" if len(tested) == len(self.standings) - 1 else "Every other run that was tested"
            said.append(f"{every} is worse by more than noise.")
        return said

    def within_noise(self) -> list[str]:
        """The names of the runs that differ from the best by no more than noise."""
        return [one.run.name for one in self.standings if one.verdict == "noise"]


def _of(some: int, every: int) -> str:
    return f"{some} of {count(every, 'other run')}"
