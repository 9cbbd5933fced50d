"""Rows that are nearly the same: texts by shared pieces, images by a thumbnail, recordings by their spectrum, rows of
tables by rounded values.

None of these knows what a row means: two tweets in other words about one fire are not alike here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kit.audit import pairs
from kit.explore import text as texts_of
from kit.rows import texts as reading
from kit.task.contract import Data, Kind

SHARED = 0.8
"""Jaccard similarity of two texts' pieces from which they count as near. Source: Lee et al., Deduplicating Training
Data Makes Language Models Better, ACL 2022, who take 0.8 too."""

PIECE = 5
"""Letters of a piece of a text."""

SHORTEST = 20
"""Letters below which two texts are compared only for being equal: of short ones a word makes the difference."""

HASHES, BANDS = 64, 16
"""Minima of a MinHash, and bands of 4 that two texts must share one of: of two texts with a similarity of 0.8 all but
one in 5,000 do. Source: Broder, On the Resemblance and Containment of Documents, 1997; Leskovec, Rajaraman, Ullman,
Mining of Massive Datasets, 2014, section 3.4."""

COARSE, FINE = 0.985, 0.993
"""Correlation of two thumbnails of 8 x 8, and of 24 x 24, from which images count as near. Of the 42,000 digits of
digit-recognizer, which hold no copies, one pair comes to 0.992 and none to 0.995, all of the digit 1; at 0.985 it was
153 pairs. A copy as JPEG of quality 60, or with noise of 10 of 255, keeps 0.993 or more in 95 of 100 of them."""

SOUND = 0.985
"""Correlation of two recordings' log-mel spectra from which they count as near. Of the 2,500 recordings of audio-mnist
the most alike have 0.979, one speaker's of one digit. A copy at half the loudness keeps 0.9997, one with noise 30 dB
below it half of the time enough."""

MELS, FRAMES = 24, 24
"""Bands and frames of a recording's fingerprint."""

DIGITS = 6
"""Digits to which numbers of a table are rounded."""


def near(kind: Kind, train: Data, test: Data) -> np.ndarray:
    """Pairs of rows that are nearly the same, (pairs, 2); rows of test are numbered after those of train.

    Exactly equal rows are among them or not; `pairs.exact` has them all.
    """
    if kind == "text":
        table = train.x.take()
        column = texts_of.text_column(table)
        return of_texts([*texts_of.of_rows(table, column), *texts_of.of_rows(test.x.take(), column)])
    if kind == "image":
        return of_images(_rows(train) + _rows(test))
    if kind == "audio":
        rate = getattr(train.x.store, "rate", None) or 16_000
        return of_recordings(_rows(train) + _rows(test), rate)
    return of_tables(train.x.take(), test.x.take())


def of_texts(texts: Sequence[str]) -> np.ndarray:
    """Pairs of texts that share SHARED of their pieces, by MinHash and then by count; texts that are the same but for
    links, mentions, case and spaces, however short, too."""
    said = [reading.normalised(str(text)) for text in texts]
    same = pairs.chained(np.array([hash(text) if text else -1 - at for at, text in enumerate(said)]))
    long = [at for at, text in enumerate(said) if len(text) >= SHORTEST]
    if len(long) < 2:
        return same
    pieces = [_pieces(said[at]) for at in long]
    ends = np.cumsum([len(one) for one in pieces])
    flat = np.concatenate(pieces)
    random = np.random.default_rng(0)
    factors = random.integers(1, 2**63, HASHES, np.uint64) | np.uint64(1)
    starts = np.concatenate([[0], ends[:-1]])
    signs = np.empty((len(long), HASHES), np.uint64)
    for at, factor in enumerate(factors):
        mixed = flat * factor  # modulo 2**64; the high bits depend on all of a piece
        signs[:, at] = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(29)), starts)
    width = HASHES // BANDS
    candidates = [np.zeros((0, 2), np.int64)]
    for band in range(BANDS):
        part = signs[:, band * width : (band + 1) * width]
        key = np.bitwise_xor.reduce(part * factors[:width], axis=1)
        candidates.extend(pairs.bucketed(key))
    once = np.unique(np.sort(np.concatenate(candidates), axis=1), axis=0)
    kept = [_jaccard(pieces[one], pieces[other]) >= SHARED for one, other in once.tolist()]
    return np.concatenate([same, np.asarray(long)[once[np.asarray(kept, bool)]].reshape(-1, 2)])


def of_images(images: Sequence[Any]) -> np.ndarray:
    """Pairs of images whose thumbnails are alike, whatever their size, brightness, contrast and compression."""
    small = np.stack([_thumbnail(image) for image in images])
    candidates = pairs.alike(_unit(small.reshape(-1, 8, 3, 8, 3).mean((2, 4)).reshape(len(small), -1)), COARSE)
    fine = _unit(small.reshape(len(small), -1))
    return candidates[_products(fine, candidates) >= FINE]


def of_recordings(waves: Sequence[np.ndarray], rate: int) -> np.ndarray:
    """Pairs of recordings whose log-mel spectra are alike, whatever their loudness."""
    return pairs.alike(_unit(np.stack([_spectrum(np.asarray(wave), rate) for wave in waves])), SOUND)


def of_tables(train: Any, test: Any) -> np.ndarray:
    """Pairs of rows that are equal in all columns that both tables have, numbers rounded to DIGITS digits."""
    import pandas as pd

    if not isinstance(train, pd.DataFrame):
        both = np.concatenate([np.asarray(train), np.asarray(test)])
        if both.dtype.kind == "f":
            both = _rounded(both)
        return pairs.exact(both)
    shared = [name for name in train.columns if name in test.columns]
    table = pd.concat([train[shared], test[shared]], ignore_index=True)
    for name in shared:
        if table[name].dtype.kind == "f":
            table[name] = _rounded(table[name].to_numpy(float))
    return pairs.exact(table) if shared else np.zeros((0, 2), np.int64)


def thumbnails(images: Sequence[Any]) -> np.ndarray:
    """Images as 8 x 8 shades of grey, float32 of (n, 64): what tells a difference between two sets of them."""
    small = np.stack([_thumbnail(image) for image in images])
    return small.reshape(-1, 8, 3, 8, 3).mean((2, 4)).reshape(len(small), -1)


def spectra(waves: Sequence[np.ndarray], rate: int) -> np.ndarray:
    """Recordings as MELS x 6 loudnesses, float32 of (n, 144)."""
    every = np.stack([_spectrum(np.asarray(wave), rate) for wave in waves])
    return every.reshape(len(every), MELS, 6, FRAMES // 6).mean(3).reshape(len(every), -1)


def _rows(data: Data) -> list[Any]:
    return [data.x[row] for row in range(len(data))]


def _pieces(text: str) -> np.ndarray:
    """The different runs of PIECE letters of a text, as numbers, in rising order."""
    letters = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    mixed = np.zeros(len(letters) - PIECE + 1, np.uint64)
    for at in range(PIECE):
        mixed = mixed * np.uint64(0x100000001B3) + letters[at : len(letters) - PIECE + 1 + at]
    return np.unique(mixed * np.uint64(0x9E3779B97F4A7C15))


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _thumbnail(image: Any) -> np.ndarray:
    """24 x 24 shades of grey, float32."""
    from PIL import Image

    if isinstance(image, str) or hasattr(image, "__fspath__"):
        with Image.open(image) as opened:
            opened.draft("L", (48, 48))
            shades = opened.convert("L")
    else:
        array = np.asarray(image)
        array = array.mean(2) if array.ndim == 3 else array
        shades = Image.fromarray(array.astype(np.float32))
    return np.asarray(shades.resize((24, 24), Image.Resampling.BOX), np.float32)


def _spectrum(wave: np.ndarray, rate: int) -> np.ndarray:
    """Loudness in MELS bands over FRAMES parts of the recording, in decibels, float32 of (MELS * FRAMES,)."""
    size = max(64, rate // 40)
    samples = np.asarray(wave, np.float32)
    if len(samples) < size * 2:
        samples = np.pad(samples, (0, size * 2 - len(samples)))
    hop = max(1, (len(samples) - size) // (FRAMES * 4))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop][: FRAMES * 4]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)))
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(size, 1 / rate) / 700)
    band = np.minimum((mel / mel[-1] * MELS).astype(int), MELS - 1)
    bands = np.stack([np.bincount(band, frame, MELS) for frame in power])
    part = np.linspace(0, FRAMES, len(bands), endpoint=False).astype(int)
    held = np.stack([np.bincount(part, column, FRAMES) for column in bands.T])
    loud = 10 * np.log10(held + 1e-9 * max(float(held.max()), 1e-12))
    return loud.ravel().astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors without their mean, of length 1; those without any contrast are 0, and so alike to none."""
    centred = vectors.astype(np.float32) - vectors.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > 1e-3, centred / np.maximum(length, 1e-3), 0).astype(np.float32)


def _products(vectors: np.ndarray, at: np.ndarray) -> np.ndarray:
    parts = [
        np.einsum("ij,ij->i", vectors[part[:, 0]], vectors[part[:, 1]])
        for part in np.array_split(at, max(1, len(at) // 50_000))
    ]
    return np.concatenate(parts)


def _rounded(values: np.ndarray) -> np.ndarray:
    """Values rounded to DIGITS digits that count."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.floor(np.log10(np.abs(values)))
        scale = 10.0 ** (DIGITS - 1 - np.where(np.isfinite(size), size, 0))
        return np.round(values * scale) / scale
