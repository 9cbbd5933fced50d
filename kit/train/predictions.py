"""Prediction arrays: made in parts, checked, written and read. They have one finite row for each row of the data."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kit import places
from kit.errors import KitError
from kit.rows import views
from kit.task.contract import Diverged, Predict, everything

CHUNK = 4096
"""The most rows predicted at a time: 4,096 x 1,588 classes of float32 are 26 MB; fewer rows cost Keras more a call."""
LARGEST = 256 << 20
"""Bytes of an array's rows that are taken at a time: 4,096 pictures of 1,024 x 1,024 would be 4 GB of bytes alone."""

OOF = ("ids", "fold", "y", "pred")
"""The arrays of every file of out-of-fold predictions, beside the columns that a metric needs."""

DAMAGE = (
    *(ValueError, OSError, EOFError, KeyError, TypeError, SyntaxError, OverflowError, MemoryError, RecursionError),
    *(NotImplementedError, RuntimeError, tokenize.TokenError, struct.error, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and zipfile raise for bytes that are no array; MemoryError, where a header tells of terabytes."""


def run(predict: Predict, x: Any, keep: Callable[[np.ndarray], np.ndarray] = everything) -> np.ndarray:
    """Predictions of every row of `x`, in order, made in chunks and reduced by `keep` before they are joined.

    Raises KitError when the recipe returns another number of rows than it was given, or a value that is not finite.
    """
    rows = views.of(x)
    total, parts = len(rows), []
    size = max(1, min(CHUNK, LARGEST // max(1, _row_bytes(rows.store))))
    for start in range(0, total, size):
        chunk = rows[start : start + size].take()
        pred = np.asarray(predict(chunk))
        if pred.shape[:1] != (len(chunk),):
            raise KitError(
                f"The recipe predicted an array of shape {pred.shape} for {len(chunk):,} rows.",
                "`predict` must return one prediction for each row, in the same order.",
            )
        if pred.dtype.kind == "f" and not (finite := np.isfinite(pred.reshape(len(pred), -1)).all(1)).all():
            raise Diverged(
                f"The recipe predicted NaN or infinity for row {start + int(np.argmin(finite)):,} of {total:,}.",
                "Training has most likely diverged; a smaller learning rate is the usual cure.",
            )
        parts.append(keep(pred))
    return np.concatenate(parts) if parts else keep(np.asarray(predict(rows.take())))


def _row_bytes(store: Any) -> int:
    """The bytes of one row of an array, 0 where the store is of another kind."""
    return store.nbytes // max(1, len(store)) if isinstance(store, np.ndarray) else 0


def save(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays as `.npz`, whole or not at all. The same arrays give the same bytes."""
    with places.whole(path) as part, part.open("wb") as file:
        np.savez(file, **{name: _plain(array) for name, array in arrays.items()})  # type: ignore[arg-type]


def load(path: Path, *needed: str) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file that `save` wrote, one row a row each; nothing is unpickled.

    Raises KitError when the file is missing or damaged, lacks an array that is `needed`, or holds predictions that are
    not finite.
    """
    try:
        arrays = _stored(path)
        if missing := [name for name in needed if name not in arrays]:
            raise ValueError(f"it holds no {missing[0]!r}")
        if len({array.shape[:1] for array in arrays.values()}) > 1 or not all(array.ndim for array in arrays.values()):
            raise ValueError("its arrays have different numbers of rows")
        pred = arrays.get("pred")
        if pred is not None and pred.dtype.kind == "f" and not np.isfinite(pred).all():
            raise ValueError("it holds predictions that are not finite")
    except FileNotFoundError:
        raise KitError(f"{path} is missing.", "A finished run has it; git does not keep it.", "kit runs") from None
    except DAMAGE as error:
        why = str(error).split("\n")[0] or type(error).__name__
        raise KitError(
            f"{path} cannot be read: {why[:200]}.", "It may be cut off.", f"rm -r {path.parent}  # and kit train again"
        ) from error
    return arrays


def _stored(path: Path) -> dict[str, np.ndarray]:
    """What an `.npz` file holds. `save` compresses nothing, and what is compressed is refused: so memory never has to
    hold more than the file does."""
    with zipfile.ZipFile(path) as archive:
        if packed := [one.filename for one in archive.infolist() if one.compress_type != zipfile.ZIP_STORED]:
            raise ValueError(f"{packed[0]!r} in it is compressed")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if other := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
        raise ValueError(f"{other[0]!r} in it is no array")
    return arrays


def _plain(array: np.ndarray) -> np.ndarray:
    """Texts as fixed-width Unicode, since an array of objects could only be pickled."""
    return array.astype(str) if array.dtype.kind == "O" else array
