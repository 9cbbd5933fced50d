"""What a result depends on besides its settings: code, packages, machine, and how its rows were split."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import places, records
from kit.errors import KitError
from kit.task import imports
from kit.task.catalog import Recipe
from kit.train.record import Git

if TYPE_CHECKING:
    import numpy as np

TICK = 2 * 10**9
"""Nanoseconds after which the time of a last change tells whether a file or a folder has changed since: FAT counts by
two seconds, other file systems more finely."""

PACKAGES = (
    *("kaggle-kit", "numpy", "pandas", "scipy", "scikit-learn", "skops", "xgboost", "lightgbm", "catboost", "optuna"),
    *("tensorflow", "keras", "tf-keras", "tensorflow-text", "tensorflow-hub", "tf-models-official", "torch", "jax"),
    *("soundfile", "soxr"),
)
"""What can change a prediction."""

FITTED_BY = ("task", "rows", "toolbox")
"""Rooms of kit whose files decide what a recipe fits, where the recipe or the declaration imports them."""

LOOP = ("kit.train.fold", "kit.train.predictions")
"""Modules that decide what any recipe fits: seeds, the fold's rows, chunks of rows that are predicted."""


def where() -> str:
    """`kaggle` or `local`."""
    return "kaggle" if places.on_kaggle() else "local"


@functools.cache
def device() -> str:
    """The accelerators that the driver lists, else the processor with its number of usable cores."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True).stdout
        if cards := [line.partition(": ")[2].partition(" (")[0] for line in listed.splitlines()]:
            return ", ".join(cards)
    except (OSError, subprocess.SubprocessError):
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores"


def versions() -> dict[str, str]:
    """Python and the installed ones of PACKAGES."""
    return dict(_installed())


@functools.cache
def _installed() -> dict[str, str]:
    # Read once for a process and not once for a fold: it is 30 ms of files, and packages in use do not change.
    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def joined(versions: Sequence[dict[str, str]]) -> dict[str, str]:
    """The versions by which the folds of a run were fitted; where they differ, such as on two machines, all of them."""
    names = dict.fromkeys(name for one in versions for name in one)
    return {name: ", ".join(dict.fromkeys(one[name] for one in versions if name in one)) for name in names}


def git(folder: Path) -> Git | None:
    """The commit checked out around `folder` and whether files differ from it; None outside a checkout."""

    def ask(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        return Git(commit=ask("rev-parse", "HEAD"), dirty=bool(ask("status", "--porcelain", "-uno")))
    except (OSError, subprocess.SubprocessError):
        return None


def split(chosen: Callable[..., Any]) -> str:
    """A split as text, with all its parameters, such as `Stratified(folds=5, seed=0)`.

    Of a function it is the name and a digest of its source, so that a changed function is another split.
    """
    if is_dataclass(chosen):
        return repr(chosen)
    if isinstance(chosen, functools.partial):
        given = [*map(repr, chosen.args), *(f"{name}={value!r}" for name, value in sorted(chosen.keywords.items()))]
        return f"{split(chosen.func)}({', '.join(given)})"
    try:
        text = inspect.getsource(chosen)
    except (OSError, TypeError):
        text = ""  # an object of a class, or a function without a file
    name = getattr(chosen, "__name__", type(chosen).__name__)
    return f"{name} {_short(hashlib.sha256(text.encode()))}" if text else name


def groups(group: np.ndarray | None) -> str | None:
    """A digest of which rows share a group, whatever the groups are called; None where there are no groups."""
    if group is None:
        return None
    import numpy as np  # A tenth of a second that `kit runs` saves.

    _, first, code = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))  # numbered in the order in which groups are met
    return _short(hashlib.sha256(order[code].astype("<i8").tobytes()))


def code(files: Iterable[Path]) -> str:
    """A digest of all text that decides what a recipe fits: its Python `files`, what they import of kit's task, rows
    and toolbox, followed from file to file, and what fits every fold. Two runs of one digest were fitted by one text.

    It is the same in a kernel, where these files lie in another folder. The files are read once in a process while none
    of them changes: a sweep asks for every plan, and for every run again, and reading them takes 11 ms.
    """
    files = tuple(files)
    key = (imports.ROOT, *files)
    stamps, known = _CODES.get(key, ({}, ""))
    if known and all(_stamp(path) == stamp for path, stamp in stamps.items()):
        return known
    wanted = [(name, path.name) for path in files for name in imports.names(path)]
    followed = imports.kit_files(wanted)
    loop = {f"{name.replace('.', '/')}.py": path for name in LOOP if (path := imports.file(name.split(".")))}
    own = {f"{path.parent.name}/{path.name}": path for path in files}
    stamps = {path: _stamp(path) for path in (*followed.values(), *loop.values(), *own.values())}
    named = {place: path for place, path in followed.items() if place.split("/")[1] in FITTED_BY} | loop | own
    digest = hashlib.sha256()
    for place, path in sorted(named.items()):
        digest.update(place.encode() + b"\0" + path.read_bytes().rstrip(b"\n") + b"\0")  # a notebook ends every file
    # An edit within the same tick of the file system's clock may leave a file's time as it is.
    if time.time_ns() - max((changed for _, changed in stamps.values()), default=0) > TICK:
        _CODES[key] = stamps, _short(digest)
    return _short(digest)


_CODES: dict[tuple[Path, ...], tuple[dict[Path, tuple[int, int]], str]] = {}
"""Digests that were computed, with size and time of the last change of each file behind them."""


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of the last change of a file; zeros where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def data(folder: Path) -> dict[str, str]:
    """The sha256 of each public file: from the manifest where there is one, else computed."""
    file = folder.parent / "manifest.json"
    if listed := records.read_json(file).get("public"):
        try:
            return {str(name): str(facts["sha256"]) for name, facts in listed.items()}
        except (AttributeError, KeyError, TypeError):
            raise KitError(
                f"{file} is damaged: it does not list the sha256 of each public file.",
                "kit download writes it.",
                f"rm {file}  # the files stay, and their sha256 is computed anew",
            ) from None
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: _sha256(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, size: int, changed: int) -> str:
    """The sha256 of a file, read once in a process while its size and the time of its last change stay."""
    return records.sha256(path)


def encoders(recipe: Recipe, settings: dict[str, Any]) -> dict[str, str]:
    """The sha256 of each pretrained encoder that the settings name, by the setting; see `handles.digest`."""
    if not recipe.attach:
        return {}
    # By name, so that kernels of recipes without encoders do not carry the file; a recipe with some imports it itself.
    handles = importlib.import_module("kit.toolbox.encoders.handles")
    known = {part: handles.digest(str(settings[part]), part) for part in recipe.attach if settings.get(part)}
    return {part: digest for part, digest in known.items() if digest}


def measure_memory_anew() -> None:
    """Let `peak_memory` forget what this process held before, where the system can. Source: proc_pid_clear_refs(5)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """The most memory that this process has held at once, in bytes; 0 where the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _short(digest: Any) -> str:
    """Of a sha256 16 hexadecimal digits, which tell any two files or columns apart that a person could have."""
    return digest.hexdigest()[:16]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
