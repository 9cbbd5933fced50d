"""The model of a finished run, from what its folds stored: for rows that were not there when it was trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.predict import stacked
from kit.task import catalog, merging
from kit.task.catalog import Entry
from kit.task.contract import Fitted
from kit.toolbox import quiet
from kit.train import averaging, predictions, runs
from kit.train.runs import Run


def load(entry: Entry, run: Run) -> Fitted:
    """The model of a run: its folds' predictions merged, as its test predictions are; of a blend, those of its members,
    merged by their weights or by the linear model on top of them. Where they can write texts, the first fold's does,
    and of a blend the heaviest member's.

    Raises KitError when the run is unfinished, a member of a blend is gone, the recipe stores no model, or the weights
    are not here.
    """
    if not run.finished:
        raise KitError(
            f"Run {run.name} is unfinished.",
            "Only a finished run has a model to predict with.",
            f"kit train {entry.name} --resume {run.name}",
        )
    if run.plan.recipe == catalog.BLEND:
        return _blended(entry, run)
    if run.plan.recipe not in {recipe.name for recipe in entry.recipes.values()}:
        raise KitError(
            f"Run {run.name} was fitted by recipe {run.plan.recipe}, which {entry.name} no longer has.",
            f"Its recipes: {', '.join(entry.recipes)}.",
            f"kit runs {entry.name}",
        )
    return _fitted(entry, run)


def of_fold(entry: Entry, run: Run, number: int) -> Fitted:
    """The model that one fold of a finished run stored. Raises KitError as `load` does."""
    folder = run.fold(number)
    return _stored(entry, run, [folder] if (folder / "done.json").exists() else [])[0]


def _stored(entry: Entry, run: Run, folders: list[Path]) -> list[Fitted]:
    """The models that the recipe of a run stored in the folders of its folds."""
    recipe, _ = entry.recipe(run.plan.recipe)
    again = f"kit train {entry.name} {run.plan.label}"
    quiet.begin()
    module = recipe.module()
    if not hasattr(module, "load"):
        raise KitError(
            f"Recipe {recipe.name} stores no model, so that it cannot predict new rows.",
            "A recipe that can has a function `load(dir)`.",
            f"kit list {entry.name}",
        )
    if not folders:
        raise KitError(f"The weights of run {run.name} are not here.", "Git keeps only the record of a run.", again)
    try:
        metric = entry.competition.metric
        return [averaging.merged([module.load(place) for place in averaging.places(one)], metric) for one in folders]
    except (KitError, ImportError):
        raise
    except Exception as error:  # for a damaged file frameworks raise errors of many kinds, their own among them
        raise KitError(
            f"The weights of run {run.name} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}",
            "They may be of another version of the recipe, or removed.",
            again,
        ) from error


def _fitted(entry: Entry, run: Run) -> Fitted:
    """The model of a run whose folds a recipe has fitted."""
    members = _stored(entry, run, [done.parent for done in sorted(run.folder.glob("*/done.json"))])
    judges = [member.unlike for member in members if member.unlike]

    def predict(x: Any) -> np.ndarray:
        parts = [predictions.run(member.predict, x, entry.competition.keep) for member in members]
        return merging.declared(entry.competition.metric, parts[0])(parts)

    def unlike(x: Any) -> np.ndarray:
        return np.mean([judge(x) for judge in judges], axis=0)

    return Fitted(predict, None, unlike if judges else None, members[0].language)


def _blended(entry: Entry, run: Run) -> Fitted:
    """The model of a blend. Its settings are the weights of its members, by the names of their runs."""
    names, weights = [*run.plan.settings], [*run.plan.settings.values()]
    members = [runs.find(entry.name, name) for name in names]
    fitted = [load(entry, member) for member in members]
    models = [member.predict for member in fitted]
    linear = stacked.load(run.folder) if run.plan.variant == "stack" else None
    ranks = [_ranks(member) for member in members] if run.plan.variant == "rank" else []

    def predict(x: Any) -> np.ndarray:
        parts = [model(x) for model in models]
        if linear is not None:
            return linear(parts)
        if ranks:
            ranked = [rank(part) for rank, part in zip(ranks, parts, strict=True)]
            return merging.mean(ranked, weights).astype(parts[0].dtype)
        merge = merging.BY_METHOD.get(run.plan.variant) or merging.declared(entry.competition.metric, parts[0])
        return merge(parts, weights)

    # Models with different tokens cannot write one text together.
    heaviest = max(range(len(weights)), key=lambda at: weights[at])
    return Fitted(predict, language=fitted[heaviest].language)


def _ranks(member: Run) -> Callable[[np.ndarray], np.ndarray]:
    """What turns predictions into ranks among those that the member gave for the test rows, above 0 to 1: a test row
    has the rank that it has in the blend, and the rank of a new row does not depend on those beside it."""
    of_test = predictions.load(member.folder / "test.npz", "pred")["pred"]
    columns = np.sort(of_test.reshape(len(of_test), -1), axis=0)

    def rank(pred: np.ndarray) -> np.ndarray:
        table = pred.reshape(len(pred), -1)
        first, last = (
            np.stack([np.searchsorted(columns[:, at], table[:, at], side) for at in range(table.shape[1])], axis=1)
            for side in ("left", "right")
        )
        # Equal values share their mean rank.
        return ((first + last + 1) / 2 / len(columns)).reshape(pred.shape)

    return rank
