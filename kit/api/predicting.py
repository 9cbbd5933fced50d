"""What a run says about rows: predict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.api.results import Listing
from kit.api.training import named
from kit.errors import KitError
from kit.predict import files as models
from kit.predict import stored
from kit.predict.files import Item
from kit.task import catalog
from kit.train.runs import Run
from kit.words import Table


@dataclass(frozen=True, repr=False)
class Predictions(Listing[Item]):
    """What each file, or each utterance in one, was taken for; `pictures` has one a file."""

    pictures: tuple[Path, ...]

    def summary(self) -> str:
        return f"{len(self)} prediction{'s' * (len(self) != 1)}"

    def table(self) -> Table:
        return Table(models.COLUMNS, [models.cells(item) for item in self])

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

    def facts(self) -> list[dict[str, Any]]:
        return [{"item": self.item, "label": self.label, "probabilities": dict(self)}]


def predict(
    competition: str,
    run: str | Run,
    *files: str | Path,
    test_item: str | int | None = None,
    record: float | None = None,
) -> Predictions | Prediction:
    """What a run predicts: for `files`, for the test row whose id is `test_item`, or for `record` seconds of sound.

    Files are recordings of any rate and format (cut into utterances), images, or texts, as the competition has them.
    `run` is a run, its name, enough of its beginning or end, or `"last"`. Raises KitError when none or several of the
    three are given, a file cannot be read, or the run has no model.
    """
    if [bool(files), test_item is not None, record is not None].count(True) != 1:
        raise KitError(
            "Predict needs one thing to look at: files, the id of a test row, or seconds of sound.",
            "Give just one of them.",
            f"kit predict {competition} last --test-item ID",
        )
    entry = catalog.find(competition)
    run = named(entry, run)
    entry = replace(entry, sample=run.plan.sample)
    if test_item is not None:
        row = stored.test_item(entry, run, test_item)
        return Prediction(tuple(row.probabilities.items()), str(test_item), row.label, row.picture)
    if record is not None:
        answer = models.recorded(entry, run, record)
    else:
        answer = models.files(entry, run, [str(file) for file in files])
    return Predictions(tuple(answer.items), tuple(answer.pictures))
