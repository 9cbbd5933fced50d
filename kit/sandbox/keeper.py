"""Starts one program behind walls, and stays beside it until the end: no process of it outlives this one.

It is a program of its own, `python -I -S keeper.py ORDER`, and uses the standard library alone. ORDER is a JSON file:

    parent    the process that wants it; when that ends, so does the program
    folder    removed when the parent ends first; empty: stays
    program   what to run, a list of words
    cwd       where, in the program's own view
    file      bytes that one file may have
    tasks     threads that may run at once, where there are walls
    report    a descriptor, to which a JSON object says why the program could not be started
    walls     null, or what the program sees: `root`, an empty folder, the `steps` that fill it, and `given`, folders
              that shall be the program's own

Exit status: the program's, or 128 and the number of the signal that ended it.

Three processes stand between the parent and the program. This one stays outside the walls, so that it can end all that
is inside and tidy up. A second one enters new namespaces. The third is the first process of the new process namespace,
which the system ends as a whole when that process ends; it builds the walls and gives up every right before it starts
the program. Sources: user_namespaces(7), pid_namespaces(7), mount_setattr(2), pivot_root(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import resource
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

LINUX = sys.platform == "linux"

STRANGER = 0x70000000
"""The user that a program of root is run as, outside the walls. Root owns much that needs no further right to write.
Source: systemd's list of user ids, which leaves 1879048192 and above to nobody."""

FAILED = 125
"""The exit status where the program could not be started."""

_libc = ctypes.CDLL(None, use_errno=True)

# Source: the header files of Linux.
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_KEPT_FLAGS = {"nosuid": _NOSUID, "nodev": _NODEV, "noexec": _NOEXEC, "noatime": 1024, "nodiratime": 2048}
_KEPT_FLAGS |= {"relatime": 1 << 21}
_DETACH = 2
_PDEATHSIG, _CAPBSET_DROP, _CHILD_SUBREAPER, _NO_NEW_PRIVS, _CAP_AMBIENT, _AMBIENT_CLEAR = 1, 24, 36, 38, 47, 4
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE = 442, -100, 0x8000
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217, "armv7l": 218, "i686": 217}


def main(order: dict[str, Any]) -> int:
    """Keep the program of `order`; its exit status."""
    child = 0
    asked = orphaned = False

    def stop(number: int, _: object) -> None:
        nonlocal asked, orphaned
        asked = True
        orphaned = orphaned or number == signal.SIGUSR1
        if child:
            _end(child)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGUSR1, stop)
    if LINUX:
        # A signal of its own: while a parent of several threads dies, it is this one's parent still.
        _libc.prctl(_PDEATHSIG, signal.SIGUSR1)
        _libc.prctl(_CHILD_SUBREAPER, 1)  # whoever loses its parent below becomes this one's child
    mine = os.getpid()
    os.set_inheritable(order["report"], False)  # for this program, not for what it starts
    entered, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        for descriptor in (entered[0], mapped[1]):
            os.close(descriptor)
        with _reporting(order):
            _below(mine, lambda: _enter(order, entered[1], mapped[0]) if order["walls"] else _start(order))
    os.close(entered[1])
    os.close(mapped[0])
    if order["walls"] and os.read(entered[0], 1):
        with contextlib.suppress(OSError):  # then the program waits in vain, and says so
            _map(child)
            os.write(mapped[1], b"1")
    os.close(mapped[1])
    if asked or os.getppid() != order["parent"]:
        _end(child)
    status = _ended(child, order["parent"])
    _sweep(child)
    if order["folder"] and (orphaned or os.getppid() != order["parent"]):
        remove(Path(order["folder"]))
    return _code(status)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, what forbids its removal by its permissions too."""
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    for place, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(place, name)
            with contextlib.suppress(OSError):
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _ended(child: int, parent: int) -> int:
    """The status that `child` ends with; other processes that were left to this one are forgotten."""
    while True:
        # Only Linux tells a process that its parent has ended; elsewhere it must look.
        pid, status = os.waitpid(-1, 0) if LINUX else os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return status
        if not pid:
            if os.getppid() != parent:
                _end(child)
            time.sleep(0.2)


def _end(child: int) -> None:
    """Kill the program with its process group: the second process, by whose end the namespaces end, leads one."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _sweep(child: int) -> None:
    """Kill what the program left behind: where it had no namespaces, what it started lives on."""
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)  # its own children are this one's next
        except ChildProcessError:
            return


def _children() -> list[int]:
    """The children of this process, by proc(5)."""
    mine, children = os.getpid(), []
    for name in os.listdir("/proc") if LINUX else ():
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                text = file.read()
                if int(text[text.rindex(b")") + 2 :].split()[1]) == mine:
                    children.append(int(name))
    return children


def _code(status: int) -> int:
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _below(parent: int, act: Callable[[], NoReturn]) -> NoReturn:
    """Act as a child that ends when `parent` does, in a process group of its own."""
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    os.setpgid(0, 0)
    if LINUX:
        _libc.prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(FAILED)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # a machine out of memory ends this before all else
    act()


@contextlib.contextmanager
def _reporting(order: dict[str, Any]) -> Any:
    """Tell the parent why the program could not be started, and end."""
    try:
        yield
    except BaseException as error:
        os.write(order["report"], json.dumps({"error": str(error) or type(error).__name__}).encode() + b"\n")
    finally:
        os._exit(FAILED)


def _map(child: int) -> None:
    """Say who `child` is in its new namespace: user 0, whoever that is outside.

    For root, user 0 is a stranger without rights, and user 1 is root itself, who builds the walls and then leaves.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        with contextlib.suppress(OSError):  # a container may forbid it
            for name in ("uid_map", "gid_map"):
                _write(child, name, f"0 {STRANGER} 1\n1 0 1")
            return
    _write(child, "setgroups", "deny")
    _write(child, "gid_map", f"0 {gid} 1")
    _write(child, "uid_map", f"0 {uid} 1")


def _write(child: int, name: str, text: str) -> None:
    with open(f"/proc/{child}/{name}", "w") as file:
        file.write(text)


def _enter(order: dict[str, Any], entered: int, mapped: int) -> NoReturn:
    """Enter new namespaces, and wait for their first process, which starts the program."""
    spaces = _NEWUSER | _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS | _NEWCGROUP
    _check("unshare", _libc.unshare(spaces))
    os.write(entered, b"1")
    if not os.read(mapped, 1):
        raise OSError("the system maps no user into a new namespace")
    first = os.fork()
    if not first:
        with _reporting(order):
            _first(order)
    _, status = os.waitpid(first, 0)
    os._exit(_code(status))


def _first(order: dict[str, Any]) -> NoReturn:
    """Be the first process of the new namespaces: build the walls, start the program, end when it ends."""
    _loopback()
    _build(order["walls"])
    _disarm(order["tasks"])
    _libc.prctl(_PDEATHSIG, signal.SIGKILL)  # giving up rights took it away
    child = os.fork()
    if not child:
        with _reporting(order):
            _start(order)
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(_code(status))


def _start(order: dict[str, Any]) -> NoReturn:
    """Become the program."""
    os.chdir(order["cwd"])
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and what it starts would too
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["file"], order["file"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(order["program"][0], order["program"])


def _loopback() -> None:
    """Bring up the new network's own loopback, which leads nowhere else: some libraries talk to themselves."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def _build(walls: dict[str, Any]) -> None:
    """Fill the new root by `steps`, and move into it. The old root is unmounted."""
    root = walls["root"]
    _mount("", "/", flags=_REC | _PRIVATE)
    for folder in walls["given"]:
        if _stranger():
            os.chown(folder, 0, 0)
    _mount("none", root, "tmpfs", _NOSUID | _NODEV, "mode=755,size=16m")
    os.chdir(root)
    for name, *words in walls["steps"]:
        _STEPS[name](*words)
    os.makedirs("old")
    _pivot(".", "old")
    os.chdir("/")
    _check("umount2 /old", _libc.umount2(b"/old", _DETACH))
    os.rmdir("old")
    _mount("", "/", flags=_REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)


def _stranger() -> bool:
    """Whether user 0 of this namespace is a stranger outside, and this process is user 1."""
    return os.getuid() == 1


def _disarm(tasks: int) -> None:
    """Give up the user's identity where that is root's, and all rights, for good."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for right in range(last + 1):
        _check("prctl", _libc.prctl(_CAPBSET_DROP, right, 0, 0, 0))
    if _stranger():
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    _check("prctl", _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _libc.prctl(_CAP_AMBIENT, _AMBIENT_CLEAR, 0, 0, 0)
    none = struct.pack("=IiIIIIII", 0x20080522, 0, 0, 0, 0, 0, 0, 0)  # version 3 and this process; then no right
    _check("capset", _libc.capset(none[:8], none[8:]))
    # Counted within the namespace since Linux 5.14; before, the user's other processes count too.
    if tuple(map(int, platform.release().split("-")[0].split(".")[:2])) >= (5, 14):
        resource.setrlimit(resource.RLIMIT_NPROC, (tasks, tasks))


def _folder(target: str) -> None:
    os.makedirs(target, exist_ok=True)


def _file(target: str) -> None:
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    with open(target, "a"):
        pass


def _link(to: str, target: str) -> None:
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    os.symlink(to, target)


def _memory(target: str, size: int) -> None:
    _folder(target)
    _mount("none", target, "tmpfs", _NOSUID | _NODEV, f"mode=1777,size={size}")


def _terminals(target: str) -> None:
    """Terminals of its own: IPython runs the commands of `!` lines in one."""
    _folder(target)
    _mount("none", target, "devpts", _NOSUID | _NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    _link(f"{os.path.basename(target)}/ptmx", f"{os.path.dirname(target)}/ptmx")


def _proc(target: str, hidden: list[str]) -> None:
    """This namespace's processes, and what the system says of itself; nothing of it can be opened for writing."""
    _folder(target)
    _mount("none", target, "proc", _NOSUID | _NODEV | _NOEXEC)
    with contextlib.suppress(OSError), open(f"{target}/sys/user/max_user_namespaces", "w") as file:
        file.write("0")  # in a namespace of its own the program would have rights again
    for name in hidden:
        path = f"{target}/{name}"
        if os.path.isdir(path):
            _mount("none", path, "tmpfs", _RDONLY | _NOSUID | _NODEV, "size=0,mode=555")
        elif os.path.exists(path):
            _mount("/dev/null", path, flags=_BIND)
            _mount("", path, flags=_REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | _NOEXEC)  # no device: closed
    _mount("", target, flags=_REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | _NOEXEC)


def _bind(source: str, target: str) -> None:
    _folder(target)
    _mount(source, target, flags=_BIND)
    _mount("", target, flags=_REMOUNT | _BIND | _NOSUID | _NODEV)


def _device(source: str, target: str) -> None:
    _file(target)
    _mount(source, target, flags=_BIND)


def _read_only(source: str, target: str) -> None:
    """Show `source` with every mount below it, none of which can be written to."""
    (_folder if os.path.isdir(source) else _file)(target)
    _mount(source, target, flags=_BIND | _REC)
    attributes = struct.pack("=QQQQ", _RDONLY | _NOSUID | _NODEV, 0, 0, 0)  # they are spelled as mount's flags
    where = os.fsencode(target)
    if _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, where, _AT_RECURSIVE, attributes, len(attributes)) == 0:
        return
    # Linux before 5.12: one by one. What the outside has set must be named again, or the system refuses.
    for place, options in _mounts(os.path.realpath(target)):
        kept = sum(flag for name, flag in _KEPT_FLAGS.items() if name in options)
        _mount("", place, flags=_REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV | kept)


def _mounts(top: str) -> list[tuple[str, list[str]]]:
    """The mounts at and below a folder, with their options. Source: proc(5), /proc/PID/mountinfo."""
    mounts = []
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            fields = line.split()
            place = os.fsdecode(fields[4].decode("unicode_escape").encode("latin-1"))
            if place == top or place.startswith(top + "/"):
                mounts.append((place, fields[5].decode().split(",")))
    return mounts


_STEPS: dict[str, Callable[..., None]] = {
    "folder": _folder,
    "link": _link,
    "memory": _memory,
    "terminals": _terminals,
    "proc": _proc,
    "bind": _bind,
    "device": _device,
    "read-only": _read_only,
}


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = (os.fsencode(word) for word in (source, target, kind))
    done = _libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data))
    _check(f"mount {source or 'flags'} at {target}", done)


def _pivot(new: str, old: str) -> None:
    done = _libc.syscall(_PIVOT_ROOT[platform.machine()], os.fsencode(new), os.fsencode(old))
    _check("pivot_root", done)


def _check(what: str, done: int) -> None:
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.exit(main(json.load(file)))
