"""What the target columns of a hosted competition hold, and how the text in a file becomes a value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from kit.task.contract import Metric, Submission
from kit.task.submission import Rows

NOTHING = ("", "nan", "null", "none", "na", "n/a")
"""Texts that stand for a missing value, in lower case."""


@dataclass(frozen=True)
class Values:
    """`labels` are a closed set; `integers` are labels that are whole numbers, whichever; `numbers` are finite;
    `texts` are anything that does not stand for a missing value. `known` are the labels, or the texts of the solution,
    which are values even where they look like a missing one."""

    kind: Literal["labels", "integers", "numbers", "texts"]
    known: dict[str, Any] = field(default_factory=dict)

    def of(self, text: str) -> Any:
        """The value that a text of the file stands for.

        Raises ValueError where it stands for none.
        """
        if text in self.known:
            return self.known[text]
        if self.kind == "labels" or is_nothing(text):
            raise ValueError(text)
        if self.kind == "texts":
            return text
        number = _number(text)
        if number is None or (self.kind == "integers" and not number.is_integer()):
            raise ValueError(text)
        return int(number) if self.kind == "integers" else number

    def array(self, rows: Rows, order: Iterable[str]) -> np.ndarray:
        """The values of `rows` in the order of ids: (n,) for one target column, else (n, targets).

        Raises ValueError with the first text that stands for no value.
        """
        value = {text: self.of(text) for text in {text: 0 for row in rows.values() for text in row}}
        read = np.array([[value[text] for text in rows[name]] for name in order])
        return read[:, 0] if read.ndim == 2 and read.shape[1] == 1 else read


def held(form: Submission, metric: Metric, solution: Rows) -> Values:
    """What the target columns hold, by the competition's labels, by what its metric wants, and by its solution."""
    if form.labels is not None:
        return Values("labels", {str(label): label for label in form.labels})
    texts = {text: 0 for row in solution.values() for text in row}
    if metric.predictions in ("numbers", "positive", "probabilities"):
        return Values("numbers")
    numbers = [_number(text) for text in texts]
    if metric.predictions == "guesses" or None in numbers:
        return Values("texts", {text: text for text in texts if text})
    if metric.predictions == "labels":
        whole = all(number is not None and number.is_integer() for number in numbers)
        return Values("integers") if whole else Values("texts", {text: text for text in texts})
    return Values("numbers")


def is_nothing(text: str) -> bool:
    """Whether a text stands for a missing value."""
    return text.strip().lower() in NOTHING


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
