"""How the answer of a verb leaves it: as a table that fits the terminal, or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from kit import words
from kit.words import Table


def dump(value: Any) -> None:
    """An answer as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show(table: Table) -> None:
    """A table, which fits the terminal; what goes into a file or a pipe is never cut or wrapped."""
    print(words.table(table.header, table.rows, width=width(), spare=table.spare))


def say(text: str) -> None:
    """A sentence, whose lines fit the terminal."""
    columns = width()
    print("\n".join(textwrap.fill(line, columns) if columns else line for line in text.split("\n")))


def pairs(lines: Mapping[str, Any]) -> None:
    """A name and a value a line; a sentence goes on below its own beginning, and no path or digest is broken."""
    indent = max(map(len, lines), default=0) + words.GAP
    for name, value in lines.items():
        room = columns - indent if (columns := width()) else 0
        parts = (
            textwrap.wrap(str(value), max(room, 20), break_long_words=False, break_on_hyphens=False)
            if room
            else [str(value)]
        )
        print(name.ljust(indent) + ("\n" + " " * indent).join(parts or [""]))


def width() -> int | None:
    """The columns of the terminal that standard output is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
