"""The recordings as their owner publishes them: a folder or a zip file that holds DIGIT_SPEAKER_NUMBER.wav."""

from __future__ import annotations

import re
import wave
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

import numpy as np

from kit.errors import KitError

RATE = 8000
NAME = re.compile(r"(\d)_([a-z]+)_(\d+)")


class Recording(NamedTuple):
    """One file, told by its name: what is said, by whom, and which of the speaker's recordings of the digit it is."""

    digit: int
    speaker: str
    number: int
    file: str
    open: Callable[[], IO[bytes]]

    @property
    def id(self) -> str:
        """The name of the file without its ending."""
        return PurePosixPath(self.file).stem

    def samples(self) -> np.ndarray:
        """The sound, int16 of (samples,).

        Raises KitError when it cannot be read, is empty, or is not mono, 16 bit and of RATE samples a second.
        """
        try:
            with self.open() as file, wave.open(file, "rb") as sound:
                form = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
                data = sound.readframes(sound.getnframes())
        except (wave.Error, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise KitError(f"{self.id}.wav cannot be read: {error}", "It may be cut off.") from error
        if form != (1, 2, RATE) or not data:
            raise KitError(
                f"{self.id}.wav has {form[0]} channels of {8 * form[1]} bits at {form[2]:,} Hz, {len(data):,} bytes.",
                f"Recordings of this data set are mono, 16 bits, {RATE:,} Hz.",
            )
        return np.frombuffer(data, "<i2")


@contextmanager
def recordings(source: Path) -> Iterator[tuple[list[Recording], list[str]]]:
    """All recordings in a folder or a zip file, in the order of digit, speaker and number; and the WAV files that are
    named otherwise. They can be read within the block. Raises KitError for a damaged zip file."""
    if source.is_dir():
        yield _sorted({str(path.relative_to(source)): partial(path.open, "rb") for path in source.rglob("*.wav")})
        return
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile as error:
        raise KitError(f"{source} is damaged: {error}", "It may be cut off.") from error
    with archive:
        yield _sorted({name: partial(archive.open, name) for name in archive.namelist() if name.endswith(".wav")})


def _sorted(files: dict[str, Callable[[], IO[bytes]]]) -> tuple[list[Recording], list[str]]:
    # macOS puts a file ._NAME beside each that it packs, which holds no sound.
    names = {file: NAME.fullmatch(PurePosixPath(file).stem) for file in files if "/._" not in f"/{file}"}
    named = [Recording(int(m[1]), m[2], int(m[3]), file, files[file]) for file, m in names.items() if m]
    return sorted(named, key=lambda each: each[:4]), sorted(file for file, match in names.items() if not match)
