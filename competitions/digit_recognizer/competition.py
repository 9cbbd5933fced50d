"""Digit Recognizer: which of ten handwritten digits a 28x28 image shows (Kaggle, getting started)."""

from pathlib import Path

import numpy as np

from kit.rows import cache, tables
from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Csv, KaggleCompetition
from kit.task.targets import Labels

PIXELS = tuple(f"pixel{i}" for i in range(784))
DIGITS = Labels(range(10))

PART = 4096
"""Rows parsed at a time: 26 MB of int64, in which a value of 300 is seen before it becomes a byte."""


def read(path: Path) -> dict[str, np.ndarray]:
    """The images, uint8 of (n, 28, 28), and where the file has them the labels, int64 of (n,).

    Raises KitError for a pixel that is not a whole number from 0 to 255, and for a label that is no digit.
    """
    import pandas as pd

    images, labels = [], []
    for part in pd.read_csv(path, chunksize=PART):
        images.append(tables.integers(part, PIXELS, path, low=0, high=255).astype(np.uint8))
        if "label" in part:
            labels.append(tables.class_numbers(part, "label", DIGITS.options, path))
    arrays = {"image": np.concatenate(images).reshape(-1, 28, 28)}
    return arrays | ({"label": np.concatenate(labels)} if labels else {})


def load(public: Path) -> tuple[Data, Data]:
    """Train rows under the ids 0 to n-1, test rows under Kaggle's ImageId, 1 to n."""
    train, test = (cache.arrays(public / name, read) for name in ("train.csv", "test.csv"))
    return (
        Data(np.arange(len(train["image"])), train["image"], np.asarray(train["label"])),
        Data(np.arange(1, len(test["image"]) + 1), test["image"]),
    )


competition = Competition(
    source=KaggleCompetition(
        "digit-recognizer",
        {
            "train.csv": Csv(("label", *PIXELS), 42_000, 76_775_041, {"label": DIGITS}),
            "test.csv": Csv(PIXELS, 28_000, 51_118_296),
            "sample_submission.csv": Csv(("ImageId", "Label"), 28_000, 240_909),
        },
    ),
    load=load,
    split=splits.Stratified(5),
    metric=metrics.accuracy,
    submission=Submission("ImageId", "Label", decide=metrics.labels, holds=DIGITS),
    default="cnn",
    kind="image",
)
