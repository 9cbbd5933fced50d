"""What strangers' code sees: neither the network, nor credentials, nor the user's files. `keeper` builds it."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.sandbox import keeper
from kit.sandbox.limits import SHARED

Step = tuple[Any, ...]
"""A step of `keeper`: its name, and what it takes."""

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

_HIDDEN: tuple[str, ...] = ("acpi", "asound", "config.gz", "kallsyms", "kcore", "keys", "kmsg", "latency_stats")
_HIDDEN += ("sched_debug", "scsi", "sysrq-trigger", "timer_list", "timer_stats")
"""Names in /proc that tell of the machine, not of the program. Source: github.com/moby/moby, MaskedPaths."""

_KEPT = ("KERAS_BACKEND", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_CPP_MIN_LOG_LEVEL")
"""Settings of the environment that a session inherits; everything else is dropped, credentials among it."""

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
"""Where programs are."""


@functools.cache
def available() -> bool:
    """Whether this machine lets this user build the walls: Linux, with user namespaces that may be used."""
    if not keeper.LINUX:
        return False
    with tempfile.TemporaryDirectory(prefix="kit-walls-") as place:
        folder = Path(place)
        for name in ("working", "src", "root", "tmp"):
            (folder / name).mkdir()
        (folder / "order.json").write_text(
            json.dumps(
                {
                    "parent": os.getpid(),
                    "folder": "",
                    "program": [sys.executable, "-I", "-S", "-c", ""],
                    "cwd": "/kaggle/working",
                    "file": 1 << 20,
                    "tasks": 4096,
                    "report": 2,
                    "walls": plan(folder, {}, accelerator=False, python=Path(sys.executable)),
                }
            )
        )
        command = keeping(folder / "order.json")
        done = subprocess.run(command, env={"PATH": _PATH}, capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def keeping(order: Path) -> list[str]:
    """The command that carries out an order of `keeper`, whose settings for Python are its own."""
    return [sys.executable, "-I", "-S", keeper.__file__, str(order)]


def environment(folder: Path | None, settings: Mapping[str, str], *, accelerator: bool, python: Path) -> dict[str, str]:
    """The environment of a session of `python` with `settings`, whose `/kaggle` is `folder`; None: it has walls, and
    sees its own at `/kaggle`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    hidden = {} if accelerator else {"CUDA_VISIBLE_DEVICES": ""}
    scratch = "/tmp" if folder is None else str(folder / "tmp")
    return {
        **kept,
        **hidden,
        **({} if folder is None else {"KIT_KAGGLE_ROOT": str(folder), "TMPDIR": scratch}),
        "PATH": f"{python.parent}:{_PATH}",
        "HOME": scratch,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
        **settings,
    }


def plan(folder: Path, inputs: Mapping[str, Path], *, accelerator: bool, python: Path) -> dict[str, Any]:
    """What `keeper` needs to build the walls around a session of `python` in `folder`.

    Within them `/kaggle/working` is `folder/working`, `/tmp` is `folder/tmp`, and `/kaggle/input/<name>` are `inputs`,
    read-only as all the rest is, with all that is mounted below. There is no network. The old root is unmounted and all
    rights are given up, so that what is hidden cannot be brought back.
    """
    devices = [Path("/dev", name) for name in _DEVICES]
    if accelerator:
        devices += sorted(Path("/dev").glob("nvidia*")) + sorted(Path("/dev").glob("accel*"))
    steps: list[Step] = [
        ("proc", "proc", _HIDDEN),
        ("memory", "dev/shm", SHARED),
        ("terminals", "dev/pts"),
        ("link", "/proc/self/fd", "dev/fd"),
        ("bind", str(folder / "tmp"), "tmp"),
        ("bind", str(folder / "working"), "kaggle/working"),
        ("read-only", str(folder / "src"), "kaggle/src"),
        ("folder", "kaggle/input"),
    ]
    places = dict.fromkeys((*_SYSTEM, *(f"/etc/{name}" for name in _ETC), *prefixes(python)))
    for place in places:
        steps += _shown(Path(place))
    steps += _links(python, [Path(place) for place in places])
    steps += [("device", str(device), f".{device}") for device in devices if device.exists() and not device.is_dir()]
    steps += [("read-only", str(source), f"kaggle/input/{name}") for name, source in inputs.items()]
    return {
        "root": str(folder / "root"),
        "given": [str(folder / "working"), str(folder / "tmp")],
        "steps": steps,
    }


def prefixes(python: Path) -> tuple[str, ...]:
    """The folders that hold a Python and what is installed for it: of its environment, and of what that was made of."""
    if python == Path(sys.executable):
        return sys.base_prefix, sys.prefix
    described = (python.parent.parent / "pyvenv.cfg").read_text(encoding="utf-8")
    home = next(line.partition("=")[2].strip() for line in described.splitlines() if line.startswith("home"))
    return str(Path(home).parent), str(python.parent.parent)


def _shown(place: Path) -> list[Step]:
    """Steps that show a file or folder of the machine in the new root, which is the current folder."""
    if place.is_symlink() and place.parent == Path("/"):  # /bin -> usr/bin
        return [("link", os.readlink(place), f".{place}")]
    return [("read-only", str(place), f".{place}")] if place.exists() else []


def _links(place: Path, shown: list[Path]) -> list[Step]:
    """Steps that make the links on the way from `place` to its file, those that no folder in `shown` holds: the Python
    of an environment is often a link to one in ~/.local/bin, which is a link too."""
    steps: list[Step] = []
    for _ in range(40):  # as many as Linux follows
        if not place.is_symlink():
            break
        target = os.readlink(place)
        if not any(place.is_relative_to(each) for each in shown):
            steps.append(("link", target, f".{place}"))
        place = Path(os.path.normpath(place.parent / target))
    return steps
