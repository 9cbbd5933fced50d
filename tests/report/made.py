"""Runs for a report: made without any training, with a history, a public score and a note."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from kit.task.catalog import Entry
from kit.train import keeping, record, runs
from kit.train.runs import Run


def probabilities(y: np.ndarray, classes: int, right: float, seed: int) -> np.ndarray:
    """Probabilities whose likeliest class is right for a share of the rows."""
    random = np.random.default_rng(seed)
    said = np.where(random.random(len(y)) < right, y, (y + random.integers(1, classes, len(y))) % classes)
    pred = random.random((len(y), classes)).astype(np.float32) + 4 * np.eye(classes, dtype=np.float32)[said]
    return pred / pred.sum(1, keepdims=True)


def changed(run: Run, name: str = "", **changes: Any) -> Run:
    """The run with another record, and under another name."""
    if name:
        run.folder.rename(run.folder.with_name(name))
        run = replace(run, folder=run.folder.with_name(name))
        changes["name"] = name
    known = replace(run.record, **changes)
    record.write(run.folder / record.PLAN, known.plan)
    run.finish(known)
    return runs.at(run.folder)


def sent(run: Run, public: float, private: float | None = None) -> None:
    """Note that Kaggle has scored a run."""
    facts = {"ref": 1, "status": "complete", "public_score": public, "private_score": private, "rank": 5, "teams": 90}
    (run.folder / "kaggle.json").write_text(json.dumps(facts))


def trained(run: Run, epochs: int = 6) -> None:
    """Two folds' histories; the validation loss is lowest in the fourth epoch."""
    for number in (0, 1):
        folder = run.fold(number)
        folder.mkdir()
        lines = [f"{step},{step * 2},{1 / step},{0.2 + (step - 4) ** 2 / 50}" for step in range(1, epochs + 1)]
        (folder / "history.csv").write_text("step,seconds,loss,val_loss\n" + "\n".join(lines) + "\n")


def several(entry: Entry, finished: Any, y: np.ndarray, classes: int, tests: int, shares: list[float]) -> list[Run]:
    """A run for each share of rows that it has right, the first called `a` and so on."""
    made = []
    for at, share in enumerate(shares):
        pred = probabilities(y, classes, share, at)
        run = finished(entry, pred, pred[:tests])
        folds = {"0": share - 0.002 * at, "1": share + 0.001}
        plan = replace(run.plan, recipe=f"model{at}", settings={"rate": 0.1 * (at + 1)})
        when = f"2026-01-{at + 1:02d}T00:00:00Z"
        made.append(changed(run, f"2026010{at + 1}-000000-model{at}", plan=plan, finished=when, fold_scores=folds))
    return made


def noted(run: Run, text: str, tag: str) -> None:
    """Write a note and a tag to a run."""
    keeping.write(run, text=text, tag=[tag])


def listed(entry: Entry) -> list[Run]:
    """All runs of a competition."""
    return runs.every(entry.name)
