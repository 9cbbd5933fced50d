"""Audio MNIST: which of ten digits a person says, in recordings of 8,000 samples a second."""

from __future__ import annotations

import wave
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.rows import files, preparing
from kit.rows.clips import Clips
from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Web
from kit.task.targets import Labels

from ._recordings import RATE, Recording, recordings

DIGITS = Labels(range(10))

TESTED = 0.1
"""The data set's own cut: of each speaker's recordings of a digit the first tenth is the test, 0 to 4 of 50."""


def prepare(raw: Path, public: Path, private: Path) -> None:
    """`train.wav`, `test.wav`, all clips of a set one after another, with a line a clip in `train.csv` and `test.csv`.

    Test clips are in random order under anonymous ids; their digits go to `solution.csv`. The same recordings give the
    same bytes. Raises KitError when there are none, or one is not mono, 16 bit and of RATE samples a second.
    """
    with recordings(raw) as (every, _):
        if not every:
            raise KitError(
                f"There are no recordings in {raw}.",
                "They are called recordings/DIGIT_SPEAKER_NUMBER.wav, such as 7_jackson_32.wav.",
                "kit download audio-mnist --from free-spoken-digit-dataset.zip",
            )
        _prepare(every, public, private)


def _prepare(every: list[Recording], public: Path, private: Path) -> None:
    counts = Counter((each.digit, each.speaker) for each in every)
    tested = [each.number < TESTED * counts[each.digit, each.speaker] for each in every]
    train = [each for each, held in zip(every, tested, strict=True) if not held]
    test = [each for each, held in zip(every, tested, strict=True) if held]
    test = [test[i] for i in np.random.default_rng(0).permutation(len(test))]
    places = _join(train, public / "train.wav")
    preparing.write(
        public / "train.csv",
        ("id", "digit", "speaker", "start", "samples"),
        [(each.id, each.digit, each.speaker, *place) for each, place in zip(train, places, strict=True)],
    )
    places = _join(test, public / "test.wav")
    preparing.write(public / "test.csv", ("id", "start", "samples"), [(i, *place) for i, place in enumerate(places, 1)])
    preparing.write(public / "sample_submission.csv", ("id", "digit"), [(i, 0) for i in range(1, len(test) + 1)])
    preparing.write(private / "solution.csv", ("id", "digit"), [(i, each.digit) for i, each in enumerate(test, 1)])


def load(public: Path) -> tuple[Data, Data]:
    """Train clips under the names of their files, grouped by speaker, and test clips under 1, 2, 3, ..."""
    train, test = (next(rows(public / name, None)) for name in ("train.csv", "test.csv"))
    return train, test


def rows(file: Path, most: int | None) -> Iterator[Data]:
    """Clips of a file like train.csv or test.csv, whose sounds lie in the WAV file of the same name beside it; or the
    recordings in a folder or a zip file, named DIGIT_SPEAKER_NUMBER.wav as those of the data set, with their digits."""
    if file.is_dir() or zipfile.is_zipfile(file):
        yield from _recorded(file, most)
        return
    columns = {"optional": ("id", "digit", "speaker"), "texts": ("id", "speaker")}
    for part in files.parts(file, ("start", "samples"), **columns, rows=most):
        samples = _sound(file)
        places = part.integers(("start", "samples"), 0, len(samples), np.int64)
        if (places.sum(axis=1) > len(samples)).any():
            raise KitError(f"{file} lists clips behind the end of its WAV file.", "The WAV file may be cut off.")
        speakers = part.table["speaker"].to_numpy(str) if "speaker" in part.table else None
        clips = Clips(samples, places[:, 0], places[:, 1], RATE)
        yield Data(part.ids("id"), clips, part.labels("digit", DIGITS.options), speakers)


def _recorded(source: Path, most: int | None) -> Iterator[Data]:
    with recordings(source) as (every, others):
        if others or not every:
            raise KitError(
                f"{source} holds {others[0]}." if others else f"{source} holds no recordings.",
                "Its files must be named DIGIT_SPEAKER_NUMBER.wav, such as 7_jackson_32.wav.",
                f"kit predict audio-mnist last {others[0] if others else 'me.wav'}  # one file of any name and format",
            )
        for start in range(0, len(every), most or len(every)):
            part = every[start : start + (most or len(every))]
            yield Data(
                np.array([each.id for each in part]),
                Clips.of([each.samples() for each in part], RATE),
                np.array([each.digit for each in part]),
                np.array([each.speaker for each in part]),
            )


def _sound(file: Path) -> np.ndarray:
    """The samples in the WAV file beside `file`, memory-mapped, int16 of (samples,)."""
    from scipy.io import wavfile

    sound = file.with_suffix("").with_suffix(".wav")  # test.csv.gz has test.wav beside it too
    if not sound.is_file():
        raise KitError(f"{sound} does not exist.", f"It must hold the sounds of the clips that {file.name} lists.")
    try:
        rate, samples = wavfile.read(sound, mmap=True)
    except (ValueError, OSError, EOFError) as error:
        raise KitError(f"{sound} cannot be read: {error}", "It may be cut off.") from error
    if rate != RATE or samples.ndim != 1 or samples.dtype != np.int16:
        raise KitError(f"{sound} is {samples.dtype} of {rate:,} Hz.", f"It must be mono, 16 bits, {RATE:,} Hz.")
    return samples


def _join(every: list[Recording], to: Path) -> list[tuple[int, int]]:
    """Write recordings one after another; where each starts and how many samples it has."""
    places, at = [], 0
    with wave.open(str(to), "wb") as joined:
        joined.setparams((1, 2, RATE, 0, "NONE", ""))
        for each in every:
            samples = each.samples()
            joined.writeframesraw(samples.tobytes())
            places.append((at, len(samples)))
            at += len(samples)
    return places


competition = Competition(
    # No sha256: GitHub makes the archive of a tag anew, and its bytes have changed before.
    source=Web(
        {"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip": ""},
        "https://github.com/Jakobovski/free-spoken-digit-dataset",
    ),
    prepare=prepare,
    load=load,
    rows=rows,
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
