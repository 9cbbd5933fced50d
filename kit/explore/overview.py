"""A look at the data before a model sees it: what any rows have, and what their kind adds.

What a kind adds is `<kind>.py` beside this file, with `look(train, test, names, out) -> Findings`; a kind
without such a file adds nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.drawing import classes, style
from kit.notes import tell
from kit.task import outputs
from kit.task.catalog import Entry
from kit.task.contract import Data

BARS = 40
"""Classes above which bars with names give way to a curve of class sizes."""

COLUMNS = 20
"""Columns with missing values that are listed one by one."""

KINDS = 10
"""Different texts of a column by which rows are told apart in pictures, at most."""

VALUES = 2**24
"""Values of an array that are looked at together."""


class Findings(NamedTuple):
    """What exploring told: figures by name, and pictures in the order in which they are worth seeing."""

    facts: dict[str, str | int | float]
    pictures: list[Path]


def explore(entry: Entry, *, out: Path | None = None) -> Findings:
    """Facts and pictures of a competition's rows; pictures go to the folder `out`, else to `explore/` in its data.

    Raises KitError when the data is not here.
    """
    out = out or entry.data / "explore"
    competition = entry.competition
    tell("Reading")
    train, test = competition.load(entry.public())
    facts: dict[str, str | int | float] = {"train rows": len(train.ids), "test rows": len(test.ids)}
    facts |= missing("train", train.x.take()) | missing("test", test.x.take())
    pictures = []
    names: list[str] = []
    if train.y is not None and train.y.ndim == 1 and len(train.y):
        if train.y.dtype.kind in "iub":
            names = classes.names(competition.submission, 1 + int(train.y.max()), more=True)
            facts |= balance(train.y, names)
            pictures.append(draw_balance(train.y, names, entry.name, out / "classes.png"))
        elif outputs.are_texts(train.y):
            facts |= answers(train.y)
        else:
            facts |= values(train.y.astype(float))
            pictures.append(draw_values(train.y.astype(float), entry.name, out / "target.png"))
    if train.group is not None:
        facts |= groups(train.group)
    tell("Looking for duplicates")
    facts |= duplicates(train, test)
    if competition.texts is not None:
        train, test, names = whole(train, test, names, competition.texts)
    name = f"{__package__}.{competition.kind}"
    if importlib.util.find_spec(name):
        more = importlib.import_module(name).look(train, test, names, out)
        facts |= more.facts
        pictures += more.pictures
    return Findings(facts, pictures)


def missing(what: str, x: Any) -> dict[str, str | int | float]:
    """The number of missing values, and in a table those of each column that has any.

    Missing are NaN, None and, where rows are texts, empty ones.
    """
    if hasattr(x, "isna"):
        counts = x.isna().sum()
        if not hasattr(counts, "items"):
            return {f"{what} missing values": int(counts)}
        holes = [(name, int(count)) for name, count in counts.items() if count]
        listed = {f"{what} missing in {name}": f"{count:,} ({count / len(x):.1%})" for name, count in holes[:COLUMNS]}
        return {f"{what} missing values": sum(count for _, count in holes), **listed}
    array = np.asarray(x)
    if array.dtype.kind == "f":
        step = max(1, VALUES // max(1, int(np.prod(array.shape[1:]))))
        parts = (array[start : start + step] for start in range(0, len(array), step))
        return {f"{what} missing values": sum(int(np.isnan(part).sum()) for part in parts)}
    if array.dtype.kind == "O":
        return {f"{what} missing values": sum(_absent(value) for value in array.ravel())}
    if array.dtype.kind == "U":
        return {f"{what} missing values": int((np.char.strip(array) == "").sum())}
    return {f"{what} missing values": 0}


def balance(y: np.ndarray, names: list[str]) -> dict[str, str | int | float]:
    """How many classes have rows, and how unequal they are."""
    counts = np.bincount(y.astype(np.int64), minlength=len(names))
    most, least = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    return {
        "classes": int((counts > 0).sum()),
        "largest class": f"{names[most]}: {counts[most]:,} rows ({counts[most] / len(y):.1%})",
        "smallest class": f"{names[least]}: {counts[least]:,} rows ({counts[least] / len(y):.1%})",
        "largest to smallest class": round(float(counts[most] / counts[least]), 2),
    }


def values(y: np.ndarray) -> dict[str, str | int | float]:
    """The spread of a target that is a number."""
    facts = {"mean": y.mean(), "sd": y.std(), "least": y.min(), "median": np.median(y), "greatest": y.max()}
    return {f"target {name}": _round(value) for name, value in facts.items()}


def answers(y: np.ndarray) -> dict[str, str | int | float]:
    """How many different texts a target has, and the most frequent one, which is what a constant answer would be."""
    different, counts = np.unique(y.astype(str), return_counts=True)
    most = int(counts.argmax())
    return {
        "different answers": len(different),
        "answers of one row only": int((counts == 1).sum()),
        "most frequent answer": f"{different[most]}: {counts[most]:,} rows ({counts[most] / len(y):.1%})",
    }


def whole(train: Data, test: Data, names: list[str], texts: Callable[[Any], list[str]]) -> tuple[Data, Data, list[str]]:
    """Rows as the whole texts that they are part of, which `texts` gives; where they have no label among `names`, they
    are told apart by the first column of a few different texts, such as a topic."""
    table, y = train.x.take(), train.y
    if not names and hasattr(table, "columns"):
        for column in table.columns:
            different = sorted({str(value) for value in table[column]})
            if 2 <= len(different) <= KINDS:
                names, y = different, np.searchsorted(different, table[column].astype(str))
                break
    train = replace(train, x=np.array(texts(table), object), y=y if names else None)
    return train, replace(test, x=np.array(texts(test.x.take()), object)), names


def groups(group: np.ndarray) -> dict[str, str | int | float]:
    """How many groups there are and how large: a group in two folds would make scores too good."""
    _, sizes = np.unique(np.asarray(group).astype(str), return_counts=True)
    return {
        "groups": len(sizes),
        "groups of more than one row": int((sizes > 1).sum()),
        "rows of the median group": _round(np.median(sizes)),
        "rows of the largest group": int(sizes.max()),
    }


def duplicates(train: Data, test: Data) -> dict[str, str | int | float]:
    """Rows that repeat an earlier one exactly, and rows whose equals have another label."""
    marks, other = fingerprints(train.x.take()), fingerprints(test.x.take())
    distinct, of = np.unique(marks, return_inverse=True)
    facts: dict[str, str | int | float] = {"train rows that repeat another": len(marks) - len(distinct)}
    if train.y is not None and train.y.ndim == 1:
        _, label = np.unique(train.y, return_inverse=True)
        labels_of = np.bincount(np.unique(np.stack([of, label]), axis=1)[0], minlength=len(distinct))
        facts["train rows with an equal of another label"] = int((labels_of[of] > 1).sum())
    facts["test rows that repeat another"] = len(other) - len(np.unique(other))
    facts["test rows that are train rows too"] = int(np.isin(other, marks).sum())
    return facts


def fingerprints(x: Any) -> np.ndarray:
    """A number of 64 bits a row, the same for equal rows; paths of files that exist count by what the files hold.

    Two different rows among 20 million share one with a probability of 1 in 90,000.
    """
    import pandas as pd

    if isinstance(x, (pd.DataFrame, pd.Series)):
        return pd.util.hash_pandas_object(x, index=False).to_numpy(np.uint64)
    array = np.asarray(x)
    if array.dtype.kind in "OU":
        keys = np.empty(len(array), object)
        keys[:] = [_content(row) for row in array]
        return pd.util.hash_array(keys, categorize=False)
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in array)
    return np.frombuffer(b"".join(digests), np.uint64)


def draw_balance(y: np.ndarray, names: list[str], name: str, to: Path) -> Path:
    """Rows a class: bars up to BARS classes, a curve from the largest to the smallest above."""
    counts = np.bincount(y.astype(np.int64), minlength=len(names))
    title = f"{name}: {len(y):,} train rows of {int((counts > 0).sum()):,} classes"
    if len(names) > BARS:
        made, (chart,) = style.charts(1, title, size=(6.5, 3.6))
        sizes = np.sort(counts[counts > 0])[::-1]
        chart.plot(np.arange(1, len(sizes) + 1), sizes, color=style.BLUE)
        chart.set_yscale("log")
        style.label(chart, "classes, the largest first", "train rows, log scale")
        return style.save(made, to)
    made, (chart,) = style.charts(1, title, size=(6.5, 0.24 * len(names) + 0.9))
    style.plain(chart, grid="x")
    chart.grid(visible=False, axis="y")
    chart.barh(np.arange(len(names)), counts, color=style.BLUE, height=0.7)
    for i, count in enumerate(counts):
        chart.annotate(
            f"{count:,}  {count / len(y):.1%}",
            (float(count), i),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL,
        )
    chart.set_yticks(range(len(names)), [style.short(text, 30) for text in names])
    chart.tick_params(axis="y", length=0)
    chart.invert_yaxis()
    chart.set_xlim(0, counts.max() * 1.2)
    chart.margins(y=0.02)
    style.label(chart, "train rows", "class")
    return style.save(made, to)


def draw_values(y: np.ndarray, name: str, to: Path) -> Path:
    """How a target that is a number is distributed."""
    made, (chart,) = style.charts(1, f"{name}: the target of {len(y):,} train rows", size=(6.5, 3.6))
    chart.hist(y, bins=50, color=style.BLUE)
    chart.axvline(np.median(y), color=style.RED, linewidth=1.2, label=f"median {style.number(float(np.median(y)))}")
    chart.legend(fontsize=style.SMALL, frameon=False)
    style.label(chart, "target", "train rows")
    return style.save(made, to)


def _absent(value: Any) -> bool:
    """Whether a value is None, NaN or an empty text; a row that is an array is there."""
    if isinstance(value, np.ndarray):
        return False
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _content(row: Any) -> str | bytes:
    """What two rows are compared by: the bytes of a file, else the text or the values."""
    if isinstance(row, (str, Path)) and 0 < len(str(row)) < 1024:
        try:
            with open(row, "rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except (OSError, ValueError):  # a text, not a path
            return str(row)
    return row.tobytes() if isinstance(row, np.ndarray) else str(row)


def _round(value: Any) -> float:
    return float(f"{float(value):.5g}")
