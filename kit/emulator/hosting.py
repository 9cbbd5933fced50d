"""What is hosted: competitions of the catalog that are prepared, and user-made ones."""

from __future__ import annotations

import csv
import json
import re
import runpy
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kit.emulator import clock, files
from kit.emulator.values import Values, held
from kit.errors import KitError
from kit.task import catalog, metrics, submission
from kit.task.contract import Metric, Submission
from kit.task.outputs import classes
from kit.task.sources import KaggleCompetition
from kit.task.targets import Labels

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
class Hosted:
    """A competition as the server sees it. `files` is the folder of the public files."""

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
        form = Submission(self.form.id, (*self.form.targets, *beside), _as_is, repeats=self.form.repeats)
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
    def public_files(self) -> list[tuple[str, Path]]:
        """The files that competitors download, by the name they have below the folder."""
        return files.listing(self.files)


def catalogued(*, sample: bool = False) -> list[Hosted]:
    """The competitions of the catalog whose public files and solution are prepared: the real data's or the sample's."""
    hosted = []
    for entry in catalog.entries(sample=sample):
        data = entry.data
        if not (data / "private" / "solution.csv").is_file() or not (data / "public").is_dir():
            continue
        source = entry.competition.source
        on_kaggle = isinstance(source, KaggleCompetition)
        hosted.append(
            Hosted(
                slug=source.slug if isinstance(source, KaggleCompetition) else entry.name,
                title=entry.name.replace("-", " ").title(),
                files=data / "public",
                solution=data / "private" / "solution.csv",
                form=entry.competition.submission,
                metric=entry.competition.metric,
                category="Getting Started" if on_kaggle else "Community",
                description=entry.summary,
            )
        )
        hosted[-1].answers  # noqa: B018 - read now, so that a wrong solution is told at the start
    return hosted


def user_made(root: Path) -> list[Hosted]:
    """The competitions below `root`: folders with `competition.json`, `public/` and `private/solution.csv`.

    Raises KitError for a description that cannot be hosted.
    """
    if not root.is_dir():
        raise KitError(f"{root} is not a folder.", "It must hold a folder for each competition.", f"mkdir -p {root}")
    return [_user_made(file) for file in sorted(root.glob("*/competition.json"))]


_NEEDED: dict[str, type] = {"title": str, "metric": str}

_OPTIONAL: dict[str, type] = {
    "category": str,
    "reward": str,
    "daily": int,
    "total": int,
    "deadline": str,
    "late": bool,
    "kernels_only": bool,
    "description": str,
    "rules": str,
}
_KEYS = ("title", "metric", "id", "target", "labels", "teams", "repeats", *_OPTIONAL)


def _user_made(file: Path) -> Hosted:
    right = f"It must be a JSON object with title, metric, id and target; it may have {', '.join(_KEYS[4:])}."
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise KitError(f"{file} is not JSON: {error}", right) from None
    if not isinstance(told, dict) or not {"title", "metric", "id", "target"} <= told.keys():
        raise KitError(f"{file} does not describe a competition.", right)
    if unknown := told.keys() - set(_KEYS):
        raise KitError(f"{file} has the unknown key {min(unknown)!r}.", right)
    if told.get("labels") is None:
        told.pop("labels", None)
    for key, kind in (_NEEDED | _OPTIONAL | {"labels": list, "repeats": bool}).items():
        if key in told and not isinstance(told[key], kind):
            raise KitError(f"{file}: {key!r} is {told[key]!r}.", f"It must be {kind.__name__}.")
    folder = file.parent
    if not re.fullmatch(r"[a-z0-9-]+", folder.name):
        raise KitError(f"{folder} names no competition.", "Its folder's name is its slug: a-z, 0-9 and hyphens.")
    try:
        clock.moment(told.get("deadline", DEADLINE))
    except ValueError:
        raise KitError(
            f"{file}: 'deadline' is {told['deadline']!r}.", "It must be a moment, such as 2031-01-01T00:00:00Z."
        ) from None
    for needed in (folder / "public", folder / "private" / "solution.csv"):
        if not needed.exists():
            raise KitError(f"{needed} does not exist.", "A competition has public/ and private/solution.csv.")
    id, target = (_columns(file, key, told[key]) for key in ("id", "target"))
    holds = Labels(told["labels"]) if "labels" in told else None
    hosted = Hosted(
        slug=folder.name,
        title=told["title"],
        files=folder / "public",
        solution=folder / "private" / "solution.csv",
        form=Submission(id, target, _as_is, holds, repeats=told.get("repeats", False)),
        metric=_metric(file, told["metric"]),
        teams=None if "teams" not in told else _teams(file, told["teams"]),
        **{key: told[key] for key in _OPTIONAL if key in told},
    )
    answers = hosted.answers
    for name, part in (("public", answers.public), ("private", answers.private)):
        try:  # now, so that answers which nobody's submission could be scored by are told at the start
            if part.any():
                hosted.score(answers.y, part)
        except KitError as error:
            wrong = f"The {name} rows of {hosted.solution} cannot be scored: {error.wrong}"
            raise KitError(wrong, error.right, error.cure) from None
    return hosted


def _columns(file: Path, key: str, told: Any) -> str | tuple[str, ...]:
    """One column or several, as competition.json names them."""
    columns = told if isinstance(told, list) else [told]
    if not columns or not all(isinstance(column, str) and column for column in columns):
        raise KitError(f"{file}: {key!r} is {told!r}.", "It must be the name of a column, or a list of names.")
    return tuple(columns) if isinstance(told, list) else told


def _metric(file: Path, name: str) -> Metric:
    """A metric of the catalogue by its name, or the object `metric` of a Python file beside competition.json."""
    if name.endswith(".py"):
        return _own_metric(file.parent / name)
    try:
        return metrics.named(name)
    except KitError as error:
        raise KitError(f"{file}: {error.wrong}", f"{error.right} One's own is a file such as metric.py.") from None


def _own_metric(path: Path) -> Metric:
    right = "It must hold `metric = Metric(name, score, higher_is_better=...)`, from kit.task.contract."
    if path.parent / path.name != path or not path.is_file():
        raise KitError(f"{path} does not exist.", right)
    try:
        metric = runpy.run_path(str(path)).get("metric")
    except Exception as error:  # whatever the user's own code raises
        raise KitError(f"{path} cannot be run: {type(error).__name__}: {error}", right) from error
    if not isinstance(metric, Metric):
        raise KitError(f"{path} declares no metric.", right)
    return metric


def _teams(file: Path, told: Any) -> tuple[Team, ...]:
    right = (
        "It must be a list of objects with a name of their own and a public score; private and baseline may be added."
    )
    try:
        teams = tuple(_team(one) for one in told)
    except (TypeError, ValueError, KeyError, AttributeError):
        raise KitError(f"{file}: 'teams' is not a list of teams.", right) from None
    names = [team.name for team in teams]
    if twice := {name for name in names if names.count(name) > 1}:
        raise KitError(f"{file}: two teams are called {min(twice)!r}.", right)
    return teams


def _team(told: dict[str, Any]) -> Team:
    public = f"{float(told['public']):.5f}"
    private = f"{float(told.get('private', told['public'])):.5f}"
    return Team(str(told["name"]), public, private, bool(told.get("baseline", False)))


def _as_is(pred: np.ndarray) -> np.ndarray:
    return pred
