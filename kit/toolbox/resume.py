"""What a training keeps on disk to go on after a kill: one file in the fold's folder, written whole, the newest only.

It knows nothing of a learning framework: a training gives it arrays and facts after each epoch, and gets them back.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kit import places
from kit.notes import tell
from kit.task.contract import Fold

FILE = "training-{}.npy"
"""In the fold's folder of checkpoints, named by what is trained: the facts as JSON, then each array, one after another
in NumPy's format."""

SHARE = 0.01
"""The share of a training's time that may go into writing. Epochs of milliseconds are therefore not all kept."""


class State(NamedTuple):
    """A training after `epoch` epochs: its arrays in the order in which they were given, and facts as JSON has them."""

    epoch: int
    arrays: list[np.ndarray]
    facts: dict[str, Any]


class Saved:
    """The checkpoint of a training in a fold that is being fitted.

    `what` tells it from other trainings of the same fold, such as those of several members, and from one with other
    settings: seed, epochs, shapes, whatever JSON or `str` can tell.
    """

    def __init__(self, fold: Fold, what: Mapping[str, Any]) -> None:
        told = json.dumps({"seed": fold.seed, "rows": len(fold.train), **what}, sort_keys=True, default=str)
        self.path = fold.dir / places.CHECKPOINT / FILE.format(hashlib.sha256(told.encode()).hexdigest()[:12])
        self._began, self._spent = time.perf_counter(), 0.0

    def read(self, like: Sequence[np.ndarray]) -> State | None:
        """What an earlier attempt left; None where there is nothing, or nothing that can be used: its first arrays must
        have shapes and types like those of `like`."""
        try:
            with self.path.open("rb") as file:
                stored = json.loads(np.load(file, allow_pickle=False).tobytes())
                arrays = [np.load(file, allow_pickle=False) for _ in range(stored["arrays"])]
            state = State(int(stored["epoch"]), arrays, dict(stored["facts"]))
            if [_kind(array) for array in arrays[: len(like)]] != [_kind(array) for array in like]:
                raise ValueError("it belongs to another model")
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError, KeyError, TypeError, MemoryError) as error:
            tell(f"The checkpoint {self.path} is passed over, since it cannot be used: {error}")
            return None
        return state

    def write(self, epoch: int, arrays: Sequence[np.ndarray], facts: Mapping[str, Any]) -> None:
        """Keep the state after `epoch` epochs, unless writing has had its SHARE of the time so far."""
        began = time.perf_counter()
        if self._spent > SHARE * (began - self._began):
            return
        described = json.dumps({"epoch": epoch, "arrays": len(arrays), "facts": dict(facts)}).encode()
        with places.whole(self.path) as part, part.open("wb") as file:
            for array in (np.frombuffer(described, np.uint8), *arrays):
                np.save(file, array, allow_pickle=False)
        self._spent += time.perf_counter() - began


def attributes(held: Any) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What an object, such as a callback, holds in numbers, texts and arrays: as JSON, in which an array stands as its
    place in the list that comes with it. What it holds otherwise is left out."""
    facts: dict[str, Any] = {}
    arrays: list[np.ndarray] = []
    for name, value in vars(held).items():
        several = isinstance(value, (list, tuple))
        if value is None or isinstance(value, (bool, int, float, str)):
            facts[name] = {"value": value}
        elif all(isinstance(one, (np.ndarray, np.generic)) for one in (value if several else [value])):
            facts[name] = {"several": several, "at": len(arrays), "count": len(value) if several else 1}
            arrays += value if several else [value]
    return facts, [np.asarray(array) for array in arrays]


def restore(held: Any, facts: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """Give an object what `attributes` took of it."""
    for name, stored in facts.items():
        if "value" in stored:
            setattr(held, name, stored["value"])
        else:
            parts = list(arrays[stored["at"] : stored["at"] + stored["count"]])
            setattr(held, name, parts if stored["several"] else parts[0])


def _kind(array: np.ndarray) -> tuple[tuple[int, ...], str]:
    return array.shape, array.dtype.str
