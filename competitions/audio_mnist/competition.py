"""Audio MNIST: which of ten digits a person says, in recordings of 8,000 samples a second."""

from __future__ import annotations

import csv
import re
import wave
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.errors import KitError
from kit.rows import tables
from kit.rows.clips import Clips
from kit.task import ids, metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Web
from kit.task.targets import Labels

RATE = 8000
DIGITS = Labels(range(10))
NAME = re.compile(r"(\d)_([a-z]+)_(\d+)")

TESTED = 0.1
"""The data set's own cut: of each speaker's recordings of a digit the first tenth is the test, 0 to 4 of 50."""


class Recording(NamedTuple):
    """One file, told by its name: what is said, by whom, and which of the speaker's recordings of the digit it is."""

    digit: int
    speaker: str
    number: int
    path: Path


def prepare(raw: Path, public: Path, private: Path) -> None:
    """`train.wav`, `test.wav`, all clips of a set one after another, with a line a clip in `train.csv` and `test.csv`.

    Test clips are in random order under anonymous ids; their digits go to `solution.csv`. The same recordings give the
    same bytes. Raises KitError when there are none, or one is not mono, 16 bit and of RATE samples a second.
    """
    found = sorted(recordings(raw))
    if not found:
        raise KitError(
            f"There are no recordings in {raw}.",
            "They are called recordings/DIGIT_SPEAKER_NUMBER.wav, such as 7_jackson_32.wav.",
            "kit download audio-mnist --from free-spoken-digit-dataset.zip",
        )
    counts = Counter((each.digit, each.speaker) for each in found)
    tested = [each.number < TESTED * counts[each.digit, each.speaker] for each in found]
    train = [each for each, held in zip(found, tested, strict=True) if not held]
    test = [each for each, held in zip(found, tested, strict=True) if held]
    test = [test[i] for i in np.random.default_rng(0).permutation(len(test))]
    places = _join([each.path for each in train], public / "train.wav")
    _write(
        public / "train.csv",
        ("id", "digit", "speaker", "start", "samples"),
        [(each.path.stem, each.digit, each.speaker, *place) for each, place in zip(train, places, strict=True)],
    )
    places = _join([each.path for each in test], public / "test.wav")
    _write(public / "test.csv", ("id", "start", "samples"), [(i, *place) for i, place in enumerate(places, 1)])
    _write(public / "sample_submission.csv", ("id", "digit"), [(i, 0) for i in range(1, len(test) + 1)])
    _write(private / "solution.csv", ("id", "digit"), [(i, each.digit) for i, each in enumerate(test, 1)])


def recordings(raw: Path) -> list[Recording]:
    """All files below `raw` that are named as recordings are."""
    named = ((NAME.fullmatch(path.stem), path) for path in raw.rglob("*.wav"))
    return [Recording(int(name[1]), name[2], int(name[3]), path) for name, path in named if name]


def load(public: Path) -> tuple[Data, Data]:
    """Train clips under the names of their files, grouped by speaker, and test clips under 1, 2, 3, ..."""
    import pandas as pd
    from scipy.io import wavfile

    sets = []
    for name in ("train", "test"):
        file = public / f"{name}.csv"
        table = pd.read_csv(file)
        rate, samples = wavfile.read(public / f"{name}.wav", mmap=True)
        start = tables.integers(table, "start", file, low=0, high=len(samples))
        length = tables.integers(table, "samples", file, low=1)
        if (start + length).max(initial=0) > len(samples):
            raise KitError(f"{name}.wav ends before its last recording.", "It must be as `prepare` wrote it.")
        sets.append((table, Clips(samples, start, length, rate), file))
    (train, clips, file), (test, others, _) = sets
    return (
        Data(
            tables.texts(train, "id", file).astype(str),
            clips,
            tables.class_numbers(train, "digit", DIGITS.options, file),
            tables.texts(train, "speaker", file).astype(str),
        ),
        Data(ids.of(test["id"]), others),
    )


def _join(paths: list[Path], to: Path) -> list[tuple[int, int]]:
    """Write recordings one after another; where each starts and how many samples it has."""
    places, at = [], 0
    with wave.open(str(to), "wb") as joined:
        joined.setparams((1, 2, RATE, 0, "NONE", ""))
        for path in paths:
            try:
                with wave.open(str(path), "rb") as one:
                    form = (one.getnchannels(), one.getsampwidth(), one.getframerate())
                    samples = one.readframes(one.getnframes())
            except (wave.Error, EOFError) as error:
                raise KitError(f"{path.name} cannot be read: {error}", "It may be cut off.") from error
            if form != (1, 2, RATE) or not samples:
                raise KitError(
                    f"{path.name} has {form[0]} channels of {8 * form[1]} bits at {form[2]:,} Hz, "
                    f"{len(samples):,} bytes.",
                    f"Recordings of this data set are mono, 16 bits, {RATE:,} Hz.",
                )
            joined.writeframesraw(samples)
            places.append((at, len(samples) // 2))
            at += len(samples) // 2
    return places


def _write(path: Path, header: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(header)
        lines.writerows(rows)


competition = Competition(
    # No sha256: GitHub makes the archive of a tag anew, and its bytes have changed before.
    source=Web(
        {"fsdd.zip": "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"},
        "https://github.com/Jakobovski/free-spoken-digit-dataset",
    ),
    prepare=prepare,
    load=load,
    # Five folds are one speaker each where there are five.
    split=splits.Grouped(5),
    metric=metrics.accuracy,
    # The practical judged by a fifth of the clips drawn at random, whose speakers were all heard in training.
    splits={"random": splits.Holdout(0.2)},
    also=(metrics.macro_precision, metrics.macro_recall, metrics.macro_f1),
    submission=Submission("id", "digit", decide=metrics.labels, holds=DIGITS),
    default="resnet",
    kind="audio",
)
