"""How the answer of a verb leaves it: as a table that fits the terminal, or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

from kit import words
from kit.words import Table


def dump(value: Any) -> None:
    """An answer as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show(table: Table) -> None:
    """A table, which fits the terminal; what goes into a file or a pipe is never cut or wrapped."""
    print(words.table(table.header, table.rows, width=width(), spare=table.spare))


def width() -> int | None:
    """The columns of the terminal that standard output is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
