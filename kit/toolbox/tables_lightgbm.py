"""Gradient-boosted trees on tables, by LightGBM: trees grow leaf by leaf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.toolbox.foreign import Foreign
from kit.toolbox.goals import Goal
from kit.toolbox.problems import Predictor, Prepared, Problem, spread
from kit.toolbox.rounds import Rounds


@dataclass(frozen=True)
class LightGbm(Rounds):
    """`rounds` trees at most of `leaves` leaves; the rows set aside end the fitting after `patience` trees without a
    gain. `rate` is the share of a tree that counts, `rows` and `columns` the share that a tree sees, `least` the fewest
    rows of a leaf.

    Source: Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NIPS 2017.
    """

    rounds: int = 3000
    rate: float = 0.05
    leaves: int = 31
    rows: float = 0.8
    columns: float = 0.8
    least: int = 20
    patience: int = 50

    def fit(
        self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]
    ) -> tuple[Predictor, list[int]]:
        goal, count = problem.goal, len(problem.goal.classes)
        if goal.kind == "classes":
            objective: dict[str, Any] = {"objective": "multiclass", "num_class": count} if count > 2 else {}
            columns = [problem.targets]
        else:
            columns = list(problem.targets.T)
            objective = {"objective": "regression_l1" if goal.absolute else "regression"}
        if goal.kind == "flags" or (goal.kind == "classes" and count == 2):
            objective = {"objective": "binary"}
        boosters = [
            self._booster(problem, y, fitted, held, seed, objective, rounds[place] if rounds else 0)
            for place, y in enumerate(columns)
        ]
        fitted_trees = Trees([Foreign("lightgbm", booster) for booster in boosters], goal)
        trees = [booster.num_trees() // objective.get("num_class", 1) for booster in boosters]
        return fitted_trees, trees

    def _booster(
        self,
        problem: Problem,
        y: np.ndarray,
        fitted: np.ndarray,
        held: np.ndarray,
        seed: int,
        objective: dict[str, Any],
        rounds: int,
    ) -> Any:
        import lightgbm

        matrix, categories = problem.rows.matrix, np.flatnonzero(problem.encoder.categories).tolist()
        train = lightgbm.Dataset(
            matrix[fitted], y[fitted], weight=problem.weights(fitted), categorical_feature=categories
        )
        settings = {
            "learning_rate": self.rate,
            "num_leaves": self.leaves,
            "bagging_fraction": self.rows,
            "bagging_freq": 1,
            "feature_fraction": self.columns,
            "min_data_in_leaf": min(self.least, max(1, len(fitted) // 20)),
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,  # without it LightGBM times two ways to work, and may choose another each run
            "verbosity": -1,
            **objective,
        }
        if rounds:
            return lightgbm.train(settings, train, rounds)
        stop = train.create_valid(matrix[held], y[held])
        return lightgbm.train(
            settings,
            train,
            self.rounds,
            valid_sets=[stop],
            callbacks=[lightgbm.early_stopping(self.patience, verbose=False)],
        )


@dataclass
class Trees:
    """Boosters, one for all classes or one for each column."""

    boosters: list[Foreign]
    goal: Goal

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        pred = [np.asarray(booster.model.predict(rows.matrix)) for booster in self.boosters]
        if self.goal.kind != "classes":
            return np.stack(pred, axis=1)
        count = len(self.goal.classes)
        shares = pred[0] if count > 2 else np.stack([1 - pred[0], pred[0]], axis=1)
        return spread(shares, np.arange(count), count)

    def gains(self) -> np.ndarray:
        """The total gain of the splits on each column."""
        return np.sum([each.model.feature_importance("gain") for each in self.boosters], axis=0)
