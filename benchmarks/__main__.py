"""`make bench`: list the benchmarks; each is a command of its own, since each needs a quiet machine for minutes."""

from __future__ import annotations

import ast
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("*.py")):
    if path.stem[0] != "_":
        summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        print(f"python -m benchmarks.{path.stem:<18} {summary}")
