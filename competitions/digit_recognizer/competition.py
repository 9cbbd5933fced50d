"""Digit Recognizer: which of ten handwritten digits a 28x28 image shows (Kaggle, getting started)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kit.rows import cache, files
from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Csv, KaggleCompetition
from kit.task.targets import Labels

PIXELS = tuple(f"pixel{i}" for i in range(784))
DIGITS = Labels(range(10))


def rows(file: Path, most: int | None) -> Iterator[Data]:
    """Images, uint8 of (n, 28, 28), of a file like train.csv or test.csv; their digits where it has a column `label`
    or `Label`, and ids 1, 2, 3, ... where it has no column `ImageId`."""
    for part in files.parts(file, PIXELS, optional=("ImageId", "label", "Label"), texts=("ImageId",), rows=most):
        digits = [part.labels(name, DIGITS.options) for name in ("label", "Label")]
        images = part.integers(PIXELS, 0, 255, np.uint8).reshape(-1, 28, 28)
        yield Data(part.ids("ImageId"), images, next((y for y in digits if y is not None), None))


def read(path: Path) -> dict[str, np.ndarray]:
    """The images of a file, and where it has them the labels."""
    return files.joined([{"image": data.x.store, "label": data.y} for data in rows(path, 4096)])


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
    rows=rows,
    split=splits.Stratified(5),
    metric=metrics.accuracy,
    submission=Submission("ImageId", "Label", decide=metrics.labels, holds=DIGITS),
    default="cnn",
    kind="image",
)
