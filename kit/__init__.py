"""kit takes a Kaggle task from download to rank.

>>> import kit
>>> run = kit.train("digit-recognizer", "cnn", epochs=3)    # doctest: +SKIP
>>> kit.submit("digit-recognizer", run, dry_run=True)       # doctest: +SKIP

Each verb of the command `kit` is a function here, imported when it is first used.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.api import embedding as embedding
    from kit.api import encoder as encoder
    from kit.api import kernel as kernel
    from kit.api import tasks
    from kit.api.auditing import audit as audit
    from kit.api.code_competitions import publish_run as publish_run
    from kit.api.deciding import choose as choose
    from kit.api.deciding import forecast as forecast
    from kit.api.emulator import emulator as emulator
    from kit.api.generating import generate as generate
    from kit.api.judging import ensemble as ensemble
    from kit.api.judging import importance as importance
    from kit.api.keeping import delete as delete
    from kit.api.keeping import diff as diff
    from kit.api.keeping import note as note
    from kit.api.looking import competitions as competitions
    from kit.api.looking import files as files
    from kit.api.predicting import predict as predict
    from kit.api.pushing import push as push
    from kit.api.reporting import compare as compare
    from kit.api.reporting import report as report
    from kit.api.studying import curves as curves
    from kit.api.submitting import leaderboard as leaderboard
    from kit.api.submitting import publish as publish
    from kit.api.submitting import submit as submit
    from kit.api.tasks import download as download
    from kit.api.tasks import explore as explore
    from kit.api.tracing import why as why
    from kit.api.training import runs as runs
    from kit.api.training import sweep as sweep
    from kit.api.training import track as track
    from kit.api.training import train as train
    from kit.api.tuning import tune as tune
    from kit.demo import demo as demo
    from kit.doctor import assumptions as assumptions
    from kit.doctor import doctor as doctor
    from kit.errors import KitError as KitError
    from kit.new import new as new

    list = tasks.list_

__version__ = "0.1.0"

_EXPORTED = {
    "KitError": "errors",
    "embedding": "api",
    "encoder": "api",
    "kernel": "api",
    "choose": "api.deciding",
    "forecast": "api.deciding",
    "audit": "api.auditing",
    "emulator": "api.emulator",
    "generate": "api.generating",
    "ensemble": "api.judging",
    "importance": "api.judging",
    "delete": "api.keeping",
    "diff": "api.keeping",
    "note": "api.keeping",
    "competitions": "api.looking",
    "files": "api.looking",
    "assumptions": "doctor",
    "demo": "demo",
    "doctor": "doctor",
    "predict": "api.predicting",
    "push": "api.pushing",
    "curves": "api.studying",
    "compare": "api.reporting",
    "report": "api.reporting",
    "leaderboard": "api.submitting",
    "publish": "api.submitting",
    "publish_run": "api.code_competitions",
    "submit": "api.submitting",
    "why": "api.tracing",
    "download": "api.tasks",
    "explore": "api.tasks",
    "new": "new",
    "list": "api.tasks",
    "runs": "api.training",
    "sweep": "api.training",
    "track": "api.training",
    "train": "api.training",
    "tune": "api.tuning",
}
"""The module below kit that holds each public name."""


def _exported(name: str) -> Any:
    place = f"kit.{_EXPORTED[name]}"
    if place == "kit.api":
        return importlib.import_module(f"kit.api.{name}")
    module = importlib.import_module(place)
    # `list_`, since a module that has a function called `list` could not use Python's own.
    return getattr(module, name, None) or getattr(module, f"{name}_")


class _Room(ModuleType):
    """A module of kit that bears the name of a verb, such as `kit.train`: calling it calls the verb, and its own
    modules, such as `kit.train.loop`, stay where they are."""

    @property
    def __call__(self) -> Any:
        return _exported(self.__name__.removeprefix("kit."))

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(self.__call__)


class _Package(ModuleType):
    """kit itself. The import system sets each imported module as an attribute of its package, after which a function
    of that name could not be reached: such a module is made callable."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _EXPORTED and isinstance(value, ModuleType) and value.__name__ == f"kit.{name}":
            value.__class__ = _Room
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTED:
        raise AttributeError(f"module 'kit' has no attribute {name!r}")
    # Where a module has the verb's name it is the module in any case, so that nothing hangs on what was imported first.
    if importlib.util.find_spec(f"kit.{name}"):
        return importlib.import_module(f"kit.{name}")
    return _exported(name)


def __dir__() -> Iterable[str]:
    return sorted({*globals(), *_EXPORTED})


sys.modules[__name__].__class__ = _Package
