"""Sessions of notebooks: pushed code that is run, watched, logged and stopped."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kit import limits
from kit.emulator.store import Store
from kit.errors import KitError
from kit.sandbox import environments, images, imitated, keeper, kernel, watcher
from kit.sandbox.kernel import Kernel
from kit.sandbox.limits import Limits
from kit.serving import package

Beside = Callable[[Kernel], AbstractContextManager[Kernel]]
"""What goes on while a kernel runs: it is given the kernel as it is laid out, and gives the one that is to be run."""

Mode = Literal["off", "sandbox", "unsafe"]
"""Whether pushed code is run: not at all, in a sandbox, or with the user's own rights."""

UNFINISHED = ("QUEUED", "RUNNING", "CANCEL_REQUESTED")

OFF = "This emulator does not run notebooks. It does with `kit emulator serve --run-kernels`."

STOPPED = "The emulator was stopped while this session ran."


@dataclass
class Session:
    """The run of a version of a notebook, as it is stored. `inputs` are the folders that it saw below `/kaggle/input`,
    by their places there."""

    id: int
    owner: str
    slug: str
    number: int
    status: str
    private: bool
    machine: str
    language: str
    kind: str
    seconds: float
    folder: str
    failure: str = ""
    started: float = 0.0
    took: float = 0.0
    sources: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    internet: bool = False

    @property
    def key(self) -> str:
        """The name under which it is stored."""
        return f"{self.owner}/{self.slug}/{self.number:06d}"

    @property
    def working(self) -> Path:
        """The folder that the code writes to, whose files are the output."""
        return Path(self.folder) / "working"

    @property
    def source(self) -> Path:
        """The file of its code."""
        return Path(self.folder) / "source"

    @property
    def log(self) -> Path:
        """The log, a JSON object a line: `stream_name`, `time` in seconds, `data`."""
        return Path(self.folder) / "log.jsonl"

    @property
    def accelerator(self) -> limits.Kind:
        """What its time is counted as."""
        return limits.kind(self.machine)


class Sessions:
    """All sessions: those that run now have a thread each. `limits` are those of every session, but for its time.

    With `image` they are run by the packages of Kaggle's image for their machine, else by those that kit runs with.
    """

    def __init__(self, store: Store, mode: Mode, limits: Limits | None = None, *, image: bool = False) -> None:
        self._store, self.mode, self._limits, self._image = store, mode, limits or Limits(seconds=0), image
        self._threads: list[threading.Thread] = []
        self._stops: dict[str, threading.Event] = {}
        self._news = threading.Condition()
        self._stopping = False
        for session in self.all():
            if session.status in UNFINISHED:  # of a server that was killed, and its kernels with it
                self._end(session, "ERROR", STOPPED)

    def all(self) -> list[Session]:
        """Every session, by notebook and version."""
        return [Session(**told) for told in self._store.documents("session")]

    def find(self, owner: str, slug: str, number: int) -> Session | None:
        """The session of that version."""
        told = self._store.get("session", f"{owner}/{slug}/{number:06d}")
        return None if told is None else Session(**told)

    def start(self, session: Session, text: str, inputs: dict[str, Path]) -> None:
        """Run a session's code with `inputs` below `/kaggle/input`; returns at once."""
        try:
            if session.language != "python":
                raise ValueError(f"the emulator runs Python only, not {session.language}")
            if session.kind == "notebook":
                kernel.check(text)
            if self.mode == "off":
                return self._end(session, "ERROR", OFF)
            # To make an environment takes a minute: its thread does that.
            ready = None if self._image else self._prepared(session, text, inputs, None)
        except (ValueError, OSError) as error:
            return self._end(session, "ERROR", f"The source cannot be run: {error}")
        stop = threading.Event()
        with self._news:
            self._stops[session.key] = stop
        run = functools.partial(self._run, session, ready, stop, text, inputs)
        thread = threading.Thread(target=run, name=session.key, daemon=True)
        self._threads.append(thread)
        thread.start()

    def again(
        self,
        session: Session,
        text: str,
        inputs: dict[str, Path],
        settings: dict[str, str],
        stop: threading.Event,
        *,
        beside: Beside | None = None,
    ) -> watcher.Ending:
        """Run the code of a session that is not stored, to its end. What it prints is forgotten; what it leaves stays
        in its folder, which is removed only if this process is killed. `settings` are added to its environment;
        `beside` is called with what is going to be run, and what it gives lasts as long as the run.

        Raises ValueError, OSError and KitError where it cannot be prepared.
        """
        ready = (
            self._within_image(session, text, inputs, settings)
            if self._image
            else self._prepared(session, text, inputs, None, settings)
        )
        limits = replace(self._limits, seconds=session.seconds)
        with beside(ready) if beside else contextlib.nullcontext(ready) as ready:
            return watcher.watch(ready, limits, lambda name, line: None, stop=stop, temporary=True)

    def keep(self, session: Session) -> None:
        """Note a version before it is run, or instead."""
        session.working.mkdir(parents=True, exist_ok=True)
        session.log.touch()
        self._save(session)

    def cancel(self, session: Session) -> None:
        """Ask a running session to stop."""
        with self._news:
            stop = self._stops.get(session.key)
            if stop is not None:
                session.status = "CANCEL_REQUESTED"
                self._save(session)
                stop.set()

    def remove(self, session: Session) -> None:
        """Forget a session, and stop it if it runs."""
        self.cancel(session)
        self._store.drop("session", session.key)
        keeper.remove(Path(session.folder))

    def settle(self) -> None:
        """Wait until no session runs."""
        for thread in list(self._threads):
            thread.join()

    def stop(self) -> None:
        """Stop every running session."""
        self._stopping = True
        for stop in list(self._stops.values()):
            stop.set()
        self.settle()

    def entries(self, session: Session, *, follow: bool = False) -> Iterator[dict[str, Any]]:
        """The log from its start; with `follow` until the session has ended."""
        with session.log.open(encoding="utf-8") as file:
            while True:
                over = not follow or self._over(session)  # asked before reading, so that nothing is missed
                while (line := file.readline()) and line.endswith("\n"):
                    yield json.loads(line)
                if over:
                    return
                with self._news:
                    self._news.wait(timeout=0.5)

    def _over(self, session: Session) -> bool:
        now = self.find(session.owner, session.slug, session.number)
        return now is None or now.status not in UNFINISHED

    def _prepared(
        self,
        session: Session,
        text: str,
        inputs: dict[str, Path],
        python: Path | None,
        settings: dict[str, str] | None = None,
    ) -> Kernel:
        """The session laid out. Packages `kaggle_evaluation` among its inputs can be imported, as on Kaggle.

        Raises ValueError and OSError as `kernel.prepare` does.
        """
        settings = {**imitated.variables(session.accelerator), **(settings or {})}
        root = "/kaggle/input" if self.mode == "sandbox" else f"{session.folder}/input"
        if paths := [f"{root}/{place}" for place, source in inputs.items() if (source / package.NAME).is_dir()]:
            settings["PYTHONPATH"] = ":".join(paths)
        return kernel.prepare(
            Path(session.folder),
            text,
            inputs,
            kind="notebook" if session.kind == "notebook" else "script",
            kept="namespaces" if self.mode == "sandbox" else "nothing",
            accelerator=session.accelerator != "cpu",
            settings=settings,
            python=python,
        )

    def _within_image(
        self, session: Session, text: str, inputs: dict[str, Path], settings: dict[str, str] | None = None
    ) -> Kernel:
        """A session whose packages are those of the image; a script is read as a notebook of one cell is.

        Raises ValueError and OSError as `kernel.prepare` does, and KitError as `environments.made`.
        """
        cells = text if session.kind == "notebook" else json.dumps({"cells": [{"cell_type": "code", "source": text}]})
        image = images.known(session.accelerator)
        ready = self._prepared(session, text, inputs, environments.of(image, cells, inputs.values()), settings)
        images.write(image, ready.folder / "src" / images.FILE)
        inside = Path("/kaggle") if self.mode == "sandbox" else ready.folder
        ready.environment[images.VARIABLE] = str(inside / "src" / images.FILE)
        return ready

    def _run(
        self, session: Session, ready: Kernel | None, stop: threading.Event, text: str, inputs: dict[str, Path]
    ) -> None:
        try:
            ready = ready or self._within_image(session, text, inputs)
        except (ValueError, OSError, KitError) as error:
            with self._news:
                del self._stops[session.key]
            if self.find(session.owner, session.slug, session.number) is None:  # removed meanwhile
                return keeper.remove(Path(session.folder))
            return self._end(session, "ERROR", f"The source cannot be run: {error}")
        session.started = time.time()
        with self._news:
            if not stop.is_set():
                session.status = "RUNNING"
                self._save(session)
        with session.log.open("a", encoding="utf-8") as log:

            def said(name: str, text: str) -> None:
                entry = {"stream_name": name, "time": round(time.time() - session.started, 3), "data": text}
                with self._news:
                    log.write(json.dumps(entry) + "\n")
                    log.flush()
                    self._news.notify_all()

            try:
                ending = watcher.watch(ready, replace(self._limits, seconds=session.seconds), said, stop=stop)
            except OSError as error:
                ending = watcher.Ending(keeper.FAILED, f"the machine could not run it: {error}", 0.0, 0)
        session.took = time.time() - session.started
        keeper.remove(ready.scratch)
        with self._news:
            del self._stops[session.key]
        told = self.find(session.owner, session.slug, session.number)
        if told is None:  # removed while it ran
            return keeper.remove(Path(session.folder))
        if told.status == "CANCEL_REQUESTED":
            return self._end(session, "CANCEL_ACKNOWLEDGED", "")
        failure = ""
        if self._stopping:
            failure = STOPPED
        elif ending.failure:
            failure = f"Your notebook was stopped: {ending.failure}."
        elif ending.code != 0:
            failure = f"The notebook ended with exit code {ending.code}."
        self._end(session, "ERROR" if failure else "COMPLETE", failure)

    def _end(self, session: Session, status: str, failure: str) -> None:
        session.status, session.failure = status, failure
        with self._news:
            self._save(session)
            self._news.notify_all()

    def _save(self, session: Session) -> None:
        self._store.put("session", session.key, asdict(session))
