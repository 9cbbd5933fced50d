"""Linear models on sparse TF-IDF features: ridge, SGD, logistic regression, NB-SVM, calibrated linear SVM.

Source: scikit-learn. NB-SVM: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification,
ACL 2012. Expected F1 in the table of README.md.
"""

import numpy as np
from sklearn import linear_model
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from kit.errors import KitError
from kit.toolbox import texts_nbsvm

from . import _features

VARIANTS = {
    "ridge": {"model": "ridge", "words": (1, 1), "chars": (), "naive_bayes": 0.0, "sublinear": False},
    "ridge_cv": {"model": "ridge_cv", "words": (1, 1), "chars": (), "naive_bayes": 0.0, "sublinear": False},
    "sgd": {"model": "sgd", "words": (1, 1), "chars": (), "naive_bayes": 0.0, "sublinear": False},
    "logistic": {
        "model": "logistic",
        "words": (1, 1),
        "chars": (),
        "naive_bayes": 0.0,
        "sublinear": False,
        "strength": 1.0,
    },
    "svm": {"model": "svm", "naive_bayes": 0.0, "strength": 0.1},
}
SMOKE = {"rarest": 1}
RANGES = {
    "model": ["logistic", "svm", "sgd"],
    "words": [(1, 1), (1, 2)],
    "chars": [(), (2, 4), (2, 5), (3, 6)],
    "naive_bayes": (0.1, 10.0, "log"),
    "strength": (0.01, 100.0, "log"),
}


def fit(
    fold,
    *,
    model: str = "logistic",
    words: tuple = (1, 2),
    chars: tuple = (2, 5),
    sublinear: bool = True,
    naive_bayes: float = 1.0,  # smoothing of the log-count ratios that features are multiplied by; 0 leaves them alone
    strength: float = 1.0,  # inverse of the regularisation
    **features: _features.learn,
):
    blocks, x = _features.learn(fold, words=words, chars=chars, sublinear=sublinear, **features)
    ratio = log_count_ratio(x, fold.train.y, naive_bayes) if naive_bayes else None
    fitted = classifier(model, strength, fold).fit(times(x, ratio), fold.train.y)
    return _features.stored(fold.dir, predictor, blocks, classifier=fitted, ratio=ratio)


def predictor(blocks, classifier, ratio):
    def score(rows):
        rows = times(rows, ratio)
        if hasattr(classifier, "predict_proba"):
            return classifier.predict_proba(rows)[:, 1]
        votes = classifier.decision_function(rows)
        # Ridge regresses on -1 and 1, so that its votes estimate 2p - 1; a hinge loss has no such reading, and its
        # votes only keep their order.
        ridge = isinstance(classifier, (linear_model.RidgeClassifier, linear_model.RidgeClassifierCV))
        return (votes + 1) / 2 if ridge else 1 / (1 + np.exp(-votes))

    return _features.probabilities(score, blocks, classifier.n_features_in_ + 1)


load = _features.loader(predictor)


def times(x, ratio):
    """Features, each multiplied by its ratio where there are any."""
    return x if ratio is None else x.multiply(ratio).tocsr()


def classifier(model: str, strength: float, fold):
    """The scikit-learn classifier called `model`."""
    kinds = {
        "ridge": lambda: linear_model.RidgeClassifier(alpha=1 / strength, random_state=fold.seed),
        # Without `cv` it would decompose a dense matrix of rows x rows: 300 s for five folds instead of 6.
        "ridge_cv": lambda: linear_model.RidgeClassifierCV(alphas=(0.3, 1.0, 3.0), cv=inner(fold)),
        "sgd": lambda: linear_model.SGDClassifier(random_state=fold.seed),
        "logistic": lambda: linear_model.LogisticRegression(C=strength, max_iter=1000),
        "svm": lambda: CalibratedClassifierCV(LinearSVC(C=strength, random_state=fold.seed), cv=inner(fold)),
    }
    if model not in kinds:
        raise KitError(f"there is no model {model!r}", f"Known ones: {', '.join(kinds)}.", "--set model=logistic")
    return kinds[model]()


def inner(fold) -> list:
    """Five folds of the training rows, of whole groups, to choose and to calibrate by."""
    return list(StratifiedGroupKFold(5).split(fold.train.ids, fold.train.y, fold.train.group))


def log_count_ratio(x, y: np.ndarray, smoothing: float) -> np.ndarray:
    """How much likelier each term is in tweets of class 1 than in the others, as a logarithm, (1, terms) float32.

    Terms count once a tweet. Source: Wang and Manning 2012, section 2.1.
    """
    return texts_nbsvm.ratio(x.astype(bool).astype(np.float64), y, smoothing)[None].astype(np.float32)
