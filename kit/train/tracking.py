"""Runs in MLflow while they train: a thread of its own looks at the run folder and tells a tracking server what is new.

A server that is away or slow costs a training nothing: the thread is waited for a few seconds at the end, a person is
told, and `kit track` tells the rest later. Nothing is queued in memory, since all that is told lies in the folder.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.train import mirrored
from kit.train.runs import Run

WANTED = "KIT_TRACK"
"""The variable by which a process knows that runs are tracked; `kit train --track` sets it."""

SERVER = "MLFLOW_TRACKING_URI"
"""MLflow's own variable: with it runs are tracked there, without any option."""

EVERY = 1.0
"""Seconds between two looks at the folder."""

AWAY = 30.0
"""Seconds until a server that did not answer is asked again."""

PATIENCE = 15.0
"""Seconds that a training waits at its end until all is told."""

PASSWORD = re.compile(r"://[^/@\s]*@")
"""A name and a password in an address, which messages must not show."""

HASTE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""MLflow itself tries for minutes; the thread tries again by itself."""


class Store(NamedTuple):
    """Where runs are told: the address, and the folder of the artifacts of a local store, None where the server
    decides."""

    uri: str
    artifacts: Path | None


def wanted() -> bool:
    """Whether the runs of this process are tracked."""
    return os.environ.get(WANTED, "") not in ("", "0") or bool(os.environ.get(SERVER))


def store() -> Store:
    """The server that MLFLOW_TRACKING_URI names, else a SQLite file in the folder `mlflow` of the workspace."""
    if uri := os.environ.get(SERVER):
        return Store(uri, None)
    folder = places.workspace() / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    return Store(f"sqlite:///{folder / 'tracking.db'}", folder / "artifacts")


def refuse_missing() -> None:
    """Raises KitError where MLflow is not installed."""
    if importlib.util.find_spec("mlflow") is None:
        raise KitError(
            "Tracking needs the package 'mlflow', which is not installed.",
            "It comes with the extra 'mlflow'.",
            places.install("mlflow"),
        )


@contextlib.contextmanager
def following(run: Run) -> Iterator[None]:
    """The run is told to the tracking server while the block works on it, where that is wanted.

    Never raises for the server's sake, and takes PATIENCE seconds longer at most. Raises KitError, before anything is
    trained, where MLflow is not installed.
    """
    if not wanted():
        yield
        return
    refuse_missing()
    follower = _Follower(run, store())
    follower.start()
    try:
        yield
    finally:
        follower.end()


def catch_up(run: Run) -> Store:
    """Tell the tracking server all of a run that it does not know; where that is.

    Raises KitError where MLflow is not installed or the server does not answer.
    """
    refuse_missing()
    to = store()
    try:
        _mirror(run, to).tell()
    except Exception as error:
        if isinstance(error, KitError):
            raise
        raise KitError(
            f"{shown(to.uri)} did not take run {run.name}: {_short(error)}",
            f"{SERVER} names the server.",
            f"kit track {run.plan.competition} {run.name}  # when it answers",
        ) from error
    return to


def shown(uri: str) -> str:
    """An address without the password that may stand in it."""
    return PASSWORD.sub("://", uri)


class _Follower(threading.Thread):
    """Looks at a run folder again and again until it is told to end. `hung` are servers that were waited for."""

    hung: ClassVar[set[str]] = set()

    def __init__(self, run: Run, to: Store) -> None:
        super().__init__(name="tracking", daemon=True)  # a server that hangs keeps no process from ending
        self.run_, self.to = run, to
        self.ending, self.warned, self.whole = threading.Event(), False, False

    def run(self) -> None:
        mirror = None
        while True:
            last = self.ending.is_set()
            pause = EVERY
            try:
                mirror = mirror or _mirror(self.run_, self.to)
                self.whole = mirror.tell()
            except Exception as error:  # of any library below MLflow: a training must not end by it
                pause = AWAY
                self._warn(error)
            if last:
                return
            self.ending.wait(pause)

    def end(self) -> None:
        """Tell the rest, and wait PATIENCE seconds at most until it is told."""
        self.ending.set()
        self.join(0.5 if self.to.uri in _Follower.hung else PATIENCE)
        if self.is_alive():
            _Follower.hung.add(self.to.uri)  # of the many runs of a sweep only one waits for a server that hangs
        if not self.whole or self.is_alive():
            plan = self.run_.plan
            where = shown(self.to.uri)
            tell(f"Not all was told to {where}. Later: kit track {plan.competition} {self.run_.name}")

    def _warn(self, error: Exception) -> None:
        if not self.warned:
            self.warned = True
            tell(f"The tracking server {shown(self.to.uri)} does not answer: {_short(error)} The training goes on.")


def _mirror(run: Run, to: Store) -> mirrored.Mirror:
    for name, value in HASTE.items():
        os.environ.setdefault(name, value)
    return mirrored.Mirror(_client(to.uri), to.uri, run, to.artifacts, os.environ.get(mirrored.SWEEP, ""))


def _client(uri: str) -> Any:
    import logging

    # Its notes of each migration of a new SQLite file would break the bars of a training.
    for name in ("mlflow", "alembic", "sqlalchemy", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow import MlflowClient

    return MlflowClient(uri)


def _short(error: Exception) -> str:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return PASSWORD.sub("://", said)[:200].rstrip(".") + "."
