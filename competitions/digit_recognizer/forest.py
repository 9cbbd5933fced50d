"""Extremely randomised trees on the 784 pixels: no tuning, no scaling, every core.

Source: scikit-learn. Expected accuracy on a held-out fifth: 0.9705, 74 processor seconds on two cores of a Xeon, see
benchmarks/digit_recognizer.md. The 6.4 million nodes of a fold take 152 MB on disk: 932 MB uncompressed, and 125 MB at
compression level 6, which takes four times as long to write as level 1.
"""

from sklearn.ensemble import ExtraTreesClassifier

from . import _images

SMOKE = {"trees": 100}
RANGES = {"trees": (100, 1000, "log")}


def fit(
    fold,
    *,
    trees: int = 500,  # accuracy is flat from here on
):
    model = ExtraTreesClassifier(n_estimators=trees, n_jobs=-1, random_state=fold.seed)
    model.fit(_images.flat(fold.train.x), fold.train.y)
    return _images.save_estimator(fold.dir, model)


load = _images.load_estimator
