"""Gradient-boosted trees on sparse TF-IDF features.

Source: XGBoost. Expected F1 in the table of README.md.
"""

import xgboost

from . import _features

SMOKE = {"rounds": 20}
EXTRA = "boosted"


def fit(
    fold,
    *,
    words: tuple = (1, 1),
    chars: tuple = (),
    rarest: int = 2,  # a term of one tweet splits off nothing but that tweet
    stop_words: bool = True,
    counts: bool = False,
    links: bool = True,
    rounds: int = 300,
    rate: float = 0.1,
    depth: int = 12,  # texts need many words together: F1 0.731, with 6 levels and rate 0.3 0.726
    columns: float = 0.3,  # share of the terms that a tree sees
):
    features = _features.Blocks(
        words=words, chars=chars, rarest=rarest, stop_words=stop_words, counts=counts, links=links
    )
    model = xgboost.XGBClassifier(
        n_estimators=rounds,
        learning_rate=rate,
        max_depth=depth,
        colsample_bytree=columns,
        tree_method="hist",
        n_jobs=1,  # threads wait for each other longer than these small histograms take: 0.5 s instead of 14 s
        random_state=fold.seed,
    )
    model.fit(features.fit(fold.train.x.take()), fold.train.y)
    return _features.probabilities(lambda rows: model.predict_proba(rows)[:, 1], features)
