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
    words: tuple = (1, 1),
    chars: tuple = (),
    rarest: int = 1,
    stop_words: bool = True,
    counts: bool = False,
    links: bool = True,
    depth: int = 0,  # levels; 0 grows until the leaves are pure, as the practical did
    leaf: int = 1,  # rows that a leaf holds at least
):
    features = _features.Blocks(
        words=words, chars=chars, rarest=rarest, stop_words=stop_words, counts=counts, links=links
    )
    model = DecisionTreeClassifier(max_depth=depth or None, min_samples_leaf=leaf, random_state=fold.seed)
    model.fit(features.fit(fold.train.x.take()).tocsc(), fold.train.y)
    nodes = int(model.tree_.node_count)
    return _features.probabilities(lambda rows: model.predict_proba(rows)[:, 1], features, nodes)
