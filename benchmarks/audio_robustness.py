"""What other formats, silence, noise and synthetic voices do to a speech run, and how long one clip takes.

    python -m benchmarks.audio_robustness [RUN]

Each fold's model judges the clips of the fold that it has not seen, every fifth of them, as files that are written,
read, cut and levelled as `kit predict` does. Voices are those of espeak-ng, judged by all folds together.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from kit.errors import KitError
from kit.predict import models, read_audio
from kit.rows.clips import Clips
from kit.task import catalog
from kit.train import fold, runs
from kit.words import table

NAME = "audio-mnist"
EVERY = 5

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
OTHERS = ("hello", "banana", "window", "computer", "yes", "Monday", "yellow", "mother", "table", "music")
VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us+m3", "en-us+m7", "en-us+f2", "en-us+f5", "en-gb+f3")
SPEEDS = (130, 160, 190)  # words a minute

Way = Callable[[np.ndarray, int, np.random.Generator], tuple[np.ndarray, int, dict[str, str]]]
"""A wave between -1 and 1 and its rate to samples, their rate, and how they are written."""


def at(rate: int, **form: str) -> Way:
    """Resampled, and written in some form."""
    return lambda wave, own, random: (soxr.resample(wave, own, rate), rate, form)


def louder(decibels: float) -> Way:
    return lambda wave, own, random: (wave * 10 ** (decibels / 20), own, {})


def surrounded(silence: float, snr: float | None = None) -> Way:
    """With so many seconds before and after, and white noise over all."""

    def way(wave: np.ndarray, own: int, random: np.random.Generator) -> tuple[np.ndarray, int, dict[str, str]]:
        made = np.pad(wave, int(silence * own))
        if snr is not None:
            made = made + random.standard_normal(len(made)) * np.sqrt(np.mean(wave**2) / 10 ** (snr / 10))
        return made / max(1.0, np.abs(made).max()), own, {"subtype": "FLOAT"}

    return way


WAYS: dict[str, tuple[str, Way]] = {
    "as it is, 8 kHz, 16 bits": ("wav", at(8000)),
    "16 kHz": ("wav", at(16000)),
    "22.05 kHz": ("wav", at(22050)),
    "44.1 kHz": ("wav", at(44100)),
    "48 kHz": ("wav", at(48000)),
    "stereo": ("wav", lambda wave, own, random: (np.stack([wave, wave], axis=1), own, {})),
    "24 bits": ("wav", at(8000, subtype="PCM_24")),
    "FLAC": ("flac", at(8000)),
    "Ogg Vorbis at 44.1 kHz": ("ogg", at(44100)),
    "MP3 at 44.1 kHz": ("mp3", at(44100)),
    "-20 dB": ("wav", louder(-20)),
    "a second of silence around": ("wav", surrounded(1.0)),
    "noise at 20 dB": ("wav", surrounded(0.0, 20)),
    "noise at 20 dB, a second around": ("wav", surrounded(1.0, 20)),
    "noise at 10 dB": ("wav", surrounded(0.0, 10)),
    "16 kHz, stereo, 24 bits, -20 dB, a second around": (
        "wav",
        lambda wave, own, random: (
            np.stack([soxr.resample(np.pad(wave, own) / 10, own, 16000)] * 2, axis=1),
            16000,
            {"subtype": "PCM_24"},
        ),
    ),
}


def heard(wave: np.ndarray, rate: int, way: Way, kind: str, random: np.random.Generator, like: Clips) -> list:
    """The utterances that `kit predict` finds in a wave written that way; none where it refuses the file."""
    samples, own, form = way(wave, rate, random)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"clip.{kind}"
        soundfile.write(file, samples, own, **form)
        try:
            return read_audio.read(file, like)[1]
        except KitError:
            return []


def robustness(entry: catalog.Entry, run: runs.Run) -> list[tuple]:
    """A line for each way: accuracy, change against the first, clips not heard as one utterance, called unlike."""
    rows = fold.load(entry, run.plan)
    train = rows.train
    module = entry.recipe(run.plan.label)[0].module()
    lines: list[tuple] = []
    folds = [number for number in sorted(set(rows.column.tolist())) if number >= 0]
    members = {number: module.load(run.fold(number)) for number in folds}
    for name, (kind, way) in WAYS.items():
        random = np.random.default_rng(0)
        right = several = unlike = count = 0
        for number, member in members.items():
            chosen = np.flatnonzero(rows.column == number)[::EVERY]
            parts, y = [], []
            for row in chosen:
                found = heard(train.x[row] / 32768, train.x.rate, way, kind, random, train.x)
                several += len(found) != 1
                if found:  # what is longest stands for the clip
                    parts.append(max(found, key=lambda part: part.end - part.start))
                    y.append(train.y[row])
            x = read_audio.rows(parts, train.x)
            right += int((member(x).argmax(axis=1) == np.array(y)).sum())
            unlike += int((member.unlike(x) > 1).sum())
            count += len(chosen)
        accuracy = right / count
        first = float(lines[0][1]) if lines else accuracy
        lines.append(
            (name, f"{accuracy:.4f}", f"{100 * (accuracy - first):+.1f}", several, f"{100 * unlike / count:.1f} %")
        )
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def spoken(word: str, voice: str, speed: int, folder: Path) -> Path:
    """A word as espeak-ng says it, 22.05 kHz."""
    file = folder / "word.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(file), word], check=True, capture_output=True)
    return file


def voices(model: models.Model, like: Clips) -> list[tuple]:
    """A line for each voice of espeak-ng: digits right of those said, digits and other words called unlike."""
    lines = []
    sums = np.zeros(5, int)
    with tempfile.TemporaryDirectory() as folder:
        for voice in VOICES:
            counts = np.zeros(5, int)
            for words, at_ in ((WORDS, 0), (OTHERS, 3)):
                parts = []
                for word in words:
                    for speed in SPEEDS:
                        found = read_audio.read(spoken(word, voice, speed, Path(folder)), like)[1]
                        parts.append(max(found, key=lambda part: part.end - part.start))
                x = read_audio.rows(parts, like)
                far = unlike(model, x)
                if not at_:
                    said = np.repeat(np.arange(10), len(SPEEDS))
                    counts[:3] = (model.predict(x).argmax(axis=1) == said).sum(), len(x), far.sum()
                else:
                    counts[3:] = far.sum(), len(x)
            sums += counts
            lines.append((voice, *_shares(counts)))
    return [*lines, ("all", *_shares(sums))]


def _shares(counts: np.ndarray) -> tuple[str, str, str]:
    right, digits, strange, found, others = counts
    return f"{right / digits:.3f}", f"{strange / digits:.3f}", f"{found / others:.3f}"


def unlike(model: models.Model, x: Clips) -> np.ndarray:
    """Which rows the model calls unlike its training data."""
    assert model.unlike is not None
    return model.unlike(x) > 1


def strangers(model: models.Model, rate: int) -> list[tuple]:
    """The share of sounds that are no speech at all which is called unlike."""
    random = np.random.default_rng(0)
    place = np.arange(rate // 2) / rate
    shape = np.sin(np.pi * place / 0.5) ** 0.5
    sounds: dict[str, list[np.ndarray]] = {
        "white noise": [random.standard_normal(len(place)) for _ in range(50)],
        "tones of 200 to 2,000 Hz": [np.sin(2 * np.pi * random.uniform(200, 2000) * place) * shape for _ in range(50)],
        "chords": [sum(np.sin(2 * np.pi * f * place) for f in random.uniform(150, 1500, 3)) * shape for _ in range(50)],
        "clicks": [np.eye(1, len(place), int(random.integers(500, 3500)))[0] for _ in range(50)],
    }
    return [
        (name, f"{unlike(model, Clips.of([read_audio.levelled(wave) for wave in waves], rate)).mean():.2f}")
        for name, waves in sounds.items()
    ]


def latency(predict: Callable[[Any], np.ndarray], x: Clips) -> str:
    """Milliseconds of one clip, median and longest of 50 after ten to start with."""
    taken = []
    for number in range(60):
        started = time.perf_counter()
        predict(x[number : number + 1])
        taken.append(1000 * (time.perf_counter() - started))
    return f"{np.median(taken[10:]):.1f} ms, longest {max(taken[10:]):.1f} ms"


def main() -> None:
    """Print the tables."""
    entry = catalog.find(NAME)
    run = runs.find(NAME, sys.argv[1] if len(sys.argv) > 1 else "last")
    print(f"Run {run.name}, out-of-fold accuracy {run.score:.4f}\n")
    model = models.load(entry, run)
    train, _ = entry.competition.load(entry.public())
    first = entry.recipe(run.plan.label)[0].module().load(run.fold(0))
    print(f"One clip, all folds: {latency(model.predict, train.x)}; one fold: {latency(first, train.x)}\n")
    head = ("the clip", "accuracy", "points", "not one utterance", "called unlike")
    print(table(head, robustness(entry, run)), "\n")
    print(table(("no speech", "called unlike"), strangers(model, train.x.rate)), "\n")
    if shutil.which("espeak-ng"):
        head = ("espeak-ng voice", "digits right", "digits called unlike", "other words called unlike")
        print(table(head, voices(model, train.x)))
    else:
        print("espeak-ng is not installed: apt install espeak-ng")


if __name__ == "__main__":
    main()
