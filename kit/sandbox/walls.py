"""Where pushed code runs: a child process that sees neither the network, nor credentials, nor the user's files."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_NAMESPACES = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child")

_SYSTEM: tuple[str, ...] = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_ETC: tuple[str, ...] = (
    "alternatives",
    "fonts",
    "group",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
)
_ETC += ("nsswitch.conf", "OpenCL", "passwd", "ssl")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
"""What a Python needs of the machine; nothing else of its files is visible: /etc/shadow and the disks of /dev would be,
to code that a server started by root runs."""

_KEPT = ("KERAS_BACKEND", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_CPP_MIN_LOG_LEVEL")
"""Settings of the environment that a session inherits; everything else is dropped, credentials among it."""

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
"""Where programs are, pivot_root in one of the last two, which the PATH of a user may lack."""

_SCRATCH = "2g"
"""Size of /tmp, which is memory."""


@functools.cache
def available() -> bool:
    """Whether this machine lets an unprivileged process make user, network and mount namespaces."""
    if not all(shutil.which(name, path=_PATH) for name in ("unshare", "setpriv", "pivot_root")):
        return False
    command = [*_NAMESPACES, "sh", "-c", "mount -t tmpfs none /tmp && mount -t proc proc /proc"]
    done = subprocess.run(command, env={"PATH": _PATH}, capture_output=True, timeout=20, check=False)
    return done.returncode == 0


def environment(root: Path, *, accelerator: bool) -> dict[str, str]:
    """The environment of a session whose `/kaggle` is `root`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    hidden = {} if accelerator else {"CUDA_VISIBLE_DEVICES": ""}
    rehearsed = {} if root == Path("/kaggle") else {"KIT_KAGGLE_ROOT": str(root)}
    return {
        **kept,
        **hidden,
        **rehearsed,
        "PATH": f"{Path(sys.executable).parent}:{_PATH}",
        "HOME": "/tmp" if root == Path("/kaggle") else str(root / "working"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
    }


def command(folder: Path, inputs: dict[str, Path], most_bytes: int, *, accelerator: bool) -> list[str]:
    """The command that runs `folder/src/script.py` in a root of its own.

    In it `/kaggle/working` is `folder/working`, `/kaggle/input/<name>` are `inputs`, read-only as all the rest is, and
    there is no network. A file may have `most_bytes`. The old root is unmounted and all capabilities are dropped, so
    that what is hidden cannot be brought back.
    """
    root = folder / "root"
    devices = [Path("/dev", name) for name in _DEVICES]
    if accelerator:
        devices += sorted(Path("/dev").glob("nvidia*")) + sorted(Path("/dev").glob("accel*"))
    lines = [
        "set -e",
        f"mount -t tmpfs none {_q(root)}",
        f"cd {_q(root)}",
        "mkdir -p dev/shm proc tmp etc old kaggle/working kaggle/src kaggle/input",
        "mount -t proc proc proc",
        "mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys",
        f"mount -t tmpfs -o size={_SCRATCH} none tmp",
        f"mount -t tmpfs -o size={_SCRATCH} none dev/shm",
        "ln -s /proc/self/fd dev/fd",
        f"mount --bind {_q(folder / 'working')} kaggle/working",
        *_read_only(folder / "src", "kaggle/src"),
    ]
    places = dict.fromkeys((*_SYSTEM, *(f"/etc/{name}" for name in _ETC), sys.base_prefix, sys.prefix))
    for place in places:
        lines += _shown(Path(place))
    lines += _links(Path(sys.executable), [Path(place) for place in places])
    for device in devices:
        if device.exists() and not device.is_dir():
            lines += [f"touch .{_q(device)}", f"mount --bind {_q(device)} .{_q(device)}"]
    for name, source in inputs.items():
        lines += _read_only(source, f"kaggle/input/{name}")
    lines += [
        "pivot_root . old",
        "umount -l /old",
        "mount -o remount,ro /",
        f"ulimit -f {most_bytes // 512}",
        "cd /kaggle/working",
        f"exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all {_q(sys.executable)} /kaggle/src/script.py",
    ]
    return [*_NAMESPACES, "sh", "-c", "\n".join(lines)]


def open_command(folder: Path, inputs: dict[str, Path]) -> list[str]:
    """The command that runs the script with the user's own rights, where a machine has no namespaces and the user
    said that this is wanted. `/kaggle` is `folder`, and the inputs are links."""
    for name, source in inputs.items():
        place = folder / "input" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source, target_is_directory=True)
    (folder / "input").mkdir(exist_ok=True)
    return [sys.executable, str(folder / "src" / "script.py")]


def _shown(place: Path) -> list[str]:
    """Lines that show a file or folder of the machine in the new root, which is the current folder."""
    if place.is_symlink() and place.parent == Path("/"):  # /bin -> usr/bin
        return [f"ln -s {_q(os.readlink(place))} .{_q(place)}"]
    return _read_only(place, f".{place}") if place.exists() else []


def _links(place: Path, shown: list[Path]) -> list[str]:
    """Lines that make the links on the way from `place` to its file, those that no folder in `shown` holds: the Python
    of an environment is often a link to one in ~/.local/bin, which is a link too."""
    lines = []
    for _ in range(40):  # as many as Linux follows
        if not place.is_symlink():
            break
        target = os.readlink(place)
        if not any(place.is_relative_to(each) for each in shown):
            lines += [f"mkdir -p {_q(f'.{place.parent}')}", f"ln -s {_q(target)} {_q(f'.{place}')}"]
        place = Path(os.path.normpath(place.parent / target))
    return lines


def _read_only(source: Path, target: str) -> list[str]:
    target = _q(target)
    made = f"mkdir -p {target}" if source.is_dir() else f"touch {target}"
    # A mount that the host made nosuid and nodev must stay so, hence the second try.
    remounted = f"mount -o remount,bind,ro {target} 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev {target}"
    return [made, f"mount --rbind {_q(source)} {target}", remounted]


def _q(path: Path | str) -> str:
    return shlex.quote(str(path))
