"""Gradient-boosted trees on tables, by CatBoost: symmetric trees, categories by statistics of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.toolbox.foreign import Foreign
from kit.toolbox.goals import Goal
from kit.toolbox.problems import Predictor, Prepared, Problem, spread
from kit.toolbox.rounds import Rounds


@dataclass(frozen=True)
class CatBoost(Rounds):
    """`rounds` trees at most of `depth` questions each; the rows set aside end the fitting after `patience` trees
    without a gain. `rate` is the share of a tree that counts, `l2` the regularisation of its leaves.

    Source: Prokhorenkova et al., CatBoost: unbiased boosting with categorical features, NeurIPS 2018.
    """

    rounds: int = 3000
    rate: float = 0.05
    depth: int = 6
    l2: float = 3.0
    patience: int = 50

    def fit(
        self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]
    ) -> tuple[Predictor, list[int]]:
        goal = problem.goal
        columns = [problem.targets] if goal.kind == "classes" else list(problem.targets.T)
        models = [
            self._model(problem, y, fitted, held, seed, rounds[place] if rounds else 0)
            for place, y in enumerate(columns)
        ]
        places = np.flatnonzero(problem.encoder.categories)
        fitted_trees = Trees([each if isinstance(each, int) else _stored(each) for each in models], goal, places)
        trees = [getattr(model, "tree_count_", 1) for model in models]
        return fitted_trees, trees

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
        places = np.flatnonzero(problem.encoder.categories)
        watched = {} if rounds or not len(stop) else {
            "eval_set": _data(matrix[stop], places, label[stop]),
            "early_stopping_rounds": self.patience,
        }  # fmt: skip
        return model.fit(_data(matrix[fitted], places, label[fitted], problem.weights(fitted)), **watched)


@dataclass
class Trees:
    """Models, one for all classes or one for each column, each with the classes that it knows; the one class itself
    where all training rows had the same. `places` are the columns of categories."""

    models: list[int | tuple[Foreign, np.ndarray]]
    goal: Goal
    places: np.ndarray

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        data = _data(rows.matrix, self.places)
        if self.goal.kind == "classes":
            return self._shares(0, data, len(self.goal.classes))
        if self.goal.kind == "flags":
            return np.stack([self._shares(place, data, 2)[:, 1] for place in range(len(self.models))], axis=1)
        return np.stack([each[0].model.predict(data) for each in self.models if not isinstance(each, int)], axis=1)

    def _shares(self, place: int, data: Any, classes: int) -> np.ndarray:
        each = self.models[place]
        if isinstance(each, int):
            return spread(np.ones((data.num_row(), 1)), np.array([each]), classes)
        return spread(each[0].model.predict(data, prediction_type="Probability"), each[1], classes)

    def gains(self) -> np.ndarray | None:
        """How much predictions change with each column, CatBoost's own measure, as it does not keep gains."""
        told = [each[0].model.get_feature_importance() for each in self.models if not isinstance(each, int)]
        return np.sum(told, axis=0) if told else None


def _stored(model: Any) -> tuple[Foreign, np.ndarray]:
    """A model and the classes that it knows; of numbers there are none."""
    return Foreign("catboost", model), np.asarray(getattr(model, "classes_", []), np.int64)


def _data(matrix: np.ndarray, places: np.ndarray, y: np.ndarray | None = None, weight: np.ndarray | None = None) -> Any:
    """Rows as CatBoost takes them: categories as whole numbers, missing ones as -1."""
    import catboost
    import pandas as pd

    table = pd.DataFrame(matrix)
    for place in places:
        table[place] = np.nan_to_num(matrix[:, place], nan=-1).astype(np.int64)
    return catboost.Pool(table, y, weight=weight, cat_features=places.tolist())
