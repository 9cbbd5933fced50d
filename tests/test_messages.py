"""What kit says to its users: no placeholder stands where a name is known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent / "kit"
FILES = sorted(KIT.rglob("*.py"))
PLACEHOLDER = re.compile(r"(?<![\w/.$-])[A-Z]{2,}(?:-[A-Z]+)*(?![\w=])")
"""A word in capitals that a person would have to replace; variables of the environment are none."""
WORDS = {"GPU", "TPU", "CSV", "JSON", "ID", "RANGES"}
"""Words that are written in capitals, in a sentence or in a file."""


def commands(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the fixed text of every cure, and of every note that names a command."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        cures = [keyword.value for keyword in node.keywords if keyword.arg == "cure"]
        if name == "KitError" or name.endswith("Line"):
            cures += node.args[2:3]
        if name in ("tell", "print"):
            cures += [argument for argument in node.args if re.search(r"\bkit [a-z]", fixed(argument))]
        yield from ((cure.lineno, fixed(cure)) for cure in cures)


def fixed(node: ast.expr) -> str:
    """The text that stands in an expression, whatever its variables hold."""
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return " ".join(parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KIT)))
def test_no_cure_holds_a_placeholder(path):
    for line, text in commands(path):
        assert not set(PLACEHOLDER.findall(text)) - WORDS, f"{path.name}:{line} says {text!r}"


def test_the_check_sees_placeholders(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text(
        """raise KitError("a", "b", f"kit push {name} RECIPE --from FILE-OR-FOLDER")\ntell("kit train COMPETITION")"""
    )
    assert [PLACEHOLDER.findall(text) for _, text in commands(file)] == [["RECIPE", "FILE-OR-FOLDER"], ["COMPETITION"]]
