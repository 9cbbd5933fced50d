"""Naive Bayes on TF-IDF features: Bernoulli, complement, and Gaussian, which needs them dense.

Source: scikit-learn; complement: Rennie, Shih, Teevan, Karger, Tackling the Poor Assumptions of Naive Bayes Text
Classifiers, ICML 2003. Expected F1 in the table of README.md.
"""

import numpy as np
from sklearn import naive_bayes

from kit.errors import KitError

from . import _features

VARIANTS = {
    "bernoulli": {"model": "bernoulli"},
    "complement": {"model": "complement"},
    "gaussian": {"model": "gaussian"},
}
SMOKE = {"rarest": 1}
CHUNK = 512  # rows that are dense at a time: 40 MB of 20,000 terms in float32


def fit(
    fold,
    *,
    model: str = "bernoulli",
    smoothing: float = 1.0,  # of counts; the Gaussian adds 1e-9 of the largest variance instead
    **features: _features.learn,
):
    kinds = {
        "bernoulli": lambda: naive_bayes.BernoulliNB(alpha=smoothing),
        "complement": lambda: naive_bayes.ComplementNB(alpha=smoothing),
        "gaussian": naive_bayes.GaussianNB,
    }
    if model not in kinds:
        raise KitError(f"there is no model {model!r}", f"Known ones: {', '.join(kinds)}.", "--set model=bernoulli")
    (blocks, x), classifier = _features.learn(fold, **features), kinds[model]()
    if model == "gaussian":
        dense(classifier, x, fold.train.y)
    else:
        classifier.fit(x, fold.train.y)
    return _features.stored(fold.dir, predictor, blocks, classifier=classifier)


def predictor(blocks, classifier):
    def score(rows):
        if not isinstance(classifier, naive_bayes.GaussianNB):
            return classifier.predict_proba(rows)[:, 1]
        parts = (rows[at : at + CHUNK].toarray() for at in range(0, rows.shape[0], CHUNK))
        return np.concatenate([classifier.predict_proba(part)[:, 1] for part in parts])

    learned = ("feature_log_prob_", "theta_", "var_", "class_prior_")
    return _features.probabilities(score, blocks, sum(np.size(getattr(classifier, name, ())) for name in learned))


load = _features.loader(predictor)


def dense(model, x, y: np.ndarray) -> None:
    """Fit on sparse rows, CHUNK of them dense at a time, so that memory does not grow with their number."""
    for at in range(0, x.shape[0], CHUNK):
        model.partial_fit(x[at : at + CHUNK].toarray(), y[at : at + CHUNK], classes=np.unique(y))
