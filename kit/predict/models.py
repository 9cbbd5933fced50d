"""The model of a finished run, from what its folds stored: for rows that were not there when it was trained."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task import merging
from kit.task.catalog import Entry
from kit.task.contract import Fitted
from kit.train import predictions
from kit.train.runs import Run


def load(entry: Entry, run: Run) -> Fitted:
    """The model of a run: its folds' predictions merged, as its test predictions are.

    Raises KitError when the run is unfinished or a blend, its recipe stores no model, or the weights are not here.
    """
    if not run.finished:
        raise KitError(
            f"Run {run.name} is unfinished.",
            "Only a finished run has a model to predict with.",
            f"kit train {entry.name} --resume {run.name}",
        )
    if run.plan.recipe not in {recipe.name for recipe in entry.recipes.values()}:
        raise KitError(
            f"Run {run.name} has no model of its own: it is a {run.plan.recipe} of others.",
            "New rows are predicted by a run of a recipe.",
            f"kit runs {entry.name}",
        )
    recipe, _ = entry.recipe(run.plan.recipe)
    again = f"kit train {entry.name} {run.plan.label}"
    # As in training: TensorFlow's notes on starting up would stand between a question and its answer.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    module = recipe.module()
    if not hasattr(module, "load"):
        raise KitError(
            f"Recipe {recipe.name} stores no model, so that it cannot predict new rows.",
            "A recipe that can has a function `load(dir)`.",
            f"kit list {entry.name}",
        )
    folders = [done.parent for done in sorted(run.folder.glob("*/done.json"))]
    if not folders:
        raise KitError(f"The weights of run {run.name} are not here.", "Git keeps only the record of a run.", again)
    try:
        members = [module.load(folder) for folder in folders]
    except (OSError, ValueError, TypeError) as error:
        raise KitError(
            f"The weights of run {run.name} cannot be read: {error}",
            "They may be of another version of the recipe, or removed.",
            again,
        ) from error
    judges = [member.unlike for member in members if member.unlike]

    def predict(x: Any) -> np.ndarray:
        parts = [predictions.run(member.predict, x, entry.competition.keep) for member in members]
        return merging.declared(entry.competition.metric, parts[0])(parts)

    def unlike(x: Any) -> np.ndarray:
        return np.mean([judge(x) for judge in judges], axis=0)

    return Fitted(predict, None, unlike if judges else None)
