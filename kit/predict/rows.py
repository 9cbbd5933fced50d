"""New rows from a file through a run's model, a part at a time, into a file of the submission's format."""

from __future__ import annotations

import csv
import gzip
import io
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.predict import models
from kit.task import decisions, lines, submission
from kit.task import ids as names
from kit.task.catalog import Entry
from kit.task.contract import Data, Fitted, Submission
from kit.task.targets import Target
from kit.toolbox.language import measures
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
    decide, kinds = decisions.recorded(competition, run.chosen), _kinds(entry)
    seen, knowing = _Seen(file), _Knowing(entry, model)
    rows = 0
    with _Answers(entry) as answers, places.whole(out) as partial, _text(partial, out) as text:
        table = csv.writer(text, lineterminator="\n")
        table.writerow(competition.submission.columns)
        for part in _chained(first, parts):
            seen.add(part.ids)
            pred = _predicted(entry, run, model, part, rows)
            decided = np.asarray(decide(pred))
            targets = zip(*submission.spelled(kinds, decided, len(part)), strict=True)
            keys = _keys(competition.submission, file, part.ids)
            table.writerows([*key, *values] for key, values in zip(keys, targets, strict=True))
            if part.y is not None:
                answers.add(part, decided if decisions.fits(competition) else pred)
                knowing.add(part)
            rows += len(part)
        score = answers.score(rows)
    return Predicted(rows, competition.metric.name, score, out, knowing.figures())


def _predicted(entry: Entry, run: Run, model: Fitted, part: Data, before: int) -> np.ndarray:
    """The predictions of a part. What a model raises of rows with missing values is told as such."""
    try:
        return model.predict(part.x)
    except (ValueError, TypeError, KitError) as error:
        column = _empty(part.x.take())
        if column is None:
            raise
        row, name = column
        raise KitError(
            f"Row {before + row + 1:,} has no value{name}, and recipe {run.plan.label} cannot take missing values.",
            "Fill the value, or use a run of a recipe that can.",
            f"kit list {entry.name}",
        ) from error


def _empty(x: Any) -> tuple[int, str] | None:
    """The first row of a batch with a missing value, and the column that lacks it; None where all are there."""
    if hasattr(x, "isna"):
        empty, columns = x.isna().to_numpy().reshape(len(x), -1), [*map(str, getattr(x, "columns", [""]))]
    elif isinstance(x, np.ndarray) and x.dtype.kind == "f":
        empty, columns = np.isnan(x).reshape(len(x), -1), []
    else:
        return None
    if not empty.any():
        return None
    row, column = np.unravel_index(int(np.argmax(empty)), empty.shape)
    return int(row), f" in the column {columns[column]!r}" if columns else ""


def _kinds(entry: Entry) -> dict[str, Target]:
    """What the target columns hold: as declared, and where that is not said or the data are here, as the sample file
    tells. Raises KitError when neither says it."""
    form = entry.competition.submission
    declared = {name: kind for name, kind in form.declared.items() if kind is not None}
    if len(declared) == len(form.targets) and not (entry.data / "manifest.json").exists():
        return declared
    sample = entry.public() / form.sample
    return submission.resolved(form, [line.targets for line in lines.of_sample(form, sample)], sample)


def _keys(form: Submission, file: Path, ids: np.ndarray) -> list[list[str]]:
    """The key columns of rows. Raises KitError where the file lacks one of several."""
    keys = [names.keys(str(name), len(form.keys), repeats=form.repeats) for name in ids.tolist()]
    if any(len(key) != len(form.keys) for key in keys):
        raise KitError(
            f"{file} does not have all key columns.",
            f"A row of this competition is named by {' and '.join(form.keys)} together.",
        )
    return keys


class _Seen:
    """The ids that have been read, as hashes of 8 bytes each in sorted arrays, each at least twice as long as the one
    after it, so that a part is looked up in a few of them and an id is sorted again a few times only."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.sorted: list[np.ndarray] = []

    def add(self, ids: np.ndarray) -> None:
        """Remember ids. Raises KitError when one of them has been read before."""
        from pandas.util import hash_array

        keys = hash_array(ids.astype(object) if ids.dtype.kind not in "iu" else ids)
        order = np.argsort(keys, kind="stable")
        again = np.zeros(len(keys), bool)
        again[order[1:]] = keys[order[1:]] == keys[order[:-1]]
        for known in self.sorted:
            place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            again |= known[place] == keys
        if again.any():
            raise KitError(
                f"{self.file} has the id {ids[int(np.argmax(again))]} more than once.",
                "Each row needs an id of its own, or the file no column of ids: rows are numbered then.",
            )
        self.sorted.append(keys[order])
        while len(self.sorted) > 1 and len(self.sorted[-2]) < 2 * len(self.sorted[-1]):
            last = self.sorted.pop()
            self.sorted[-1] = np.sort(np.concatenate([self.sorted[-1], last]), kind="stable")


class _Answers:
    """Answers, and what is judged by them, kept until all rows are there: a context manager.

    `lacks` says what the metric needs and the file does not have; empty where it has all."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.columns: dict[str, _Column] = {}
        self.rows = 0
        self.lacks = ""

    def __enter__(self) -> _Answers:
        return self

    def __exit__(self, *_: object) -> None:
        for column in self.columns.values():
            column.close()

    def add(self, part: Data, pred: np.ndarray) -> None:
        """Keep the answers of a part and its predictions, or its decided labels where the metric judges these."""
        assert part.y is not None
        self.rows += len(part)
        if self.lacks:
            return
        try:
            needed = decisions.columns(self.entry.competition, part)
        except KitError as error:
            self.lacks = str(error).splitlines()[0]
            tell(f"The rows are predicted and not scored: {self.lacks}")
            return
        for name, values in {**needed, "y": part.y, "pred": pred}.items():
            self.columns.setdefault(name, _Column()).add(values)

    def score(self, rows: int) -> float | None:
        """What the metric says, None where there were no answers or it cannot judge such rows.

        Raises KitError when some of the `rows` had answers and others had none.
        """
        if self.lacks or not self.columns:
            return None
        if self.rows != rows:
            raise KitError(f"{rows - self.rows:,} of {rows:,} rows have no answer.", "Either all have one, or none.")
        held = {name: column.whole() for name, column in self.columns.items()}
        y, pred = held.pop("y"), held.pop("pred")
        competition = self.entry.competition
        try:
            score = competition.metric.score(y, pred, held, decisions.labels(competition, y))
        except (ValueError, KitError) as error:
            tell(f"{competition.metric.name} cannot be told of these rows: {str(error).splitlines()[0]}")
            return None
        return score if math.isfinite(score) else None


class _Knowing:
    """How many bits the texts of rows take by a model of texts; nothing of other models."""

    def __init__(self, entry: Entry, model: Fitted) -> None:
        self.texts, self.language = entry.competition.texts, model.language
        self.bits = 0.0
        self.characters = self.words = 0

    def add(self, part: Data) -> None:
        """Count the texts of a part."""
        if self.texts is None or self.language is None:
            return
        texts = self.texts(part.x.take())
        self.bits += float(self.language.bits(texts).sum())
        self.characters += sum(measures.characters(text) for text in texts)
        self.words += sum(measures.words(text) for text in texts)

    def figures(self) -> dict[str, float]:
        """Bits per character and perplexity per word; nothing where no text was counted."""
        return measures.known(self.bits, self.characters, self.words) if self.words else {}


class _Column:
    """Values of all rows: numbers in a temporary file, which memory need not hold, texts in memory."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.file: IO[bytes] | None = None
        self.rows = 0

    def add(self, values: np.ndarray) -> None:
        """Keep the values of the next rows."""
        if values.dtype.kind in "OUS":
            self.parts.append(values)
            return
        if self.file is None:
            self.parts = [values[:0]]
            self.file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        dtype = np.result_type(self.parts[0].dtype, values.dtype)
        if dtype != self.parts[0].dtype:  # whole numbers first, then others
            before = self.whole().astype(dtype)
            self.parts = [before[:0]]
            self.file.seek(0)
            self.file.write(before.tobytes())
        self.file.write(values.astype(dtype).tobytes())
        self.rows += len(values)

    def whole(self) -> np.ndarray:
        """The values of all rows."""
        if self.file is None:
            return np.concatenate(self.parts)
        self.file.flush()
        return np.memmap(self.file, self.parts[0].dtype, "r", shape=(self.rows, *self.parts[0].shape[1:]))

    def close(self) -> None:
        """Remove the temporary file."""
        if self.file is not None:
            self.file.close()


def _chained(first: Data, rest: Iterator[Data]) -> Iterator[Data]:
    yield first
    yield from rest


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


@contextmanager
def _text(partial: Path, out: Path) -> Iterator[IO[str]]:
    """The file `partial`, open for text; packed where `out` is called so, and then of the same bytes at any time."""
    with partial.open("wb") as raw:
        if out.suffix != ".gz":
            with io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
                yield text
            return
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
        ):
            yield text
