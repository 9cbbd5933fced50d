"""What images add to exploring: how bright they are, what a class looks like on average, and pictures in both sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.drawing import rows, style
from kit.explore.overview import Findings
from kit.notes import tell
from kit.task.contract import Data

NEAR = 0.995
"""Correlation of the pixels of two images from which they count as one picture saved twice.

Measured on digit-recognizer: 500 digits saved as JPEG of quality 75 correlate with themselves by 0.9955 or more, and
the closest two of 42,000 x 28,000 different ones by 0.9916.
"""

CLOSE = 0.95
"""Correlation above which more than one image is compared pixel by pixel, so that the closest pairs shown are these."""

SIDE = 32
"""Images are compared first as grey ones of at most this many pixels a side."""

AXES = 64
"""Principal axes on which images are compared: they hold 85% of what tells digits apart."""

TALL, WIDE = 1024, 4096
"""Test and train images that are compared at a time: 17 MB of scores."""

BYTES = 64 * 2**20
"""The most that one block of work takes, as float32."""

MEANS = 40
"""Classes whose mean image is drawn, the largest."""

SHOWN = 12
"""Closest pairs that are drawn."""


class Pixels(NamedTuple):
    """Pixel statistics of a set of images; `brightness` is the mean of each image, `(n,)`."""

    least: float
    greatest: float
    mean: float
    sd: float
    zero: float
    brightness: np.ndarray


class Pairs(NamedTuple):
    """The closest train row of each test row, and the correlation of their pixels, the closest pair first."""

    train: np.ndarray
    test: np.ndarray
    correlation: np.ndarray


def look(train: Data, test: Data, names: list[str], out: Path) -> Findings:
    """Facts and pictures of images that are held as one array; of paths nothing."""
    images, others = train.x.take(), test.x.take()
    if not all(isinstance(x, np.ndarray) and x.ndim in (3, 4) and len(x) for x in (images, others)):
        return Findings({}, [])
    facts: dict[str, str | int | float] = {"image": " x ".join(map(str, images.shape[1:]))}
    tell("Measuring pixels")
    measured = {"train": pixels(images), "test": pixels(others)}
    for what, figures in measured.items():
        facts[f"{what} pixels"] = (
            f"{figures.least:.4g} to {figures.greatest:.4g}, mean {figures.mean:.4g}, sd {figures.sd:.4g}, "
            f"{figures.zero:.1%} are 0"
        )
    pictures = [draw_brightness(measured["train"].brightness, measured["test"].brightness, out / "brightness.png")]
    if names and train.y is not None:
        pictures.insert(0, draw_means(images, train.y.astype(np.int64), names, out / "means.png"))
    if images.shape[1:] == others.shape[1:]:
        tell("Comparing each test image with each train image")
        pairs = closest(images, others)
        facts["closest train and test image"] = f"correlation {pairs.correlation[0]:.4f}"
        facts["test images with a near-duplicate in train"] = int((pairs.correlation >= NEAR).sum())
        facts["near-duplicate means"] = f"correlation {NEAR} or more, as of one digit and its JPEG of quality 75"
        pictures.append(draw_pairs(train, test, pairs, names, out / "near-duplicates.png"))
    return Findings(facts, pictures)


def pixels(x: np.ndarray) -> Pixels:
    """The statistics of all pixels of images `(n, height, width[, channels])`."""
    least, greatest, total, squares, zero = np.inf, -np.inf, 0.0, 0.0, 0
    brightness = np.empty(len(x), np.float32)
    for at, part in _blocks(x):
        least, greatest = min(least, float(part.min())), max(greatest, float(part.max()))
        total += float(part.sum(dtype=np.float64))
        squares += float(np.square(part, dtype=np.float64).sum())
        zero += part.size - int(np.count_nonzero(part))
        brightness[at] = part.mean(1)
    mean = total / x.size
    return Pixels(least, greatest, mean, max(squares / x.size - mean**2, 0.0) ** 0.5, zero / x.size, brightness)


def means(x: np.ndarray, y: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The mean image of each of the classes `wanted`, `(classes, height, width[, channels])`, NaN where it has none."""
    total = np.zeros((len(wanted), int(np.prod(x.shape[1:]))), np.float64)
    for at, part in _blocks(x):
        total += (y[at] == wanted[:, None]).astype(np.float32) @ part
    counts = (y == wanted[:, None]).sum(1)
    with np.errstate(invalid="ignore"):
        return (total / counts[:, None]).reshape(len(wanted), *x.shape[1:])


def closest(train: np.ndarray, test: np.ndarray) -> Pairs:
    """The train image most like each test image, by the correlation of their pixels; an image of one colour has 0.

    Images are shrunk, brought to mean 0 and length 1, and compared on their principal axes and by the length of what
    those leave out, in which they are never further apart than they are. The nearest of each WIDE train images, if its
    correlation may be CLOSE, and the nearest of all are then compared pixel by pixel. Correlations returned are exact,
    but an image that is like none may be given one that is not quite the closest. On digit-recognizer, against
    comparing all: the same 38 pairs of 0.985 or more, 225 of 227 of 0.98 or more; in 7 s instead of 26 s.
    """
    middle, axes = _axes(train)
    fitted, seen = (np.concatenate([_project(part, middle, axes) for part in _shrunk(x)]) for x in (train, test))
    # One product gives a . b - |b|^2 / 2, which is (|a|^2 - |a - b|^2) / 2.
    lengths = np.square(seen).sum(1)
    fitted = np.column_stack([fitted, -np.square(fitted).sum(1) / 2])
    seen = np.column_stack([seen, np.ones(len(seen), np.float32)])
    row = np.zeros(len(test), np.int64)
    correlation = np.full(len(test), -np.inf)
    for top in range(0, len(seen), TALL):
        block = seen[top : top + TALL]
        rows_of, apart = [], []
        for left in range(0, len(fitted), WIDE):
            score = block @ fitted[left : left + WIDE].T
            best = score.argmax(1)
            rows_of.append(left + best)
            apart.append(lengths[top : top + TALL] - 2 * np.take_along_axis(score, best[:, None], 1)[:, 0])
        least = np.min(apart, axis=0)
        for candidates, distance in zip(rows_of, apart, strict=True):
            # Vectors of length 1 and correlation r lie sqrt(2 - 2r) apart; 1e-4 is for rounding in float32.
            mine = np.flatnonzero((distance == least) | (distance <= 2 - 2 * CLOSE + 1e-4))
            exact = _correlations(train, candidates[mine], test, top + mine)
            better = exact > correlation[top + mine]
            row[top + mine[better]], correlation[top + mine[better]] = candidates[mine[better]], exact[better]
    order = np.argsort(-correlation, kind="stable")
    return Pairs(row[order], order, correlation[order])


def draw_means(x: np.ndarray, y: np.ndarray, names: list[str], to: Path) -> Path:
    """The mean image of each class, or of the MEANS largest."""
    counts = np.bincount(y, minlength=len(names))
    wanted = np.sort(np.argsort(-counts, kind="stable")[: min(MEANS, int((counts > 0).sum()))])
    known = int((counts > 0).sum())
    what = "each class" if len(wanted) == known else f"the {len(wanted)} largest of {known:,} classes"
    made, cells = style.cells(len(wanted), 5, (1.55, 1.85), f"The mean image of {what}, and its train rows")
    for cell, number, image in zip(cells, wanted, means(x, y, wanted), strict=True):
        rows.draw(cell, "image", image)
        cell.set_title(
            f"{style.short(names[number], 18)} ({counts[number]:,})", fontsize=style.NORMAL, parse_math=False
        )
    return style.save(made, to)


def draw_brightness(train: np.ndarray, test: np.ndarray, to: Path) -> Path:
    """How bright images are, train against test: curves that differ mean that the sets were not made alike."""
    made, (chart,) = style.charts(1, "Brightness of images, train against test", size=(6.5, 3.6))
    edges = np.histogram_bin_edges(np.concatenate([train, test]), bins=50)
    for means, what, colour in ((train, "train", style.BLUE), (test, "test", style.RED)):
        share = np.histogram(means, edges)[0] / len(means) * 100
        chart.stairs(share, edges, color=colour, linewidth=1.4, label=f"{what}, {len(means):,} images")
    chart.legend(fontsize=style.SMALL, frameon=False)
    style.label(chart, "mean pixel value of an image", "share of images, %")
    return style.save(made, to)


def draw_pairs(train: Data, test: Data, pairs: Pairs, names: list[str], to: Path) -> Path:
    """The closest train and test images, side by side."""
    count = min(SHOWN, len(pairs.test))
    near = int((pairs.correlation >= NEAR).sum())
    title = f"The closest train and test images; {near:,} test images correlate by {NEAR} or more"
    made, cells = style.cells(2 * count, 6, rows.SIZES["image"], title)
    for i in range(count):
        left, right = pairs.train[i], pairs.test[i]
        rows.draw(cells[2 * i], "image", train.x[left])
        rows.draw(cells[2 * i + 1], "image", test.x[right])
        label = f"label {style.short(names[train.y[left]], 14)}" if names and train.y is not None else ""
        cells[2 * i].set_title(
            f"train id {train.ids[left]}\n{label}", fontsize=style.SMALL, loc="left", parse_math=False
        )
        said = f"test id {test.ids[right]}\ncorrelation {pairs.correlation[i]:.4f}"
        cells[2 * i + 1].set_title(said, fontsize=style.SMALL, loc="left")
    return style.save(made, to)


def _blocks(x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Slices of the rows, with their pixels as float32, `(n, pixels)`."""
    step = max(1, BYTES // (4 * int(np.prod(x.shape[1:]))))
    for start in range(0, len(x), step):
        at = slice(start, min(start + step, len(x)))
        yield at, np.asarray(x[at], np.float32).reshape(at.stop - start, -1)


def _shrunk(x: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of grey images of at most SIDE a side as vectors of mean 0 and length 1."""
    for at, part in _blocks(x):
        images = part.reshape(at.stop - at.start, *x.shape[1:])
        images = images.mean(3) if images.ndim == 4 else images
        for axis in (1, 2):
            if (length := images.shape[axis]) > SIDE:
                edges = np.linspace(0, length, SIDE + 1).astype(int)
                shape = [-1 if i == axis else 1 for i in range(3)]
                images = np.add.reduceat(images, edges[:-1], axis) / np.diff(edges).reshape(shape).astype(np.float32)
        yield _unit(images.reshape(len(images), -1))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows brought to mean 0 and length 1; a row of one value becomes 0."""
    centred = vectors - vectors.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(length > 1e-3, length, np.inf)


def _axes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of shrunk images `(d,)` and their principal axes `(d, AXES)`, from 5,000 rows evenly spread.

    A few steps of subspace iteration find the axes well enough: any that are orthonormal give the same pairs, and the
    better they are, the fewer need to be compared pixel by pixel.
    """
    vectors = np.concatenate(list(_shrunk(x[:: -(-len(x) // 5000)])))
    middle = vectors.mean(0)
    centred = vectors - middle
    axes = np.random.default_rng(0).standard_normal((len(middle), AXES), np.float32)
    for _ in range(4):
        axes = np.linalg.qr(centred.T @ (centred @ axes))[0]
    return middle, axes


def _project(vectors: np.ndarray, middle: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Coordinates on the axes, and the length of what they leave out, `(n, axes + 1)`."""
    centred = vectors - middle
    on = centred @ axes
    rest = np.square(centred).sum(1) - np.square(on).sum(1)
    return np.column_stack([on, np.sqrt(np.maximum(rest, 0))])


def _correlations(left: np.ndarray, at: np.ndarray, right: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Correlation of the pixels of `left[at]` and `right[of]`, row by row."""
    step = max(1, BYTES // (16 * int(np.prod(left.shape[1:]))))
    correlations = np.empty(len(at))
    for start in range(0, len(at), step):
        a, b = (
            _unit(np.asarray(x[rows_[start : start + step]], np.float64).reshape(-1, int(np.prod(x.shape[1:]))))
            for x, rows_ in ((left, at), (right, of))
        )
        correlations[start : start + step] = np.einsum("ij,ij->i", a, b)
    return correlations
