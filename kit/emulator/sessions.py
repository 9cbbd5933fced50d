"""Sessions of notebooks: pushed code that is run, watched, logged and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from kit import limits
from kit.emulator.store import Store
from kit.sandbox import notebook, walls

Mode = Literal["off", "sandbox", "unsafe"]
"""Whether pushed code is run: not at all, in a sandbox, or with the user's own rights."""

UNFINISHED = ("QUEUED", "RUNNING", "CANCEL_REQUESTED")

OFF = "This emulator does not run notebooks. It does with `kit emulator serve --run-kernels`."

STOPPED = "The emulator was stopped while this session ran."

_TICK = 0.2
"""Seconds between two looks at a running session's time and disk."""


@dataclass
class Session:
    """The run of a version of a notebook, as it is stored."""

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

    @property
    def key(self) -> str:
        """The name under which it is stored."""
        return f"{self.owner}/{self.slug}/{self.number:06d}"

    @property
    def working(self) -> Path:
        """The folder that the code writes to, whose files are the output."""
        return Path(self.folder) / "working"

    @property
    def log(self) -> Path:
        """The log, a JSON object a line: `stream_name`, `time` in seconds, `data`."""
        return Path(self.folder) / "log.jsonl"

    @property
    def accelerator(self) -> limits.Kind:
        """What its time is counted as."""
        return limits.kind(self.machine)


class Sessions:
    """All sessions: those that run now have a thread each. `disk` is the cap on a session's output, bytes."""

    def __init__(self, store: Store, mode: Mode, *, disk: int = limits.DISK) -> None:
        self._store, self.mode, self._disk = store, mode, disk
        self._threads: list[threading.Thread] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._news = threading.Condition()
        self._stopping = False
        for found in self.all():
            if found.status in UNFINISHED:  # of a server that was killed
                self._end(found, "ERROR", STOPPED)

    def all(self) -> list[Session]:
        """Every session, by notebook and version."""
        return [Session(**told) for told in self._store.documents("session")]

    def find(self, owner: str, slug: str, number: int) -> Session | None:
        """The session of that version."""
        told = self._store.get("session", f"{owner}/{slug}/{number:06d}")
        return None if told is None else Session(**told)

    def start(self, session: Session, text: str, inputs: dict[str, Path]) -> None:
        """Run a session's code with `inputs` below `/kaggle/input`; returns at once."""
        folder = Path(session.folder)
        for name in ("src", "root"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        try:
            code = notebook.script(text) if session.kind == "notebook" else text
            if session.language != "python":
                raise ValueError(f"the emulator runs Python only, not {session.language}")
        except ValueError as error:
            return self._end(session, "ERROR", f"The source cannot be run: {error}")
        if self.mode == "off":
            return self._end(session, "ERROR", OFF)
        (folder / "src" / "script.py").write_text(code, encoding="utf-8")
        thread = threading.Thread(target=self._run, args=(session, inputs), name=session.key, daemon=True)
        self._threads.append(thread)
        thread.start()

    def keep(self, session: Session) -> None:
        """Note a version before it is run, or instead."""
        session.working.mkdir(parents=True, exist_ok=True)
        session.log.touch()
        self._save(session)

    def cancel(self, session: Session) -> None:
        """Ask a running session to stop."""
        with self._news:
            process = self._processes.get(session.key)
            if process is not None:
                session.status = "CANCEL_REQUESTED"
                self._save(session)
                _kill(process)

    def remove(self, session: Session) -> None:
        """Forget a session, and stop it if it runs."""
        self.cancel(session)
        self._store.drop("session", session.key)
        shutil.rmtree(session.folder, ignore_errors=True)

    def settle(self) -> None:
        """Wait until no session runs."""
        for thread in list(self._threads):
            thread.join()

    def stop(self) -> None:
        """Stop every running session."""
        self._stopping = True
        for process in list(self._processes.values()):
            _kill(process)
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
        found = self.find(session.owner, session.slug, session.number)
        return found is None or found.status not in UNFINISHED

    def _run(self, session: Session, inputs: dict[str, Path]) -> None:
        folder = Path(session.folder)
        if self.mode == "sandbox":
            command = walls.command(folder, inputs, self._disk, accelerator=session.accelerator != "cpu")
            root = Path("/kaggle")
        else:
            command, root = walls.open_command(folder, inputs), folder
        session.status, session.started = "RUNNING", time.time()
        with self._news:
            process = subprocess.Popen(
                command,
                cwd=session.working,
                env=walls.environment(root, accelerator=session.accelerator != "cpu"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._processes[session.key] = process
            self._save(session)
        assert process.stdout is not None and process.stderr is not None
        readers = [
            threading.Thread(target=self._read, args=(session, name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for reader in readers:
            reader.start()
        failure = self._watch(session, process)
        for reader in readers:
            reader.join(timeout=5)
        session.took = time.time() - session.started
        told = self.find(session.owner, session.slug, session.number)
        with self._news:
            del self._processes[session.key]
        if told is None:
            return
        if told.status == "CANCEL_REQUESTED":
            return self._end(session, "CANCEL_ACKNOWLEDGED", "")
        if self._stopping:
            failure = STOPPED
        if not failure and process.returncode != 0:
            failure = f"The notebook ended with exit code {process.returncode}."
        self._end(session, "ERROR" if failure else "COMPLETE", failure)

    def _watch(self, session: Session, process: subprocess.Popen[bytes]) -> str:
        """Wait for the end, or bring it about; says why."""
        while True:
            try:
                process.wait(timeout=_TICK)
                return ""
            except subprocess.TimeoutExpired:
                failure = ""
                if time.time() - session.started > session.seconds:
                    failure = f"Your notebook exceeded its time limit of {session.seconds:.0f} seconds."
                elif _size(session.working) > self._disk:
                    failure = f"Your notebook exceeded its disk limit of {self._disk} bytes."
                if failure:
                    _kill(process)
                    process.wait()
                    return failure

    def _read(self, session: Session, name: str, stream: IO[bytes]) -> None:
        for line in stream:
            entry = {
                "stream_name": name,
                "time": round(time.time() - session.started, 3),
                "data": line.decode("utf-8", "replace"),
            }
            with self._news:
                with session.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(entry) + "\n")
                self._news.notify_all()

    def _end(self, session: Session, status: str, failure: str) -> None:
        session.status, session.failure = status, failure
        with self._news:
            self._save(session)
            self._news.notify_all()

    def _save(self, session: Session) -> None:
        self._store.put("session", session.key, asdict(session))


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # removed since it was listed
            continue
    return total
