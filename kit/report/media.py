"""Rows as a browser shows them: images as PNG, recordings as WAV, texts as texts; all inside the page."""

from __future__ import annotations

import base64
import io
import wave
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.drawing import rows, style
from kit.task.contract import Kind

WIDEST = 256
"""Pixels of the longer side of an image on the page; larger ones are made smaller."""

LONGEST = 10
"""Seconds of a recording on the page."""

VALUE, COLUMNS = 400, 12
"""Letters of a value, and columns of a row of a table on the page."""

LARGEST = 400_000
"""Bytes of a picture file or of one row on the page; what is larger is left out."""


class Shown(NamedTuple):
    """A row for the page: `kind` is `image`, `audio` or `text`; `source` a data URI of the first two, `text` the row in
    words."""

    kind: str
    source: str
    text: str


def show(kind: Kind, row: Any, rate: int | None = None) -> Shown:
    """One row. Recordings can be played where their `rate`, in samples a second, is known; a row that is the path of
    a file that is here is read, and one that cannot be shown stands as words."""
    text = _words(row) if hasattr(row, "items") else rows.words(row, path=kind in ("image", "audio"))
    try:
        if kind == "image":
            return Shown("image", _image(row), text if isinstance(row, (str, Path)) else "")
        if kind == "audio" and rate:
            array = np.asarray(row)
            if array.ndim == 1 and array.dtype == np.int16:
                return Shown("audio", _audio(array[: rate * LONGEST], rate), "")
    except (OSError, ValueError, TypeError):  # a file that is gone, or no picture
        pass
    return Shown("text", "", text)


def picture(path: Path) -> str | None:
    """A picture file as a data URI; None where it is gone or larger than LARGEST."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return _uri("image/png", data) if len(data) <= LARGEST else None


def pictures(folder: Path, most: int) -> list[tuple[str, str]]:
    """The PNG files of a folder, as far as they have `most` bytes together: name and data URI."""
    shown, total = [], 0
    for path in sorted(folder.glob("*.png")):
        source = picture(path)
        if source is not None and total + len(source) <= most:
            shown.append((path.stem.replace("_", " ").replace("-", " "), source))
            total += len(source)
    return shown


def _words(row: Any) -> str:
    """The columns of a row of a table that it has a value in, whole texts too: there is more room than in a picture."""
    said = [
        f"{name}: {style.short(value, VALUE)}" for name, value in row.items() if value is not None and value == value
    ]
    return "\n".join(said[:COLUMNS] + ([f"and {len(said) - COLUMNS:,} more columns"] if len(said) > COLUMNS else []))


def _image(row: Any) -> str:
    from PIL import Image

    if isinstance(row, (str, Path)):
        with Image.open(row) as opened:
            opened.draft("RGB", (WIDEST, WIDEST))
            image = opened.convert("RGB")
    else:
        array = np.asarray(row)
        if array.ndim not in (2, 3) or array.dtype.kind not in "uifb":
            raise ValueError("no image")
        array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
        if array.dtype != np.uint8:
            most = 255.0 if array.dtype.kind in "ui" else max(1.0, float(array.max(initial=0)))
            array = np.clip(array / most * 255, 0, 255).astype(np.uint8)
        image = Image.fromarray(array)
    image.thumbnail((WIDEST, WIDEST))
    held = io.BytesIO()
    image.save(held, "PNG", optimize=True)
    return _uri("image/png", held.getvalue())


def _audio(samples: np.ndarray, rate: int) -> str:
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes(samples.astype("<i2").tobytes())
    return _uri("audio/wav", held.getvalue())


def _uri(kind: str, data: bytes) -> str:
    if len(data) > LARGEST:
        raise ValueError("too large for the page")
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
