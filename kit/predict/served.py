"""A run's model behind an inference server: it answers a gateway, which hands over test rows in batches."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kit.errors import KitError
from kit.predict import models
from kit.serving import server
from kit.task import decisions
from kit.task.catalog import Entry
from kit.task.contract import Fitted
from kit.train.runs import Run


def serve(entry: Entry, run: Run, data: Path | None = None, **options: Any) -> None:
    """Serve a run's model: to Kaggle's gateway in a re-run, else to one in this process, for the visible test rows.

    `data` is the folder of these rows, by default that of the competition's public files; `options` are those of
    `kit.serving.gateway.Table`. Raises KitError as `predictor` does.
    """
    server.serve(predictor(entry, run), data or entry.public(), **options)


def predictor(entry: Entry, run: Run) -> Callable[..., pd.DataFrame]:
    """`predict(test, sample_submission)` of a run: a table of its target columns, with a row for each of `test`, in the
    same order. `test` is a table of pandas or Polars, with the columns of the competition's test file.

    The model is loaded at the first call, since a gateway does not wait long for a server. Raises KitError for a
    competition that reads no rows from files, and when it is called where the run has no model.
    """
    competition, form = entry.competition, entry.competition.submission
    if competition.rows is None:
        raise KitError(
            f"{entry.name} does not say how rows are read from a file.",
            "A batch of rows is read as a file of them is, by `rows=...` in competition.py.",
        )
    read, decide = competition.rows, decisions.recorded(competition, run.chosen)
    loaded: list[Fitted] = []

    def predict(test: Any, sample_submission: Any = None) -> pd.DataFrame:
        table = test if isinstance(test, pd.DataFrame) else test.to_pandas()
        if not loaded:
            loaded.append(models.load(entry, run))
        with tempfile.TemporaryDirectory(prefix="kit-batch-") as folder:
            file = Path(folder) / "test.csv"
            table.to_csv(file, index=False)
            decided = [np.asarray(decide(loaded[0].predict(part.x))) for part in read(file, None)]
        values = np.concatenate(decided).reshape(len(table), -1)
        return pd.DataFrame({name: values[:, at] for at, name in enumerate(form.targets)})

    return predict
