"""A recording as a person sees it: its wave form over seconds and its spectrogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kit.drawing import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 2000
"""Columns of a wave form, each from the least to the greatest sample that falls into it."""

COLUMNS = 1500
"""Columns of a spectrogram: a picture has no more pixels across."""

RANGE = 60.0
"""Decibels below the loudest that a spectrogram shows; what is quieter is as dark."""


def wave(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the wave form: time in seconds, samples as they are."""
    columns = min(POINTS, max(1, len(samples)))
    edges = np.linspace(0, max(1, len(samples)), columns, endpoint=False).astype(int)
    shown = np.asarray(samples if len(samples) else np.zeros(1), float)
    seconds = edges / rate
    if len(shown) > 2 * POINTS:
        least, greatest = np.minimum.reduceat(shown, edges), np.maximum.reduceat(shown, edges)
        axes.fill_between(seconds, least, greatest, color=style.BLUE, linewidth=0.3)
    else:
        axes.plot(np.arange(len(shown)) / rate, shown, color=style.BLUE, linewidth=0.6)
    axes.set_xlim(0, max(len(shown), 1) / rate)


def spectrogram(axes: Axes, samples: np.ndarray, rate: int) -> None:
    """Draw the spectrogram: time in seconds, frequency in kilohertz, bright where it is loud."""
    image = decibels(samples, rate)
    extent = (0.0, max(len(samples), 1) / rate, 0.0, rate / 2000)
    axes.imshow(image.T, origin="lower", aspect="auto", cmap="magma", vmin=-RANGE, vmax=0, extent=extent)


def decibels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Loudness in decibels below the loudest, `(columns, frequencies)` of frames of 25 ms."""
    frame = max(16, int(0.025 * rate))
    padded = np.pad(np.asarray(samples, np.float32), (0, max(0, frame - len(samples))))
    hop = max(1, int(0.005 * rate), (len(padded) - frame) // COLUMNS)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(frame).astype(np.float32), axis=1)))
    loudest = power.max()
    return 10 * np.log10(np.maximum(power / (loudest if loudest > 0 else 1.0), 10 ** (-RANGE / 10)))
