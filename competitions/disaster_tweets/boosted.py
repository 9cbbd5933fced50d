"""Gradient-boosted trees on sparse TF-IDF features.

Source: XGBoost. Expected F1 in the table of README.md.
"""

import xgboost

from . import _features

SMOKE = {"rounds": 20}
EXTRA = "boosted"
RANGES = {
    "rarest": (1, 5),
    "rounds": (100, 600, "log"),
    "rate": (0.03, 0.3, "log"),
    "depth": (4, 20),
    "columns": (0.1, 1.0),
}


def fit(
    fold,
    *,
    rarest: int = 2,  # a term of one tweet splits off nothing but that tweet
    rounds: int = 300,
    rate: float = 0.1,
    depth: int = 12,  # texts need many words together: F1 0.731, with 6 levels and rate 0.3 0.726
    columns: float = 0.3,  # share of the terms that a tree sees
    **features: _features.learn,
):
    blocks, x = _features.learn(fold, rarest=rarest, **features)
    model = xgboost.XGBClassifier(
        n_estimators=rounds,
        learning_rate=rate,
        max_depth=depth,
        colsample_bytree=columns,
        tree_method="hist",
        n_jobs=1,  # threads wait for each other longer than these small histograms take: 0.5 s instead of 14 s
        random_state=fold.seed,
    )
    model.fit(x, fold.train.y)
    return _features.stored(fold.dir, predictor, blocks, model=model)


def predictor(blocks, model):
    return _features.probabilities(lambda rows: model.predict_proba(rows)[:, 1], blocks)


load = _features.loader(predictor)
