"""What code of strangers may use, in one place. The watcher holds to it, docs/classroom.md says it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kit import limits


def memory(kind: limits.Kind = "cpu") -> int:
    """Half of this machine's memory, and no more than a machine of Kaggle's of that kind has, bytes."""
    return min(limits.MEMORY[kind], os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


@dataclass(frozen=True)
class Limits:
    """Limits of one kernel, all its processes together. Sizes are bytes.

    `disk` and `files` count what lies in /kaggle/working and /tmp. `log` is what is kept of each output, standard
    output and standard error; the rest is counted and left out. `line` is where a line is cut into several.
    """

    seconds: float
    disk: int = limits.DISK
    files: int = 200_000
    memory: int = memory()
    processes: int = 500
    log: int = 4 << 20
    line: int = 64 << 10

    @property
    def tasks(self) -> int:
        """How many threads the system lets the kernel start, those of its processes among them.

        A learning framework starts a few threads for each processor core, and joblib starts a process for each.
        """
        return 4096 + 64 * (os.cpu_count() or 1)


FREE = 256 << 20
"""Bytes that must stay free on the disk that a kernel writes to. Below that it is stopped, whatever it used itself."""

SHARED = 1 << 30
"""Size of /dev/shm, which is memory, bytes."""
