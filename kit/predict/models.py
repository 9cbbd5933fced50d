"""The model of a finished run, from what its folds stored: for rows that were not there when it was trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kit import places
from kit.errors import KitError
from kit.predict import stacked
from kit.task import catalog, merging
from kit.task.catalog import Entry, Recipe
from kit.task.contract import Data, Fitted
from kit.toolbox import quiet
from kit.train import averaging, predictions, progress, record, runs
from kit.train.runs import Run

NO_MODEL = ("valid.npz", "test.npz", progress.HISTORY)
"""What kit writes into the folder of a fold beside what the recipe stores there."""


def load(entry: Entry, run: Run) -> Fitted:
    """The model of a run: its folds' predictions merged, as its test predictions are; of a blend, those of its members,
    merged by their weights or by the linear model on top of them. Where they can write texts, the first fold's does,
    and of a blend the heaviest member's.

    Raises KitError when the run is unfinished, a member of a blend is gone, the recipe stores no model, or the weights
    are not here.
    """
    if not run.finished:
        raise _unfinished(entry, run)
    if run.plan.recipe == catalog.BLEND:
        return _blended(entry, run)
    _recipe(entry, run)
    return _fitted(entry, run)


def of_fold(entry: Entry, run: Run, number: int) -> Fitted:
    """The model that one fold of a finished run stored. Raises KitError as `load` does."""
    folder = run.fold(number)
    return _stored(entry, run, [folder] if (folder / "done.json").exists() else [])[0]


def members_of(run: Run) -> list[Run]:
    """The runs that a blend is made of, which lie beside it; none of any other run.

    Raises KitError when one is gone.
    """
    if run.plan.recipe != catalog.BLEND:
        return []
    beside = [run.folder.with_name(name) for name in run.plan.settings]
    return [runs.at(one) if one.is_dir() else runs.find(run.plan.competition, one.name) for one in beside]


def fitted_by_recipes(run: Run) -> list[Run]:
    """The runs whose models make the model of `run`: itself, or of a blend its members, and of a blend among these its
    own, each once. Raises KitError when one is gone."""
    if run.plan.recipe != catalog.BLEND:
        return [run]
    inner = [one for member in members_of(run) for one in fitted_by_recipes(member)]
    return [*{one.folder: one for one in inner}.values()]


def files(entry: Entry, run: Run) -> dict[str, Path]:
    """All files that `load` reads for a run, by their path below a folder that holds its run folder: what its folds
    stored, and of a blend what those of its members did. Predictions, curves and plots are not among them.

    Raises KitError as `load` does, but no model is loaded.
    """
    if not run.finished:
        raise _unfinished(entry, run)
    wanted = [run.folder / name for name in (record.PLAN, record.RUN, stacked.FILE)]
    if run.plan.recipe == catalog.BLEND:
        members = members_of(run)
        inner: dict[str, Path] = {}
        for member in members:
            try:
                inner |= files(entry, member)
            except KitError as error:
                wrong = f"A member of the blend {run.name} has no model. {error.wrong}"
                raise KitError(wrong, error.right, error.cure) from None
        # Ranks are told among the predictions of the test rows.
        wanted += [member.folder / "test.npz" for member in members if run.plan.variant == "rank"]
        return inner | _named(wanted, run)
    recipe = _recipe(entry, run)
    folds = sorted(done.parent for done in run.folder.glob(f"*/{record.DONE}"))
    if not recipe.stores:
        raise _stores_none(entry, recipe)
    if not folds:
        raise _not_here(entry, run)
    for fold in folds:
        held = [path for path in sorted(fold.rglob("*")) if path.is_file() and not _left_out(path)]
        if not any(path.name != record.DONE for path in held):
            raise _not_here(entry, run)
        wanted += held
    return _named(wanted, run)


def _named(paths: list[Path], run: Run) -> dict[str, Path]:
    """Files that are there, by their path below the folder of all runs."""
    return {path.relative_to(run.folder.parent).as_posix(): path for path in paths if path.is_file()}


def _left_out(path: Path) -> bool:
    """Whether a file in the folder of a fold is none that a model is read from: what kit itself writes there."""
    return path.name in NO_MODEL or path.name.startswith(".") or places.CHECKPOINT in path.parts


def predicted(entry: Entry, run: Run, model: Fitted, part: Data, before: int) -> np.ndarray:
    """The predictions of a part of rows, before which there were `before` others.

    Raises KitError, naming row and column, where a value is missing and the recipe cannot take that.
    """
    try:
        return model.predict(part.x)
    except (ValueError, TypeError, KitError) as error:
        column = _empty(part.x.take())
        if column is None:
            raise
        row, name = column
        raise KitError(
            f"Row {before + row + 1:,} has no value{name}, and recipe {run.plan.label} cannot take missing values.",
            "Fill the value, or use a run of a recipe that can.",
            f"kit list {entry.name}",
        ) from error


def _stored(entry: Entry, run: Run, folders: list[Path]) -> list[Fitted]:
    """The models that the recipe of a run stored in the folders of its folds."""
    recipe, _ = entry.recipe(run.plan.recipe)
    quiet.begin()
    module = recipe.module()
    if not hasattr(module, "load"):
        raise _stores_none(entry, recipe)
    if not folders:
        raise _not_here(entry, run)
    try:
        metric = entry.competition.metric
        return [averaging.merged([module.load(place) for place in averaging.places(one)], metric) for one in folders]
    except (KitError, ImportError):
        raise
    except Exception as error:  # for a damaged file frameworks raise errors of many kinds, their own among them
        raise KitError(
            f"The weights of run {run.name} cannot be read: {str(error).splitlines()[0] if str(error) else error!r}",
            "They may be of another version of the recipe, or removed.",
            f"kit train {entry.name} {run.plan.label}",
        ) from error


def _fitted(entry: Entry, run: Run) -> Fitted:
    """The model of a run whose folds a recipe has fitted."""
    members = _stored(entry, run, [done.parent for done in sorted(run.folder.glob("*/done.json"))])
    judges = [member.unlike for member in members if member.unlike]

    def predict(x: Any) -> np.ndarray:
        parts = [predictions.run(member.predict, x, entry.competition.keep) for member in members]
        return merging.declared(entry.competition.metric, parts[0])(parts)

    def unlike(x: Any) -> np.ndarray:
        return np.mean([judge(x) for judge in judges], axis=0)

    return Fitted(predict, None, unlike if judges else None, members[0].language)


def _blended(entry: Entry, run: Run) -> Fitted:
    """The model of a blend. Its settings are the weights of its members, by the names of their runs."""
    weights, members = [*run.plan.settings.values()], members_of(run)
    fitted = [load(entry, member) for member in members]
    models = [member.predict for member in fitted]
    linear = stacked.load(run.folder) if run.plan.variant == "stack" else None
    ranks = [_ranks(member) for member in members] if run.plan.variant == "rank" else []

    def predict(x: Any) -> np.ndarray:
        parts = [model(x) for model in models]
        if linear is not None:
            return linear(parts)
        if ranks:
            ranked = [rank(part) for rank, part in zip(ranks, parts, strict=True)]
            return merging.mean(ranked, weights).astype(parts[0].dtype)
        merge = merging.BY_METHOD.get(run.plan.variant) or merging.declared(entry.competition.metric, parts[0])
        return merge(parts, weights)

    # Models with different tokens cannot write one text together.
    heaviest = max(range(len(weights)), key=lambda at: weights[at])
    return Fitted(predict, language=fitted[heaviest].language)


def _ranks(member: Run) -> Callable[[np.ndarray], np.ndarray]:
    """What turns predictions into ranks among those that the member gave for the test rows, above 0 to 1: a test row
    has the rank that it has in the blend, and the rank of a new row does not depend on those beside it."""
    of_test = predictions.load(member.folder / "test.npz", "pred")["pred"]
    columns = np.sort(of_test.reshape(len(of_test), -1), axis=0)

    def rank(pred: np.ndarray) -> np.ndarray:
        table = pred.reshape(len(pred), -1)
        first, last = (
            np.stack([np.searchsorted(columns[:, at], table[:, at], side) for at in range(table.shape[1])], axis=1)
            for side in ("left", "right")
        )
        # Equal values share their mean rank.
        return ((first + last + 1) / 2 / len(columns)).reshape(pred.shape)

    return rank


def _empty(x: Any) -> tuple[int, str] | None:
    """The first row of a batch with a missing value, and the column that lacks it; None where all are there."""
    if hasattr(x, "isna"):
        empty, columns = x.isna().to_numpy().reshape(len(x), -1), [*map(str, getattr(x, "columns", [""]))]
    elif isinstance(x, np.ndarray) and x.dtype.kind == "f":
        empty, columns = np.isnan(x).reshape(len(x), -1), []
    else:
        return None
    if not empty.any():
        return None
    row, column = np.unravel_index(int(np.argmax(empty)), empty.shape)
    return int(row), f" in the column {columns[column]!r}" if columns else ""


def _recipe(entry: Entry, run: Run) -> Recipe:
    """The recipe that fitted a run. Raises KitError where the competition no longer has it."""
    if run.plan.recipe in entry.recipes:
        return entry.recipes[run.plan.recipe]
    raise KitError(
        f"Run {run.name} was fitted by recipe {run.plan.recipe}, which {entry.name} no longer has.",
        f"Its recipes: {', '.join(entry.recipes)}.",
        f"kit runs {entry.name}",
    )


def _unfinished(entry: Entry, run: Run) -> KitError:
    return KitError(
        f"Run {run.name} is unfinished.",
        "Only a finished run has a model to predict with.",
        f"kit train {entry.name} --resume {run.name}",
    )


def _stores_none(entry: Entry, recipe: Recipe) -> KitError:
    return KitError(
        f"Recipe {recipe.name} stores no model, so that it cannot predict new rows.",
        "A recipe that can has a function `load(dir)`.",
        f"kit list {entry.name}",
    )


def _not_here(entry: Entry, run: Run) -> KitError:
    again = f"kit train {entry.name} {run.plan.label}"
    return KitError(f"The weights of run {run.name} are not here.", "Git keeps only the record of a run.", again)
