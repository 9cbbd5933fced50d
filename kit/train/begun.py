"""A fold that was begun on another machine goes on in a kernel: its checkpoint comes as an attached dataset."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

from kit import places, records
from kit.train import record
from kit.train.record import Plan
from kit.train.runs import Run

FILE, FOLD = "begun.json", "fold"
"""What such a dataset holds: which fold of what plan was begun, and what the fold has left."""


def noted(plan: Plan, number: int) -> dict[str, Any]:
    """What tells a begun fold from others. Data and encoders have no digest where a kernel is planned."""
    bare = replace(plan, data={}, encoders={}, only=None)
    return dict(json.loads(json.dumps({"fold": number, "plan": record.facts(bare)})))


def take_up(run: Run, number: int) -> None:
    """On Kaggle, put what an earlier attempt at the fold has left into the fold's folder, where it is attached."""
    if not places.on_kaggle():
        return
    inputs = places.kaggle_root() / "input"
    for note in sorted([*inputs.glob(f"*/{FILE}"), *inputs.glob(f"datasets/*/*/{FILE}")]):
        if records.read_json(note) == noted(run.plan, number):
            shutil.copytree(note.with_name(FOLD), run.fold(number), dirs_exist_ok=True)
