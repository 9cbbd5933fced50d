"""What a training keeps on disk to go on after a kill: one file in the fold's folder, written whole, the newest only.

It knows nothing of a learning framework: a training gives it arrays and facts after each epoch, and gets them back.
`keras.callbacks.BackupAndRestore` is not enough for the same bytes: it leaves out what callbacks hold, such as the
patience of early stopping (github.com/keras-team/keras/issues/14862), the order of the rows, and seeds that are
outside the model; and it writes weights and epoch into two files in place, so that a kill can leave them torn.
"""

from __future__ import annotations

import hashlib
import json
import time
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit import places
from kit.notes import tell
from kit.task.contract import Fold

FILE = "training-{}.npy"
"""In the fold's folder of checkpoints, named by what is trained: the facts as JSON, then each array, one after another
in NumPy's format."""

SHARE = 0.01
"""The share of a training's time that may go into writing, after the first checkpoint. So epochs that are shorter than
about a hundred times the writing are not all kept."""

_OWN: set[Path] = set()
"""Checkpoints that this process has read or written. Others in the same folder are those of another training."""


class Unstorable(Exception):
    """An object holds something that cannot be stored; its text says what."""


class State(NamedTuple):
    """A training after `epoch` epochs: its arrays in the order in which they were given, and facts as JSON has them."""

    epoch: int
    arrays: list[np.ndarray]
    facts: dict[str, Any]


class Saved:
    """The checkpoint of a training in a fold that is being fitted.

    `what` tells it from other trainings of the same fold, such as those of several members, and from one with other
    settings: shapes, rates, versions, whatever JSON or `str` can tell. A checkpoint of something else is never read.
    """

    def __init__(self, fold: Fold, epochs: int, what: Mapping[str, Any]) -> None:
        described = {"seed": fold.seed, "rows": len(fold.train), "epochs": epochs, **what}
        digest = hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()
        self.path = fold.dir / places.CHECKPOINT / FILE.format(digest[:12])
        self.epochs = epochs
        self._failed = False
        self._began, self._spent, self._last = time.perf_counter(), 0.0, 0.0

    def read(self, like: Sequence[np.ndarray]) -> State | None:
        """What an earlier attempt left; None where there is nothing, or nothing that can be used, of which a person is
        told: its first arrays must have shapes and types like those of `like`."""
        own = self.path.exists()
        others = [path for path in self.path.parent.glob(FILE.format("*")) if path != self.path]
        if not own and any(path not in _OWN for path in others):
            tell(
                f"The checkpoint in {self.path.parent} is passed over, since it was made with other settings, other "
                "code or other versions of packages. The training begins with epoch 1."
            )
        _OWN.add(self.path)
        if not own:
            return None
        try:
            with self.path.open("rb") as file:
                stored = json.loads(np.load(file, allow_pickle=False).tobytes())
                arrays = [np.load(file, allow_pickle=False).view(np.dtype(name)) for name in stored["types"]]
            state = State(int(stored["epoch"]), arrays, dict(stored["facts"]))
            if [_kind(array) for array in arrays[: len(like)]] != [_kind(array) for array in like]:
                raise ValueError("it belongs to another model")
            if not 0 < state.epoch <= self.epochs:
                raise ValueError(f"it ends with epoch {state.epoch} of {self.epochs}")
        except (ValueError, EOFError, OSError, KeyError, TypeError, MemoryError) as error:
            tell(
                f"The checkpoint {self.path} is passed over, since it is damaged ({error}). The training begins with "
                "epoch 1."
            )
            return None
        return state

    def write(self, epoch: int, arrays: Sequence[np.ndarray], facts: Mapping[str, Any]) -> None:
        """Keep the state after `epoch` epochs, unless writing would then have had more than its SHARE of the time."""
        began = time.perf_counter()
        if self._spent and self._spent + self._last > SHARE * (began - self._began):
            return
        stored = {"epoch": epoch, "epochs": self.epochs, "types": [*map(_type, arrays)], "facts": dict(facts)}
        try:
            with places.whole(self.path) as part, part.open("wb") as file:
                for array in (np.frombuffer(json.dumps(stored).encode(), np.uint8), *map(_bits, arrays)):
                    np.save(file, array, allow_pickle=False)
        except OSError as error:
            if not self._failed:
                tell(f"No checkpoint could be written ({error}). The training goes on; after a kill it loses epochs.")
            self._failed = True
        self._last = time.perf_counter() - began
        self._spent += self._last


def reached(folder: Path) -> tuple[int, int] | None:
    """How far the training got whose checkpoint in `folder` is the newest: epochs that are kept, and epochs in all.

    None where there is none of a training, or it is damaged.
    """
    try:
        newest = max(folder.glob(FILE.format("*")), key=lambda path: path.stat().st_mtime_ns)
        with newest.open("rb") as file:
            stored = json.loads(np.load(file, allow_pickle=False).tobytes())
        return int(stored["epoch"]), int(stored["epochs"])
    except (ValueError, EOFError, OSError, KeyError, TypeError, MemoryError):
        return None


def attributes(
    held: Any, known: Mapping[str, Any], before: Mapping[str, Any]
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What an object, such as a callback, holds: as JSON, in which an array stands as its place in the list that comes
    with it.

    Numbers, texts, arrays, and lists, tuples and dicts of them are stored, and objects that `known` has, by their names
    there. Functions, classes and paths that are the same as in `before`, its attributes when the training began, are
    left out: they are there again. Raises Unstorable for all else.
    """
    arrays: list[np.ndarray] = []
    names = {id(value): name for name, value in known.items()}

    def stored(value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float, str)):
            return {"value": value}
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind != "O" and not value.dtype.names:
            arrays.append(np.asarray(value))
            return {"array": len(arrays) - 1}
        if type(value) in (list, tuple):
            return {type(value).__name__: [stored(one) for one in value]}
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": {key: stored(one) for key, one in value.items()}}
        if id(value) in names:
            return {"known": names[id(value)]}
        raise Unstorable(type(value).__name__)

    facts = {}
    for name, value in vars(held).items():
        try:
            facts[name] = stored(value)
        except Unstorable as error:
            if not (isinstance(value, _FIXED) and before.get(name) is value):
                raise Unstorable(f"`{name}` of {type(held).__name__}, a {error}") from None
    return facts, arrays


_FIXED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type, Path)


def restore(held: Any, facts: Mapping[str, Any], arrays: Sequence[np.ndarray], known: Mapping[str, Any]) -> None:
    """Give an object what `attributes` took of it."""

    def loaded(stored: dict[str, Any]) -> Any:
        ((kind, value),) = stored.items()
        if kind == "array":
            return arrays[value] if arrays[value].ndim else arrays[value][()]
        if kind in ("list", "tuple"):
            return (list if kind == "list" else tuple)(map(loaded, value))
        if kind == "dict":
            return {key: loaded(one) for key, one in value.items()}
        return known[value] if kind == "known" else value

    for name, stored in facts.items():
        setattr(held, name, loaded(stored))


def _type(array: np.ndarray) -> str:
    return array.dtype.name if array.dtype.kind == "V" else array.dtype.str


def _bits(array: np.ndarray) -> np.ndarray:
    """The array in a type that NumPy's format knows: bfloat16 and its like, which it does not, as their bits."""
    return array if array.dtype.kind != "V" else array.view(f"u{array.itemsize}")


def _kind(array: np.ndarray) -> tuple[tuple[int, ...], str]:
    return array.shape, _type(array)
