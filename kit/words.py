"""How figures are said: tables, durations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns in line: numbers to the right, texts to the left, None as a dash."""
    cells = [["-" if cell is None else str(cell) for cell in row] for row in rows]
    right = [all(_number(row[i]) for row in cells) for i in range(len(header))]
    widths = [max(len(row[i]) for row in [list(header), *cells]) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        pairs = zip(row, widths, right, strict=True)
        return "  ".join(cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in pairs).rstrip()

    return "\n".join([line(header), "  ".join("-" * width for width in widths), *map(line, cells)])


def duration(seconds: float | None) -> str | None:
    """`48 s`, `12 min 5 s`, `1 h 3 min`; None for None."""
    if seconds is None:
        return None
    if seconds < 59.5:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _number(text: str) -> bool:
    return text in ("-", "") or text.replace(",", "").replace(".", "").replace("%", "").lstrip("+-").isdigit()
