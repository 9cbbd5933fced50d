"""Fixtures for judging: a competition of given rows, and a finished run of given predictions, without any training."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.task import catalog
from kit.task.catalog import Entry
from kit.task.contract import Data
from kit.train import predictions, runs
from kit.train.record import Record, Rows
from kit.train.runs import Plan, Run


def recorded(run: Run, **changes: Any) -> Record:
    """What a finished run would record, with `changes`."""
    usual = {
        "name": run.name,
        "plan": run.plan,
        "metric": "accuracy",
        "higher_is_better": True,
        "split": "Stratified(folds=2, seed=0)",
        "groups": None,
        "oof_score": 0.5,
        "rows": Rows(train=60, out_of_fold=60, test=20),
        "fit_seconds": 1.0,
        "seconds": 2.0,
        "where": "local",
        "device": "a processor, 2 cores",
        "versions": {},
        "finished": "2026-01-01T00:00:00Z",
    }
    return Record(**usual | changes)


DECLARATION = """\
import pickle

import numpy as np

from kit.task import metrics, splits
from kit.task.contract import Competition, Submission
from kit.task.sources import KaggleCompetition
from kit.task.targets import Labels

LABELS = {labels!r}


def decide(pred):
    if {values!r}:
        return pred
    return metrics.labels(pred) if LABELS is None else np.array(LABELS)[metrics.labels(pred)]


competition = Competition(
    source=KaggleCompetition("given"),
    load=lambda public: pickle.loads((public / "rows.pickle").read_bytes()),
    split=splits.Stratified(2),
    metric=metrics.rmse if {values!r} else metrics.accuracy,
    submission=Submission("id", "target", decide=decide, holds=LABELS and Labels(LABELS)),
    default="none",
    kind={kind!r},
)
"""


@pytest.fixture
def given(workspace: Path) -> Callable[..., Entry]:
    """A competition of train and test rows, written into the workspace."""

    def write(train: Data, test: Data, *, kind: str = "table", labels: tuple | None = None) -> Entry:
        folder = workspace / "competitions" / f"given_{len(list(workspace.glob('competitions/*')))}"
        folder.mkdir(parents=True)
        values = train.y is not None and train.y.dtype.kind == "f"
        (folder / "competition.py").write_text(DECLARATION.format(kind=kind, labels=labels, values=values))
        entry = catalog.find(folder.name.replace("_", "-"))
        public = workspace / "data" / entry.name / "public"
        public.mkdir(parents=True)
        (public / "rows.pickle").write_bytes(pickle.dumps((train, test)))
        (public.parent / "manifest.json").write_text("{}")
        return entry

    return write


@pytest.fixture
def finished() -> Callable[..., Run]:
    """A finished run of two folds that predicted `pred` for the train rows and `test_pred` for the test rows."""

    def write(entry: Entry, pred: np.ndarray, test_pred: np.ndarray) -> Run:
        train, test = entry.competition.load(Path(entry.folder.parents[1], "data", entry.name, "public"))
        run = runs.create(Plan(entry.name, "none", "", {}))
        fold = np.arange(len(train.ids)) % 2
        predictions.save(run.folder / "oof.npz", ids=train.ids, fold=fold, y=train.y, pred=pred)
        predictions.save(run.folder / "test.npz", ids=test.ids, pred=test_pred)
        return run.finish(
            recorded(
                run,
                metric=entry.competition.metric.name,
                higher_is_better=entry.competition.metric.higher_is_better,
                oof_score=entry.competition.metric.score(train.y, pred),
                fold_scores={"0": 0.8, "1": 0.9},
                mean=0.85,
                sd=0.07,
                rows=Rows(train=len(train.ids), out_of_fold=len(train.ids), test=len(test.ids)),
            )
        )

    return write
