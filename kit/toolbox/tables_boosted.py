"""Gradient-boosted trees on tables, by XGBoost: native categories and missing values, early stopping inside the
training rows."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from kit.toolbox.foreign import Foreign
from kit.toolbox.goals import Goal
from kit.toolbox.problems import Predictor, Prepared, Problem, spread
from kit.toolbox.rounds import Rounds

ALONE = 200_000
"""Values of a matrix up to which one thread is as fast as several, which wait for each other."""


WIDE = 500
"""Columns above which a column is cut into 64 bins and not 256: histograms of 3,500 columns took 0.9 s a tree."""


@dataclass(frozen=True)
class Boosted(Rounds):
    """Trees, as many as the rows set aside want.

    `rounds` is the most trees that are tried, `rate` the share of a tree that counts, `depth` the questions that a tree
    asks one after the other, `rows` and `columns` the share that a tree sees, `weight` the least sum of weights in a
    leaf, `patience` how many trees without a gain end the fitting.

    Source: Chen and Guestrin, XGBoost: A Scalable Tree Boosting System, KDD 2016.
    """

    rounds: int = 3000
    rate: float = 0.05
    depth: int = 6
    rows: float = 0.8
    columns: float = 0.8
    weight: float = 1.0
    patience: int = 50

    def fit(
        self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int, rounds: list[int]
    ) -> tuple[Predictor, list[int]]:
        goal = problem.goal
        present = np.unique(problem.targets[fitted]) if goal.kind == "classes" else np.zeros(0, np.int64)
        if len(present) == 1:
            always = Trees([], goal, present, _kinds(problem))
            return always, rounds
        columns, objective = _columns(problem, present)
        held = held[np.isin(problem.targets[held], present)] if goal.kind == "classes" else held
        boosters = [
            self._booster(problem, y, fitted, held, seed, objective, rounds[place] if rounds else 0)
            for place, y in enumerate(columns)
        ]
        fitted_trees = Trees([Foreign("xgboost", booster) for booster in boosters], goal, present, _kinds(problem))
        trees = [booster.num_boosted_rounds() for booster in boosters]
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
        """A booster of `rounds` trees, or where that is 0, of as many as the rows `held` want."""
        import xgboost

        matrix = problem.rows.matrix
        threads = 1 if matrix.size <= ALONE else None
        bins = 256 if matrix.shape[1] <= WIDE else 64

        def data(at: np.ndarray, like: Any = None) -> Any:
            return xgboost.QuantileDMatrix(
                matrix[at],
                y[at],
                weight=problem.weights(at),
                feature_types=_kinds(problem),
                enable_categorical=True,
                ref=like,
                nthread=threads,
                max_bin=bins,
            )

        settings = {
            "eta": self.rate,
            "max_depth": self.depth,
            "subsample": self.rows,
            "colsample_bytree": self.columns,
            "min_child_weight": self.weight,
            "tree_method": "hist",
            "device": device(),
            "nthread": threads or 0,
            "max_bin": bins,
            "seed": seed,
            "verbosity": 0,
            **objective,
        }
        train = data(fitted)
        if rounds:
            return xgboost.train(settings, train, rounds, verbose_eval=False)
        watched = [(data(held, train), "held")]
        booster = xgboost.train(
            settings, train, self.rounds, evals=watched, early_stopping_rounds=self.patience, verbose_eval=False
        )
        return booster[: booster.best_iteration + 1]


@dataclass
class Trees:
    """Boosters, one for all classes or one for each column; `present` are the classes that had training rows, `kinds`
    what each column of the matrix holds, `q` for numbers and `c` for categories."""

    boosters: list[Foreign]
    goal: Goal
    present: np.ndarray
    kinds: list[str]

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        count = len(self.goal.classes)
        if not self.boosters:
            return spread(np.ones((len(rows), 1)), self.present, count)
        data = _data(rows.matrix, self.kinds)
        pred = np.stack([booster.model.predict(data) for booster in self.boosters], axis=1)
        if self.goal.kind != "classes":
            return pred
        shares = pred[:, 0] if pred.ndim == 3 else np.concatenate([1 - pred, pred], axis=1)
        return spread(shares, self.present, count)

    def gains(self) -> np.ndarray:
        """The total gain of the splits on each column."""
        total = np.zeros(len(self.kinds))
        for booster in self.boosters:
            for name, gain in booster.model.get_score(importance_type="total_gain").items():
                total[int(name[1:])] += np.sum(gain)
        return total


def _columns(problem: Problem, present: np.ndarray) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The targets of each booster, and its objective. Classes without a training row are never predicted; XGBoost wants
    the others numbered without gaps."""
    goal, targets = problem.goal, problem.targets
    if goal.kind == "flags":
        return list(targets.T), {"objective": "binary:logistic"}
    if goal.kind == "numbers":
        return list(targets.T), {"objective": "reg:absoluteerror" if goal.absolute else "reg:squarederror"}
    number = np.zeros(len(goal.classes), np.int64)
    number[present] = np.arange(len(present))
    if len(present) == 2:
        return [number[targets]], {"objective": "binary:logistic"}
    return [number[targets]], {"objective": "multi:softprob", "num_class": len(present)}


def _kinds(problem: Problem) -> list[str]:
    return ["c" if count else "q" for count in problem.encoder.categories]


def _data(matrix: np.ndarray, kinds: list[str]) -> Any:
    """Rows for a booster's `predict`; its quicker `inplace_predict` knows categories in data frames only."""
    import xgboost

    threads = 1 if matrix.size <= ALONE else None
    return xgboost.DMatrix(matrix, feature_types=kinds, enable_categorical=True, nthread=threads)


@cache
def device() -> str:
    """`cuda` where XGBoost was built for it and there is a GPU, else `cpu`."""
    import xgboost

    return "cuda" if xgboost.build_info().get("USE_CUDA") and shutil.which("nvidia-smi") else "cpu"
