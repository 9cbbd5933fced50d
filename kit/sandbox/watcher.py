"""One watcher for every kernel: it starts the code, looks at what it uses, and ends it with all its processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass

from kit.sandbox import keeper, usage, walls
from kit.sandbox.kernel import Kernel
from kit.sandbox.limits import FREE, Limits
from kit.sandbox.printed import Printed, Said

TICK = 0.05
"""Seconds between two looks whether the kernel has ended."""

SHARE = 0.1
"""The most that looking at a kernel may take of one processor core."""

PATIENCE = 10.0
"""Seconds that processes are given to be gone after they were killed."""


@dataclass(frozen=True)
class Ending:
    """How a kernel ended. `code` is its exit status, `failure` says what it had too much of or why it could not be
    started, and is empty where it ended by itself; `memory` is the most that was seen, bytes. `late` says that it took
    too long, and `started` that the code was started at all."""

    code: int
    failure: str
    seconds: float
    memory: int
    late: bool = False
    started: bool = True


def watch(
    kernel: Kernel, limits: Limits, said: Said, *, stop: threading.Event | None = None, temporary: bool = False
) -> Ending:
    """Run a kernel to its end, `stop` or a limit. When this process ends, however it does, so does the kernel.

    `said` is given what the kernel prints, from threads of its own. A `temporary` folder of a kernel is removed when
    this process is killed.
    """
    stop = stop or threading.Event()
    started = time.monotonic()
    if (free := usage.free(kernel.folder)) < FREE:
        return Ending(
            keeper.FAILED, f"only {free:,} bytes are free on the disk, and {FREE:,} must be", 0.0, 0, started=False
        )
    report, reporting = os.pipe()
    with contextlib.ExitStack() as held:
        held.callback(os.close, report)
        passed = [reporting]
        program = list(kernel.program)
        if kernel.runner == "Jupyter":
            executed = held.enter_context(kernel.executed.open("wb"))
            passed.append(executed.fileno())
            program.append(str(executed.fileno()))
        order = {
            "parent": os.getpid(),
            "folder": str(kernel.folder) if temporary else "",
            "program": program,
            "cwd": kernel.cwd,
            "file": limits.disk,
            "tasks": limits.tasks,
            "report": reporting,
            "walls": kernel.plan,
        }
        (kernel.folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
        try:
            process = subprocess.Popen(
                walls.keeping(kernel.folder / "order.json"),
                cwd=kernel.folder,
                env=kernel.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=passed,
                start_new_session=True,
            )
        finally:
            os.close(reporting)
        assert process.stdout is not None and process.stderr is not None
        outputs = [
            Printed("stdout", process.stdout, limits, said),
            Printed("stderr", process.stderr, limits, said),
        ]
        looks = _Looks(kernel, limits, process.pid, started)
        failure = ""
        try:
            while process.poll() is None and not stop.is_set() and not (failure := looks.failure()):
                stop.wait(TICK)
        finally:
            _end(process)
            for output in outputs:
                output.close(PATIENCE)
        unable = "" if failure or stop.is_set() else _told(report)
        if not failure and not stop.is_set():
            failure = unable or looks.disk()
    seconds = time.monotonic() - started
    return Ending(process.returncode, failure, seconds, looks.most, looks.late, started=not unable)


class _Looks:
    """Looks at what a kernel uses, rarely enough not to slow it down."""

    def __init__(self, kernel: Kernel, limits: Limits, root: int, started: float) -> None:
        self._kernel, self._limits, self._root, self._started = kernel, limits, root, started
        self._processes_due = self._disk_due = 0.0
        self.most = 0
        self.late = False

    def failure(self) -> str:
        """What the kernel has too much of; empty while it keeps to its limits."""
        now = time.monotonic()
        if now - self._started > self._limits.seconds:
            self.late = True
            return f"it took longer than {self._limits.seconds:.0f} s"
        if now >= self._processes_due:
            if failure := self._processes():
                return failure
            self._processes_due = _next(now, 0.1)
        if now >= self._disk_due:
            if failure := self.disk():
                return failure
            self._disk_due = _next(now, 0.3)
        return ""

    def _processes(self) -> str:
        processes, limits = usage.processes(self._root), self._limits
        if len(processes) > limits.processes:
            return f"it ran more than {limits.processes:,} processes"
        used = usage.memory(processes, limits.memory)
        self.most = max(self.most, used)
        if used > limits.memory:
            return f"it used {used:,} bytes of memory, and {limits.memory:,} are allowed"
        return ""

    def disk(self) -> str:
        """What it has too much of on the disk."""
        limits, kernel = self._limits, self._kernel
        used = usage.disk([kernel.working, kernel.scratch])
        size = used.size + usage.nameless(usage.processes(self._root))
        if kernel.runner == "Jupyter":
            size += kernel.executed.stat().st_size
        if size > limits.disk:
            return f"it wrote {size:,} bytes, and {limits.disk:,} are allowed"
        if used.files > limits.files:
            return f"it wrote {used.files:,} files, and {limits.files:,} are allowed"
        if usage.free(kernel.folder) < FREE:
            return f"the disk that it writes to is full: less than {FREE:,} bytes are free"
        return ""


def _next(began: float, least: float) -> float:
    """When to look again, after a look that began then and has just ended."""
    now = time.monotonic()
    return now + max(least, (now - began) / SHARE)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the kernel with all its processes, and wait until they are gone."""
    if process.poll() is None:
        process.terminate()  # the keeper kills what is behind the walls, and waits for its end
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _told(report: int) -> str:
    """Why the keeper could not start the kernel; empty where it could."""
    text = b"".join(iter(lambda: os.read(report, 4096), b"")).decode()
    return f"it could not be started: {json.loads(text.splitlines()[0])['error']}" if text else ""
