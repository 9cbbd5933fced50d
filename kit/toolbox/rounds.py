"""What learners share that fit one tree after another until the rows set aside gain nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from kit.toolbox.problems import Learned, Predictor, Problem


class Rounds(ABC):
    """A learner that chooses a number of rounds on the rows set aside, and keeps to it when it is fitted again."""

    def __call__(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int) -> Learned:
        """Fit on the rows `fitted`; those of `held` end the fitting."""
        return self._learned(problem, fitted, held, seed, [])

    @abstractmethod
    def fit(
        self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]
    ) -> tuple[Predictor, list[int]]:
        """One model for classes, or one for each column of numbers and flags, and how many rounds each has; with
        `rounds`, those of each, nothing ends the fitting sooner."""

    def _learned(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]) -> Learned:
        models, done = self.fit(problem, fitted, held, seed, rounds)
        return Learned(models, sum(done), lambda all_: self._learned(problem, all_, held, seed, done))
