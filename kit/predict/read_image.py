"""Image files as rows of a competition: decoded, in its colours, and brought to its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError


def read(file: Path, like: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """The image in a file as the one row it is, uint8 of the shape of a row of `like`, grey or with colours.

    Raises KitError when the file is no image or the competition does not hold its images as one array.
    """
    from PIL import Image, UnidentifiedImageError

    if not isinstance(like, np.ndarray) or like.ndim not in (3, 4):
        raise KitError(
            "This competition does not hold its images as one array.",
            "Image files can be brought to the size of its rows where `load` returns an array of images.",
        )
    if not file.is_file():
        raise KitError(
            f"{file} is not a file." if file.exists() else f"{file} does not exist.",
            "It must be an image file, such as PNG or JPEG.",
            f"ls {file.parent}",
        )
    colours = {1: "L", 3: "RGB", 4: "RGBA"}.get(like.shape[3] if like.ndim == 4 else 1, "RGB")
    height, width = like.shape[1:3]
    try:
        with Image.open(file) as opened:
            image = opened.convert(colours)
            image = image if image.size == (width, height) else image.resize((width, height), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise KitError(
            f"{file} cannot be read as an image: {str(error) or type(error).__name__}",
            "PNG, JPEG and all other formats of Pillow can be read. What counts is the content, not the name.",
        ) from error
    row = np.asarray(image, np.uint8).reshape(like.shape[1:])
    return row, [row]


def rows(parts: list[np.ndarray], like: Any) -> np.ndarray:
    """The images as rows that a recipe of the competition predicts."""
    return np.stack(parts)
