"""What fits folds inside a worker of Ray."""

from __future__ import annotations

import logging
import os
import queue
import shutil
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import notes
from kit.errors import KitError
from kit.train import record, travel
from kit.train.fold import fit_fold
from kit.train.runs import at


class Fitter:
    """Fits folds one after another, and tells what it does, as dictionaries: `{"fold", "done", "of", "figures"}` for a
    step, `{"note"}` for a person, `{"finished"}` for a fold, `{"error"}` for a KitError, `{"crash"}` for any other
    error."""

    def __init__(self) -> None:
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self._have: set[str] = set()

    def fit(self, folder: str, number: int) -> Iterator[dict[str, Any]]:
        """Fit a fold of the run in `folder`; `{"unseen"}` where this machine does not see that folder."""
        if not (Path(folder) / record.PLAN).is_file():
            yield {"unseen": folder}
            return
        yield from _steps(Path(folder), number)

    def fit_apart(self, files: dict[str, bytes], key: str, ground: list[Any], number: int) -> Iterator[dict[str, Any]]:
        """Fit a fold of the run that came as `travel.packed`, in a workspace of this worker's own; `{"files"}` at the
        end, which are what the fold has left.

        `ground` holds Ray's object of `travel.ground`, in a list so that Ray does not fetch it for every fold: a worker
        asks for it once for each `key`.
        """
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="kit-ray-")
            os.environ["KIT_HOME"] = self._own.name
        if key not in self._have:
            import ray

            travel.unpacked(ray.get(ground[0]), Path(self._own.name))
            self._have.add(key)
        travel.unpacked(files, Path(self._own.name))
        folder = travel.run(files, Path(self._own.name))
        for said in _steps(folder, number):
            if "finished" in said:
                fold = at(folder).fold(number)
                yield {"files": travel.left(fold)}
                shutil.rmtree(fold)
            else:
                yield said


def _steps(folder: Path, number: int) -> Iterator[dict[str, Any]]:
    """What fitting the fold tells, until it has ended. It is fitted in a thread, so that steps leave as they come."""
    told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def show(fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None:
        told.put({"fold": fold, "done": done, "of": of, "figures": figures})

    def work() -> None:
        try:
            fit_fold(folder, number, show)
        except KitError as error:
            told.put({"error": {"wrong": error.wrong, "right": error.right, "cure": error.cure}})
        except BaseException:
            told.put({"crash": traceback.format_exc()})
        else:
            told.put({"finished": number})

    with _notes(told):
        threading.Thread(target=work, daemon=True).start()
        while True:
            said = told.get()
            yield said
            if not said.keys().isdisjoint(("finished", "error", "crash")):
                return


@contextmanager
def _notes(told: queue.SimpleQueue[dict[str, Any]]) -> Iterator[None]:
    """Notes to a person go the same way as steps."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.put({"note": record.getMessage()})

    handler = Handler()
    notes.LOG.addHandler(handler)
    notes.LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        notes.LOG.removeHandler(handler)
