"""Disaster Tweets: whether a tweet is about a real disaster (Kaggle nlp-getting-started)."""

from pathlib import Path

import numpy as np

from kit.rows import tables, texts
from kit.task import decisions, metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Csv, KaggleCompetition
from kit.task.targets import Labels

COLUMNS = ("keyword", "location", "text")
REAL = Labels((0, 1))


def load(public: Path) -> tuple[Data, Data]:
    """Tweets under Kaggle's ids: a DataFrame of keyword, location and text, NaN where one is missing.

    Tweets that repeat each other but for links, mentions, case and spaces are one group. Raises KitError for a tweet
    without text and for a target that is not 0 or 1.
    """
    import pandas as pd

    train, test = (pd.read_csv(public / name, encoding="utf-8") for name in ("train.csv", "test.csv"))
    return (
        Data(
            tables.integers(train, "id", public / "train.csv"),
            train[[*COLUMNS]],
            tables.class_numbers(train, "target", REAL.options, public / "train.csv"),
            np.array([texts.normalised(tweet) for tweet in tables.texts(train, "text", public / "train.csv")]),
        ),
        Data(tables.integers(test, "id", public / "test.csv"), test[[*COLUMNS]]),
    )


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
    split=splits.StratifiedGrouped(5),
    splits={"ungrouped": splits.Stratified(5), "practical": practical},
    metric=metrics.f1,
    also=(metrics.accuracy,),
    submission=Submission("id", "target", decide=decisions.Threshold(), holds=REAL),
    default="linear",
    kind="text",
)
