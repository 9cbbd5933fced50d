"""The embedded sample: ten sounds of five synthetic voices, in the data set's own file format.

No digits but as easy to tell apart: two vowels or a hiss and a vowel each, by harmonics under three moving resonances.
Source of the vowels' resonances: Peterson and Barney, Control methods used in a study of the vowels, JASA 24(2), 1952.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

RATE, EACH = 8000, 10

VOWELS = {  # hertz of the first three resonances of men's voices
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
SOUNDS = ("sio", "ua", "tu", "ti", "fo", "ai", "sis", "seu", "ei", "ia")  # s, f, t are hisses; one sound a digit
VOICES = {  # pitch in hertz, and size of the resonances
    "ada": (210, 1.16),
    "ben": (95, 0.94),
    "cleo": (180, 1.10),
    "dan": (120, 1.0),
    "eve": (150, 1.05),
}


def write(raw: Path) -> None:
    """Write `recordings/DIGIT_VOICE_NUMBER.wav`, ten of each of ten sounds by five voices, a third of a second each."""
    random = np.random.default_rng(0)
    (raw / "recordings").mkdir()
    for digit, sound in enumerate(SOUNDS):
        for voice, (pitch, size) in VOICES.items():
            for number in range(EACH):
                samples = _said(sound, pitch * random.uniform(0.93, 1.07), size * random.uniform(0.97, 1.03), random)
                with wave.open(str(raw / "recordings" / f"{digit}_{voice}_{number}.wav"), "wb") as file:
                    file.setparams((1, 2, RATE, 0, "NONE", ""))
                    file.writeframes(samples.astype("<i2").tobytes())


def _said(sound: str, pitch: float, size: float, random: np.random.Generator) -> np.ndarray:
    """One sound in one voice, int16 of 0.25 to 0.45 seconds."""
    parts = [_hiss(letter, random) for letter in sound if letter not in VOWELS]
    voiced = _voiced([VOWELS[letter] for letter in sound if letter in VOWELS], pitch, size, random)
    after = sound[-1] not in VOWELS  # a hiss at the end as well as at the beginning
    made = np.concatenate([*parts[:1], voiced, *(parts[1:] if after else [])])
    made = made + 0.003 * random.standard_normal(len(made))
    return np.rint(made / np.abs(made).max() * random.uniform(6000, 20000)).astype(np.int16)


def _hiss(letter: str, random: np.random.Generator) -> np.ndarray:
    seconds, low, loud = {"s": (0.1, 2500, 0.12), "f": (0.08, 800, 0.05), "t": (0.025, 1500, 0.3)}[letter]
    count = int(RATE * seconds * random.uniform(0.85, 1.15))
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum[np.fft.rfftfreq(count, 1 / RATE) < low] *= 0.05
    return loud * np.fft.irfft(spectrum, count)


def _voiced(vowels: list[tuple], pitch: float, size: float, random: np.random.Generator) -> np.ndarray:
    """Harmonics of a falling pitch, each as loud as the resonances make it, which glide from vowel to vowel."""
    count = int(RATE * random.uniform(0.2, 0.3))
    place = np.linspace(0, 1, count)
    glide = np.clip((place - 0.3) / 0.4, 0, 1) if len(vowels) > 1 else np.zeros(count)
    resonances = [size * (first + glide * (last - first)) for first, last in zip(vowels[0], vowels[-1], strict=True)]
    frequency = pitch * (1.1 - 0.2 * place)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    made = np.zeros(count)
    for harmonic in range(1, int(0.95 * RATE / 2 / (1.1 * pitch))):
        loud = sum(
            weight / (1 + ((harmonic * frequency - at) / 90) ** 2)
            for at, weight in zip(resonances, (1.0, 0.6, 0.3), strict=True)
        )
        made += loud * np.sin(harmonic * phase)
    return made * np.sin(np.pi * place) ** 0.4
