"""Naive Bayes on the terms of texts: fitted in an instant, and different enough from linear models to be blended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
        """One model of all classes, or one for each column of flags."""
        from sklearn.naive_bayes import MultinomialNB

        goal, targets = problem.goal, problem.targets
        if goal.kind == "numbers":
            raise KitError("Naive Bayes tells classes apart, and this competition predicts numbers.")
        columns = [targets] if goal.kind == "classes" else list(targets.T)
        words, weight = problem.rows.words[fitted], problem.weights(fitted)
        models = [MultinomialNB(alpha=self.smoothing).fit(words, y[fitted].astype(np.int64), weight) for y in columns]

        def shares(rows: Any, power: float) -> np.ndarray:
            if goal.kind == "classes":
                return _flattened(models[0], rows, power, len(goal.classes))
            return np.stack([_flattened(model, rows, power, 2)[:, 1] for model in models], axis=1)

        if self not in problem.chosen:
            own, held_targets = problem.rows.words[held], targets[held]
            losses = [loss(goal, held_targets, shares(own, power)) for power in self.powers]
            problem.chosen[self] = self.powers[int(np.argmin(losses))]
        best = problem.chosen[self]

        def predict(rows: Prepared) -> np.ndarray:
            return shares(rows.words, best)

        parameters = sum(int(model.feature_log_prob_.size) for model in models)
        return Learned(predict, parameters, lambda all_: self(problem, all_, held, seed))


def _flattened(model: Any, words: Any, power: float, classes: int) -> np.ndarray:
    """Probabilities, (n, classes), from logarithms times `power`: terms are no independent witnesses, so that their
    logarithms are too sure of themselves."""
    logs = model.predict_joint_log_proba(words) * power
    likely = np.exp(logs - logs.max(1, keepdims=True))
    return spread(likely / likely.sum(1, keepdims=True), model.classes_, classes)
