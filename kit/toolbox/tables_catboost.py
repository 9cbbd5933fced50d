"""Gradient-boosted trees on tables, by CatBoost: symmetric trees, categories by statistics of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.toolbox.problems import Learned, Prepared, Problem, spread


@dataclass(frozen=True)
class CatBoost:
    """`rounds` trees at most of `depth` questions each; the rows set aside end the fitting after `patience` trees
    without a gain. `rate` is the share of a tree that counts, `l2` the regularisation of its leaves.

    Source: Prokhorenkova et al., CatBoost: unbiased boosting with categorical features, NeurIPS 2018.
    """

    rounds: int = 3000
    rate: float = 0.05
    depth: int = 6
    l2: float = 3.0
    patience: int = 50

    def __call__(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int) -> Learned:
        """One model for classes, one for each column of numbers and flags."""
        return self._learned(problem, fitted, held, seed, [])

    def _learned(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]) -> Learned:
        """As above; with `rounds`, the trees of each model, nothing ends the fitting sooner."""
        goal = problem.goal
        columns = [problem.targets] if goal.kind == "classes" else list(problem.targets.T)
        models = [
            self._model(problem, y, fitted, held, seed, rounds[place] if rounds else 0)
            for place, y in enumerate(columns)
        ]

        def predict(rows: Prepared) -> np.ndarray:
            data = _data(problem, rows.matrix)
            if goal.kind == "numbers":
                return np.stack([model.predict(data) for model in models], axis=1)
            if goal.kind == "flags":
                return np.stack([_shares(model, data, 2)[:, 1] for model in models], axis=1)
            return _shares(models[0], data, len(goal.classes))

        trees = [getattr(model, "tree_count_", 1) for model in models]
        return Learned(predict, sum(trees), lambda all_: self._learned(problem, all_, held, seed, trees))

    def _model(
        self, problem: Problem, y: np.ndarray, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: int
    ) -> Any:
        """A fitted model; the one label where all rows have the same."""
        import catboost

        goal = problem.goal
        if goal.kind != "numbers" and len(present := np.unique(y[fitted])) == 1:
            return int(present[0])
        kind: Any = catboost.CatBoostRegressor if goal.kind == "numbers" else catboost.CatBoostClassifier
        model = kind(
            iterations=rounds or self.rounds,
            learning_rate=self.rate,
            depth=self.depth,
            l2_leaf_reg=self.l2,
            random_seed=seed,
            allow_writing_files=False,
            verbose=False,
            **({"loss_function": "MAE"} if goal.absolute else {}),
        )
        stop = held if goal.kind == "numbers" else held[np.isin(y[held], y[fitted])]
        matrix, label = problem.rows.matrix, y.astype(np.int64) if goal.kind != "numbers" else y
        watched = {} if rounds or not len(stop) else {
            "eval_set": _data(problem, matrix[stop], label[stop]),
            "early_stopping_rounds": self.patience,
        }  # fmt: skip
        return model.fit(_data(problem, matrix[fitted], label[fitted], problem.weights(fitted)), **watched)


def _data(problem: Problem, matrix: np.ndarray, y: np.ndarray | None = None, weight: np.ndarray | None = None) -> Any:
    """Rows as CatBoost takes them: categories as whole numbers, missing ones as -1."""
    import catboost
    import pandas as pd

    places = np.flatnonzero(problem.encoder.categories)
    table = pd.DataFrame(matrix)
    for place in places:
        table[place] = np.nan_to_num(matrix[:, place], nan=-1).astype(np.int64)
    return catboost.Pool(table, y, weight=weight, cat_features=places.tolist())


def _shares(model: Any, data: Any, classes: int) -> np.ndarray:
    if isinstance(model, int):
        return spread(np.ones((data.num_row(), 1)), np.array([model]), classes)
    return spread(model.predict_proba(data), np.asarray(model.classes_, np.int64), classes)
