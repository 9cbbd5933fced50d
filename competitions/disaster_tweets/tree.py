"""A decision tree on sparse TF-IDF features.

Source: scikit-learn. Expected F1 in the table of README.md.
"""

from sklearn.tree import DecisionTreeClassifier

from . import _features

VARIANTS = {"decision_tree": {"depth": 0}}
SMOKE = {"rarest": 1}


def fit(
    fold,
    *,
    depth: int = 0,  # levels; 0 grows until the leaves are pure, as the practical did
    leaf: int = 1,  # rows that a leaf holds at least
    **features: _features.learn,
):
    blocks, x = _features.learn(fold, **features)
    model = DecisionTreeClassifier(max_depth=depth or None, min_samples_leaf=leaf, random_state=fold.seed)
    model.fit(x.tocsc(), fold.train.y)
    return _features.stored(fold.dir, predictor, blocks, model=model)


def predictor(blocks, model):
    nodes = int(model.tree_.node_count)
    return _features.probabilities(lambda rows: model.predict_proba(rows)[:, 1], blocks, nodes)


load = _features.loader(predictor)
