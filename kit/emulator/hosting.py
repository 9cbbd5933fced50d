"""What is hosted: a competition as the server sees it, and those of the catalog that are prepared."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from kit import limits
from kit.emulator import files
from kit.emulator.values import Values, held
from kit.errors import KitError
from kit.task import catalog, submission
from kit.task.contract import Metric, Submission
from kit.task.outputs import classes
from kit.task.sources import KaggleCompetition

DAILY = 5
"""Submissions a day, as in most competitions on Kaggle."""

DEADLINE = "2035-01-01T00:00:00.000Z"
"""Where none is stated: far enough that nothing ends by surprise."""

RIVALS = 20
"""Other teams on a leaderboard, where the competition does not name its own."""

_RULES = "One account per participant. Predictions come from a model, not from looking answers up."


@dataclass(frozen=True)
class Team:
    """Another team: scores as Kaggle shows them. A baseline is the host's, and has Rank 0."""

    name: str
    public: str
    private: str
    baseline: bool = False


@dataclass(frozen=True)
class Answers:
    """What predictions are compared with: ids in file order, their answers, and which rows make which score.

    `values` is what the target columns hold, `labels` the label values in the order of probability columns, and
    `columns` what the metric needs of each row beside, such as its weight, by name.
    """

    ids: list[str]
    y: np.ndarray
    public: np.ndarray
    private: np.ndarray
    values: Values
    labels: np.ndarray | None
    columns: dict[str, np.ndarray]


@dataclass(frozen=True)
class Gateway:
    """How hidden test rows are handed over: in batches of `rows`, or of those that follow one another with the same
    value in the column `by`; `frames` says whose tables travel. A server must be there `start` seconds after the
    notebook was started, and must answer a batch in `answer` seconds, as on Kaggle."""

    test: str = "test.csv"
    rows: int = 1
    by: str = ""
    frames: Literal["pandas", "polars"] = "pandas"
    start: float = 900.0
    answer: float = 300.0


@dataclass(frozen=True)
class Code:
    """How submissions to a code competition are made: a version of a notebook is run again on files that nobody sees.

    `hidden` is the folder that is mounted in the place of the public one, `seconds` what the run may take. With a
    `gateway` it is not mounted: its test rows are handed over in batches.
    """

    hidden: Path
    seconds: float = limits.RERUN_HOURS * 3600
    gateway: Gateway | None = None


@dataclass(frozen=True)
class Hosted:
    """A competition as the server sees it. `files` is the folder of the public files.

    `kernels_only` takes what a notebook has written, and no uploads; with `code` the notebook is run again for that.
    """

    slug: str
    title: str
    files: Path
    solution: Path
    form: Submission
    metric: Metric
    category: str = "Community"
    reward: str = "Knowledge"
    daily: int = DAILY
    total: int = 0
    deadline: str = DEADLINE
    late: bool = True
    kernels_only: bool = False
    code: Code | None = None
    description: str = ""
    rules: str = _RULES
    teams: tuple[Team, ...] | None = None

    @cached_property
    def answers(self) -> Answers:
        """The solution, read once.

        Rows whose `Usage` is Public make the public score, Private the private one, Ignored neither. Without that
        column half of the rows, drawn by their ids, are public. Further columns are read where the metric needs them:
        `weight` in any case of letters.

        Raises KitError for a file that cannot be read so.
        """
        text = self.solution.read_text(encoding="utf-8")
        header = tuple(next(csv.reader([text.partition("\n")[0].rstrip("\r")]), ()))
        beside = tuple(name for name in header if name not in self.form.columns)
        form = Submission(self.form.id, (*self.form.targets, *beside), as_is, repeats=self.form.repeats)
        rows = submission.parse(form, text, self.solution)
        ids, count = list(rows), len(self.form.targets)
        targets = {name: row[:count] for name, row in rows.items()}
        values = held(self.form, self.metric, targets)
        try:
            y = values.array(targets, ids)
        except ValueError as error:
            raise KitError(
                f"{self.solution} holds {str(error)!r}, which {self.metric.name} cannot use as an answer.",
                f"The columns {', '.join(self.form.targets)} must hold {values.kind}.",
            ) from None
        known = self.form.labels is not None or self.metric.predictions in ("labels", "guesses")
        labels = classes(y, None, self.form.labels) if known else None
        extra = {name.lower(): [row[count + at] for row in rows.values()] for at, name in enumerate(beside)}
        columns = {need: self._column(need, ids, extra) for need in self.metric.needs if need != "labels"}
        if "Usage" in beside:
            usage = np.array([word.strip().lower() for word in extra["usage"]])
            public, private = usage == "public", usage == "private"
        else:
            public = np.array([zlib.crc32(f"{self.slug}/{name}".encode()) % 2 == 0 for name in ids])
            private = ~public
        return Answers(ids, y, public, private, values, labels, columns)

    def score(self, pred: np.ndarray, rows: np.ndarray) -> float:
        """The score of predictions, in the order of the answers, on the rows of a mask.

        Raises KitError where the metric cannot score them.
        """
        answers = self.answers
        columns = {name: column[rows] for name, column in answers.columns.items()}
        try:
            return self.metric.score(answers.y[rows], pred[rows], columns, answers.labels)
        except KitError:
            raise
        except Exception as error:  # a metric of the user's own may raise anything, and the server goes on
            raise KitError(
                f"{self.metric.name} raised {type(error).__name__}: {error}", "A metric must give one number."
            ) from error

    def _column(self, need: str, ids: list[str], extra: dict[str, list[str]]) -> np.ndarray:
        if need == "ids":
            return np.array(ids)
        if need not in extra:
            raise KitError(
                f"{self.solution} has no column {need!r}, which {self.metric.name} needs of each row.",
                f"Its header must hold {', '.join(self.form.columns)} and {need}.",
            )
        try:
            return np.array(extra[need], np.float64)
        except ValueError:
            if need == "weight":
                raise KitError(f"{self.solution} holds a weight that is not a number.", "Each must be one.") from None
            return np.array(extra[need])

    @property
    def sample(self) -> Path:
        """The sample submission with a row for each answer: in a code competition the public one has fewer."""
        return (self.code.hidden if self.code else self.files) / self.form.sample

    @property
    def public_files(self) -> list[tuple[str, Path]]:
        """The files that competitors download, by the name they have below the folder."""
        return files.listing(self.files)


def catalogued(*, sample: bool = False) -> list[Hosted]:
    """The competitions of the catalog whose public files and solution are prepared: the real data's or the sample's.

    One whose `prepare` has written a folder `hidden` beside the public one is a code competition.
    """
    hosted = []
    for entry in catalog.entries(sample=sample):
        data = entry.data
        if not (data / "private" / "solution.csv").is_file() or not (data / "public").is_dir():
            continue
        source = entry.competition.source
        on_kaggle = isinstance(source, KaggleCompetition)
        code = Code(data / "hidden") if (data / "hidden").is_dir() else None
        hosted.append(
            Hosted(
                slug=source.slug if isinstance(source, KaggleCompetition) else entry.name,
                title=entry.name.replace("-", " ").title(),
                files=data / "public",
                solution=data / "private" / "solution.csv",
                form=entry.competition.submission,
                metric=entry.competition.metric,
                category="Getting Started" if on_kaggle else "Community",
                kernels_only=code is not None,
                code=code,
                description=entry.summary,
            )
        )
        hosted[-1].answers  # noqa: B018 - read now, so that a wrong solution is told at the start
    return hosted


def as_is(pred: np.ndarray) -> np.ndarray:
    """Predictions as they are: answers are not decided."""
    return pred
