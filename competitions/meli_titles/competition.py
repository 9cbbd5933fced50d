"""MercadoLibre titles: which of up to 1,588 categories an offer belongs to, from its title (Data Challenge 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kit.rows import cache, files, packed
from kit.task import metrics, outputs, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Web

from ._prepare import prepare

PART = 100_000
"""Rows that are parsed at a time."""


def rows(file: Path, most: int | None) -> Iterator[Data]:
    """Titles of a file like train.csv or test.csv, or of the challenge's own train.csv (title, label_quality, language,
    category) and test.csv (id, title, language), a list of texts; under the numbers of the rows without `id`.

    Where the file has categories, `y` has their names. Raises KitError for a row without one.
    """
    for part in files.parts(
        file, ("title",), optional=("id", "category"), texts=("id", "title", "category"), rows=most
    ):
        y = part.full(["category"])["category"].to_numpy(str) if "category" in part.table else None
        yield Data(part.ids("id"), part.table["title"].fillna("").tolist(), y)


def load(public: Path) -> tuple[Data, Data]:
    """Titles as they are typed, memory-mapped, and the numbers of their categories in categories.txt, int16."""
    train, test = (cache.streamed(public / name, _parsed) for name in ("train.csv", "test.csv"))
    return (
        Data(train["ids"], packed.Texts(train["letters"], train["ends"]), train["y"]),
        Data(test["ids"], packed.Texts(test["letters"], test["ends"])),
    )


def _parsed(file: Path) -> Iterator[dict[str, np.ndarray]]:
    """The rows of a file in parts, as arrays of numbers."""
    names = (file.parent / "categories.txt").read_text(encoding="utf-8").splitlines()
    before = 0
    for part in rows(file, PART):
        letters, ends = packed.pack(part.x.take(), before)
        before = int(ends[-1])
        y = {} if part.y is None else {"y": outputs.index(part.y, names).astype(np.int16)}
        yield {"ids": part.ids, "letters": letters, "ends": ends, **y}


def keep(pred: np.ndarray) -> np.ndarray:
    """The five likeliest categories of each row: 20 bytes, where 1,588 probabilities take 6,352."""
    return outputs.top(5)(pred)


competition = Competition(
    source=Web(
        {
            "train.csv.gz": "https://meli-data-challenge.s3.amazonaws.com/train.csv.gz",
            "test.csv": "https://meli-data-challenge.s3.amazonaws.com/test.csv",
        },
        "https://ml-challenge.mercadolibre.com/2019",
    ),
    prepare=prepare,
    load=load,
    rows=rows,
    split=splits.Stratified(5),
    # The language-model study held out a twentieth, the network study a fifth.
    splits={"study": splits.Holdout(0.05), "fifth": splits.Holdout(0.2)},
    metric=metrics.balanced_accuracy,
    also=(metrics.accuracy,),
    submission=Submission("id", "category", decide=metrics.labels, listed="categories.txt"),
    default="linear",
    kind="text",
    keep=keep,
)
