"""Competitions whose test rows are handed over in batches: a gateway beside the notebook, as kaggle_evaluation's.

The notebook sees none of the hidden rows but those of the batch that it is asked for. The gateway is outside its walls,
and reaches its inference server through a Unix socket in the notebook's /tmp (`sandbox/relay.py`).
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kit.emulator import outcomes, reruns
from kit.emulator.hosting import Gateway, Hosted
from kit.emulator.outcomes import Outcome
from kit.sandbox import relay
from kit.sandbox.kernel import Kernel
from kit.sandbox.watcher import Ending
from kit.serving import gateway, server

_log = logging.getLogger(__name__)

_SOCKET = "gateway"

LEAST_ROOM, ROOM = 1 << 20, 200
"""Bytes that an answer may have, and how many more for each row of a batch. Packed tables may unpack to 255 times as
much in the server's memory."""

LOOK = 0.2
"""Seconds between two tries to reach a server that does not listen yet."""


class _Bounded(io.StringIO):
    """A text that is no prediction of the rows where it grows beyond so many characters."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, text: str) -> int:
        if self.tell() + len(text) > self._most:
            raise gateway.Wrong("more than a submission may have")
        return super().write(text)


class Play:
    """A gateway that plays the hidden rows of a competition to one notebook.

    `ended` is set when all is played, or cannot be.
    """

    def __init__(self, hosted: Hosted, told: Gateway, ended: threading.Event) -> None:
        self._hosted, self._told, self._ended = hosted, told, ended
        self._left: bytes | Outcome = outcomes.SYSTEM
        self._reached = self._alone = False
        self._over = threading.Event()

    def left(self, ending: Ending) -> bytes | Outcome:
        """The submission that was gathered, or how the notebook failed, which ended so."""
        if isinstance(self._left, bytes) or not self._alone:
            return self._left
        failed = outcomes.of(ending)
        if failed in (outcomes.TIMEOUT, outcomes.EXCEEDED, outcomes.SYSTEM):
            return failed
        return outcomes.SERVER if self._reached else failed or outcomes.NEVER_STARTED

    @contextmanager
    def beside(self, kernel: Kernel) -> Iterator[Kernel]:
        """Play to a kernel while the block lasts, and end the kernel when all is played."""
        shutil.copyfile(relay.__file__, kernel.folder / "src" / "relay.py")
        inside = kernel.plan is not None  # within walls, where its folders have other names
        place = "/tmp" if inside else str(kernel.scratch)
        source = "/kaggle/src" if inside else str(kernel.folder / "src")
        ports = ",".join(map(str, server.PORTS))
        program = [kernel.program[0], f"{source}/relay.py", f"{place}/{_SOCKET}", ports, *kernel.program]
        thread = threading.Thread(target=self._play, args=(kernel.scratch,), name="gateway", daemon=True)
        thread.start()
        try:
            yield replace(kernel, program=program, environment={**kernel.environment, "RELAY_CWD": kernel.cwd})
        finally:
            self._alone = not self._ended.is_set()  # the notebook has ended before the gateway was through
            self._over.set()
            thread.join()

    def _play(self, folder: Path) -> None:
        try:
            self._left = self._played(folder)
        except gateway.Wrong:
            self._left = outcomes.SCORING
        except gateway.Failed:
            self._left = outcomes.SERVER if self._reached else outcomes.NEVER_STARTED
        except Exception:
            _log.exception("playing the hidden rows of %s", self._hosted.slug)
        finally:
            self._ended.set()

    def _played(self, folder: Path) -> bytes:
        assert self._hosted.code is not None
        told, form = self._told, self._hosted.form
        table = gateway.Table(
            self._hosted.code.hidden,
            test=told.test,
            sample=form.sample,
            keys=form.keys,
            rows=told.rows,
            by=told.by,
            frames=told.frames,
        )
        most = LEAST_ROOM + ROOM * max((len(test) for test, _ in table.batches()), default=0)
        until = time.monotonic() + told.start
        socket = self._socket(folder, until)
        address = f"unix:/proc/self/fd/{socket}"
        try:
            with gateway.line(address, seconds=told.answer, most=most) as ask:
                while not ask.ready(LOOK):
                    self._go_on(until)
                self._reached = True
                text = _Bounded(reruns.most_bytes(self._hosted))
                table.write(ask, text)
                return text.getvalue().encode()
        finally:
            os.close(socket)

    def _socket(self, folder: Path, until: float) -> int:
        """The descriptor of the relay's socket. What is opened is looked at, and links are not followed: the notebook
        may put anything in its place, and so lead to sockets of this machine.

        Raises Failed where there is none in time.
        """
        while True:
            try:
                file = os.open(folder / _SOCKET, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                file = -1
            if file >= 0:
                if stat.S_ISSOCK(os.fstat(file).st_mode):
                    return file
                os.close(file)
            self._go_on(until)

    def _go_on(self, until: float) -> None:
        """Wait a moment. Raises Failed where the notebook has ended, or had its time to start a server."""
        if time.monotonic() > until or self._over.wait(LOOK):
            raise gateway.Failed("nobody listens")
