"""New rows from a file through a run's model, a part at a time, into a file of the submission's format."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.predict import models, sheet
from kit.predict.answers import Answers, Knowing
from kit.task import decisions
from kit.task.catalog import Entry
from kit.train import predictions
from kit.train.runs import Run


class Predicted(NamedTuple):
    """How many rows were predicted, what the metric of the competition says of them (None where the file holds no
    answers), the file with the predictions, and how well a model of texts knows those of the rows."""

    rows: int
    metric: str
    score: float | None
    out: Path
    known: dict[str, float]


def predict(entry: Entry, run: Run, file: Path, out: Path | None = None) -> Predicted:
    """Predict the rows of `file` and write them to `out`, by default into the run's folder.

    Rows are read, predicted, decided as the run has recorded it, and written a part at a time. Memory does not grow
    with their number but for 8 bytes a row, by which ids that repeat are noticed. Where the file holds the answers,
    they and the predictions wait in a temporary file for the score. `out` appears whole or not at all.

    Raises KitError when the competition reads no rows from files, the file cannot be read, has another header, an id
    twice or a value that the model cannot take, the run has no model, or `out` is no place for a CSV file.
    """
    competition = entry.competition
    if competition.rows is None:
        raise KitError(
            f"{entry.name} does not say how rows are read from a file.",
            "A competition that does has `rows=...` in competition.py; `Competition` in kit.task.contract explains it.",
            "kit predict --help  # other ways to predict",
        )
    out = _checked(out or run.folder / f"rows-{_stem(file)}.csv", file)
    parts = competition.rows(file, predictions.CHUNK)
    # Read before a learning framework starts, which takes seconds: most mistakes are seen in the first part.
    first = next(parts)
    model = models.load(entry, run)
    decide = decisions.recorded(competition, run.chosen)
    needed = None in competition.submission.declared.values() or (entry.data / "manifest.json").exists()
    kinds = sheet.kinds(competition.submission, entry.public() if needed else None)
    knowing = Knowing(entry, model)
    with Answers(entry) as answers, sheet.opened(competition.submission, kinds, file, out) as written:
        for part in chain([first], parts):
            pred = models.predicted(entry, run, model, part, written.rows)
            decided = np.asarray(decide(pred))
            written.add(part.ids, decided)
            if part.y is not None:
                answers.add(part, decided if decisions.fits(competition) else pred)
                knowing.add(part)
        score = answers.score(written.rows)
    return Predicted(written.rows, competition.metric.name, score, out, knowing.figures())


def _checked(out: Path, file: Path) -> Path:
    """`out`, where a CSV file can be written. Raises KitError where not."""
    if not out.name.endswith((".csv", ".csv.gz")):
        raise KitError(
            f"{out} does not end in .csv or .csv.gz.", "Predictions are written as CSV.", f"--out {_stem(out)}.csv"
        )
    if out.is_dir():
        raise KitError(f"{out} is a folder.", "Predictions are written to a file.", f"--out {out / 'predictions.csv'}")
    if out.exists() and file.exists() and out.samefile(file):
        raise KitError(f"{out} is the file that holds the rows.", "It would be overwritten.", "--out predictions.csv")
    return out


def _stem(file: Path) -> str:
    """The name of a file without its endings."""
    return file.name.partition(".")[0] or "file"
