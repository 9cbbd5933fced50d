"""The few types that everything else speaks: Data, Fold, Metric, Submission, Competition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from kit.errors import KitError
from kit.rows import views
from kit.task.sources import Source
from kit.task.targets import Labels, Target

Kind = Literal["image", "audio", "text", "table"]
"""What a row is, for pictures: an image is `(height, width)` or `(height, width, channels)` uint8."""

Predict = Callable[[Any], np.ndarray]
"""A batch of n rows, of the kind that `load` gives, to an array of length n, in the same order."""


Decide = Callable[[np.ndarray], np.ndarray]
"""Predictions of n rows to what the target columns hold, an array of n (or of n x targets). One with a method
`fit(y, pred) -> Decide` is chosen on out-of-fold predictions (`kit.task.decisions`)."""


@dataclass(frozen=True)
class Data:
    """Rows that travel together.

    `ids` are unique and name a row everywhere, on disk too; `kit.task.ids.of` makes them from key columns. `x` is an
    array, a memory map, a DataFrame, a list of texts or of files, or `Clips`; it is held as `Rows`, of which a
    selection copies nothing. `y` is (n,) or (n, targets), and None for unlabelled test rows. Rows of one `group` must
    not be split apart (a speaker, a repeated text). `weight`, 0 or more, is for fitting and for metrics that ask for
    it; `time` is what `splits.Time` orders by. What `load` returns is checked before anything is fitted
    (`kit.task.checks`).
    """

    ids: np.ndarray
    x: Any
    y: np.ndarray | None = None
    group: np.ndarray | None = None
    weight: np.ndarray | None = None
    time: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", views.of(self.x))

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, index: np.ndarray) -> Data:
        """The rows at `index`, an integer or boolean array; `x` becomes a view."""
        columns = {name: getattr(self, name) for name in ("y", "group", "weight", "time")}
        picked = {name: None if column is None else column[index] for name, column in columns.items()}
        return Data(self.ids[index], self.x[index], **picked)

    def head(self, count: int) -> Data:
        """The first `count` rows."""
        return self.rows(np.arange(min(count, len(self))))


class Report(Protocol):
    """Says that step `done` of `of` is finished, with the figures it ended on."""

    def __call__(self, done: int, of: int, **figures: float) -> None: ...


def silent(done: int, of: int, **figures: float) -> None:
    """A Report that says nothing."""


@dataclass(frozen=True)
class Fitted:
    """What a recipe's `fit` and `load` return: a model that predicts.

    `predict` takes a batch of n rows and gives an array of n, in the same order, whatever else is in the batch.
    `parameters` is how many numbers were fitted, where that can be said. `unlike`, where the model can tell, gives for
    each row of a batch how far it is from those the model was fitted on, float of (n,): above 1 it is not of their
    kind.
    """

    predict: Predict
    parameters: int | None = None
    unlike: Callable[[Any], np.ndarray] | None = None

    def __call__(self, x: Any) -> np.ndarray:
        """The predictions for Rows or a batch."""
        return self.predict(views.batch(x))


class Fold(NamedTuple):
    """All that a recipe sees; it holds no test rows, so none can leak.

    `valid` has no rows when a model is trained on all of them. `dir` is the fold's own folder, for weights. `report`
    shows progress and writes a line of the fold's `history.csv`; a recipe calls it once an epoch, or never.
    """

    number: int
    train: Data
    valid: Data
    seed: int
    dir: Path
    report: Report = silent


@dataclass(frozen=True)
class Metric:
    """What Kaggle scores by. `score(y, pred)` takes labels and what the recipe predicted, row by row."""

    name: str
    score: Callable[[np.ndarray, np.ndarray], float]
    higher_is_better: bool

    def best(self, scores: dict[str, float]) -> str:
        """The key of the best score; the first of equals."""
        return (max if self.higher_is_better else min)(scores, key=lambda key: scores[key])


@dataclass(frozen=True)
class Submission:
    """How predictions become the file that Kaggle accepts.

    `id` is the key column, or several that name a row together, such as `("id", "horizon")`; `target` is what is
    predicted, one column or several. `decide` turns predictions into what the target columns hold: an array of n, or
    of n x targets. `holds` says what that is: `Numbers(...)`, `Labels(...)` or `Text(...)` of `kit.task.targets`, one
    for all target columns or one for each; None leaves it to the sample file. `repeats` says that the sample file has
    several rows under one key; they are told apart by their order (`kit.task.ids`).

    >>> Submission("id", "species", decide=decide, holds=Labels(("setosa", "versicolor", "virginica")))
    >>> Submission(("store", "day"), ("sales", "open"), decide=decide, holds=(Numbers(low=0), Labels((False, True))))
    """

    id: str | tuple[str, ...]
    target: str | tuple[str, ...]
    decide: Decide
    holds: Target | tuple[Target, ...] | None = None
    sample: str = "sample_submission.csv"
    repeats: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.holds, tuple) and len(self.holds) != len(self.targets):
            raise KitError(
                f"`holds` names {len(self.holds)} kinds for {len(self.targets)} target columns.",
                f"It must be one for all, or one for each of {', '.join(self.targets)}.",
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns, in the order of the file."""
        return (self.id,) if isinstance(self.id, str) else self.id

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns, in the order of the file."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def columns(self) -> tuple[str, ...]:
        """The header of the file."""
        return (*self.keys, *self.targets)

    @property
    def declared(self) -> dict[str, Target | None]:
        """What each target column holds, None where the sample file says it."""
        each = self.holds if isinstance(self.holds, tuple) else (self.holds,) * len(self.targets)
        return dict(zip(self.targets, each, strict=True))

    @property
    def labels(self) -> tuple[Any, ...] | None:
        """The closed set that all target columns share, in the order of the probability columns; None elsewhere."""
        sets = {
            kind.options if isinstance(kind, Labels) else getattr(kind, "among", None)
            for kind in self.declared.values()
        }
        return sets.pop() if len(sets) == 1 else None


def everything(pred: np.ndarray) -> np.ndarray:
    """Keep a prediction as it is."""
    return pred


@dataclass(frozen=True)
class Competition:
    """The declaration of a competition, all that kit needs to know of it.

    `load` reads the folder of public files into train rows and test rows; `split` gives a fold number per row, -1 for
    rows that are never held out; `default` is the recipe that `kit submit` trains when there is no run. `prepare(raw,
    public, private)` makes a Kaggle-style task of a plain data set, deterministic to the byte. `keep` is what of a
    prediction is stored. `splits` are other ways to split, by the name that `--split` takes, for comparison with work
    that was judged so; groups may be cut by them. `also` are metrics recorded beside the one that Kaggle scores by.
    """

    source: Source
    load: Callable[[Path], tuple[Data, Data]]
    split: Callable[[Data], np.ndarray]
    metric: Metric
    submission: Submission
    default: str
    kind: Kind = "table"
    prepare: Callable[[Path, Path, Path], None] | None = None
    keep: Callable[[np.ndarray], np.ndarray] = field(default=everything)
    splits: dict[str, Callable[[Data], np.ndarray]] = field(default_factory=dict)
    also: tuple[Metric, ...] = ()
