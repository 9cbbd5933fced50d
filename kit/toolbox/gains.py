"""What each column was worth to a stored model: the gain of trees, the size of coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.toolbox import estimators


def read(dir: Path, columns: Sequence[str]) -> dict[str, float] | None:
    """The share of each column, from 0 to 1, of all that the models in the folder `dir` gained by it; None where no
    model tells, or a feature cannot be traced to a column.

    Of XGBoost it is the total gain of the splits on a column, of scikit-learn's trees the decrease in
    impurity, of linear models the mean size of its coefficients. Several features of one column, such as one for each
    category, are added up. These figures are of the training rows, and are kinder to columns of many values; the
    permutation importance is not. Source: Strobl et al., Bias in Random Forest Variable Importance Measures, 2007.
    """
    try:
        parts = estimators.load(dir)
    except (OSError, ValueError, TypeError):
        return None
    if hasattr(parts.get("model"), "forms"):  # what kit.toolbox.problems stores
        return _of_members(parts["model"], columns)
    shares: list[dict[str, float]] = []
    for names, values in _models(parts, None, set()):
        traced = [_column(name, place, len(values), columns) for place, name in enumerate(names)]
        if None in traced:
            return None
        total = float(np.sum(values))
        share = dict.fromkeys(columns, 0.0)
        for column, value in zip(traced, values, strict=True):
            share[str(column)] += float(value) / total if total > 0 else 0.0
        shares.append(share)
    return {name: float(np.mean([share[name] for share in shares])) for name in columns} if shares else None


def _of_members(model: Any, columns: Sequence[str]) -> dict[str, float] | None:
    """The shares of a weighted sum of models that were fitted on one matrix."""
    told = model.gains()
    if told is None or not set(told[0]) <= set(columns):
        return None
    share = dict.fromkeys(columns, 0.0)
    for column, value in zip(*told, strict=True):
        share[column] += float(value)
    total = sum(share.values())
    return {name: value / total for name, value in share.items()}


def _models(value: Any, names: Sequence[str] | None, seen: set[int]) -> Iterator[tuple[Sequence[str], np.ndarray]]:
    """Feature names, empty ones where they are not known, and values of every model in `value` that tells; what lies
    inside such a model, as the trees of a forest do, is not told once more."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if hasattr(value, "steps"):  # a pipeline: its steps before the last name the features
        named = _after(value)
        yield from _models(value.steps[-1][1], named, seen)
        return
    told = _values(value)
    if told is not None:
        own, values = told
        known = own or names or ()
        yield (known if len(known) == len(values) else [""] * len(values)), values
        return
    held = value if isinstance(value, (list, tuple)) else ()
    if isinstance(value, dict):
        held = list(value.values())
    elif not isinstance(value, (str, bytes, np.ndarray, np.generic)) and hasattr(value, "__dict__"):
        held = list(vars(value).values())
    for each in held:
        yield from _models(each, names, seen)


def _values(model: Any) -> tuple[list[str], np.ndarray] | None:
    """What one model says of each of its features, and their names where it knows them."""
    if type(model).__name__ in estimators.BOOSTED:
        booster = model.get_booster()
        count = booster.num_features()
        names = booster.feature_names or [f"f{place}" for place in range(count)]
        gained = booster.get_score(importance_type="total_gain")
        values = np.array([np.sum(gained.get(name, 0.0)) for name in names])
        return list(booster.feature_names or []), values
    known = [str(name) for name in getattr(model, "feature_names_in_", ())]
    if hasattr(model, "feature_importances_"):
        return known, np.asarray(model.feature_importances_, float)
    if isinstance(getattr(model, "coef_", None), np.ndarray):
        return known, np.abs(model.coef_).reshape(-1, model.coef_.shape[-1]).mean(0)
    return None


def _after(pipeline: Any) -> list[str] | None:
    """The names of the features that reach a pipeline's last step."""
    try:
        return [str(name) for name in pipeline[:-1].get_feature_names_out()]
    except (AttributeError, ValueError, TypeError):
        return None


def _column(feature: str, place: int, count: int, columns: Sequence[str]) -> str | None:
    """The column that a feature was made of, such as `Sex` for `category__Sex_male`."""
    if not feature:
        return columns[place] if count == len(columns) else None
    bare = feature.rpartition("__")[2] if feature not in columns else feature
    for name in (feature, bare):
        if name in columns:
            return name
    return max((name for name in columns if bare.startswith(f"{name}_")), key=len, default=None)
