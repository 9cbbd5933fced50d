"""Gradient-boosted trees on tables, by scikit-learn: no package beside it is needed."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.toolbox.goals import Goal
from kit.toolbox.problems import Predictor, Prepared, Problem, spread
from kit.toolbox.rounds import Rounds

LEAST = 1e-4
"""What the loss must gain within the patience, of numbers as a share of their variance. With scikit-learn's 1e-7 the
loss of classes that are told apart without an error falls for ever: 60 rows took 3,000 trees and 12 s a model."""


@dataclass(frozen=True)
class Hist(Rounds):
    """`rounds` trees at most of `leaves` leaves each; the rows set aside end the fitting after `patience` trees
    without a gain. `rate` is the share of a tree that counts, `l2` the regularisation.

    Source: scikit-learn's HistGradientBoosting, after LightGBM (Ke et al., NIPS 2017).
    """

    rounds: int = 1000
    rate: float = 0.05
    leaves: int = 31
    l2: float = 1.0
    patience: int = 30

    def fit(
        self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]
    ) -> tuple[Predictor, list[int]]:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        goal, matrix = problem.goal, problem.rows.matrix
        # scikit-learn cannot bin a column of which no row has a value.
        known = ~np.isnan(matrix[fitted]).all(0)
        matrix = matrix[:, known]
        columns = [problem.targets] if goal.kind == "classes" else list(problem.targets.T)
        models = []
        for place, y in enumerate(columns):
            if goal.kind != "numbers" and len(np.unique(y[fitted])) == 1:
                models.append(int(y[fitted][0]))
                continue
            kind: Any = HistGradientBoostingRegressor if goal.kind == "numbers" else HistGradientBoostingClassifier
            more = {"loss": "absolute_error"} if goal.absolute else {}
            model = kind(
                learning_rate=self.rate,
                max_iter=rounds[place] if rounds else self.rounds,
                max_leaf_nodes=self.leaves,
                min_samples_leaf=min(20, max(1, len(fitted) // 20)),
                l2_regularization=self.l2,
                categorical_features=problem.encoder.categories[known] > 0,
                early_stopping=not rounds,
                n_iter_no_change=self.patience,
                tol=LEAST * (float(np.var(y[fitted])) if goal.kind == "numbers" else 1),
                random_state=seed,
                **more,
            )
            stop = held if goal.kind == "numbers" else held[np.isin(y[held], y[fitted])]
            stopping = {} if rounds else _stopping(model, matrix[stop], y[stop])
            models.append(_storable(model.fit(matrix[fitted], y[fitted], problem.weights(fitted), **stopping)))
        trees = [getattr(model, "n_iter_", 1) for model in models]
        return Trees(models, goal, known), trees


@dataclass
class Trees:
    """Models, one for all classes or one for each column, the one class itself where there was no other; `known` are
    the columns of the matrix that had values, bool of (columns,)."""

    models: list[Any]
    goal: Goal
    known: np.ndarray

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        values = rows.matrix[:, self.known]
        if self.goal.kind == "classes":
            return self._shares(self.models[0], values, len(self.goal.classes))
        if self.goal.kind == "numbers":
            return np.stack([model.predict(values) for model in self.models], axis=1)
        return np.stack([self._shares(model, values, 2)[:, 1] for model in self.models], axis=1)

    def gains(self) -> np.ndarray:
        """The total gain of the splits on each column."""
        total = np.zeros(len(self.known))
        own = np.flatnonzero(self.known)
        for model in self.models:
            for group in getattr(model, "_predictors", ()):
                for tree in group:
                    inner = tree.nodes[tree.nodes["is_leaf"] == 0]
                    np.add.at(total, own[inner["feature_idx"]], inner["gain"])
        return total

    @staticmethod
    def _shares(model: Any, matrix: np.ndarray, classes: int) -> np.ndarray:
        """Probabilities of all classes."""
        if not hasattr(model, "predict_proba"):
            return spread(np.ones((len(matrix), 1)), np.array([int(model)]), classes)
        return spread(model.predict_proba(matrix), model.classes_.astype(np.int64), classes)


def _storable(model: Any) -> Any:
    """A fitted model without the function that checks its numbers, which no file can hold: they are checked here."""
    if model._preprocessor is not None:
        for _, step, _ in (*model._preprocessor.transformers, *model._preprocessor.transformers_):
            if hasattr(step, "func"):
                step.func = None
    return model


def _stopping(model: Any, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """The rows that end the fitting, where scikit-learn takes them (from 1.7 on); before, it draws a tenth itself."""
    if "X_val" not in inspect.signature(model.fit).parameters or not len(y):
        return {}
    return {"X_val": x, "y_val": y}
