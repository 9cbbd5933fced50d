"""What a result depends on besides its settings: code, packages, machine, and how its rows were split."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from kit import places
from kit.train.record import Git

PACKAGES = ("kaggle-kit", "tensorflow", "keras", "torch", "jax", "xgboost", "scikit-learn", "numpy", "pandas", "scipy")


def where() -> str:
    """`kaggle` or `local`."""
    return "kaggle" if places.on_kaggle() else "local"


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
    """Python and the installed ones of the packages that can change a prediction."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


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
    _, first, code = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))  # numbered in the order in which groups are met
    return _short(hashlib.sha256(order[code].astype("<i8").tobytes()))


def code(files: Iterable[Path]) -> str:
    """A digest of a recipe's Python files: two runs of one digest were fitted by the same text."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return _short(digest)


def peak_memory() -> int:
    """The most memory that this process has held at once, in bytes; 0 where the system does not say."""
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
