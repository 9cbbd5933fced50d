"""What a run's model predicts for single files that it was not trained on: recordings, images, texts.

How a file becomes rows is `read_<kind>.py` beside this file, with `read(file, like) -> (shown, parts)` and
`rows(parts, like)`; a kind without such a file takes none. One that has `moved(part, label, model, like)` tells
which words of a text moved the prediction.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kit.drawing import classes, rows, sound, style
from kit.errors import KitError
from kit.predict import models, stored
from kit.predict.moved import Part
from kit.task import decisions, outputs
from kit.task.catalog import Entry
from kit.task.contract import Fitted
from kit.train.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 12
"""Utterances of one recording that are drawn at most; the table has all."""


class Item(NamedTuple):
    """The prediction for a file, or for an utterance from `start` to `end` seconds in it.

    `label` is None where the file is unlike what the model was trained on, so that a label would be a guess.
    `probabilities` are by the name of the class, the likeliest first, 20 at most; empty where a value was predicted.
    `moved` are the words of a text in their order, with their effects on the log-odds of the label.
    """

    file: str
    label: str | int | float | None
    probabilities: dict[str, float]
    start: float | None
    end: float | None
    moved: tuple[Part, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The item as it is printed with `--json`; `start` and `end` only where there are any."""
        named = self._asdict() | {"moved": [[part.text.strip(), round(part.effect, 4)] for part in self.moved]}
        kept = {name for name in ("start", "end") if named[name] is not None} | ({"moved"} if self.moved else set())
        return {name: value for name, value in named.items() if name in kept or name not in ("start", "end", "moved")}


class Answer(NamedTuple):
    """The items of all files in their order, and a picture of each file."""

    items: list[Item]
    pictures: list[Path]


def files(entry: Entry, run: Run, names: Sequence[str]) -> Answer:
    """The predictions of the model of `run` for each file; pictures go to the run's folder `plots/`.

    Raises KitError when a file cannot be read as a row, rows of the competition's kind are not single files, or the
    model is not here.
    """
    reader = _reader(entry)
    like = _like(entry, run)
    return _answer(entry, run, like, [(name, *reader.read(Path(name), like)) for name in names])


def recorded(entry: Entry, run: Run, seconds: float) -> Answer:
    """The predictions of the model of `run` for what the microphone records in so many seconds.

    Raises KitError as `files` does, and when there is no microphone.
    """
    if entry.competition.kind != "audio":
        raise KitError(
            f"The rows of {entry.name} are of kind {entry.competition.kind}, and a microphone records sound only.",
            "A microphone helps where rows are recordings.",
            f"kit predict {entry.name} {run.name} my-file",
        )
    reader = _reader(entry)
    like = _like(entry, run)
    heard = reader.record(seconds, like.rate)
    return _answer(entry, run, like, [("microphone", *reader.parts(heard, "the recording"))])


def _reader(entry: Entry) -> Any:
    name = f"{__package__}.read_{entry.competition.kind}"
    if importlib.util.find_spec(name) is None:
        raise KitError(
            f"The rows of {entry.name} are of kind {entry.competition.kind}, which are not kept in one file each.",
            "A file can be predicted where a row is a recording, an image or a text; --rows takes a table of rows.",
            f"kit predict {entry.name} last --rows my-rows.csv",
        )
    return importlib.import_module(name)


def _like(entry: Entry, run: Run) -> Any:
    return entry.competition.load(entry.public())[0].x.store


def _answer(entry: Entry, run: Run, like: Any, read: list[tuple[str, Any, list]]) -> Answer:
    model = models.load(entry, run)
    reader = _reader(entry)
    x = reader.rows([part for _, _, parts in read for part in parts], like)
    pred = model.predict(x)
    far = model.unlike(x) if model.unlike else np.zeros(len(x))
    decided = _named(entry, np.asarray(decisions.recorded(entry.competition, run.chosen)(pred)))
    items, pictures, at, names = [], [], 0, Counter[str]()
    for name, shown, parts in read:
        here = [
            Item(
                name,
                None if far[i] > 1 else decided[i].item() if np.ndim(decided[i]) == 0 else str(decided[i].tolist()),
                _probabilities(entry, pred[i : i + 1]),
                getattr(part, "start", None),
                getattr(part, "end", None),
                _moved(entry, reader, model, like, part, decided[i], pred[i : i + 1]),
            )
            for i, part in enumerate(parts, at)
        ]
        at += len(parts)
        items += here
        # A file's name may hold anything; in a picture's only these characters are safe, and two may be called alike.
        stem = re.sub(r"[^0-9A-Za-z_.-]", "_", Path(name).name)[-80:] or "file"
        names[stem] += 1
        to = run.folder / "plots" / f"file-{stem}{'' if names[stem] == 1 else f'-{names[stem]}'}.png"
        draw = _heard if entry.competition.kind == "audio" else _seen
        pictures.append(style.save(draw(entry, run, shown, here), to))
    return Answer(items, pictures)


def _named(entry: Entry, decided: np.ndarray) -> np.ndarray:
    """Decided labels as a person knows them: numbers of classes by their names, where these are texts."""
    labels = entry.competition.submission.labels
    return np.asarray(labels)[decided] if labels and outputs.are_class_numbers(decided, labels) else decided


def _moved(
    entry: Entry, reader: Any, model: Fitted, like: Any, part: Any, label: Any, pred: np.ndarray
) -> tuple[Part, ...]:
    """What in a part moved its label, where the kind of row can tell and a class was predicted."""
    labels = list(entry.competition.submission.labels or ())
    if not hasattr(reader, "moved") or not _probabilities(entry, pred) or label not in labels:
        return ()
    return tuple(reader.moved(part, labels.index(label), model, like))


def _probabilities(entry: Entry, pred: np.ndarray) -> dict[str, float]:
    """The classes of one prediction by name; empty where it is a value."""
    form = entry.competition.submission
    y = np.zeros(0, np.int64)
    if form.labels is None or not classes.are(y, pred):
        return {}
    names = classes.names(form, classes.count(y, pred), more=bool(pred.dtype.names))
    return {names[of]: float(p) for of, p in zip(*classes.likeliest(pred, stored.MOST), strict=True)}


def said(item: Item) -> str:
    """The label as a person reads it."""
    if item.label is None:
        return "unlike the training data"
    return style.number(item.label) if isinstance(item.label, float) else str(item.label)


COLUMNS = ("file", "from", "to", "label", "probabilities")
"""What `cells` are."""


def cells(item: Item) -> tuple[str, str | None, str | None, str, str]:
    """An item as a line of a table, with its three likeliest classes."""
    start, end = (None if at is None else f"{at:.2f} s" for at in (item.start, item.end))
    likeliest = [f"{name} {p:.4f}" for name, p in list(item.probabilities.items())[:3]]
    return style.short(item.file, 60), start, end, said(item), ", ".join(likeliest)


def _heard(entry: Entry, run: Run, heard: Any, items: list[Item]) -> Figure:
    """A recording: its wave form and spectrogram with the utterances marked, and the probabilities of each."""
    shown = items[:MOST]
    columns = min(4, len(shown))
    lines = -(-len(shown) // columns)
    name = style.short(Path(items[0].file).name, 50)
    more = f" (the first {MOST} are drawn)" if len(items) > MOST else ""
    title = f"{entry.name} {run.plan.label}: {name}, {len(items)} utterance{'s' * (len(items) != 1)}{more}"
    made = style.figure(8.4, 3.6 + 2.3 * lines, title)
    grid = made.add_gridspec(2 + lines, columns, height_ratios=[1.3, 1.6, *[2.0] * lines])
    above, below = made.add_subplot(grid[0, :]), made.add_subplot(grid[1, :])
    style.plain(above)
    sound.wave(above, heard.wave, heard.rate)
    sound.spectrogram(below, heard.wave, heard.rate)
    for axes in (above, below):
        axes.tick_params(labelsize=style.SMALL)
        axes.set_xlim(0, len(heard.wave) / heard.rate)
    for number, item in enumerate(shown, 1):
        assert item.start is not None and item.end is not None
        above.axvspan(item.start, item.end, color=style.ORANGE, alpha=0.25, linewidth=0)
        for edge in (item.start, item.end):
            below.axvline(edge, color="white", linewidth=0.8, linestyle="--")
        text = f"{number}: {'?' if item.label is None else item.label}" if len(items) > 1 else said(item)
        above.annotate(text, ((item.start + item.end) / 2, 1), (0, 1), xycoords=("data", "axes fraction"),
                       textcoords="offset points", ha="center", fontsize=style.SMALL)  # fmt: skip
        bars = made.add_subplot(grid[2 + (number - 1) // columns, (number - 1) % columns])
        stored.bars(bars, item.probabilities)
        bars.set_title(
            f"{item.start:.2f} to {item.end:.2f} s: {said(item)}", fontsize=style.SMALL, loc="left", parse_math=False
        )
        style.label(bars, "probability", "")
    style.label(above, "", "sample")
    style.label(below, "seconds", "kHz")
    return made


def _seen(entry: Entry, run: Run, row: Any, items: list[Item]) -> Figure:
    """An image or a text, and its probabilities."""
    (item,) = items
    wide, high = stored.SIZE
    made = style.figure(
        2 * wide, high + 0.4, f"{entry.name} {run.plan.label}: {style.short(item.file, 30)}, {said(item)}"
    )
    left, right = made.subplots(1, 2)
    rows.draw(left, entry.competition.kind, row, stored.SIZE)
    if item.probabilities:
        stored.bars(right, item.probabilities)
    else:
        style.bare(right)
        right.text(0.5, 0.5, said(item), ha="center", fontsize=style.LARGE)
    return made
