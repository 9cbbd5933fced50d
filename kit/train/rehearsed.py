"""A rehearsal shows that a notebook runs, not how well its model does: fewer folds, and less work in each.

The notebook is the one that is pushed, to the byte. What is to be left out stands in the environment of its rehearsal.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from dataclasses import replace
from typing import Any

from kit import places
from kit.task.catalog import Entry, Recipe
from kit.train import fold
from kit.train.record import Plan
from kit.train.runs import Run

NAME = "KIT_REHEARSAL"
"""The environment variable that holds a JSON object: `folds` to fit, 2, 1 or 0, each for `epochs` at most. It counts in
a kernel only; Kaggle does not set it."""

AMOUNTS = ("rounds", "trees", "iterations", "steps")
"""Settings that say how much work a recipe does, beside `epochs`. Its SMOKE says how little is enough."""


def setting(folds: int) -> dict[str, str]:
    """The environment of a rehearsal: both of two folds, one of them, or only a look at the inputs; and one epoch."""
    return {NAME: json.dumps({"folds": folds, "epochs": 1})}


def looks_only() -> bool:
    """Whether this is a rehearsal that shall find the inputs, and fit nothing."""
    return (asked := _asked()) is not None and asked["folds"] == 0


def looked(entry: Entry, run: Run) -> Run:
    """The run without a fold, when all its inputs were found: its rows are loaded and checked, its encoders are there.
    The sample submission stands for its own, and nobody sends it: every check refuses it.

    Raises KitError as `fold.of` does, and for an encoder that is not attached.
    """
    rows, (recipe, _) = fold.of(run), entry.recipe(run.plan.label)
    if recipe.attach:
        handles = importlib.import_module("kit.toolbox.encoders.handles")  # it travels with recipes that need it
        for part in recipe.attach:
            if (handle := run.plan.settings[part]) not in ("", handles.TINY):
                print(f"{part} is {handles.locate(handle, part)}", file=sys.stderr)
    sample = entry.public() / entry.competition.submission.sample
    shutil.copyfile(sample, run.submission)
    print(f"{len(rows.train):,} train and {len(rows.test):,} test rows from {sample.parent}", file=sys.stderr)
    return run


def shortened(plan: Plan, entry: Entry, recipe: Recipe) -> Plan:
    """`plan` with as little work as a rehearsal asks for; as it is outside of one."""
    if (asked := _asked()) is None:
        return plan
    settings = dict(plan.settings)
    for name in AMOUNTS:
        if isinstance(enough := recipe.smoke.get(name), int):
            settings[name] = min(settings[name], enough)
    if isinstance(settings.get("epochs"), int):
        settings["epochs"] = min(settings["epochs"], asked["epochs"])
    plan = replace(plan, settings=settings)
    if plan.scheme == "cv" and plan.only is None and hasattr(entry.competition.split, "folds"):
        plan = replace(plan, folds=2, only=0 if asked["folds"] == 1 else None)
    return plan


def _asked() -> dict[str, Any] | None:
    """What a rehearsal asks for, None outside of one."""
    return json.loads(os.environ[NAME]) if places.on_kaggle() and NAME in os.environ else None
