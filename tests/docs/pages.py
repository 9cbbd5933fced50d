"""What the pages say: their blocks of commands, of output and of Python, and how each is to be checked.

A block is run unless a comment right above it says otherwise:

    <!-- not run: REASON -->   its options are compared with those of the command, its Python is compiled
    <!-- slow -->              it is run by `make test-all` only
    <!-- on the sample -->     each command gets --sample
    <!-- on the emulator -->   Kaggle is an emulator

Two of them are joined by a comma. `<!-- goes on from first-hour.md -->` at the top of a page says where its files and
runs come from.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("slow", "on the sample", "on the emulator")
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
COMMENT = re.compile(r"<!-- ([^>]*) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block: the line where it starts, its language, its text, and the marks of the comment above it."""

    line: int
    language: str
    text: str
    marks: tuple[str, ...] = ()
    not_run: str = ""

    def has(self, mark: str) -> bool:
        """Whether the comment above the block holds this mark."""
        return mark in self.marks

    @property
    def commands(self) -> list[str]:
        """Its command lines without lines of comments; those that end in a backslash are joined with the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


@dataclass(frozen=True)
class Page:
    """A page: its path below the repository, its text, its blocks in order, and the page that it goes on from."""

    name: str
    text: str
    blocks: tuple[Block, ...]
    after: str = ""


def page(name: str) -> Page:
    """The page of that path, such as `docs/first-hour.md`. Raises ValueError as `blocks` does."""
    text = (ROOT / name).read_text(encoding="utf-8")
    after = re.search(r"<!-- goes on from (\S+) -->", text)
    return Page(name, text, blocks(text), f"docs/{after[1]}" if after else "")


def blocks(text: str) -> tuple[Block, ...]:
    """The fenced blocks of a text, in order.

    Raises ValueError for a comment above a block that has no meaning.
    """
    return tuple(_block(text, match) for match in FENCE.finditer(text))


def _block(text: str, match: re.Match[str]) -> Block:
    line = text.count("\n", 0, match.start()) + 1
    block = Block(line, match["language"], textwrap.dedent(match["text"]))
    above = COMMENT.search(text, 0, match.start())
    if above is None or above[1].startswith("goes on from"):
        return block
    if reason := re.fullmatch(r"not run: (.+)", above[1]):
        return Block(block.line, block.language, block.text, not_run=reason[1])
    marks = tuple(mark.strip() for mark in above[1].split(","))
    if unknown := [mark for mark in marks if mark not in MARKS]:
        raise ValueError(f"line {line}: the comment above the block says {unknown}, which is none of {MARKS}")
    return Block(block.line, block.language, block.text, marks)


NAMES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
"""Every page that a person wrote, but README.es.md, whose blocks are those of README.md."""
