"""Fitted models are stored without pickling, read back to the same predictions, and refused where they are forged."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn import ensemble, tree
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from kit.errors import KitError
from kit.toolbox import estimators

RANDOM = np.random.default_rng(0)
X = RANDOM.random((300, 5)).astype(np.float32)
Y = (X.sum(axis=1) > 2.5).astype(np.int64)

MODELS = [
    tree.DecisionTreeClassifier(),
    ensemble.ExtraTreesClassifier(5),
    ensemble.RandomForestRegressor(5),
    ensemble.GradientBoostingClassifier(n_estimators=5),
    ensemble.HistGradientBoostingClassifier(max_iter=5),
    ensemble.HistGradientBoostingRegressor(max_iter=5),
    make_pipeline(PCA(3), KNeighborsRegressor(algorithm="brute")),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_model_predicts_the_same_bytes_after_it_was_stored(tmp_path, model):
    x = np.column_stack([np.arange(300) % 7, X[:, 1:]]).astype(np.float32)
    model.fit(x, Y)
    estimators.save(tmp_path, model=model)
    assert estimators.load(tmp_path)["model"].predict(x).tobytes() == model.predict(x).tobytes()
    assert [path.name for path in tmp_path.iterdir()] == [estimators.FILE]


@pytest.mark.parametrize("kind", ["XGBClassifier", "XGBRegressor"])
def test_a_model_of_xgboost_is_stored_in_its_own_format(tmp_path, kind):
    import xgboost

    model = getattr(xgboost, kind)(n_estimators=3, n_jobs=1).fit(X, Y)
    estimators.save(tmp_path, model=model, classes=np.array([3, 7]))
    parts = estimators.load(tmp_path)
    assert type(parts["model"]).__name__ == kind
    assert parts["model"].predict(X).tobytes() == model.predict(X).tobytes()
    assert parts["classes"].tolist() == [3, 7]
    assert sorted(path.name for path in tmp_path.iterdir()) == [estimators.FILE, "model.ubj"]


def test_a_model_that_could_not_be_read_back_is_refused_when_it_is_stored(tmp_path):
    model = ensemble.HistGradientBoostingRegressor(max_iter=2, categorical_features=[0])
    with pytest.raises(KitError, match=r"holds functools\.partial"):
        estimators.save(tmp_path, model=model.fit(np.round(X * 5), Y))
    assert not list(tmp_path.iterdir())


def test_plain_values_come_back_as_they_were(tmp_path):
    parts = {"text": "a b", "number": 3, "none": None, "list": [1, "x"], "by name": {"a": np.arange(3)}}
    estimators.save(tmp_path, **parts)
    stored = estimators.load(tmp_path)
    assert stored.pop("by name")["a"].tolist() == [0, 1, 2]
    assert stored == {name: value for name, value in parts.items() if name != "by name"}


def test_slices_are_made_whole_since_another_layout_is_summed_in_another_order(tmp_path):
    model = PCA(3).fit(X)
    model.components_ = np.asfortranarray(np.repeat(model.components_, 2, axis=0))[::2]
    estimators.save(tmp_path, model=model)
    assert model.components_.flags.c_contiguous
    assert estimators.load(tmp_path)["model"].transform(X).tobytes() == model.transform(X).tobytes()


def forged(path: Path, change) -> None:
    """Store a small tree whose nodes `change` has been at."""
    model = tree.DecisionTreeClassifier(max_depth=3).fit(X, Y)
    state = model.tree_.__getstate__()
    nodes = state["nodes"].copy()
    change(nodes)
    model.tree_.__setstate__(state | {"nodes": nodes})
    estimators.save(path, model=model)


def outside(nodes):
    nodes["left_child"][0] = 1_000_000


def circle(nodes):
    nodes["right_child"][1] = 0


def feature(nodes):
    nodes["feature"][0] = 50


@pytest.mark.parametrize(
    ("change", "wrong"),
    [(outside, "lead out of it"), (circle, "lead out of it"), (feature, "a feature that no row has")],
)
def test_a_tree_that_would_lead_out_of_its_memory_is_refused(tmp_path, change, wrong):
    forged(tmp_path, change)
    with pytest.raises(ValueError, match=wrong):
        estimators.load(tmp_path)


def test_a_forged_tree_of_histogram_boosting_is_refused(tmp_path):
    model = ensemble.HistGradientBoostingRegressor(max_iter=2).fit(X, Y)
    nodes = model._predictors[1][0].nodes
    for name, value, wrong in (("left", 9999, "lead out of it"), ("feature_idx", 77, "a feature that no row has")):
        before = nodes[name].copy()
        nodes[name][0] = value
        estimators.save(tmp_path, model=model)
        with pytest.raises(ValueError, match=wrong):
            estimators.load(tmp_path)
        nodes[name] = before


def test_a_type_that_nobody_knows_is_refused_and_nothing_of_it_runs(tmp_path):
    from skops import io

    io.dump({"parts": {"model": Runs()}, "boosted": {}}, tmp_path / estimators.FILE)
    Runs.started = False
    with pytest.raises(TypeError, match="Untrusted types"):
        estimators.load(tmp_path)
    assert not Runs.started


class Runs:
    """What would show that it was made."""

    started = False

    def __init__(self) -> None:
        self.value = 1

    def __setstate__(self, state: dict) -> None:
        type(self).started = True

    def __new__(cls) -> Runs:
        cls.started = True
        return super().__new__(cls)


def test_missing_and_damaged_files_are_errors_that_are_told(tmp_path):
    with pytest.raises(OSError, match=estimators.FILE):
        estimators.load(tmp_path)
    (tmp_path / estimators.FILE).write_bytes(b"no zip file")
    with pytest.raises(ValueError, match="is damaged"):
        estimators.load(tmp_path)
    with zipfile.ZipFile(tmp_path / estimators.FILE, "w") as file:
        file.writestr("other", "")
    with pytest.raises(ValueError, match="is damaged"):
        estimators.load(tmp_path)


def test_missing_and_damaged_models_of_xgboost_are_errors_that_are_told(tmp_path):
    import xgboost

    estimators.save(tmp_path, model=xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y))
    (tmp_path / "model.ubj").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"model\.ubj is damaged"):
        estimators.load(tmp_path)
    (tmp_path / "model.ubj").unlink()
    with pytest.raises(OSError, match=r"model\.ubj is missing"):
        estimators.load(tmp_path)
