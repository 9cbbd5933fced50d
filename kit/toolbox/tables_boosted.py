"""Gradient-boosted trees on tables, by XGBoost: native categories and missing values, early stopping inside the
training rows."""

from __future__ import annotations

import shutil
from functools import cache
from typing import Any

import numpy as np

from kit.task.contract import Competition, Fitted, Fold
from kit.toolbox import goals, tables
from kit.toolbox.goals import Goal

SMALL = 20_000
"""Rows up to which several models are fitted, each stopped by another part of the training rows, and averaged."""

ALONE = 200_000
"""Values of a matrix up to which one thread is as fast as several, which wait for each other."""


def fit(
    fold: Fold,
    competition: Competition,
    features: tables.Features,
    *,
    rounds: int,
    rate: float,
    depth: int,
    rows: float,
    columns: float,
    weight: float,
    patience: int,
    models: int,
) -> Fitted:
    """Trees fitted on the training rows of `fold`, as many as the rows set aside among them want.

    `rounds` is the most trees that are tried, `rate` the share of a tree that counts, `depth` the questions that a tree
    asks one after the other, `rows` and `columns` the share that a tree sees, `weight` the least sum of weights in a
    leaf, `patience` how many trees without a gain end the fitting. Up to SMALL rows `models` of them are averaged.

    Source: Chen and Guestrin, XGBoost: A Scalable Tree Boosting System, KDD 2016.
    """
    y = fold.train.y
    assert y is not None
    goal = goals.of(competition, y)
    targets = goal.encoded(y)
    encoder, matrix = tables.fit(features, fold.train.x.take(), goal, targets, group=fold.train.group, seed=fold.seed)
    settings = {
        "eta": rate,
        "max_depth": depth,
        "subsample": rows,
        "colsample_bytree": columns,
        "min_child_weight": weight,
        "tree_method": "hist",
        "device": device(),
        "nthread": 1 if matrix.size <= ALONE else 0,
        "seed": fold.seed,
        "verbosity": 0,
    }
    parts = list(
        tables.inner(
            goal,
            targets,
            folds=max(models, 2) if len(targets) <= SMALL else 10,
            group=fold.train.group,
            time=fold.train.time,
            seed=fold.seed,
        )
    )[: models if len(targets) <= SMALL else 1]
    kinds = ["c" if count else "q" for count in encoder.categories]
    learners = []
    for number, (fitted, held) in enumerate(parts):
        learner = _Learner(goal, kinds, settings | {"seed": fold.seed + number}, rounds, patience)
        learner.fit(matrix, targets, fold.train.weight, fitted, held)
        fold.report(number + 1, len(parts), trees=learner.trees)
        learners.append(learner)

    def predict(x: Any) -> np.ndarray:
        values = encoder(x)
        return goal.decoded(np.mean([learner(values) for learner in learners], axis=0))

    return Fitted(predict, sum(learner.trees for learner in learners))


class _Learner:
    """The boosters of one model: one for classes, one for each target column of numbers and flags."""

    def __init__(self, goal: Goal, kinds: list[str], settings: dict[str, Any], rounds: int, patience: int) -> None:
        self.goal, self.kinds, self.settings, self.rounds, self.patience = goal, kinds, settings, rounds, patience
        self.boosters: list[Any] = []
        self.present = np.zeros(0, np.int64)

    @property
    def trees(self) -> int:
        """How many rounds of trees are used, over all boosters."""
        return sum(booster.num_boosted_rounds() for booster in self.boosters)

    def fit(
        self,
        matrix: np.ndarray,
        targets: np.ndarray,
        weight: np.ndarray | None,
        fitted: np.ndarray,
        held: np.ndarray,
    ) -> None:
        """Fit on the rows `fitted`, stopped by the rows `held`."""
        if self.goal.kind == "classes":
            # Classes without a training row are never predicted; XGBoost wants the others numbered without gaps.
            self.present = np.unique(targets[fitted])
            if len(self.present) == 1:
                return
            held = held[np.isin(targets[held], self.present)]
            known = np.zeros(len(self.goal.classes), np.int64)
            known[self.present] = np.arange(len(self.present))
            more: dict[str, Any] = {"objective": "binary:logistic"}
            if len(self.present) > 2:
                more = {"objective": "multi:softprob", "num_class": len(self.present)}
            self._boost(matrix, known[targets], weight, fitted, held, more)
            return
        objective = "binary:logistic" if self.goal.kind == "flags" else "reg:squarederror"
        if self.goal.absolute:
            objective = "reg:absoluteerror"
        for column in targets.T:
            self._boost(matrix, column, weight, fitted, held, {"objective": objective})

    def _boost(
        self,
        matrix: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray | None,
        fitted: np.ndarray,
        held: np.ndarray,
        more: dict[str, Any],
    ) -> None:
        import xgboost

        def data(rows: np.ndarray, like: Any = None) -> Any:
            return xgboost.QuantileDMatrix(
                matrix[rows],
                y[rows],
                weight=None if weight is None else weight[rows],
                feature_types=self.kinds,
                enable_categorical=True,
                ref=like,
                nthread=self.settings["nthread"] or None,
            )

        train = data(fitted)
        booster = xgboost.train(
            self.settings | more,
            train,
            self.rounds,
            evals=[(data(held, train), "held")],
            early_stopping_rounds=self.patience,
            verbose_eval=False,
        )
        self.boosters.append(booster[: booster.best_iteration + 1])

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Predictions in the goal's encoded form: (n, classes), or (n, columns)."""
        if self.goal.kind != "classes":
            return np.stack([self._predicted(booster, values) for booster in self.boosters], axis=1)
        pred = np.zeros((len(values), len(self.goal.classes)), np.float32)
        if not self.boosters:
            pred[:, self.present] = 1
            return pred
        shares = self._predicted(self.boosters[0], values)
        pred[:, self.present] = np.stack([1 - shares, shares], axis=1) if shares.ndim == 1 else shares
        return pred

    def _predicted(self, booster: Any, values: np.ndarray) -> np.ndarray:
        import xgboost

        # A DMatrix and not inplace_predict, which knows categories in data frames only.
        data = xgboost.DMatrix(
            values, feature_types=self.kinds, enable_categorical=True, nthread=self.settings["nthread"] or None
        )
        return booster.predict(data)


@cache
def device() -> str:
    """`cuda` where XGBoost was built for it and there is a GPU, else `cpu`."""
    import xgboost

    return "cuda" if xgboost.build_info().get("USE_CUDA") and shutil.which("nvidia-smi") else "cpu"
