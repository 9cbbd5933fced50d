"""The few types that everything else speaks: Data, Fold, Metric, Submission, Competition."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from kit.errors import KitError
from kit.rows import views
from kit.task import outputs
from kit.task.sampling import Sampling
from kit.task.sources import Source
from kit.task.sums import Sums
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


class Language(Protocol):
    """A model of texts, which can say how well it knows one, and write. `kit.toolbox.language.model` holds kit's."""

    def bits(self, texts: Sequence[str], /) -> np.ndarray:
        """The bits that each text takes with its end, float64 of (n,): minus the logarithm to the base 2 of its
        probability."""

    def write(self, prompt: str, sampling: Sampling, words: int, seed: int) -> Iterator[str]:
        """What follows `prompt`, piece by piece: at most `words` words. `sampling` has temperature, top_k and top_p
        (`kit.task.sampling`)."""


@dataclass(frozen=True)
class Fitted:
    """What a recipe's `fit` and `load` return: a model that predicts.

    `predict` takes a batch of n rows and gives an array of n, in the same order, whatever else is in the batch.
    `parameters` is how many numbers were fitted, where that can be said. `unlike`, where the model can tell, gives for
    each row of a batch how far it is from those the model was fitted on, float of (n,): above 1 it is not of their
    kind. `language`, where the model is one of texts, can write texts (`kit generate`) and measure them.
    """

    predict: Predict
    parameters: int | None = None
    unlike: Callable[[Any], np.ndarray] | None = None
    language: Language | None = None

    def __call__(self, x: Any) -> np.ndarray:
        """The predictions for Rows or a batch."""
        return self.predict(views.batch(x))


class Diverged(KitError):
    """The loss or the predictions of a training are no longer finite. The command that cures it is added by the fold,
    which knows what was typed."""


class Fold(NamedTuple):
    """All that a recipe sees; it holds no test rows, so none can leak.

    `valid` has no rows when a model is trained on all of them. `dir` is the fold's own folder, for weights; what a
    recipe keeps in folders called `checkpoint` there is there again when a fold goes on after a kill, and goes when the
    fold is finished. `report` shows progress and writes a line of the fold's `history.csv`; a recipe calls it once an
    epoch, or never.
    """

    number: int
    train: Data
    valid: Data
    seed: int
    dir: Path
    report: Report = silent


class Merge(Protocol):
    """Predictions of the same rows by several models, and a weight for each model or None for equal ones, to one
    prediction. `kit.task.merging` holds those that kit knows."""

    def __call__(
        self, parts: Sequence[np.ndarray], weights: Sequence[float] | np.ndarray | None = None, /
    ) -> np.ndarray: ...


@dataclass(frozen=True)
class Metric:
    """What Kaggle scores by. `kit.task.metrics` is the catalogue; one's own is
    `Metric("mine", function, higher_is_better=True)`.

    `function(y, pred)` takes the targets and the predictions of n rows and gives a number. What `predictions` names is
    what it gets (`kit.task.outputs.Form`); with None it gets what the recipe predicted. `guesses` is how many labels
    a row of the form "guesses" may hold. `needs` are further columns of the rows that it takes as keywords, an array
    of n each: "weight", "group", "ids" or another column of `Data`; "labels" are the label values in the order
    of the probability columns.

    A perfect prediction scores `perfect` within `tolerance`: 1 where higher is better and 0 elsewhere, unless you set
    it. `ranks` says that only the order of the predictions counts, not their size. `merge` is how predictions of
    several models become one; `merging.declared` chooses where it is None. `names` are other names of the metric, the
    short one first. `sums` says how it follows from sums over rows, where it does: bootstrap samples and blends are
    then scored without a call for each.
    """

    name: str
    function: Callable[..., float]
    higher_is_better: bool
    needs: tuple[str, ...] = ()
    perfect: float = math.nan
    tolerance: float = 1e-12
    predictions: outputs.Form | None = None
    guesses: int = 0
    ranks: bool = False
    merge: Merge | None = None
    names: tuple[str, ...] = ()
    sums: Sums | None = None

    def __post_init__(self) -> None:
        if math.isnan(self.perfect):
            object.__setattr__(self, "perfect", 1.0 if self.higher_is_better else 0.0)

    def score(
        self,
        y: np.ndarray,
        pred: np.ndarray,
        columns: Mapping[str, Any] | None = None,
        labels: outputs.Values | None = None,
    ) -> float:
        """The score of what was predicted for rows whose targets are `y`.

        `columns` holds, by name, the columns that `needs` names. `labels` are the label values in the order of the
        probability columns; without them they are read off `y` (`outputs.classes`). Raises KitError when a column is
        missing, the predictions do not fit the metric, or the score is not a finite number.
        """
        y, pred, given = self.arguments(y, pred, columns, labels)
        score = float(self.function(y, pred, **given))
        if not math.isfinite(score):
            raise KitError(f"{self.name} of these {len(y):,} rows is {score}.", "A score must be a finite number.")
        return score

    def arguments(
        self,
        y: np.ndarray,
        pred: np.ndarray,
        columns: Mapping[str, Any] | None = None,
        labels: outputs.Values | None = None,
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        """What `function` and `sums.terms` are called with: targets and predictions in the form that the metric wants,
        and the columns that it needs. Takes what `score` takes, and raises KitError as it does.
        """
        if len(y) != len(pred) or not len(y):
            raise KitError(
                f"{self.name} got {len(y):,} rows and {len(pred):,} predictions.", "Each row needs one prediction."
            )
        y, pred = outputs.plain(y), outputs.plain(pred)
        if labels is not None and outputs.are_texts(pred) and outputs.are_class_numbers(y, labels):
            y = np.asarray(labels)[y]
        given: dict[str, Any] = {**(columns or {})}
        if self.predictions not in (None, "numbers") or "labels" in self.needs:
            given["labels"] = outputs.classes(y, outputs.columns(y, pred), labels)
        if self.predictions is not None:
            y, pred = outputs.wanted(self.predictions, y, pred, given.get("labels", np.arange(0)), self.guesses)
        return y, pred, {need: self._column(need, given) for need in self.needs}

    def columns(self, data: Any) -> dict[str, np.ndarray]:
        """The columns of `data`, a Data, that the metric needs, by name.

        Raises KitError when `data` has no such column.
        """
        given = {need: getattr(data, need, None) for need in self.needs if need != "labels"}
        return {need: np.asarray(self._column(need, given)) for need in given}

    def is_perfect(self, score: float) -> bool:
        """Whether a score is that of a perfect prediction."""
        return abs(score - self.perfect) <= self.tolerance

    def best(self, scores: dict[str, float]) -> str:
        """The key of the best score; the first of equals."""
        return (max if self.higher_is_better else min)(scores, key=lambda key: scores[key])

    def _column(self, need: str, given: Mapping[str, Any]) -> Any:
        if given.get(need) is None:
            raise KitError(
                f"{self.name} needs the column {need!r} of each row, and there is none.",
                f"`load` must return Data(..., {need}=...); a solution.csv must have a column {need!r}.",
            )
        return given[need]


@dataclass(frozen=True)
class Submission:
    """How predictions become the file that Kaggle accepts.

    `id` is the key column, or several that name a row together, such as `("id", "horizon")`; `target` is what is
    predicted, one column or several. `decide` turns predictions into what the target columns hold: an array of n, or
    of n x targets. `holds` says what that is: `Numbers(...)`, `Labels(...)` or `Text(...)` of `kit.task.targets`, one
    for all target columns or one for each; None leaves it to the sample file. `listed` names a public file that holds
    the labels, one a line in the order of the probability columns, where they hang on the data or are too many to
    declare: the competition that the catalog gives then holds them as `Labels`. `repeats` says that the sample file has
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
    listed: str = ""

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
    public, private)` makes a Kaggle-style task of a plain data set, deterministic to the byte; its keyword-only
    arguments are settings, which `kit download --set` changes. `keep` is what of a prediction is stored. `splits` are
    other ways to split, by the name that `--split` takes, for comparison with work that was judged so; groups may be
    cut by them. `also` are metrics recorded beside the one that Kaggle scores by.

    `rows(file, most)` reads a file of the test file's format, or of the source's where that is another, as Data of at
    most `most` rows each, all rows at once for None; where the file holds the answers, `y` has them. With it `kit
    predict --rows` takes new rows. `kit.rows.files` reads tables so, and `load` may call it for train and test rows.
    `test` is the public file whose rows are the test rows when `rows` reads it, all of them and under the ids that a
    submission has; empty where no single file is that. A notebook of a code competition reads it in parts.

    `acknowledged` are findings of `kit audit` that are known, by their name, each with the reason for which they stay:
    `{"near-duplicates": "retweets; the test rows have them too"}`. They no longer make its exit status 1.
    """

    source: Source
    load: Callable[[Path], tuple[Data, Data]]
    split: Callable[[Data], np.ndarray]
    metric: Metric
    submission: Submission
    default: str
    kind: Kind = "table"
    prepare: Callable[..., None] | None = None
    keep: Callable[[np.ndarray], np.ndarray] = field(default=everything)
    splits: dict[str, Callable[[Data], np.ndarray]] = field(default_factory=dict)
    also: tuple[Metric, ...] = ()
    rows: Callable[[Path, int | None], Iterator[Data]] | None = None
    test: str = "test.csv"
    acknowledged: dict[str, str] = field(default_factory=dict)
    texts: Callable[[Any], list[str]] | None = None
