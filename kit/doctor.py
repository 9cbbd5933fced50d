"""What could go wrong on this machine, each line with its cure. Nothing heavy is imported."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import metadata
from typing import Any, NamedTuple

from kit import places
from kit.api.results import Listing
from kit.errors import KitError
from kit.kaggle import health
from kit.task import catalog
from kit.train import provenance
from kit.words import Table

NEEDED = ("kaggle", "kagglesdk", "six", "scikit-learn", "pandas", "numpy", "matplotlib", "rich", "click")
"""Packages that kit cannot do without."""

EXTRAS = {"keras": "keras", "tensorflow": "keras", "xgboost": "boosted"}
"""Packages that some recipes need, and the extra that brings each."""

BROKEN = {("kagglesdk", "0.1.32"): "no version of kaggle can import kagglesdk 0.1.32"}
"""Versions that a resolver may pick and that do not work. Source: an import test of 98 pairs."""

LEAST = {"kaggle": ("2.2.4", "kagglesdk", "0.1.37")}
"""Package: from this version on it needs at least that version of the other."""

BACKENDS = ("tensorflow", "jax", "torch")
"""What Keras can compute with."""

ROOM = 5 * 2**30
"""Bytes that data, weights of some runs and a framework's caches take."""


class Line(NamedTuple):
    """One thing that was examined, and what was seen; `cure` is empty where all is well."""

    what: str
    seen: str
    cure: str = ""

    @property
    def well(self) -> bool:
        """Whether there is nothing to do."""
        return not self.cure


class Diagnosis(Listing[Line]):
    """What was examined on this machine."""

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return all(line.well for line in self)

    def summary(self) -> str:
        wrong = sum(not line.well for line in self)
        return f"{len(self)} things examined, {wrong or 'none'} wrong"

    def table(self) -> Table:
        return Table(("", "what", "seen"), [("ok" if line.well else "!!", line.what, line.seen) for line in self])

    def facts(self) -> list[dict[str, Any]]:
        return [line._asdict() for line in self]


class Assumptions(Listing[health.Check]):
    """What kit assumes of Kaggle, compared with what Kaggle does."""

    @property
    def well(self) -> bool:
        """Whether none was seen to be wrong."""
        return not any(check.holds is False for check in self)

    def summary(self) -> str:
        wrong = sum(check.holds is False for check in self)
        return f"{len(self)} assumptions, {wrong or 'none'} seen to be wrong"

    def table(self) -> Table:
        signs = {True: "yes", False: "NO", None: "not looked at"}
        return Table(("assumption", "holds", "seen"), [(one.assumption, signs[one.holds], one.seen) for one in self])

    def facts(self) -> list[dict[str, Any]]:
        return [check._asdict() for check in self]


def doctor() -> Diagnosis:
    """Examine Python, packages, places, disk and devices, and the way to Kaggle; each problem has its cure."""
    return Diagnosis(tuple(examine()))


def assumptions() -> Assumptions:
    """Compare Kaggle with what kit assumes of it, by reading only. Raises KitError without credentials."""
    return Assumptions(tuple(health.live()))


def examine() -> list[Line]:
    """All lines, in the order in which a problem would be met."""
    packages = [*_needed(), *_optional(), *_pairs()]
    machine = [_python(), *packages, _workspace(), _disk(), _competitions(), _backend(), _device()]
    return [*machine, *(Line(*line) for line in health.lines())]


def _python() -> Line:
    old = sys.version_info < (3, 11)
    return Line("Python", sys.version.split()[0], "kit needs Python 3.11 or newer: make PYTHON=python3.11" * old)


def _needed() -> list[Line]:
    return [
        Line(name, version) if (version := _version(name)) else Line(name, "missing", places.install_tested(name))
        for name in NEEDED
    ]


def _optional() -> list[Line]:
    """Packages of extras: a missing one is no problem until a recipe needs it."""
    return [
        Line(name, _version(name) or f"not installed; recipes that need it: {places.install(extra)}")
        for name, extra in EXTRAS.items()
    ]


def _pairs() -> list[Line]:
    lines = [
        Line(f"{name} {version}", why, places.install_tested("kaggle", "kagglesdk"))
        for (name, version), why in BROKEN.items()
        if _version(name) == version
    ]
    for name, (since, other, least) in LEAST.items():
        mine, theirs = _version(name), _version(other)
        if mine and theirs and _order(mine) >= _order(since) and _order(theirs) < _order(least):
            cure = places.install_tested(name, other)
            lines.append(Line(f"{name} and {other}", f"{name} {mine} needs {other} {least} or newer", cure))
    return lines


def _workspace() -> Line:
    try:
        folder = places.workspace()
    except KitError as error:
        return Line("workspace", error.wrong, error.cure)
    if not os.access(folder, os.W_OK):
        return Line("workspace", f"kit may not write into {folder}", "mkdir -p ~/kaggle && export KIT_HOME=~/kaggle")
    return Line("workspace", str(folder))


def _disk() -> Line:
    try:
        free = shutil.disk_usage(places.workspace()).free
    except KitError:
        return Line("disk", "not examined, because there is no workspace")
    enough = free >= ROOM
    cure = "" if enough else "rm submissions/*/*/fold-*/*.keras  # stored models; kit train makes them again"
    return Line("disk", f"{free / 2**30:.1f} GiB free" + ("" if enough else f", {ROOM >> 30} are needed"), cure)


def _competitions() -> Line:
    try:
        names = catalog.names()
        return Line("competitions", ", ".join(names) or "none", "" if names else "kit new my-task")
    except KitError as error:
        return Line("competitions", error.wrong, error.cure)


def _backend() -> Line:
    """What Keras would compute with."""
    if not _version("keras"):
        return Line("Keras backend", "none, because Keras is not installed")
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend not in BACKENDS:
        return Line(
            "Keras backend", f"KERAS_BACKEND is {backend!r}", "export KERAS_BACKEND=tensorflow  # or jax, torch"
        )
    missing = not _version(backend)
    return Line("Keras backend", backend + " is not installed" * missing, places.install_tested(backend) * missing)


def _device() -> Line:
    return Line("device", provenance.device())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
