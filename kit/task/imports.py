"""What a Python file imports, read from its text and followed from file to file, without running any of them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from kit.errors import KitError

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `kit/`."""


class Check(Protocol):
    """Raises KitError where the module `name` of kit must not be imported by the file called `importer`."""

    def __call__(self, name: str, importer: str) -> None: ...


def parsed(path: Path, text: str | None = None) -> ast.Module:
    """The syntax tree of a file, whose text may be known. Raises KitError, naming the line, for invalid Python."""
    try:
        return ast.parse(_text(path) if text is None else text, str(path))
    except SyntaxError as error:
        raise KitError(f"{path}:{error.lineno}: {error.msg}", "A competition's files must be valid Python.") from None


def names(path: Path, text: str | None = None) -> tuple[str, ...]:
    """Names that a file, whose text may be known, imports when it runs, inside functions too; what only a type checker
    reads is left out.

    Raises KitError where the file is not valid Python.
    """
    return _names(path, _text(path) if text is None else text)


@functools.lru_cache(maxsize=512)
def _names(path: Path, text: str) -> tuple[str, ...]:
    tree = parsed(path, text)
    imported: list[str] = []
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= {id(inner) for statement in node.body for inner in ast.walk(statement)}
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(imported)


def defined(path: Path) -> set[str]:
    """Names that a file defines or imports at its top. Raises KitError where it is not valid Python."""
    defined = set[str]()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign):
            defined |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return defined


def beside(*paths: Path) -> list[Path]:
    """Files and what they import of their own folder (`from ._images import ...`), each after those it imports."""
    ordered: list[Path] = []
    for path in paths:
        _beside(path, ordered, ())
    return ordered


def kit_files(wanted: Iterable[tuple[str, str]], check: Check | None = None) -> dict[str, Path]:
    """The files of kit behind `wanted`, pairs of a module's name and the file that imports it, by their place such as
    `kit/task/splits.py`; each after those it imports. Other packages are left out.

    `check` is asked about every module of kit on the way.
    """
    ordered: dict[str, Path] = {}
    for name, importer in wanted:
        _follow(name, importer, ordered, check)
    return ordered


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise KitError(f"{path}: {error}", "A competition's files must be Python in UTF-8.") from None


def _beside(path: Path, ordered: list[Path], above: tuple[Path, ...]) -> None:
    """Append `path` to `ordered`, after the files of its folder that it imports; `above` are the files it is for."""
    if path in ordered or path in above or not path.is_file():
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for name in [node.module.partition(".")[0]] if node.module else [alias.name for alias in node.names]:
                _beside(path.with_name(f"{name}.py"), ordered, (*above, path))
    ordered.append(path)


def _follow(name: str, importer: str, ordered: dict[str, Path], check: Check | None) -> None:
    """Add the module `name` to `ordered`, after those it imports."""
    parts = name.split(".")
    if parts[0] != "kit":
        return
    if check:
        check(name, importer)
    for length in range(1, len(parts) + 1):
        path = file(parts[:length])
        if path is None:
            return  # the name is a function or a class of the module before it
        place = path.relative_to(ROOT).as_posix()
        if place in ordered:
            continue
        ordered[place] = path  # before what it imports, since two modules may import each other inside functions
        for inner in names(path):
            _follow(inner, place, ordered, check)
        ordered[place] = ordered.pop(place)


def file(parts: list[str]) -> Path | None:
    """The file of a module of kit, `["kit", "task"]` or `["kit", "task", "splits"]`; None where there is none."""
    stem = ROOT.joinpath(*parts)
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)
