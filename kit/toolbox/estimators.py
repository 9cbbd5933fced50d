"""Fitted scikit-learn and XGBoost models on disk. Nothing is pickled, and only types that are known are read back.

scikit-learn's are stored with skops, whose files hold arrays and a description of the objects around them; XGBoost's in
its own format, UBJSON. Source: https://skops.readthedocs.io/en/stable/persistence.html.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kit import records
from kit.errors import KitError

FILE = "estimators.skops"

BOOSTED = ("XGBClassifier", "XGBRegressor", "XGBRanker")
"""The classes of XGBoost that are stored in its own format."""

TRUSTED = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    *(
        f"kit.toolbox.{name}"
        for name in (
            "foreign.Foreign",
            "goals.Goal",
            "goals.Scale",
            "problems.Learnt",
            "problems.Model",
            "scaling.Scaled",
            "tables.Category",
            "tables.Counts",
            "tables.Dates",
            "tables.Encoder",
            "tables.Lists",
            "tables.Means",
            "tables.Numbers",
            "tables.Pair",
            "tables.Parsed",
            "tables.Topics",
            "tables.Words",
            "tables_boosted.Trees",
            "tables_catboost.Trees",
            "tables_forest.Trees",
            "tables_hist.Trees",
            "tables_lightgbm.Trees",
            "tables_linear.Lines",
            "tables_linear._Model",
            "tables_network.Layers",
            "tables_network._Inputs",
            "terms.Vocabulary",
            "texts_bayes.Likelihoods",
            "texts_bayes._Logs",
        )
    ),
)
"""Types that a stored file may hold besides those that skops itself knows to be harmless.

skops does not trust the two kinds of trees, because scikit-learn follows the node numbers in them without looking:
those of a forged file would lead it out of the tree's memory. `load` looks first. The next two hold only estimators
and numbers, and so do kit's own, but for models in the formats of their libraries.
"""


def save(dir: Path, *, level: int = 1, **parts: Any) -> None:
    """Write fitted estimators, arrays, texts, numbers, and lists and dicts of these, by name, into the folder `dir`.

    `level` is that of the compression, 0 for none to 9. An earlier file stays until the new one is whole. Arrays that
    the estimators hold as slices of others are made whole in place, so that what predicts now and what is loaded later
    predict the same bytes. Raises KitError for a model that `load` would refuse.
    """
    from skops import io

    for part in _reachable(parts, set()):
        for name, value in getattr(part, "__dict__", {}).items():
            # A file holds no slices, and a matrix product sums in another order where the layout in memory is another.
            if type(value) is np.ndarray and not (value.flags.c_contiguous or value.flags.f_contiguous):
                setattr(part, name, np.ascontiguousarray(value))

    dir.mkdir(parents=True, exist_ok=True)
    boosted = {name: type(part).__name__ for name, part in parts.items() if type(part).__name__ in BOOSTED}
    # XGBoost reads beyond the end of a file that was cut off: it crashed, or took 22 GB of memory.
    digests = {}
    for name in boosted:
        partial = dir / f"partial-{name}.ubj"
        parts[name].save_model(partial)
        digests[name] = records.sha256(partial)
        os.replace(partial, dir / f"{name}.ubj")
    partial = dir / f"partial-{FILE}"
    described = {name: part for name, part in parts.items() if name not in boosted}
    told = {"parts": described, "boosted": boosted, "sha256": digests}
    io.dump(told, partial, compression=zipfile.ZIP_DEFLATED, compresslevel=level)
    if unknown := sorted(set(io.get_untrusted_types(file=partial)) - {*TRUSTED}):
        partial.unlink()
        raise KitError(
            f"The fitted model holds {', '.join(unknown)}, which cannot be read back without running code of the file.",
            "It can be stored without it: neighbours need algorithm='brute', and histogram gradient boosting needs "
            "categories that are numbers already.",
        )
    os.replace(partial, dir / FILE)


def load(dir: Path) -> dict[str, Any]:
    """The parts that `save` wrote into the folder `dir`, by name.

    Raises OSError when a file is missing, ValueError when it is damaged or a tree in it leads out of itself, and
    TypeError when it holds types that are neither known to skops nor in TRUSTED.
    """
    from skops import io

    try:
        stored = io.load(dir / FILE, trusted=list(TRUSTED))
        parts, boosted = dict(stored["parts"]), dict(stored["boosted"])
        digests = dict(stored["sha256"]) if boosted else {}
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ValueError(f"{FILE} is damaged: {error}") from error
    for part in _reachable(parts, set()):
        _check_trees(part)
    for name, kind in boosted.items():
        parts[name] = _boosted(dir / f"{name}.ubj", kind, digests.get(name))
    return parts


def _boosted(path: Path, kind: str, digest: str | None) -> Any:
    import xgboost

    if kind not in BOOSTED:
        raise TypeError(f"{FILE} names {kind!r}, which is no model of XGBoost that is stored")
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing")
    if records.sha256(path) != digest:
        raise ValueError(f"{path.name} is damaged: it is not what was stored")
    model = getattr(xgboost, kind)()
    try:
        model.load_model(path)
    except xgboost.core.XGBoostError as error:
        raise ValueError(f"{path.name} is damaged: {str(error).splitlines()[0]}") from error
    return model


def _reachable(value: Any, seen: set[int]) -> Iterator[Any]:
    """`value`, and every object that it holds."""
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    if isinstance(value, dict):
        held = list(value.values())
    elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
        held = list(np.ravel(value)) if isinstance(value, np.ndarray) else list(value)
    else:
        held = list(getattr(value, "__dict__", {}).values())
    for each in held:
        yield from _reachable(each, seen)


def _check_trees(part: Any) -> None:
    """Raise ValueError where the nodes of a tree in `part` lead out of the tree, or back in a circle."""
    kind = type(part).__name__
    if kind == "Tree":
        _check_nodes(part.children_left, part.children_right, part.children_left != -1)
    elif kind == "TreePredictor":
        nodes = part.nodes
        _check_nodes(nodes["left"], nodes["right"], nodes["is_leaf"] == 0)
        categorical = nodes["bitset_idx"][nodes["is_categorical"] != 0]
        if np.any(categorical >= len(part.raw_left_cat_bitsets)):
            raise ValueError(f"{FILE} is damaged: a tree asks for categories that it does not hold")
    elif hasattr(part, "tree_"):
        asked = part.tree_.feature[part.tree_.children_left != -1]
        if np.any((asked < 0) | (asked >= part.n_features_in_)):
            raise ValueError(f"{FILE} is damaged: a tree asks for a feature that no row has")
    elif hasattr(part, "_predictors"):  # of histogram gradient boosting
        asked = np.concatenate([[0], *(each.nodes["feature_idx"] for group in part._predictors for each in group)])
        if np.any((asked < 0) | (asked >= part._n_features)):
            raise ValueError(f"{FILE} is damaged: a tree asks for a feature that no row has")
    elif hasattr(part, "estimators_") and hasattr(part, "n_features_in_"):
        trees = [each for each in np.ravel(np.asarray(part.estimators_, object)) if hasattr(each, "tree_")]
        if any(each.n_features_in_ != part.n_features_in_ for each in trees) and hasattr(part, "criterion"):
            raise ValueError(f"{FILE} is damaged: a tree of the forest is about other rows than the forest")


def _check_nodes(left: np.ndarray, right: np.ndarray, inner: np.ndarray) -> None:
    """Children of inner nodes come after their parents, as scikit-learn writes them, and within the tree."""
    parents = np.flatnonzero(inner)
    for children in (left[inner].astype(np.int64), right[inner].astype(np.int64)):
        if np.any((children <= parents) | (children >= len(left))):
            raise ValueError(f"{FILE} is damaged: the nodes of a tree lead out of it")
