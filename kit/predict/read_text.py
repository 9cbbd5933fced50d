"""Texts as rows of a competition: what a file holds, or the words themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.predict import moved as moving
from kit.predict.moved import Part
from kit.task.contract import Fitted

COLUMN = "text"
"""The column that holds the text where rows have several; a table of one column may call it anything."""


def read(file: Path, like: Any) -> tuple[str, list[str]]:
    """The text in a file, UTF-8, as the one row it is; a name that no file has is the text itself.

    Raises KitError when the file is empty or no text.
    """
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else str(file)
    except UnicodeDecodeError as error:
        raise KitError(
            f"{file} is not text: byte {error.start:,} is not UTF-8.", "It must be a text file in the encoding UTF-8."
        ) from None
    except OSError:  # a text longer than a name may be
        text = str(file)
    if not text.strip():
        raise KitError(f"{file} holds no text.", "It must hold at least one letter.")
    return text.strip(), [text.strip()]


def moved(text: str, label: int, model: Fitted, like: Any) -> list[Part]:
    """Which words of a text moved the probability of the class of a number, by occlusion."""
    return moving.parts(text, lambda texts: moving.of_label(model.predict(rows(list(texts), like)), label))


def rows(parts: list[str], like: Any) -> Any:
    """The texts as rows that a recipe of the competition predicts; other columns are missing in them.

    Raises KitError when no column of the competition holds texts.
    """
    if not hasattr(like, "columns"):
        return np.array(parts, object) if not hasattr(like, "iloc") else type(like)(parts, dtype=like.dtype)
    import pandas as pd

    columns = list(like.columns)
    name = COLUMN if COLUMN in columns else columns[0]
    if COLUMN not in columns and len(columns) > 1:
        raise KitError(
            f"A row of this competition has the columns {', '.join(map(str, columns))}; none is called {COLUMN!r}.",
            "A text alone is not enough for such a row; --rows takes a file with all columns.",
        )
    return pd.DataFrame({name: parts}).reindex(columns=columns).astype(like.dtypes.to_dict())
