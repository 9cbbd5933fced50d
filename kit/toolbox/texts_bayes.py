"""Naive Bayes on the terms of texts: fitted in an instant, and different enough from linear models to be blended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.toolbox.goals import Goal
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
        fits = [MultinomialNB(alpha=self.smoothing).fit(words, y[fitted].astype(np.int64), weight) for y in columns]
        models = [_Logs(each.classes_, each.class_log_prior_, each.feature_log_prob_) for each in fits]

        if self not in problem.chosen:
            own, held_targets = problem.rows.words[held], targets[held]
            losses = [loss(goal, held_targets, Likelihoods(models, goal, each).shares(own)) for each in self.powers]
            problem.chosen[self] = self.powers[int(np.argmin(losses))]
        parameters = sum(int(model.terms.size) for model in models)
        likelihoods = Likelihoods(models, goal, problem.chosen[self])
        return Learned(likelihoods, parameters, lambda all_: self(problem, all_, held, seed))


@dataclass
class Likelihoods:
    """Naive Bayes models, one of all classes or one for each column, whose logarithms count `power` times."""

    models: list[_Logs]
    goal: Goal
    power: float

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        return self.shares(rows.words)

    def shares(self, words: Any) -> np.ndarray:
        """The same of terms."""
        if self.goal.kind == "classes":
            return _flattened(self.models[0], words, self.power, len(self.goal.classes))
        return np.stack([_flattened(model, words, self.power, 2)[:, 1] for model in self.models], axis=1)

    def gains(self) -> None:
        """Words have likelihoods, and no gains."""


@dataclass
class _Logs:
    """The classes that a model knows, and the logarithms of how likely each is (k,), and of each term in it
    (k, terms)."""

    classes: np.ndarray
    prior: np.ndarray
    terms: np.ndarray


def _flattened(model: _Logs, words: Any, power: float, classes: int) -> np.ndarray:
    """Probabilities, (n, classes), from logarithms times `power`: terms are no independent witnesses, so that their
    logarithms are too sure of themselves."""
    logs = (words @ model.terms.T + model.prior) * power
    likely = np.exp(logs - logs.max(1, keepdims=True))
    return spread(likely / likely.sum(1, keepdims=True), model.classes, classes)
