"""Logistic regression on runs of up to three words, each weighted by naive Bayes (NB-SVM).

Source: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification, ACL 2012. Expected
accuracy and seconds in the table of README.md.
"""

import numpy as np

from kit.task.contract import Fitted
from kit.toolbox import estimators
from kit.toolbox.texts_nbsvm import Terms, ratio

from ._reviews import cleaned
from ._terms import probability, regression, weighted

VARIANTS = {"bigrams": {"longest": 2}}
SMOKE = {"rarest": 1}
RANGES = {"longest": [1, 2, 3], "rarest": [1, 2, 3], "smoothing": (0.1, 10.0, "log"), "strength": (1.0, 1000.0, "log")}


def fit(
    fold,
    *,
    longest: int = 3,  # words in a row
    rarest: int = 2,  # training reviews that must have a term
    smoothing: float = 1.0,
    unit: bool = True,  # whether the weighted terms of a review have length 1, so that long reviews are not surer
    # Inverse of the regularisation. A fifth of the training reviews, held out, has 0.913 with 10, 0.915 with 30, 0.916
    # with 100 and 0.917 with 300; a standard error is 0.004.
    strength: float = 100.0,
):
    terms, x = Terms.learned(cleaned(fold.train.x), (1, longest), rarest)
    weights = ratio(x, fold.train.y, smoothing).astype(np.float32)
    coefficients, intercept = regression(weighted(x, weights, unit), fold.train.y, strength)
    parts = {
        "longest": longest,
        "columns": terms.columns.astype(np.int32),
        "weights": weights,
        "unit": unit,
        "coefficients": coefficients,
        "intercept": intercept,
    }
    estimators.save(fold.dir, **parts)
    return _predictor(**parts)


def load(dir):
    return _predictor(**estimators.load(dir))


def _predictor(longest, columns, weights, unit, coefficients, intercept):
    terms = Terms((1, longest), columns)

    def predict(texts):
        if not len(texts):
            return np.zeros(0, np.float32)
        logits = weighted(terms(cleaned(texts)), weights, unit) @ coefficients + intercept
        return probability(logits)

    return Fitted(predict, len(coefficients) + 1)
