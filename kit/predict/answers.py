"""What answers in a file of new rows say of the predictions: the metric's score, and how well texts are known."""

from __future__ import annotations

import math
import tempfile
from typing import IO

import numpy as np

from kit.errors import KitError
from kit.notes import tell
from kit.task import decisions
from kit.task.catalog import Entry
from kit.task.contract import Data, Fitted
from kit.toolbox.language import measures


class Answers:
    """Answers, and what is judged by them, kept until all rows are there: a context manager.

    `lacks` says what the metric needs and the file does not have; empty where it has all."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.columns: dict[str, _Column] = {}
        self.rows = 0
        self.lacks = ""

    def __enter__(self) -> Answers:
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


class Knowing:
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
