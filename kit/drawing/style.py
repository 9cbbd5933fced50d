"""How every picture looks: sizes, colours, bare axes, and files written whole.

Matplotlib is imported when a function is called, and its figures are made directly, so that no backend is chosen and
no setting changed for a caller who uses matplotlib too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kit import places
from kit.notes import tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

T = TypeVar("T")

# Told apart by the colour-blind. Source: Okabe and Ito, Color Universal Design, 2008, jfly.uni-koeln.de/color.
BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#6E6E6E"
LINE = "#D9D9D9"
"""Of grids and frames, lighter than anything that is data."""

SMALL, NORMAL, LARGE = 7, 9, 11
"""Font sizes in points: in cells, on axes, of titles."""

DOTS = 130
"""Dots an inch: an 8-inch picture fits a notebook and a laptop's screen unscaled."""


def attempt(draw: Callable[..., T], *inputs: Any) -> T | None:
    """What `draw` makes of `inputs`; None where it fails, and a person is told so in one line: what is drawn is there
    already, and must not be lost to its picture."""
    try:
        return draw(*inputs)
    except Exception as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        tell(f"A picture is left out, because drawing it failed ({draw.__name__.strip('_')}): {why[:200]}")
        return None


def figure(width: float, height: float, title: str) -> Figure:
    """An empty picture of `width` x `height` inches."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), dpi=DOTS, layout="constrained")
    made.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.03, hspace=0.03)  # type: ignore[union-attr, call-arg]
    made.suptitle(title, fontsize=LARGE, x=0.01, ha="left")
    return made


def cells(count: int, columns: int, size: tuple[float, float], title: str) -> tuple[Figure, list[Axes]]:
    """A picture of `count` cells of `size` inches in at most `columns` columns, without axes, and the cells."""
    columns = max(1, min(columns, count))
    lines = -(-count // columns)
    wide = max(size[0] * columns, 0.09 * len(title), 3.0)
    made = figure(wide, size[1] * lines + 0.4 * (1 + title.count("\n")), title)
    axes = list(made.subplots(lines, columns, squeeze=False).flat)
    for cell in axes:
        bare(cell)
    for cell in axes[count:]:
        cell.set_visible(False)
    return made, axes[:count]


def charts(count: int, title: str, *, size: tuple[float, float] = (4.6, 3.2)) -> tuple[Figure, list[Axes]]:
    """A picture of `count` charts of `size` inches side by side, two in a line, and the charts."""
    columns = min(2, count)
    lines = -(-count // columns)
    made = figure(size[0] * columns, size[1] * lines + 0.3, title)
    axes = list(made.subplots(lines, columns, squeeze=False).flat)
    for chart in axes[:count]:
        plain(chart)
    for chart in axes[count:]:
        chart.set_visible(False)
    return made, axes[:count]


def plain(axes: Axes, *, grid: str = "y") -> None:
    """Axes with two sides and a light grid along `grid` (`x`, `y` or `both`)."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(labelsize=NORMAL, color=GREY)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.10g}")  # no offset and no power of ten to be added in the head
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color=LINE, linewidth=0.7)  # type: ignore[arg-type]


def bare(axes: Axes) -> None:
    """Axes without ticks or sides, for a picture in a cell."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def label(axes: Axes, x: str, y: str) -> None:
    """What the axes measure."""
    axes.set_xlabel(x, fontsize=NORMAL)
    axes.set_ylabel(y, fontsize=NORMAL)


def short(text: object, most: int) -> str:
    """The text on one line, cut to `most` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def number(value: float) -> str:
    """Four digits that count, and never a power of ten below a quadrillion."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def save(made: Figure, path: Path) -> Path:
    """Write a picture as PNG, whole or not at all; the same picture gives the same bytes."""
    with places.whole(path) as part, warnings.catch_warnings():
        # Texts hold emoji and scripts that the font lacks; they are drawn as boxes, which says enough.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        made.savefig(part, format="png", metadata={"Software": None})
    return path
