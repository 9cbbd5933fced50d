"""What a run predicted for one test row, from its stored predictions: no model is loaded."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kit.drawing import classes, rows, style
from kit.errors import KitError
from kit.task import decisions
from kit.task.catalog import Entry
from kit.train import predictions
from kit.train.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 20
"""Classes whose probabilities are told."""

SIZE = (3.6, 3.6)
"""Inches of the row, and of the chart beside it."""


class Item(NamedTuple):
    """The value that the submission holds for a test row, the probabilities behind it, and a picture of both.

    `probabilities` are by the name of the class, the likeliest first, 20 at most; empty where a value was predicted.
    """

    label: str | int | float
    probabilities: dict[str, float]
    picture: Path


def test_item(entry: Entry, run: Run, item: int | str) -> Item:
    """The prediction for the test row with the id `item`, drawn into the run's folder `plots/`.

    Raises KitError for an id that no test row has, and for a run without predictions of test rows.
    """
    if not run.finished:
        raise KitError(
            f"Run {run.name} is unfinished.",
            "Only a finished run has predictions of test rows.",
            f"kit train {entry.name} --resume {run.name}",
        )
    stored = predictions.load(run.folder / "test.npz", "ids", "pred")
    at = rows.place(stored["ids"], item)
    if at < 0:
        raise _unknown(entry, run, stored["ids"], item)
    competition, pred = entry.competition, stored["pred"]
    train, test = competition.load(entry.public())
    decided = np.asarray(decisions.recorded(competition, run.chosen)(pred[at : at + 1]))[0]
    label = decided.item() if np.ndim(decided) == 0 and hasattr(decided, "item") else _texts(decided)

    probabilities: dict[str, float] = {}
    y = train.y if train.y is not None else np.zeros(0)
    if classes.are(y, pred):
        names = classes.names(competition.submission, classes.count(y, pred), more=bool(pred.dtype.names))
        of, p = classes.likeliest(pred[at : at + 1], MOST)
        probabilities = {names[number]: float(value) for number, value in zip(of, p, strict=True)}

    said = style.number(label) if isinstance(label, float) else style.short(label, 40)
    title = f"{entry.name} {run.plan.label}: test item {item}, predicted {said}"
    made = style.figure(2 * SIZE[0], SIZE[1] + 0.4, "\n".join(textwrap.wrap(title, 80)))
    left, right = made.subplots(1, 2)
    rows.draw(left, competition.kind, test.x[rows.place(test.ids, item)], SIZE)
    if probabilities:
        bars(right, probabilities)
    else:
        _among(right, pred, at)
    # An id may be any text; in a file's name only these characters are safe.
    picture = style.save(made, run.folder / "plots" / f"test-item-{re.sub(r'[^0-9A-Za-z_.-]', '_', str(item))}.png")
    return Item(label, probabilities, picture)


def bars(axes: Axes, probabilities: dict[str, float]) -> None:
    """The probabilities, the likeliest on top and in a colour of its own."""
    style.plain(axes, grid="x")
    values, at = list(probabilities.values()), range(len(probabilities))
    axes.barh(at, values, color=[style.RED] + [style.BLUE] * (len(values) - 1), height=0.7)
    for i, value in enumerate(values):
        axes.annotate(
            f"{value:.4f}",
            (max(value, 0.0), i),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL,
        )
    axes.set_yticks(at, [style.short(name, 22) for name in probabilities])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    # Some recipes predict figures that are no probabilities, such as those of a network without an output activation.
    proper = min(values) >= 0 and max(values) <= 1
    if proper:
        axes.set_xlim(0, 1.18)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    style.label(axes, "predicted probability" if proper else "predicted figure, not a probability", "class")


def _among(axes: Axes, pred: np.ndarray, at: int) -> None:
    """Where the predicted value lies among those of all test rows."""
    values = pred.reshape(len(pred), -1)[:, 0].astype(float)
    style.plain(axes)
    axes.hist(values, bins=min(50, max(5, len(values))), color=style.BLUE, label="all test rows")
    axes.axvline(values[at], color=style.RED, linewidth=1.5, label=f"this one, {style.number(values[at])}")
    axes.locator_params(axis="x", nbins=5)
    axes.legend(fontsize=style.SMALL, frameon=False)
    style.label(axes, "predicted value", "test rows")


def _texts(values: np.ndarray) -> str:
    return ", ".join(str(value) for value in np.atleast_1d(values).tolist())


def _unknown(entry: Entry, run: Run, ids: np.ndarray, item: int | str) -> KitError:
    """What is wrong with the id, and which there are."""
    cure = f"kit predict {entry.name} {run.name} --test-item {ids[0]}"
    wrong = f"{entry.name} has no test row with the id {item}."
    if ids.dtype.kind not in "iu":
        few = ", ".join(ids[:3].tolist())
        return KitError(wrong, f"There are {len(ids):,} ids, the first are {few}.", cure)
    least, most = int(ids.min()), int(ids.max())
    right = f"The ids are {least} to {most}."
    if most - least + 1 != len(ids):
        near = (
            ids[np.argsort(np.abs(ids - int(item)), kind="stable")[:3]] if str(item).lstrip("-").isdigit() else ids[:3]
        )
        right = (
            f"The {len(ids):,} ids lie between {least} and {most}; near ones are {', '.join(map(str, near.tolist()))}."
        )
    return KitError(wrong, right, cure)
