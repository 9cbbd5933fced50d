"""What a result depends on besides its settings: code, packages, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from kit import places

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


def git(folder: Path) -> dict[str, Any]:
    """The commit checked out around `folder` and whether files differ from it; empty outside a checkout."""

    def ask(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return {}


def code(files: Iterable[Path]) -> str:
    """A digest of a recipe's Python files: two runs of one digest were fitted by the same text."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def peak_memory() -> int:
    """The most memory that this process has held at once, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
