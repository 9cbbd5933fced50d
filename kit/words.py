"""How figures are said: tables for a terminal and for a notebook, durations, sizes."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

GAP = 2
"""Spaces between two columns."""

COMFORTABLE, NARROWEST = 16, 6
"""Characters to which a column of texts is narrowed before columns are left out, and after that."""


class Table(NamedTuple):
    """Columns by name, and their cells row by row. `spare` names the columns that a narrow terminal can do without,
    the least important first."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    spare: Sequence[str] = ()


def table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], *, width: int | None = None, spare: Sequence[str] = ()
) -> str:
    """Columns in line: numbers to the right, texts to the left, None as a dash.

    With a `width` in characters, texts are wrapped until the table fits; where that is not enough, columns that
    `spare` names are left out one after another, and a last line says which.
    """
    cells = [["-" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    columns = list(range(len(header)))
    right = [all(_number(row[i]) for row in cells) for i in columns]
    natural = [max(len(line) for row in [header, *cells] for line in (row[i] or " ").split("\n")) for i in columns]
    left_out: list[str] = []
    widths = natural
    while width:
        widths = _narrowed(natural, right, columns, width, COMFORTABLE)
        going = [name for name in spare if name in header and header.index(name) in columns]
        if _total(widths, columns) <= width or not going:
            break
        columns.remove(header.index(going[0]))
        left_out.append(going[0])
    if width and _total(widths, columns) > width:
        widths = _narrowed(natural, right, columns, width, NARROWEST)

    def lines(row: Sequence[str]) -> list[str]:
        wrapped = [_wrapped(row[i], widths[i]) for i in columns]
        high = max(map(len, wrapped))
        return [
            (" " * GAP)
            .join(
                text.rjust(widths[i]) if right[i] else text.ljust(widths[i])
                for i, cell in zip(columns, wrapped, strict=True)
                for text in [cell[at] if at < len(cell) else ""]
            )
            .rstrip()
            for at in range(high)
        ]

    printed = [*lines(header), (" " * GAP).join("-" * widths[i] for i in columns)]
    for row in cells:
        printed += lines(row)
    if left_out:
        printed.append(f"Not shown in {width} columns: {', '.join(left_out)}.")
    return "\n".join(printed)


def html_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> str:
    """The same table for a notebook, every text escaped."""
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    sides = ["right" if all(_number(row[i]) for row in cells) else "left" for i in range(len(header))]

    def line(tag: str, row: Sequence[str]) -> str:
        pairs = zip(sides, row, strict=True)
        inner = "".join(f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>' for side, cell in pairs)
        return f"<tr>{inner}</tr>"

    caption = f'<caption style="text-align:left">{html.escape(title)}</caption>' if title else ""
    body = "".join(line("td", row) for row in cells)
    return f"<table>{caption}<thead>{line('th', header)}</thead><tbody>{body}</tbody></table>"


def printable(text: str) -> str:
    """The text with signs that no terminal should obey spelled out, as `\\x1b`, with which a text of strangers could
    clear a screen or write over a line. Line ends stay."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in text
    )


def count(number: int, what: str) -> str:
    """`1 run`, `1,200 runs`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def figure(value: float) -> str:
    """A score or a measured number: five decimals, `0.98360`, and of large or tiny ones the digits that count."""
    if value == 0 or 1e-4 <= abs(value) < 1000:
        return f"{value:.5f}"
    if 1e5 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:,.5g}"


def duration(seconds: float | None) -> str | None:
    """`48 s`, `12 min 5 s`, `1 h 3 min`; None for None."""
    if seconds is None:
        return None
    if seconds < 59.5:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def seconds(text: str) -> float:
    """`90s`, `30m`, `2h` or `1h30m` in seconds; a number alone is one of seconds.

    Raises ValueError for another text, and for a time that is not above 0.
    """
    parts = re.fullmatch(r"(?:([\d.]+)h)?(?:([\d.]+)m(?:in)?)?(?:([\d.]+)s?)?", text.strip().replace(" ", ""))
    total = (
        sum(float(part or 0) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True)) if parts else 0
    )
    if total <= 0:
        raise ValueError(f"{text!r} is not a time")
    return total


def size(count: int) -> str:
    """`512 B`, `1.2 KiB`, `3.4 MiB`, `5.6 GiB`."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} B"


def _narrowed(natural: list[int], right: list[bool], columns: list[int], width: int, floor: int) -> list[int]:
    """The widths, with the widest columns of texts narrowed to `floor` at least, until the table fits if it can."""
    widths = list(natural)
    over = _total(widths, columns) - width
    for _ in range(max(over, 0)):
        widest = max((i for i in columns if not right[i]), key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= floor:
            break
        widths[widest] -= 1
    return widths


def _total(widths: list[int], columns: list[int]) -> int:
    return sum(widths[i] for i in columns) + GAP * (len(columns) - 1)


def _wrapped(cell: str, width: int) -> list[str]:
    return (
        [part for line in cell.split("\n") for part in textwrap.wrap(line, width) or [""]]
        if len(cell) > width or "\n" in cell
        else [cell]
    )


def _number(text: str) -> bool:
    return text in ("-", "–", "") or text.replace(",", "").replace(".", "").replace("%", "").lstrip("+-").isdigit()
