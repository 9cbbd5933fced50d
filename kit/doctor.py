"""What could go wrong on this machine, each line with its cure. Nothing heavy is imported."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from typing import NamedTuple

from kit import places
from kit.errors import KitError
from kit.kaggle import health
from kit.task import catalog
from kit.train import provenance

NEEDED = ("kaggle", "kagglesdk", "six", "tensorflow", "keras", "xgboost", "scikit-learn", "pandas", "numpy")

BROKEN = {("kagglesdk", "0.1.32"): "kagglesdk 0.1.32 cannot be imported by any kaggle"}
"""Versions that a resolver may pick and that do not work. Source: an import test of 98 pairs."""

LEAST = {"kaggle": ("2.2.4", "kagglesdk", "0.1.37")}
"""Package: from this version on it needs at least that version of the other."""

ROOM = 5 * 2**30
"""Bytes that data, weights of some runs and a framework's caches take."""


class Line(NamedTuple):
    """One thing examined; `cure` is empty where all is well."""

    what: str
    seen: str
    cure: str = ""

    @property
    def well(self) -> bool:
        """Whether there is nothing to do."""
        return not self.cure


def examine() -> list[Line]:
    """All lines, in the order in which a problem would be met."""
    machine = [_python(), *_packages(), *_pairs(), _workspace(), _disk(), _competitions(), _backend(), _device()]
    return [*machine, *(Line(*line) for line in health.lines())]


def _python() -> Line:
    found = sys.version.split()[0]
    cure = "" if sys.version_info >= (3, 11) else "kit needs Python 3.11 or newer: make PYTHON=python3.11"
    return Line("Python", found, cure)


def _packages() -> list[Line]:
    return [
        Line(name, version) if (version := _version(name)) else Line(name, "missing", f"pip install {name}")
        for name in NEEDED
    ]


def _pairs() -> list[Line]:
    lines = [
        Line(f"{name} {version}", why, "pip install -c constraints.txt kaggle kagglesdk")
        for (name, version), why in BROKEN.items()
        if _version(name) == version
    ]
    for name, (since, other, least) in LEAST.items():
        mine, theirs = _version(name), _version(other)
        if mine and theirs and _order(mine) >= _order(since) and _order(theirs) < _order(least):
            cure = f"pip install -c constraints.txt {name} {other}"
            lines.append(Line(f"{name} and {other}", f"{name} {mine} needs {other} {least} or newer", cure))
    return lines


def _workspace() -> Line:
    try:
        folder = places.workspace()
    except KitError as error:
        return Line("workspace", error.wrong, error.cure)
    if not os.access(folder, os.W_OK):
        return Line("workspace", f"{folder} cannot be written", "export KIT_HOME=~/kaggle && mkdir -p ~/kaggle")
    return Line("workspace", str(folder))


def _disk() -> Line:
    try:
        free = shutil.disk_usage(places.workspace()).free
    except KitError:
        return Line("disk", "unknown, as there is no workspace")
    found = f"{free / 2**30:.1f} GiB free"
    return Line("disk", found, "" if free >= ROOM else "free some: rm submissions/*/*/fold-*/model.keras")


def _competitions() -> Line:
    try:
        found = catalog.names()
        return Line("competitions", ", ".join(found) or "none", "" if found else "kit new my-task")
    except KitError as error:
        return Line("competitions", error.wrong, error.cure)


def _backend() -> Line:
    found = os.environ.get("KERAS_BACKEND", "tensorflow")
    package = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}.get(found)
    if package is None:
        return Line("Keras backend", found, "export KERAS_BACKEND=tensorflow  # or jax, torch")
    return Line("Keras backend", found, "" if _version(package) else f"pip install {package}")


def _device() -> Line:
    return Line("device", provenance.device())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
