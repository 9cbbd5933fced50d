"""Arrays that are made part by part and need not fit in memory: they wait in a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable

import numpy as np


def joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    """The parts, of one dtype and one shape but for their rows, one behind the other, as a memory map that cannot be
    written to.

    They are written to a temporary file without a name as they come, which goes with the map. Raises ValueError where
    there is no part, or one differs from the first.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the map of it)
    rows, first = 0, None
    for part in parts:
        first = part if first is None else first
        if part.dtype != first.dtype or part.shape[1:] != first.shape[1:]:
            raise ValueError(f"a part of {part.dtype} {part.shape[1:]} behind one of {first.dtype} {first.shape[1:]}")
        file.write(np.ascontiguousarray(part).data)
        rows += len(part)
    if first is None:
        raise ValueError("there is no part")
    file.flush()
    shape = (rows, *first.shape[1:])
    return np.memmap(file, first.dtype, "r", shape=shape) if np.prod(shape) else np.zeros(shape, first.dtype)
