"""A kill at every step that writes, a full disk from there on, and a file that cannot be written: the same command
again ends right.

Steps are not guessed: an audit hook in the command's process counts every file that is opened for writing, every
rename, folder made and file removed below the workspace, and acts on the one that was asked for, before it happens.
Commands run in forks of one process that has imported all they need.
Source: docs.python.org/3/library/audit_events.html.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

How = Literal["kill", "full disk", "unwritable"]

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink")
"""Audit events beside `open`. `os.replace` and pathlib's methods raise the same."""

NEEDING = ("open", "os.mkdir", "os.link", "os.symlink")
"""Events that need room on a disk."""

DEFECT = 99
"""The status of a command that ended in a traceback."""


def hooked(root: Path, at: int, how: How, count: Callable[[], None]) -> None:
    """From now on every writing step below `root` is counted, and `how` is done at the step `at`."""
    steps = 0

    def hook(event: str, words: tuple[Any, ...]) -> None:
        nonlocal steps
        if event == "open":
            if not isinstance(words[2], int) or not words[2] & WRITING:
                return
        elif event not in CHANGES:
            return
        path = words[0]
        if isinstance(path, int) or not os.fsdecode(path).startswith(str(root)):
            return
        steps += 1
        count()
        if how == "kill" and steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "full disk" and steps >= at and event in NEEDING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fsdecode(path))
        if how == "unwritable" and steps == at:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))

    sys.addaudithook(hook)


@dataclass
class Stage:
    """Where a scenario takes place: a folder with `workspace`, `home`, and the emulator's `state`. `port` is the
    emulator's."""

    root: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        """The workspace."""
        return self.root / "workspace"

    def kit(self, words: str, at: int = 0, how: How = "kill") -> tuple[int, int]:
        """A command of kit in a fork: its status (negative for a signal) and the steps that it took."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            self._child(words, at, how, write)
        os.close(write)
        with os.fdopen(read, "rb") as told:
            steps = len(told.read())
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), steps

    def _child(self, words: str, at: int, how: How, write: int) -> None:
        status = DEFECT
        try:
            out = os.open(self.root / "printed.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1), os.dup2(out, 2)
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
            os.environ.update(self.env)
            os.chdir(self.workspace)
            hooked(self.workspace, at, how, lambda: os.write(write, b".") and None)
            from kit.cli import main

            print(f"$ kit {words}", flush=True)
            status = main(words.format(root=self.root, workspace=self.workspace).split())
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)

    @property
    def printed(self) -> str:
        """What the commands printed."""
        return (self.root / "printed.txt").read_text(errors="replace")

    @contextlib.contextmanager
    def emulator(self, *, at: int = 0, **options: Any) -> Iterator[None]:
        """A Kaggle that hosts parity, in a fork, with its state in the stage; killed before its change `at` of what it
        remembers, counted from when it serves."""
        read, write = os.pipe()
        stop_read, stop_write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read), os.close(stop_write)
            self._serve(write, stop_read, at, options)
        os.close(write), os.close(stop_read)
        with os.fdopen(read, "rb") as told:
            text = told.read().decode()
        self.env |= dict(line.split("=", 1) for line in text.splitlines())
        assert text, self.printed
        try:
            yield
        finally:
            os.close(stop_write)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)

    def _serve(self, write: int, stop: int, at: int, options: dict[str, Any]) -> None:
        try:
            out = os.open(self.root / "printed.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(out, 1), os.dup2(out, 2)
            os.environ.update(self.env)
            from kit.emulator.local import running

            with running(self.root / "hosted", state=self.root / "state", port=self.port, **options) as emulator:
                os.write(write, "".join(f"{name}={value}\n" for name, value in emulator.env.items()).encode())
                os.close(write)
                self._killed_at(at)
                os.read(stop, 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    def _killed_at(self, at: int) -> None:
        from kit.emulator.store import Store

        run, left = Store.run, [at]

        def counted(store: Store, *words: Any) -> int:
            left[0] -= 1
            with open(self.root / "changes", "ab", buffering=0) as file:
                file.write(b".")
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return run(store, *words)

        Store.run = counted  # type: ignore[method-assign]


@dataclass(frozen=True)
class Scenario:
    """A command that is disturbed. `before` are commands that make what it needs; `check` raises where the same
    command, or `again`, has not ended right after it; `every` is how many steps lie between two points; `running` are
    options of the emulator for `before`.
    """

    name: str
    command: str
    before: tuple[str, ...] = ()
    again: str = ""
    server: bool = False
    check: Callable[[Stage], None] = lambda stage: None
    every: int = 1
    running: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of a scenario: points tried, and a line for each that was not well."""

    name: str
    how: How
    points: int = 0
    seconds: float = 0.0
    losses: list[str] = field(default_factory=list)


def staged(root: Path) -> Stage:
    """An empty stage in the folder `root`."""
    stage = Stage(root, free_port())
    for name in ("home", "tmp"):
        (root / name).mkdir(parents=True)
    stage.env = {
        **{"KIT_HOME": str(stage.workspace), "HOME": str(root / "home"), "TMPDIR": str(root / "tmp")},
        **{"MPLCONFIGDIR": str(root / "home"), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"},
    }
    return stage


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def disturb(
    outcome: Outcome,
    scenario: Scenario,
    prepare: Callable[[Stage], None],
    *,
    step: int = 1,
    until: float = float("inf"),
) -> None:
    """Disturb the command at every `step`-th of its steps, each time in a fresh copy of the same workspace."""
    began, how = time.monotonic(), outcome.how
    with tempfile.TemporaryDirectory(prefix="kit-kill-") as place:
        root = Path(place, "stage")
        kept = Path(place, "kept")
        stage = staged(root)
        prepare(stage)
        with stage.emulator(**scenario.running) if scenario.server else contextlib.nullcontext():
            for words in scenario.before:
                status, _ = stage.kit(words)
                assert status == 0, stage.printed
        shutil.copytree(root, kept, symlinks=True)

        def fresh() -> None:
            shutil.rmtree(root)
            shutil.copytree(kept, root, symlinks=True)

        with stage.emulator() if scenario.server else contextlib.nullcontext():
            status, steps = stage.kit(scenario.command)
            assert status == 0, stage.printed
            scenario.check(stage)
        for at in range(1, steps + 1, step * scenario.every):
            if time.monotonic() > until:
                break
            fresh()
            with stage.emulator() if scenario.server else contextlib.nullcontext():
                loss = _point(scenario, stage, at, how)
            outcome.points += 1
            if loss:
                outcome.losses.append(f"{scenario.name}, {how} at step {at} of {steps}: {loss}")
    outcome.seconds = time.monotonic() - began


def _point(scenario: Scenario, stage: Stage, at: int, how: How) -> str:
    """Disturb the command once and run it again; what went wrong, empty where nothing did."""
    status, _ = stage.kit(scenario.command, at, how)
    if how == "kill" and status not in (-signal.SIGKILL, 0):  # 0: it had less to do this time
        return f"it ended with status {status}\n{stage.printed[-2000:]}"
    if how != "kill" and status not in (0, 1):
        return f"it ended with status {status}\n{stage.printed[-3000:]}"
    if how == "unwritable" and status == 1 and (left := _parts(stage)):
        return f"it left {left}"
    if status:  # else it ended well all the same, as where a file was only to be cleared away
        status, _ = stage.kit(scenario.again or scenario.command)
    if status:
        return f"again it ended with status {status}\n{stage.printed[-3000:]}"
    try:
        scenario.check(stage)
    except Exception:
        return f"{traceback.format_exc(limit=-2)}\n{stage.printed[-1500:]}"
    return ""


def _parts(stage: Stage) -> list[str]:
    """Half-written files where people look: downloads that can be gone on with are none."""
    halves = stage.workspace.rglob(".*.part")
    return [str(path.relative_to(stage.workspace)) for path in halves if ".downloads" not in path.parts]
