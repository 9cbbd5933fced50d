"""Extremely randomised trees on tables, by scikit-learn: for small tables, and different enough from boosted ones to be
blended with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.toolbox.goals import Goal
from kit.toolbox.problems import Learned, Prepared, Problem, spread


@dataclass(frozen=True)
class Forest:
    """`trees` trees with random cuts, each leaf of `leaf` rows at least; a cut is the best of a share `columns` of the
    columns. Missing values lie below all others.

    Source: Geurts, Ernst, Wehenkel, Extremely randomized trees, Machine Learning 63, 2006; scikit-learn's ExtraTrees.
    """

    trees: int = 100
    leaf: int = 2
    columns: float = 0.5

    def __call__(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int) -> Learned:
        """One forest for classes, numbers and flags alike; numbers share their cuts."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        goal, y = problem.goal, problem.targets[fitted]
        kind: Any = ExtraTreesClassifier if goal.kind == "classes" else ExtraTreesRegressor
        forest = kind(self.trees, min_samples_leaf=self.leaf, max_features=self.columns, random_state=seed)
        low = np.nanmin(problem.rows.matrix[fitted], axis=0, initial=0) - 1
        # Of numbers in several units each must count alike in a cut.
        scale = np.ones(1) if goal.kind == "classes" else np.maximum(y.std(0), 1e-12)
        wanted = y if goal.kind == "classes" else (y / scale)[:, 0] if goal.columns == 1 else y / scale
        forest.fit(_filled(problem.rows.matrix[fitted], low), wanted, problem.weights(fitted))
        parameters = sum(each.tree_.node_count for each in forest.estimators_)
        return Learned(Trees(forest, goal, low, scale), parameters, lambda all_: self(problem, all_, held, seed))


@dataclass
class Trees:
    """A forest; `low` lies below all values of each column, and `scale` is the unit of each target column."""

    forest: Any
    goal: Goal
    low: np.ndarray
    scale: np.ndarray

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        values = _filled(rows.matrix, self.low)
        if self.goal.kind == "classes":
            return spread(self.forest.predict_proba(values), self.forest.classes_, len(self.goal.classes))
        return self.forest.predict(values).reshape(len(values), -1) * self.scale

    def gains(self) -> np.ndarray:
        """How much the cuts on each column made the rows of a leaf alike."""
        return self.forest.feature_importances_


def _filled(matrix: np.ndarray, low: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(matrix), low, matrix)
