"""Out-of-fold predictions of several runs, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.judge import choose
from kit.notes import tell
from kit.train import predictions
from kit.train.runs import Run


class Aligned(NamedTuple):
    """Rows that all of some runs were judged by: `preds` holds an array of n rows for each run, `columns` what the
    metric needs of each row, by name. `first` is the run whose folds `fold` are."""

    ids: np.ndarray
    fold: np.ndarray
    y: np.ndarray
    preds: list[np.ndarray]
    columns: dict[str, np.ndarray]
    first: Run


def align(members: Sequence[Run]) -> Aligned:
    """The out-of-fold predictions of runs on the rows that judged all of them, joined by id.

    Where runs have other rows or folds, a person is told, and the folds are those of the run that has most of them: a
    row's prediction by another run may come of a model that was trained on rows of the same fold here, so that a nested
    score is a little too good.

    Raises KitError for fewer than two runs, a run that is named twice or unfinished, and runs of other data, labels,
    forms of predictions or without a common row, naming where they first differ.
    """
    if len(members) < 2:
        raise KitError(f"{len(members)} run cannot be blended.", "A blend needs two or more.", "kit runs")
    if twice := [run.name for at, run in enumerate(members) if run in members[:at]]:
        raise KitError(f"Run {twice[0]} is named twice.", "Each run of a blend is named once.", "kit runs")
    for run in members[1:]:
        if run.plan.competition != members[0].plan.competition:
            raise _differ(members[0], run, f"their competition: {run.plan.competition} is another one")
        if run.plan.sample != members[0].plan.sample:
            raise _differ(members[0], run, "their data: one is of the sample")
    held = [held_out(run) for run in members]
    _check_forms(members, held)
    if not all(_same(one["ids"], held[0]["ids"]) for one in held[1:]):
        held = _joined(members, held)
    by = max(range(len(held)), key=lambda at: (len(np.unique(held[at]["fold"])), -at))
    first = held[by]
    for run, other in zip(members, held, strict=True):
        if not _same(other["y"], first["y"]):
            row = int(np.argmin(_rows_alike(other["y"], first["y"])))
            values = f"{first['y'][row]} and {other['y'][row]}"
            raise _differ(members[by], run, f"the target of row {first['ids'][row]}: {values}")
    if other_folds := [
        run.name for run, one in zip(members, held, strict=True) if not _same(one["fold"], first["fold"])
    ]:
        tell(
            f"Judged by other folds than {members[by].name}, whose folds are used: {', '.join(other_folds)}. "
            "The blend's score may be a little too good."
        )
    columns = {name: column for name, column in first.items() if name not in ("ids", "fold", "y", "pred")}
    return Aligned(first["ids"], first["fold"], first["y"], [one["pred"] for one in held], columns, members[by])


def held_out(run: Run) -> dict[str, np.ndarray]:
    """What `oof.npz` of a run holds. Raises KitError when it is missing or damaged, or the run is unfinished."""
    return predictions.load(choose.sendable(run).folder / "oof.npz", *predictions.OOF)


def tests(members: Sequence[Run]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The ids of the test rows, in the order of the first run, and the predictions of each run for them.

    Raises KitError for runs that predicted other test rows.
    """
    ids, preds = np.empty(0), list[np.ndarray]()
    for run in members:
        test = predictions.load(run.folder / "test.npz", "ids", "pred")
        if not preds:
            ids = test["ids"]
        if not _same(test["ids"], ids):
            order, sorted_ids = np.argsort(test["ids"], kind="stable"), np.sort(test["ids"])
            if not _same(sorted_ids, np.sort(ids)):
                raise _differ(members[0], run, "the ids of their test rows")
            test["pred"] = test["pred"][order][np.searchsorted(sorted_ids, ids)]
        preds.append(test["pred"])
    return ids, preds


def _check_forms(members: Sequence[Run], held: Sequence[dict[str, np.ndarray]]) -> None:
    first = held[0]["pred"]
    for run, one in zip(members[1:], held[1:], strict=True):
        pred = one["pred"]
        if bool(pred.dtype.names) != bool(first.dtype.names):
            raise _differ(members[0], run, "what they keep: one only its likeliest classes")
        if pred.shape[1:] != first.shape[1:]:
            raise _differ(members[0], run, f"shapes of a prediction: {first.shape[1:]} and {pred.shape[1:]}")
        if (pred.dtype.kind == "f") != (first.dtype.kind == "f"):
            raise _differ(members[0], run, "what they predict: one labels or texts, the other numbers")


def _joined(members: Sequence[Run], held: Sequence[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """The rows that all have, in the order of the first."""
    shared = held[0]["ids"]
    for one in held[1:]:
        shared = shared[np.isin(shared, one["ids"])]
    if not len(shared):
        raise KitError(
            "No row was held out in all of these runs.",
            "Runs are blended on the rows that judged them.",
            f"kit train {members[0].plan.competition} {members[-1].plan.label}  # with the same folds",
        )
    left_out = max(len(one["ids"]) for one in held) - len(shared)
    tell(
        f"Judged by other rows: joined by id, the runs share {len(shared):,} held-out rows; {left_out:,} are left out."
    )
    joined = []
    for one in held:
        order = np.argsort(one["ids"], kind="stable")
        at = order[np.searchsorted(one["ids"][order], shared)]
        joined.append({name: column[at] for name, column in one.items()})
    return joined


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.all(one == other))


def _rows_alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.equal(one, other).reshape(len(one), -1).all(axis=1)


def _differ(one: Run, other: Run, where: str) -> KitError:
    return KitError(
        f"{one.name} and {other.name} differ in {where}.",
        "Runs are blended on the rows that judged them: these need the same targets, and predictions of one form.",
        f"kit train {one.plan.competition} {other.plan.label}",
    )
