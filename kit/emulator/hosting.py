"""What is hosted: competitions of the catalog that are prepared, and user-made ones."""

from __future__ import annotations

import csv
import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kit.emulator import files
from kit.errors import KitError
from kit.task import catalog, metrics, submission
from kit.task.contract import Metric, Submission
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
    """What predictions are compared with: ids in file order, their answers, and which rows make which score."""

    ids: list[str]
    y: np.ndarray
    public: np.ndarray
    private: np.ndarray


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
        column half of the rows, drawn by their ids, are public.
        """
        text = self.solution.read_text(encoding="utf-8")
        header = tuple(next(csv.reader([text.partition("\n")[0].rstrip("\r")]), ()))
        names = (*self.form.targets, "Usage") if "Usage" in header else self.form.targets
        rows = submission.parse(Submission(self.form.id, names, _as_is, repeats=self.form.repeats), text, self.solution)
        ids = list(rows)
        y = submission.values(self.form, {name: row[: len(self.form.targets)] for name, row in rows.items()}, ids)
        if "Usage" in header:
            usage = np.array([row[-1].strip().lower() for row in rows.values()])
            return Answers(ids, y, usage == "public", usage == "private")
        public = np.array([zlib.crc32(f"{self.slug}/{name}".encode()) % 2 == 0 for name in ids])
        return Answers(ids, y, public, ~public)

    @property
    def public_files(self) -> list[tuple[str, Path]]:
        """The files that competitors download, by the name they have below the folder."""
        return files.listing(self.files)


def catalogued(*, sample: bool = False) -> list[Hosted]:
    """The competitions of the catalog whose public files and solution are prepared: the real data's or the sample's."""
    found = []
    for entry in catalog.entries(sample=sample):
        data = entry.data
        if not (data / "private" / "solution.csv").is_file() or not (data / "public").is_dir():
            continue
        source = entry.competition.source
        on_kaggle = isinstance(source, KaggleCompetition)
        found.append(
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
    return found


def user_made(root: Path) -> list[Hosted]:
    """The competitions below `root`: folders with `competition.json`, `public/` and `private/solution.csv`.

    Raises KitError for a description that cannot be hosted.
    """
    if not root.is_dir():
        raise KitError(f"{root} is not a folder.", "It must hold a folder for each competition.", f"mkdir -p {root}")
    return [_user_made(file) for file in sorted(root.glob("*/competition.json"))]


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
_KEYS = ("title", "metric", "id", "target", "labels", "teams", *_OPTIONAL)


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
    for key, kind in _OPTIONAL.items():
        if key in told and not isinstance(told[key], kind):
            raise KitError(f"{file}: {key!r} is {told[key]!r}.", f"It must be {kind.__name__}.")
    folder = file.parent
    for needed in (folder / "public", folder / "private" / "solution.csv"):
        if not needed.exists():
            raise KitError(f"{needed} does not exist.", "A competition has public/ and private/solution.csv.")
    id, target = (tuple(told[key]) if isinstance(told[key], list) else told[key] for key in ("id", "target"))
    holds = Labels(told["labels"]) if told.get("labels") else None
    hosted = Hosted(
        slug=folder.name,
        title=told["title"],
        files=folder / "public",
        solution=folder / "private" / "solution.csv",
        form=Submission(id, target, _as_is, holds),
        metric=_metric(file, told["metric"]),
        teams=None if "teams" not in told else tuple(_team(team) for team in told["teams"]),
        **{key: told[key] for key in _OPTIONAL if key in told},
    )
    hosted.answers  # noqa: B018 - read now, so that a wrong solution is said at the start
    return hosted


def _metric(file: Path, name: str) -> Metric:
    known = {key: value for key, value in vars(metrics).items() if isinstance(value, Metric)}
    if name not in known:
        raise KitError(f"{file}: no metric is called {name!r}.", f"Metrics: {', '.join(known)}.")
    return known[name]


def _team(told: dict[str, Any]) -> Team:
    public = f"{float(told['public']):.5f}"
    private = f"{float(told.get('private', told['public'])):.5f}"
    return Team(str(told["name"]), public, private, bool(told.get("baseline", False)))


def _as_is(pred: np.ndarray) -> np.ndarray:
    return pred
