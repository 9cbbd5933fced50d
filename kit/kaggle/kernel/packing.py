"""Which files travel in a kernel: what the main path and the recipe import, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from kit import places
from kit.errors import KitError
from kit.task.catalog import Entry, Recipe

ROOTS = ("kit.places", "kit.task.catalog", "kit.train.loop", "kit.train.runs")
"""What the notebook's last cell imports."""

ROOMS = ("errors", "places", "words", "records", "notes", "task", "rows", "toolbox", "train")
"""What of kit may travel: all that lies below the rooms which reach outside."""

SECRETS = {
    "a Kaggle key": r"\bKGAT_\w{8,}|[\"']?(?:KAGGLE_)?(?:API_)?KEY[\"']?\s*[:=]\s*[\"']?[0-9a-f]{32}\b",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}
"""What a credential looks like, by what it is called."""

Packed = dict[str, str]
"""Path below the kernel's code folder to the text of the file; a file stands after those it imports."""


def pack(entry: Entry, recipe: Recipe) -> Packed:
    """The files of kit, of the competition and of the recipe that training it needs.

    Raises KitError when one imports a part of kit that does not travel, or holds what looks like a credential.
    """
    found: Packed = {}
    for root in ROOTS:
        _follow(root, "the notebook", found)
    for path in recipe.files:
        for name in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            _follow(name, path.name, found)
    for path in recipe.files:
        found[f"competitions/{entry.folder.name}/{path.name}"] = _text(path)
    for name, text in found.items():
        refuse_secrets(name, text)
    return found


def refuse_secrets(name: str, text: str) -> None:
    """Raises KitError when `text` holds what looks like a credential; the message does not repeat it."""
    for what, pattern in SECRETS.items():
        if hit := re.search(pattern, text, re.IGNORECASE if what == "a Kaggle key" else 0):
            line = text[: hit.start()].count("\n") + 1
            raise KitError(
                f"Line {line} of {name} holds what looks like {what}.",
                "A kernel's text can become public, so no credential may travel in it.",
                "kit kernel build COMPETITION RECIPE  # after removing it",
            )


def _follow(name: str, importer: str, found: Packed) -> None:
    """Add the module `name` of kit to `found`, after those it imports. Other packages are Kaggle's matter."""
    parts = name.split(".")
    if parts[0] != "kit":
        return
    if len(parts) > 1 and parts[1] not in ROOMS and _file(parts[:2]) is not None:
        raise KitError(
            f"{importer} imports {name}, which does not travel to Kaggle.",
            f"A recipe may import {', '.join(f'kit.{room}' for room in ROOMS)}.",
        )
    for length in range(1, len(parts) + 1):
        path = _file(parts[:length])
        if path is None:
            return  # the name is a function or a class of the module before it
        place = path.relative_to(places.KIT.parent).as_posix()
        if place in found:
            continue
        text = _text(path)
        found[place] = text  # before what it imports, since two modules may import each other inside functions
        for inner in _imported(ast.parse(text)):
            _follow(inner, place, found)
        found[place] = found.pop(place)


def _file(parts: list[str]) -> Path | None:
    stem = places.KIT.parent.joinpath(*parts)
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)


def _imported(tree: ast.Module) -> list[str]:
    """Names that a file imports when it runs, inside functions too; what only a type checker reads is left out."""
    names: list[str] = []
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= {id(inner) for statement in node.body for inner in ast.walk(statement)}
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _text(path: Path) -> str:
    """The file as `%%writefile` will write it: ending with a line end."""
    text = path.read_text(encoding="utf-8")
    return text if text.endswith("\n") else text + "\n"
