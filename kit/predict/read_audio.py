"""Recordings of any kind as rows of a competition: read, brought to its rate, and cut into utterances."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.rows.clips import Clips

LONGEST = 3600
"""Seconds of a file that are read; an hour takes 120 MB of memory at 8,000 Hz."""

FRAME = 0.01
"""Seconds whose loudness is one figure."""

SILENCE = -80.0
"""Decibels below full scale: 16 bits hold 90, and the quietest clip of Audio MNIST 20 dB weaker reaches -67."""

STANDS_OUT = 9.0
"""Decibels by which the loudest frame of a recording with speech exceeds its quietest tenth. The loudness of steady
noise varies by less: of ten minutes of white noise at 8,000 Hz by 5."""

GAP, MARGIN, SHORTEST = 0.2, 0.1, 0.05
"""Seconds: pauses that are part of a word (before the burst of a t, as in eight; longer in 1 of 2,250 clips), what is
kept before and after an utterance, and what is too short to be one."""

WEAKER = 25.0
"""Decibels below the loudest utterance at which a sound is a breath or the room, not another one."""


class Sound(NamedTuple):
    """A recording: mono, float32 of (samples,) between -1 and 1, at `rate` samples a second."""

    wave: np.ndarray
    rate: int


class Part(NamedTuple):
    """One row that a file holds: its wave, and where it begins and ends in the file, in seconds."""

    row: np.ndarray
    start: float
    end: float


def read(file: Path, like: Any) -> tuple[Sound, list[Part]]:
    """The recording in a file, and its utterances as rows like those of `like`, Clips.

    Raises KitError when the file is no recording, is damaged or silent, or a package is missing.
    """
    if not isinstance(like, Clips):
        raise KitError(
            "This competition does not hold its recordings as Clips.",
            "Recordings can be compared with its rows where `load` returns Clips of kit.rows.clips.",
        )
    return parts(load(file, like.rate), str(file))


def parts(sound: Sound, name: str) -> tuple[Sound, list[Part]]:
    """The utterances of a sound. Raises KitError, with `name` in it, when nobody speaks."""
    wave, rate = sound
    spoken = utterances(wave, rate)
    if not spoken:
        raise KitError(
            f"There is no speech in {name}: {len(wave) / rate:.1f} seconds of silence or steady noise.",
            "A voice must stand out from what is around it.",
        )
    return sound, [Part(levelled(wave[start:end]), start / rate, end / rate) for start, end in spoken]


def rows(parts: list[Part], like: Any) -> Clips:
    """The parts as rows that a recipe of the competition predicts."""
    return Clips.of([part.row for part in parts], like.rate)


def load(file: Path, rate: int) -> Sound:
    """A sound file of any rate, channels and depth that libsndfile reads, as mono at `rate`.

    Raises KitError when it is no sound, cut off, too long, or holds samples that are no numbers.
    """
    soundfile, soxr = _packages()
    if not file.is_file():
        raise KitError(
            f"{file} does not exist." if not file.exists() else f"{file} is not a file.",
            "It must be a sound file, such as WAV, FLAC, Ogg or MP3.",
            f"ls {file.parent}",
        )
    if not file.stat().st_size:
        raise KitError(f"{file} is empty: it has 0 bytes.", "The recording or the download has probably failed.")
    _refuse_cut_off(file)
    try:
        with soundfile.SoundFile(file) as opened:
            own, frames = opened.samplerate, opened.frames
            if own <= 0:
                raise KitError(f"The header of {file} gives {own} samples a second.", "The rate must be above 0.")
            if frames > LONGEST * own:
                raise KitError(
                    f"{file} is {frames / own / 60:,.0f} minutes long.", f"At most {LONGEST // 60} minutes are read."
                )
            stream = soxr.ResampleStream(own, rate, 1, dtype="float32")
            pieces = []
            for block in opened.blocks(blocksize=10 * own, dtype="float32", always_2d=True):
                if not np.isfinite(block).all():
                    raise KitError(f"{file} holds samples that are NaN or infinite.", "Each must be a finite number.")
                pieces.append(stream.resample_chunk(block.mean(axis=1)))
            pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    except soundfile.LibsndfileError as error:
        raise KitError(
            f"{file} cannot be read as sound: {error.error_string}",
            "WAV, FLAC, Ogg and MP3 can be read. What counts is the content of the file, not its name.",
            f"ffmpeg -i {file} {file.with_suffix('.wav').name}",
        ) from error
    wave = np.concatenate(pieces)
    if not len(wave):
        raise KitError(f"{file} holds no samples.", "The recording has probably failed.")
    return Sound(wave, rate)


def record(seconds: float, rate: int) -> Sound:
    """What the microphone hears for so many seconds.

    Raises KitError when there is no microphone, it cannot be used, or a package is missing.
    """
    if not 0 < seconds <= LONGEST:
        raise KitError(f"{seconds:g} seconds cannot be recorded.", f"Give more than 0 and at most {LONGEST} seconds.")
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise _missing("sounddevice", "microphone") from error
    except OSError as error:  # the package is there, the system's PortAudio is not
        raise KitError(
            f"The microphone cannot be used: {error}", "It needs the library PortAudio.", "apt install libportaudio2"
        ) from error
    try:
        own = int(sounddevice.query_devices(kind="input")["default_samplerate"])
        tell(f"Speak now, for {seconds:g} seconds")
        heard = sounddevice.rec(math.ceil(seconds * own), samplerate=own, channels=1, dtype="float32")
        sounddevice.wait()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise KitError(
            f"There is no microphone that can be used: {error}",
            "Instead of --record SECONDS you can give a file that was recorded on another machine.",
        ) from error
    _, soxr = _packages()
    return Sound(soxr.resample(heard[:, 0], own, rate).astype(np.float32), rate)


def utterances(wave: np.ndarray, rate: int) -> list[tuple[int, int]]:
    """Where somebody speaks, first and last sample; empty in silence and steady noise.

    A frame is speech when it is louder than both 40 dB below the loudest and a third of the way from the quietest tenth
    of the frames to the loudest; from there an utterance goes on, both ways, while it is 4 dB above the quietest tenth.
    """
    from scipy import signal

    hop = max(1, round(FRAME * rate))
    # Hum and offsets are no speech: 6 dB an octave off below 60 Hz.
    heard = signal.lfilter([1, -1], [1, -math.exp(-2 * math.pi * 60 / rate)], wave)
    count = len(heard) // hop
    if not count:
        return []
    power = np.square(heard[: count * hop]).reshape(count, hop).mean(axis=1)
    power = np.convolve(power, np.full(3, 1 / 3), "same") if count > 2 else power
    level = 10 * np.log10(np.maximum(power, 1e-12))
    loudest, floor = level.max(), np.percentile(level, 10)
    if loudest < SILENCE:
        return []
    if loudest - floor < STANDS_OUT:
        # Without any pause a short recording is one utterance, and a long one no speech.
        return [(0, len(wave))] if len(wave) < 2 * rate else []
    speech = level > max(loudest - 40, floor + (loudest - floor) / 3)
    weak = level > max(loudest - 50, floor + 4)
    sounds: list[list[int]] = []
    for first, last in _runs(weak):
        if speech[first:last].any():
            if sounds and first - sounds[-1][1] < GAP / FRAME:
                sounds[-1][1] = last
            else:
                sounds.append([first, last])
    loud = [each for each in sounds if level[slice(*each)].max() > loudest - WEAKER]
    long = [each for each in loud if speech[slice(*each)].sum() * FRAME >= SHORTEST] or loud
    margin = round(MARGIN * rate)
    places = [(max(0, first * hop - margin), min(len(wave), last * hop + margin)) for first, last in long]
    # Margins of neighbours meet in the middle.
    for i in range(len(places) - 1):
        if places[i][1] > places[i + 1][0]:
            middle = (places[i][1] + places[i + 1][0]) // 2
            places[i], places[i + 1] = (places[i][0], middle), (middle, places[i + 1][1])
    # The last piece of a recording may be less than a frame.
    return [(int(first), len(wave) if last >= count * hop else int(last)) for first, last in places]


def _runs(on: np.ndarray) -> np.ndarray:
    """First and one past the last of each run of true, `(runs, 2)`."""
    return np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]))).reshape(-1, 2)


def levelled(wave: np.ndarray) -> np.ndarray:
    """The wave as int16 with its loudest sample at half of full scale."""
    loudest = float(np.abs(wave).max())
    return np.rint(wave * (16384 / loudest if loudest else 0.0)).astype(np.int16)


def _refuse_cut_off(file: Path) -> None:
    """A WAV file whose header promises more than there is, or is not whole, which libsndfile may read all the same."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        head = opened.read(12)
        if head[:4] not in (b"RIFF", b"RIFX") or (len(head) == 12 and head[8:] != b"WAVE"):
            return
        order: Any = "little" if head[:4] == b"RIFF" else "big"
        at = 12
        while at + 8 <= size:
            opened.seek(at)
            name, length = opened.read(4), int.from_bytes(opened.read(4), order)
            if at + 8 + length > size:
                raise KitError(
                    f"{file} is cut off: its header promises {length:,} bytes of {name.decode('latin-1').strip()!r}, "
                    f"and {size - at - 8:,} are there.",
                    "The recording or the download was interrupted.",
                )
            if name == b"data":
                return
            at += 8 + length + length % 2
    raise KitError(
        f"{file} is cut off: its header ends before any sample.", "The recording or the download has probably failed."
    )


def _packages() -> tuple[Any, Any]:
    try:
        import soundfile
        import soxr
    except ModuleNotFoundError as error:
        raise _missing(error.name or "soundfile", "audio") from error
    return soundfile, soxr


def _missing(package: str, extra: str) -> KitError:
    return KitError(
        f"Sound needs the package {package!r}, which is not installed.",
        f"It comes with the extra {extra!r}.",
        places.install(extra),
    )
