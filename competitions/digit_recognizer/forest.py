"""Extremely randomised trees on the 784 pixels: no tuning, no scaling, every core.

Source: scikit-learn. Expected accuracy on a held-out fifth: 0.9705, 74 processor seconds on two cores of a Xeon, see
benchmarks/digit_recognizer.md.
"""

from sklearn.ensemble import ExtraTreesClassifier

from . import _images

SMOKE = {"trees": 100}


def fit(
    fold,
    *,
    trees: int = 500,  # accuracy is flat from here on
):
    model = ExtraTreesClassifier(n_estimators=trees, n_jobs=-1, random_state=fold.seed)
    model.fit(_images.flat(fold.train.x), fold.train.y)
    return _images.rows(model.predict_proba, model.classes_)
