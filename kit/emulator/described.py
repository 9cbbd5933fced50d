"""Competitions of one's own: folders with `competition.json`, public files and answers, and perhaps hidden files."""

from __future__ import annotations

import importlib.util
import json
import re
import runpy
from pathlib import Path
from typing import Any

from kit import limits, places
from kit.emulator import clock
from kit.emulator.hosting import DEADLINE, Code, Gateway, Hosted, Team, as_is
from kit.errors import KitError
from kit.task import lines, metrics
from kit.task.contract import Metric, Submission
from kit.task.targets import Labels


def user_made(root: Path) -> list[Hosted]:
    """The competitions below `root`: folders with `competition.json`, `public/` and `private/solution.csv`. One with
    `hidden/` is a code competition: what lies there takes the place of the public files when a notebook is run again.

    Raises KitError for a description that cannot be hosted.
    """
    if not root.is_dir():
        raise KitError(f"{root} is not a folder.", "It must hold a folder for each competition.", f"mkdir -p {root}")
    return [_user_made(file) for file in sorted(root.glob("*/competition.json"))]


SAMPLE = "sample_submission.csv"

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
_CODE = ("rerun_hours", "gateway")
_KEYS = ("title", "metric", "id", "target", "labels", "teams", "repeats", *_CODE, *_OPTIONAL)


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
    code = _code(file, told)
    id, target = (_columns(file, key, told[key]) for key in ("id", "target"))
    holds = Labels(told["labels"]) if "labels" in told else None
    hosted = Hosted(
        slug=folder.name,
        title=told["title"],
        files=folder / "public",
        solution=folder / "private" / "solution.csv",
        form=Submission(id, target, as_is, holds, repeats=told.get("repeats", False)),
        metric=_metric(file, told["metric"]),
        teams=None if "teams" not in told else _teams(file, told["teams"]),
        code=code,
        **{key: told[key] for key in _OPTIONAL if key in told} | ({"kernels_only": True} if code else {}),
    )
    answers = hosted.answers
    for name, part in (("public", answers.public), ("private", answers.private)):
        try:  # now, so that answers which nobody's submission could be scored by are told at the start
            if part.any():
                hosted.score(answers.y, part)
        except KitError as error:
            wrong = f"The {name} rows of {hosted.solution} cannot be scored: {error.wrong}"
            raise KitError(wrong, error.right, error.cure) from None
    if code and {line.id for line in lines.of_sample(hosted.form, hosted.sample)} != set(answers.ids):
        raise KitError(
            f"{hosted.sample} has other ids than {hosted.solution}.", "Both must have a row for each hidden test row."
        )
    return hosted


def _code(file: Path, told: dict[str, Any]) -> Code | None:
    """How a code competition runs notebooks again; None for any other."""
    folder = file.parent / "hidden"
    if not folder.is_dir():
        if key := next((key for key in _CODE if key in told), ""):
            raise KitError(f"{file} has {key!r}, and no files are hidden.", f"They must lie in {folder}.")
        return None
    if not (folder / SAMPLE).is_file():
        raise KitError(f"{folder / SAMPLE} does not exist.", "It must have a row for each hidden test row.")
    hours = told.get("rerun_hours", limits.RERUN_HOURS)
    if type(hours) not in (int, float) or not 0 < hours < 1000:
        raise KitError(f"{file}: 'rerun_hours' is {hours!r}.", "It must be a number of hours, such as 9 or 0.5.")
    return Code(folder, hours * 3600, _gateway(file, told["gateway"]) if "gateway" in told else None)


_GATEWAY: dict[str, type] = {"test": str, "rows": int, "by": str, "frames": str, "start": float, "answer": float}


def _gateway(file: Path, told: Any) -> Gateway:
    """How test rows are handed over in batches, as competition.json says it."""
    right = f"It must be an object that may have {', '.join(_GATEWAY)}."
    if not isinstance(told, dict) or told.keys() - _GATEWAY.keys():
        raise KitError(f"{file}: 'gateway' is {told!r}.", right)
    for key, kind in _GATEWAY.items():
        kinds = (int, float) if kind is float else (kind,)
        if key in told and (type(told[key]) not in kinds or (kind is not str and told[key] <= 0)):
            raise KitError(f"{file}: {key!r} of 'gateway' is {told[key]!r}.", f"It must be {kind.__name__}, above 0.")
    if told.get("frames", "pandas") not in ("pandas", "polars"):
        raise KitError(f"{file}: 'frames' is {told['frames']!r}.", "It must be pandas or polars.")
    if missing := [name for name in ("grpc", "google.protobuf", "pyarrow") if not _has(name)]:
        raise KitError(
            f"{file} asks for a gateway, which needs {missing[0]}.",
            "The extra `serving` has what it needs.",
            places.install("serving"),
        )
    from kit.serving.gateway import Table

    hosted = Gateway(**told)
    try:
        Table(file.parent / "hidden", test=hosted.test, sample=SAMPLE, rows=hosted.rows, by=hosted.by)
    except (OSError, ValueError) as error:
        raise KitError(f"The hidden rows of {file.parent} cannot be handed over: {error}", right) from None
    return hosted


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


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
