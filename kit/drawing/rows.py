"""One row as a person sees it: the image, the text, the wave, or the values of its columns."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.drawing import style
from kit.task.contract import Kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZES: dict[Kind, tuple[float, float]] = {
    "image": (1.55, 1.95),
    "audio": (2.3, 1.7),
    "text": (3.2, 1.75),
    "table": (2.5, 1.75),
}
"""Inches of a cell that shows one row and two lines above it."""

COLUMNS: dict[Kind, int] = {"image": 6, "audio": 4, "text": 3, "table": 4}
"""Cells side by side, so that every grid is about ten inches wide."""

LONGEST = 20_000
"""Points of a wave that are drawn: more cannot be told apart in a cell."""


def place(ids: np.ndarray, wanted: Any) -> int:
    """The position of the id `wanted`, -1 where there is none. Ids are compared as the texts that files hold."""
    text = str(wanted)
    if ids.dtype.kind in "iu":  # without making 20 million texts
        if not text.removeprefix("-").isdecimal():
            return -1
        matches = np.flatnonzero(ids == int(text))
    else:
        matches = np.flatnonzero(ids.astype(str) == text)
    return int(matches[0]) if len(matches) else -1


def draw(axes: Axes, kind: Kind, row: Any, size: tuple[float, float] | None = None) -> None:
    """Draw one row in a large cell of `size` inches or in one of a grid; a file path is shown as its name."""
    style.bare(axes)
    array = np.asarray(row)
    if kind == "image" and array.ndim in (2, 3) and array.dtype.kind in "uifb":
        _image(axes, array)
    elif kind == "audio" and array.ndim == 1 and array.dtype.kind in "uif":
        _wave(axes, array)
    else:
        text = words(row, path=kind in ("image", "audio"))
        _text(axes, text, size or SIZES[kind], style.NORMAL if size else style.SMALL)


def words(row: Any, *, path: bool = False) -> str:
    """A row as text: a text itself, the name of a file, or up to eight columns as `name: value`."""
    if isinstance(row, Path) or (path and isinstance(row, str)):
        return Path(row).name
    if isinstance(row, str):
        return row
    values = list(row.items()) if hasattr(row, "items") else list(enumerate(np.asarray(row).ravel().tolist()))
    lines = [f"{name}: {style.short(_figure(value), 30)}" for name, value in values[:8]]
    return "\n".join(lines + ([f"and {len(values) - 8:,} more columns"] if len(values) > 8 else []))


def _figure(value: Any) -> str:
    return style.number(value) if isinstance(value, float) else str(value)


def _image(axes: Axes, image: np.ndarray) -> None:
    image = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    most = 255 if image.dtype.kind in "ui" else max(1.0, float(image.max()))
    axes.imshow(image / most if image.ndim == 3 else image, cmap="gray", vmin=0, vmax=most, interpolation="nearest")


def _wave(axes: Axes, wave: np.ndarray) -> None:
    axes.plot(wave[:: max(1, len(wave) // LONGEST)], color=style.BLUE, linewidth=0.5)
    axes.margins(x=0)


def _text(axes: Axes, text: str, size: tuple[float, float], points: int) -> None:
    """The text wrapped to the cell, cut where it ends."""
    # A character is about 0.6 of its size wide and a line 1.2 of it high; 72 points are an inch, 0.5 of them titles.
    width = max(8, int((size[0] - 0.1) * 72 / (points * 0.6)))
    most = max(2, int((size[1] - 0.5) * 72 / (points * 1.2)))
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width)]
    if len(lines) > most:
        lines = [*lines[: most - 1], "…"]
    axes.text(
        0,
        1,
        "\n".join(lines),
        fontsize=points,
        va="top",
        transform=axes.transAxes,
        parse_math=False,
        clip_on=True,  # scripts with wide characters must not run into the next cell
    )
