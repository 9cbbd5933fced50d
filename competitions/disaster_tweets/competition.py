"""Disaster Tweets: whether a tweet is about a real disaster (Kaggle nlp-getting-started)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kit.rows import files, texts
from kit.task import decisions, metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Csv, KaggleCompetition
from kit.task.targets import Labels

COLUMNS = ("keyword", "location", "text")
REAL = Labels((0, 1))


def rows(file: Path, most: int | None) -> Iterator[Data]:
    """Tweets of a file like train.csv or test.csv: a DataFrame of keyword, location and text, NaN where a keyword or
    location is missing; under the numbers of the rows where there is no column `id`.

    Tweets that repeat each other but for links, mentions, case and spaces are one group. Raises KitError for a tweet
    without text and for a target that is not 0 or 1.
    """
    for part in files.parts(file, COLUMNS, optional=("id", "target"), texts=("id", *COLUMNS), rows=most):
        groups = [texts.normalised(tweet) for tweet in part.full(["text"])["text"]]
        yield Data(part.ids("id"), part.table[[*COLUMNS]], part.labels("target", REAL.options), np.array(groups))


def load(public: Path) -> tuple[Data, Data]:
    """Tweets under Kaggle's ids."""
    train, test = (next(rows(public / name, None)) for name in ("train.csv", "test.csv"))
    return train, test


def practical(data: Data) -> np.ndarray:
    """The split of the practical: a third of the rows, drawn by scikit-learn's train_test_split with seed 42."""
    from sklearn.model_selection import train_test_split

    held = train_test_split(np.arange(len(data.ids)), test_size=0.33, random_state=42)[1]
    column = np.full(len(data.ids), -1)
    column[held] = 0
    return column


competition = Competition(
    source=KaggleCompetition(
        "nlp-getting-started",
        {
            "train.csv": Csv(("id", *COLUMNS, "target"), 7_613, 987_712, {"target": REAL}),
            "test.csv": Csv(("id", *COLUMNS), 3_263, 420_783),
            "sample_submission.csv": Csv(("id", "target"), 3_263, 22_746),
        },
    ),
    load=load,
    rows=rows,
    split=splits.StratifiedGrouped(5),
    splits={"ungrouped": splits.Stratified(5), "practical": practical},
    metric=metrics.f1,
    also=(metrics.accuracy,),
    submission=Submission("id", "target", decide=decisions.Threshold(), holds=REAL),
    default="linear",
    kind="text",
    acknowledged={
        "near-duplicates": "Tweets about one event share most of their words. A sixth of the test tweets is nearly "
        "equal to a training tweet too, so that folds without any would be harder than the test."
    },
)
