"""What a run says about rows: predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.api.results import Listing, Result
from kit.api.training import named
from kit.errors import KitError
from kit.predict import files as models
from kit.predict import moved, stored
from kit.predict import rows as tables
from kit.predict.files import Item
from kit.task import catalog
from kit.train.runs import Run
from kit.words import Table, count

MEASURES = {"bits_per_character": "bits a character", "perplexity": "perplexity a word"}
"""What the figures of a model of texts are called."""


@dataclass(frozen=True, repr=False)
class Predictions(Listing[Item]):
    """What each file, or each utterance in one, was taken for; `pictures` has one a file, and `page` is the web page of
    the words that moved the predictions, where one was asked for."""

    pictures: tuple[Path, ...]
    page: Path | None = None

    def summary(self) -> str:
        return count(len(self), "prediction")

    def table(self) -> Table:
        return Table(models.COLUMNS, [models.cells(item) for item in self])

    def words(self, *, colours: bool = False) -> list[str]:
        """The words that moved each prediction of a text, a line each; with `colours` the text too, as a terminal shows
        it."""
        lines = []
        for item in self:
            if strongest := moved.strongest(item.moved):
                told = ", ".join(f"{word.text.strip()} {word.effect:+.2f}" for word in strongest)
                lines.append(f"Words that moved {models.said(item)} (log-odds, by occlusion): {told}")
                lines += [moved.coloured(item.moved)] if colours else []
        return lines

    def drawn(self) -> Sequence[Path]:
        return self.pictures

    def facts(self) -> list[dict[str, Any]]:
        return [item.facts() for item in self]


@dataclass(frozen=True, repr=False)
class Prediction(Listing[tuple[str, float]]):
    """What a run predicted for one test row: its label, and the likeliest classes with their probabilities."""

    item: str
    label: str | int | float
    picture: Path

    def summary(self) -> str:
        return f"Test item {self.item}: {self.label}"

    def table(self) -> Table:
        return Table(("label", "probability"), [(name, f"{p:.4f}") for name, p in self])

    def drawn(self) -> Sequence[Path]:
        return (self.picture,)

    def facts(self) -> list[dict[str, Any]]:
        return [{"item": self.item, "label": self.label, "probabilities": dict(self)}]


@dataclass(frozen=True, repr=False)
class Rows(Result):
    """What became of a file of rows: how many were predicted, the score where the file holds the answers, and `out`,
    the file with the predictions. `known` has the bits per character and the perplexity per word of a model of texts.
    """

    rows: int
    metric: str
    score: float | None
    out: Path
    known: dict[str, float]

    def summary(self) -> str:
        judged = "" if self.score is None else f", {self.metric} {self.score:.5f}"
        known = "".join(f", {value:.5g} {MEASURES[name]}" for name, value in self.known.items())
        return f"{count(self.rows, 'row')} predicted{judged}{known}"

    def table(self) -> Table:
        return Table(("rows", self.metric, "out"), [(f"{self.rows:,}", self.score and f"{self.score:.5f}", self.out)])

    def facts(self) -> dict[str, Any]:
        return {"rows": self.rows, "metric": self.metric, "score": self.score, "out": str(self.out), **self.known}


def predict(
    competition: str,
    run: str | Run,
    *files: str | Path,
    test_item: str | int | None = None,
    record: float | None = None,
    rows: str | Path | None = None,
    out: str | Path | None = None,
    html: str | Path | None = None,
) -> Predictions | Prediction | Rows:
    """What a run predicts: for `files`, for the test row whose id is `test_item`, for `record` seconds of sound, or for
    all rows of the file `rows`.

    Files are recordings of any rate and format (cut into utterances), images, or texts, as the competition has them.
    `rows` is a CSV, Parquet or JSON lines file like the competition's test file, or what its source publishes; the
    predictions go to `out`, by default into the run's folder, as a submission has them. `run` is a run, its name,
    enough of its beginning or end, or `"last"`. With `html`, a web page of the texts is written, the words that moved
    the predictions coloured. Raises KitError when none or several of the four are given, a file cannot be read, the run
    has no model, or `html` is asked for what is no text.
    """
    if [bool(files), test_item is not None, record is not None, rows is not None].count(True) != 1:
        raise KitError(
            "Predict needs one thing to look at: files, the id of a test row, seconds of sound, or a file of rows.",
            "Give just one of them.",
            "kit predict --help",
        )
    entry = catalog.find(competition)
    run = named(entry, run)
    entry = replace(entry, sample=run.plan.sample)
    if rows is not None:
        return Rows(*tables.predict(entry, run, Path(rows), None if out is None else Path(out)))
    if test_item is not None:
        row = stored.test_item(entry, run, test_item)
        return Prediction(tuple(row.probabilities.items()), str(test_item), row.label, row.picture)
    if record is not None:
        answer = models.recorded(entry, run, record)
    else:
        answer = models.files(entry, run, [str(file) for file in files])
    told = [(f"predicted {models.said(item)} ({models.cells(item)[-1]})", item.moved) for item in answer.items]
    if html is not None and not all(words for _, words in told):
        raise KitError(
            "A web page shows the words that moved a prediction, and these predictions have none.",
            "Words are of texts, of which a class was predicted.",
        )
    page = None if html is None else moved.page(f"{entry.name}, {run.name}", told, Path(html))
    return Predictions(tuple(answer.items), tuple(answer.pictures), page)
