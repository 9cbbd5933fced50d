"""What a kernel prints, taken in pieces of bounded size: a flood is counted, and not kept."""

from __future__ import annotations

import codecs
import os
import threading
from collections.abc import Callable
from typing import IO

from kit.sandbox.limits import Limits

Said = Callable[[str, str], None]
"""Told `stdout` or `stderr`, and a line with its end; a line that is too long comes in several pieces."""

_READ = 1 << 16
_END = 16 << 10
"""Characters of the end of a flood that are kept: there a failing kernel says why."""


class Printed:
    """Reads a stream in a thread until it is closed, and hands on what is printed, line by line.

    After `limits.log` characters only the end is kept; it is handed on when the stream is closed, after a line that
    says how much was left out.
    """

    def __init__(self, name: str, stream: IO[bytes], limits: Limits, said: Said) -> None:
        self._name, self._stream, self._limits, self._said = name, stream, limits, said
        self._kept = self._left_out = 0
        self._error: Exception | None = None
        self._pending = self._end = ""
        self._thread = threading.Thread(target=self._read, name=f"kernel-{name}", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Wait until all is read, `timeout` seconds at most: a process that got away could hold the stream open.

        Raises what `said` raised.
        """
        self._thread.join(timeout)
        if self._error:
            raise self._error

    def _read(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with self._stream:
            while data := os.read(self._stream.fileno(), _READ):
                self._take(decode(data))
        self._take(decode(b"", True))
        if self._pending:
            self._hand_on(self._pending)
        if self._left_out:
            self._say(f"[{self._left_out:,} characters are left out here: a log has a limit.]\n")
        if self._end:
            self._say(self._end)

    def _take(self, text: str) -> None:
        *lines, self._pending = (self._pending + text).split("\n")
        for line in lines:
            self._hand_on(self._cut(line) + "\n")
        self._pending = self._cut(self._pending)

    def _cut(self, line: str) -> str:
        """Hand on what of a line is too long; its rest."""
        while len(line) > self._limits.line:
            self._hand_on(line[: self._limits.line])
            line = line[self._limits.line :]
        return line

    def _hand_on(self, text: str) -> None:
        if self._kept + len(text) <= self._limits.log:
            self._kept += len(text)
            return self._say(text)
        self._kept = self._limits.log  # what comes later is left out too, though it might still fit
        self._end += text
        if (surplus := len(self._end) - _END) > 0:
            self._left_out += surplus
            self._end = self._end[surplus:]
        return None

    def _say(self, text: str) -> None:
        try:
            if not self._error:
                self._said(self._name, text)
        except Exception as error:  # told to who closes; what nobody reads would hold the kernel up for ever
            self._error = error
