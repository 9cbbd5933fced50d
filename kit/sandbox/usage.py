"""What a tree of processes uses: its processes, their memory, and the disk below its folders."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Disk(NamedTuple):
    """Bytes and names below some folders."""

    size: int
    files: int


def processes(root: int) -> dict[int, int]:
    """The resident memory in bytes of each process below the process `root`, without its own, by process id."""
    parents = _linux() if PROC.joinpath("self", "stat").exists() else _elsewhere()
    below: dict[int, list[int]] = {}
    for pid, (parent, _) in parents.items():
        below.setdefault(parent, []).append(pid)
    tree: dict[int, int] = {}
    waiting = list(below.get(root, ()))
    while waiting:
        pid = waiting.pop()
        tree[pid] = parents[pid][1]
        waiting += below.get(pid, ())
    return tree


def memory(resident: dict[int, int], most: int) -> int:
    """The memory that processes hold together, bytes.

    Resident memory counts a page once for each process that shares it, so that forked workers seem to use several
    times what they do. Where it passes `most`, shared pages are counted by share, which takes the system longer.
    """
    total = sum(resident.values())
    return total if total <= most else sum(_proportional(pid, size) for pid, size in resident.items())


def disk(folders: Iterable[Path]) -> Disk:
    """The size and number of all files and folders below `folders`; links are not followed, and what vanishes
    meanwhile is not counted."""
    size = files = 0
    waiting = [str(folder) for folder in folders]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as inside:
                for each in inside:
                    try:
                        facts = each.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    files += 1
                    size += facts.st_size
                    if stat.S_ISDIR(facts.st_mode):
                        waiting.append(each.path)
        except OSError:
            continue
    return Disk(size, files)


def nameless(pids: Iterable[int]) -> int:
    """The disk that is taken, in bytes, by files that processes hold open and that have no name any more: deleting an
    open file frees nothing. Only Linux says so."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            descriptors = os.listdir(PROC / str(pid) / "fd")
        except OSError:
            continue
        for each in descriptors:
            try:
                facts = os.stat(PROC / str(pid) / "fd" / each)
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 0:
                sizes[facts.st_dev, facts.st_ino] = facts.st_blocks * 512
    return sum(sizes.values())


def free(folder: Path) -> int:
    """Bytes that are free on the disk of a folder."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def _linux() -> dict[int, tuple[int, int]]:
    """Parent and resident memory of every process. Source: proc(5), fields ppid and rss of /proc/PID/stat."""
    page, table = os.sysconf("SC_PAGE_SIZE"), {}
    for name in os.listdir(PROC):
        if name.isdigit():
            try:
                text = (PROC / name / "stat").read_bytes()
            except OSError:  # it has ended
                continue
            fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold anything
            table[int(name)] = (int(fields[1]), int(fields[21]) * page)
    return table


def _elsewhere() -> dict[int, tuple[int, int]]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in listed.splitlines())
    return {int(pid): (int(parent), int(resident) << 10) for pid, parent, resident in rows}


def _proportional(pid: int, resident: int) -> int:
    """A process's memory with shared pages counted by share. Source: proc(5), Pss of /proc/PID/smaps_rollup."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except PermissionError:
        return resident
    except OSError:  # it has ended since
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)
