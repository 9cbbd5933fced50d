"""Naive Bayes on the terms of texts: fitted in an instant, and different enough from linear models to be blended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kit.errors import KitError
from kit.toolbox.problems import Learned, Prepared, Problem, loss, spread


@dataclass(frozen=True)
class Bayes:
    """Naive Bayes of TF-IDF terms, its probabilities flattened as the rows set aside want.

    `smoothing` is added to each term. Source: Rennie et al., Tackling the Poor Assumptions of Naive Bayes Text
    Classifiers, ICML 2003; scikit-learn's MultinomialNB. Raises KitError for numbers.
    """

    smoothing: float = 0.05
    powers: tuple[float, ...] = (0.1, 0.2, 0.4, 0.7, 1.0)

    def __call__(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int) -> Learned:
        """One model of all classes."""
        from sklearn.naive_bayes import MultinomialNB

        goal = problem.goal
        if goal.kind != "classes":
            raise KitError("Naive Bayes tells classes apart, and this competition predicts numbers.")
        model = MultinomialNB(alpha=self.smoothing)
        model.fit(problem.rows.terms[fitted], problem.targets[fitted], problem.weights(fitted))

        def shares(terms: np.ndarray, power: float) -> np.ndarray:
            # Terms are no independent witnesses, so that the logarithms are too sure of themselves.
            logs = model.predict_joint_log_proba(terms) * power
            likely = np.exp(logs - logs.max(1, keepdims=True))
            return spread(likely / likely.sum(1, keepdims=True), model.classes_, len(goal.classes))

        if self not in problem.chosen:
            terms, targets = problem.rows.terms[held], problem.targets[held]
            losses = [loss(goal, targets, shares(terms, power)) for power in self.powers]
            problem.chosen[self] = self.powers[int(np.argmin(losses))]
        best = problem.chosen[self]

        def predict(rows: Prepared) -> np.ndarray:
            return shares(rows.terms, best)

        again = lambda all_: self(problem, all_, held, seed)  # noqa: E731
        return Learned(predict, int(model.feature_log_prob_.size), again)
