"""A chart as SVG: axes with round ticks, and marks whose colours are the page's, so that dark and light are one file.

Written here and not drawn by matplotlib: a curve of its SVG backend takes 30 KB, most of it outlines of letters, and
its colours cannot follow the page. A chart here takes 1 to 4 KB, and its texts are texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

LEFT, RIGHT, TOP, BOTTOM = 62.0, 12.0, 10.0, 34.0
"""Room around the plot, in units of the picture, which are pixels where it is shown at its own size."""


@dataclass
class Axis:
    """Values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    whole: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, in pixels."""
        span = self.high - self.low or 1.0
        return self.start + (value - self.low) / span * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Round values inside, `most` or so, and how they are written."""
        step = _step((self.high - self.low) / max(most, 1))
        if self.whole:
            step = max(1.0, round(step))
        decimals = 0 if step >= 1 else min(8, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(number * step, f"{number * step:,.{decimals}f}") for number in range(first, last + 1)]


def span(values: Sequence[float], room: float = 0.06) -> tuple[float, float]:
    """From the least to the greatest of values, with some room around; never empty."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    edge = (high - low) * room or max(abs(high), 1e-9) * 0.01
    return low - edge, high + edge


@dataclass
class Chart:
    """A picture of `width` x `height` with two axes. What `title` says is read out in the picture's place."""

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 460.0
    height: float = 260.0
    x_label: str = ""
    y_label: str = ""
    whole_x: bool = False
    names: Sequence[str] = ()
    left: float = LEFT
    kind: str = ""
    parts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.across = Axis(*self.x, self.left, self.width - RIGHT, self.whole_x)
        self.up = Axis(*self.y, self.height - BOTTOM, TOP)
        for value, said in self.across.ticks(max(2, int((self.width - self.left) / 90))):
            at = _n(self.across(value))
            self.parts.append(f'<path class="grid" d="M{at} {TOP:g}V{_n(self.height - BOTTOM)}"/>')
            self.text(self.across(value), self.height - BOTTOM + 15, said, "tick mid")
        if self.names:
            for row, name in enumerate(self.names):
                self.text(self.left - 8, self.up(row) + 4, name, "tick end")
        else:
            for value, said in self.up.ticks():
                at = _n(self.up(value))
                self.parts.append(f'<path class="grid" d="M{self.left:g} {at}H{_n(self.width - RIGHT)}"/>')
                self.text(self.left - 6, self.up(value) + 4, said, "tick end")
        if self.x_label:
            self.text((self.left + self.width - RIGHT) / 2, self.height - 3, self.x_label, "label mid")
        if self.y_label:
            middle = _n((TOP + self.height - BOTTOM) / 2)
            self.parts.append(
                f'<text class="label mid" transform="translate(12 {middle}) rotate(-90)">{escape(self.y_label)}</text>'
            )

    def text(self, x: float, y: float, words: str, kind: str) -> None:
        """Words at pixels; `kind` are classes of the style sheet."""
        self.parts.append(f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escape(words)}</text>')

    def line(self, points: Sequence[tuple[float, float]], kind: str, *, step: bool = False) -> None:
        """A line through values; one that is not finite breaks it. With `step` it goes across before it goes up."""
        path, pen, before = [], "M", 0.0
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            if step and pen == "L":
                path.append(f"L{_n(self.across(x))} {_n(before)}")
            before = self.up(y)
            path.append(f"{pen}{_n(self.across(x))} {_n(before)}")
            pen = "L"
        if path:
            self.parts.append(f'<path class="line {kind}" d="{"".join(path)}"/>')

    def dot(self, x: float, y: float, kind: str, said: str = "", size: float = 3.5) -> None:
        """A dot at a value; `said` appears when the pointer is on it."""
        told = f"<title>{escape(said)}</title>" if said else ""
        end = f">{told}</circle>" if told else "/>"
        self.parts.append(
            f'<circle class="dot {kind}" cx="{_n(self.across(x))}" cy="{_n(self.up(y))}" r="{size:g}"{end}'
        )

    def band(self, points: Sequence[tuple[float, float, float]], kind: str = "band") -> None:
        """The room between two lines: (x, low, high) each."""
        there = [f"{_n(self.across(x))} {_n(self.up(low))}" for x, low, _ in points]
        back = [f"{_n(self.across(x))} {_n(self.up(high))}" for x, _, high in reversed(points)]
        self.parts.append(f'<path class="{kind}" d="M{"L".join(there + back)}Z"/>')

    def column(self, low: float, high: float) -> None:
        """The room between two values of the lower axis, from top to bottom."""
        wide = max(self.across(high) - self.across(low), 0.5)
        tall = self.height - BOTTOM - TOP
        self.parts.append(
            f'<rect class="band" x="{_n(self.across(low))}" y="{TOP:g}" width="{_n(wide)}" height="{_n(tall)}"/>'
        )

    def svg(self) -> Markup:
        """The picture."""
        inner, kind = "".join(self.parts), f"chart {self.kind}".strip()
        wide, tall = _n(self.width), _n(self.height)
        return Markup(
            f'<svg class="{kind}" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" role="img" '
            f'aria-label="{escape(self.title)}">{inner}</svg>'
        )


def _step(rough: float) -> float:
    """A round number near it: 1, 2 or 5 times a power of ten."""
    if not rough > 0 or not math.isfinite(rough):
        return 1.0
    power = 10 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.75)


def _n(value: float) -> str:
    """A place in tenths of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
