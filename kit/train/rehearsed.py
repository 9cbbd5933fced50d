"""A rehearsal shows that a notebook runs, not how well its model does: fewer folds, and less work in each.

The notebook is the one that is pushed, to the byte. What is to be left out stands in the environment of its rehearsal.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

from kit import places
from kit.task.catalog import Entry, Recipe
from kit.train.runs import Plan

NAME = "KIT_REHEARSAL"
"""The environment variable that holds a JSON object: `folds` to cut, `epochs` to train at most, and `only`, the one
fold to fit, or null. It counts in a kernel only; Kaggle does not set it."""

AMOUNTS = ("rounds", "trees", "iterations", "steps")
"""Settings that say how much work a recipe does, beside `epochs`. Its SMOKE says how little is enough."""


def setting(*, only: int | None = None) -> dict[str, str]:
    """The environment of a rehearsal: two folds, or one of them, and one epoch."""
    return {NAME: json.dumps({"folds": 2, "epochs": 1, "only": only})}


def shortened(plan: Plan, entry: Entry, recipe: Recipe) -> Plan:
    """`plan` with as little work as a rehearsal asks for; as it is outside of one."""
    if not places.on_kaggle() or NAME not in os.environ:
        return plan
    asked: dict[str, Any] = json.loads(os.environ[NAME])
    settings = dict(plan.settings)
    for name in AMOUNTS:
        if isinstance(enough := recipe.smoke.get(name), int):
            settings[name] = min(settings[name], enough)
    if isinstance(settings.get("epochs"), int):
        settings["epochs"] = min(settings["epochs"], asked["epochs"])
    plan = replace(plan, settings=settings)
    if plan.scheme == "cv" and plan.only is None and getattr(entry.competition.split, "folds", 0) > asked["folds"]:
        plan = replace(plan, folds=asked["folds"], only=asked["only"])
    return plan
