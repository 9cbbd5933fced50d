"""Audio augmentation: waves are changed one by one in NumPy, spectrograms in a Keras layer.

Keras has no layers for waves; one at a time they need no padding and no resampling of a whole batch. Waves are float32
of (samples,) in any scale.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Views:
    """Random views of a wave of `rate` samples a second: `views(wave, random)`, an object for `clips.batches`.

    Each setting is the most that is drawn; 0 leaves that change out. `tempo` and `pitch` are fractions: 0.2 is from
    1/1.2 to 1.2 times as fast, or as high, with the resonances of the vocal tract, which stand for another speaker.
    `shift` is seconds of silence added before and after, `cut` seconds taken off at either end, `trim` the decibels
    below the loudest at which the least is taken off, as by one who cuts recordings where it gets quiet: a third of
    them the most; `equalise` and `gain` are decibels; `snr` is the lowest ratio of signal to noise in decibels, the
    highest being 30 above; `reverb` is the seconds in which an echo falls by 60 dB, `band` the octaves taken off at
    either end of the spectrum. `share` is the probability of each of tempo, noise, reverberation and band limits, and
    half of it that of trimming.
    """

    rate: int
    tempo: float = 0.0
    pitch: float = 0.0
    shift: float = 0.0
    cut: float = 0.0
    trim: float = 0.0
    equalise: float = 0.0
    band: float = 0.0
    reverb: float = 0.0
    snr: float | None = None
    gain: float = 0.0
    share: float = 0.5

    def __call__(self, wave: np.ndarray, random: np.random.Generator) -> np.ndarray:
        def factor(most: float) -> float:
            return float(np.exp(random.uniform(-1, 1) * np.log1p(most)))

        if self.trim and random.random() < self.share / 2:
            wave = trim(wave, self.rate, random.uniform(1 / 3, 1) * self.trim)
        if self.cut:
            before, after = random.integers(0, 1 + min(int(self.cut * self.rate), len(wave) // 10), 2)
            wave = wave[before : len(wave) - after]
        if self.pitch:
            wave = speed(wave, factor(self.pitch))
        if self.tempo and random.random() < self.share:
            wave = tempo(wave, self.rate, factor(self.tempo))
        if self.shift:
            before, after = (random.uniform(0, 1, 2) ** 2 * self.shift * self.rate).astype(int)
            wave = np.pad(wave, (before, after))
        if self.reverb and random.random() < self.share:
            wave = reverb(wave, self.rate, random.uniform(0.1, 1) * self.reverb, random)
        if self.equalise or self.band:
            low, high = random.uniform(0, self.band, 2) * (random.random(2) < self.share)
            wave = equalise(wave, self.rate, self.equalise, random, low=low, high=high)
        if self.snr is not None and random.random() < self.share:
            wave = noise(wave, self.snr + random.uniform(0, 30), random.uniform(-1, 2), random)
        return gain(wave, random.uniform(-self.gain, self.gain)).astype(np.float32) if self.gain else wave


def trim(wave: np.ndarray, rate: int, decibels: float) -> np.ndarray:
    """The wave without what comes before and after the frames of 10 ms that are at most so far below the loudest."""
    hop = max(1, rate // 100)
    count = len(wave) // hop
    if count < 3:
        return wave
    power = np.square(wave[: count * hop], dtype=np.float64).reshape(count, hop).mean(axis=1)
    kept = np.flatnonzero(power >= power.max() / 10 ** (decibels / 10))
    return wave[kept[0] * hop : (kept[-1] + 1) * hop]


def speed(wave: np.ndarray, factor: float) -> np.ndarray:
    """The wave `factor` times as fast, and as much higher, by linear interpolation."""
    count = max(1, round(len(wave) / factor))
    return np.interp(np.arange(count) * factor, np.arange(len(wave)), wave).astype(np.float32)


def tempo(wave: np.ndarray, rate: int, factor: float) -> np.ndarray:
    """The wave `factor` times as fast at the same pitch.

    Source: Verhelst and Roelands, An overlap-add technique based on waveform similarity (WSOLA), ICASSP 1993, with
    frames of 30 ms that may move by a quarter of one.
    """
    frame = max(8, round(0.03 * rate) // 4 * 4)
    hop, reach = frame // 2, frame // 4
    window = np.hanning(frame + 1)[:-1].astype(np.float32)
    count = max(1, int(len(wave) / factor / hop) + 1)
    padded = np.pad(wave, (hop + reach, int(2 * frame + hop * factor) + 2 * reach))
    made = np.zeros((count + 2) * hop, np.float32)
    best = reach
    for number in range(count + 1):
        at = int(number * hop * factor)
        near = padded[at : at + frame + 2 * reach]
        if number and len(near) == frame + 2 * reach:
            wanted = padded[best + hop : best + hop + frame]
            best = at + int(np.correlate(near, wanted, "valid").argmax())
        elif number:
            break
        made[number * hop : number * hop + frame] += window * padded[best : best + frame]
    return made[hop : hop + max(1, round(len(wave) / factor))]


def gain(wave: np.ndarray, decibels: float) -> np.ndarray:
    """The wave louder by `decibels`."""
    return wave * np.float32(10 ** (decibels / 20))


def noise(wave: np.ndarray, snr: float, slope: float, random: np.random.Generator) -> np.ndarray:
    """The wave with noise `snr` decibels below its power; `slope` -1 is blue, 0 white, 1 pink, 2 brown."""
    count = len(wave)
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** (slope / 2)
    hiss = np.fft.irfft(spectrum, count)
    power, own = np.mean(np.square(wave, dtype=np.float64)), np.mean(np.square(hiss))
    return (wave + hiss * np.sqrt(power / max(own, 1e-30) / 10 ** (snr / 10))).astype(np.float32)


def reverb(wave: np.ndarray, rate: int, seconds: float, random: np.random.Generator) -> np.ndarray:
    """The wave in a simple room: itself, and noise that falls by 60 dB in `seconds` as its echo.

    The echo holds a tenth to a half of the energy. The wave keeps its length. Source: Moorer, About this reverberation
    business, Computer Music Journal 3(2), 1979, which models a room's late echo as decaying noise.
    """
    count = max(2, int(seconds * rate))
    echo = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    echo[0] = 0
    share = random.uniform(0.1, 0.5)
    response = echo * np.sqrt(share / (1 - share) / max(np.square(echo).sum(), 1e-30))
    response[0] = 1
    return _filtered(wave, np.fft.rfft(response, _fast(len(wave) + count)), _fast(len(wave) + count))


def equalise(
    wave: np.ndarray, rate: int, decibels: float, random: np.random.Generator, *, low: float = 0.0, high: float = 0.0
) -> np.ndarray:
    """The wave through another microphone: a smooth random curve of up to `decibels` up or down over the octaves.

    Of the spectrum from 60 Hz to half the rate, `low` octaves at the lower and `high` octaves at the upper end are
    weakened by 24 dB an octave.
    """
    size = _fast(len(wave))
    octave = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / rate), 30.0) / 60)
    top = np.log2(rate / 2 / 60)
    knots = np.linspace(0, top, 6)
    curve = np.interp(octave, knots, random.uniform(-decibels, decibels, len(knots)))
    if low:
        curve -= 24 * np.maximum(low - octave, 0)
    if high:
        curve -= 24 * np.maximum(octave - (top - high), 0)
    return _filtered(wave, 10 ** (curve / 20), size)


def spec_augment(*, bands: int, frames: float, seed: int | None = None) -> Any:
    """A Keras layer that blanks one random range of bands and one of frames of each spectrogram, twice.

    `bands` is the most bands blanked at once, `frames` the greatest share of the frames. Takes `(n, frames, bands)`
    normalised to mean 0, which is what blanked parts become; acts in training only. Source: Park et al., SpecAugment,
    Interspeech 2019.
    """
    return _spec_augment_layer()(bands=bands, frames=frames, seed=seed)


def spec_warp(*, bands: float, frames: float, seed: int | None = None) -> Any:
    """A Keras layer that bends both axes of each spectrogram by a smooth random curve, as other voices and accents do.

    A band is read from up to `bands` bands higher or lower, differently at the lower and the upper end, so that the
    resonances of a vowel move by themselves; a frame from up to the share `frames` of all earlier or later. Takes `(n,
    frames, bands)`; what comes into view is 0. Acts in training only. Source: the time warp of Park et al.,
    SpecAugment, Interspeech 2019, and the vocal tract length perturbation of Jaitly and Hinton, ICML workshop 2013.
    """
    return _spec_warp_layer()(bands=bands, frames=frames, seed=seed)


def _filtered(wave: np.ndarray, response: np.ndarray, size: int) -> np.ndarray:
    """The wave, at its length, times `response` in a Fourier transform of `size`."""
    return np.fft.irfft(np.fft.rfft(wave, size) * response, size)[: len(wave)].astype(np.float32)


def _fast(count: int) -> int:
    """The next power of two, at which Fourier transforms are quick."""
    return 1 << (count - 1).bit_length()


@functools.cache
def _spec_augment_layer() -> Callable[..., Any]:
    """The layer class, made on first use because Keras must not be imported before."""
    import keras

    class SpecAugment(keras.layers.Layer):
        """See `spec_augment`."""

        def __init__(self, *, bands: int, frames: float, seed: int | None, **rest: Any) -> None:
            super().__init__(**rest)
            self.bands, self.frames = bands, frames
            self.generator = keras.random.SeedGenerator(seed)

        def kept(self, count: Any, length: Any, most: Any) -> Any:
            """Ones `(count, length)`, and 0 in one range of up to `most` in each row."""
            ops = keras.ops
            width = keras.random.uniform((count, 1), seed=self.generator) * most
            begin = keras.random.uniform((count, 1), seed=self.generator) * (ops.cast(length, "float32") - width)
            place = ops.cast(ops.arange(length), "float32")[None]
            return 1.0 - ops.cast((place >= begin) & (place < begin + width), "float32")

        def call(self, spectrograms: Any, training: bool = False) -> Any:
            if not training:
                return spectrograms
            ops = keras.ops
            count, length = ops.shape(spectrograms)[0], ops.shape(spectrograms)[1]
            for _ in range(2):
                share = ops.cast(length, "float32") * self.frames
                spectrograms = spectrograms * self.kept(count, length, share)[:, :, None]
                spectrograms = spectrograms * self.kept(count, spectrograms.shape[2], self.bands + 1.0)[:, None, :]
            return spectrograms

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return SpecAugment


@functools.cache
def _spec_warp_layer() -> Callable[..., Any]:
    """The layer class, made on first use because Keras must not be imported before."""
    import keras

    class SpecWarp(keras.layers.Layer):
        """See `spec_warp`."""

        def __init__(self, *, bands: float, frames: float, seed: int | None, **rest: Any) -> None:
            super().__init__(**rest)
            self.bands, self.frames = bands, frames
            self.generator = keras.random.SeedGenerator(seed)

        def bent(self, count: Any, length: Any, most: Any) -> Any:
            """Matrices `(count, length, length)` that read each place from one near it, by linear interpolation."""
            ops = keras.ops
            place = ops.cast(ops.arange(length), "float32")
            along = place / ops.maximum(ops.cast(length, "float32") - 1.0, 1.0)
            # Three waves of heights that add up to `most` at the most.
            height = keras.random.uniform((count, 3), -1.0, 1.0, seed=self.generator) / 3.0
            waves = ops.cos(np.pi * along[None] * ops.cast(ops.arange(3), "float32")[:, None])
            source = place[None] + most * ops.matmul(height, waves)
            return ops.relu(1.0 - ops.abs(source[:, :, None] - place[None, None]))

        def call(self, spectrograms: Any, training: bool = False) -> Any:
            if not training:
                return spectrograms
            ops = keras.ops
            count, length = ops.shape(spectrograms)[0], ops.shape(spectrograms)[1]
            if self.bands:
                matrix = self.bent(count, spectrograms.shape[2], self.bands)
                spectrograms = ops.matmul(spectrograms, ops.transpose(matrix, (0, 2, 1)))
            if self.frames:
                most = self.frames * ops.cast(length, "float32")
                spectrograms = ops.matmul(self.bent(count, length, most), spectrograms)
            return spectrograms

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return SpecWarp
