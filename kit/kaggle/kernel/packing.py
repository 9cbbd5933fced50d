"""Which files travel in a kernel: what the main path and the recipe import, and nothing else."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from kit.errors import KitError
from kit.kaggle import credentials
from kit.task import imports
from kit.task.catalog import Entry, Recipe

STARTED = {"kit.train.processes": "kit.train.worker"}
"""Modules that start another one as a program, which no import tells of."""

ROOMS = ("errors", "places", "words", "records", "notes", "task", "rows", "toolbox", "train")
"""What of kit may travel to train: all that lies below the rooms which reach outside."""

PREDICTING = (*ROOMS, "predict")
"""What of kit may travel to predict."""

SECRETS = {
    # A legacy key is 32 hexadecimal digits, as the MD5 of a file is; a word near it tells which it is.
    "a Kaggle key": r"\bKGAT_\w{8,}|(?:key|token|kaggle|secret)\w*\W{1,20}(?:\w+\W{1,10})?(?<!\w)[0-9a-f]{32}(?!\w)",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}",
    "an AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
}
"""What a credential looks like, by what it is called."""

Packed = dict[str, str]
"""Path below the kernel's code folder to the text of the file; a file stands after those it imports."""


def pack(entry: Entry, recipes: Sequence[Recipe], last: str, rooms: Sequence[str] = ROOMS) -> Packed:
    """The files of the competition and its recipes, and those of kit, all of `rooms`, that they and the notebook's cell
    `last` import.

    Raises KitError when one imports a part of kit that does not travel, or holds what looks like a credential.
    """
    own = {path: None for recipe in recipes for path in recipe.files}
    wanted = [(root, "the notebook") for root in imports.names(Path("the last cell"), last)]
    wanted += [(STARTED[root], root) for root, _ in wanted if root in STARTED]
    wanted += [(name, path.name) for path in own for name in imports.names(path)]
    check = functools.partial(_refuse_rooms, rooms=rooms)
    packed = {place: _text(path) for place, path in imports.kit_files(wanted, check).items()}
    packed |= {f"competitions/{entry.folder.name}/{path.name}": _text(path) for path in own}
    for name, text in packed.items():
        refuse_secrets(name, text, f"{entry.name} {recipes[0].name}")
    return packed


def refuse_secrets(name: str, text: str, words: str) -> None:
    """Raises KitError when `text` holds what looks like a credential; the message does not repeat it.

    `words` are those by which commands name the kernel, such as `digit-recognizer cnn`.
    """
    own = "|".join(map(re.escape, credentials.secrets()))
    for what, pattern in {**SECRETS, **({"a credential of yours": own} if own else {})}.items():
        if hit := re.search(pattern, text, re.IGNORECASE if what == "a Kaggle key" else 0):
            line = text[: hit.start()].count("\n") + 1
            raise KitError(
                f"Line {line} of {name} holds what looks like {what}.",
                "A kernel's text can become public, so no credential may travel in it.",
                f"kit kernel build {words}  # after removing it",
            )


def _refuse_rooms(name: str, importer: str, rooms: Sequence[str]) -> None:
    """Raises KitError for a part of kit that does not travel. Other packages are Kaggle's matter."""
    parts = name.split(".")
    if len(parts) > 1 and parts[1] not in rooms and imports.file(parts[:2]) is not None:
        raise KitError(
            f"{importer} imports {name}, which does not travel to Kaggle.",
            f"A recipe may import {', '.join(f'kit.{room}' for room in rooms)}.",
        )


def _text(path: Path) -> str:
    """The file as `%%writefile` will write it: ending with a line end."""
    text = path.read_text(encoding="utf-8")
    return text if text.endswith("\n") else text + "\n"
