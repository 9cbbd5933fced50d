"""Pushed code laid out in a folder, ready to be run: behind walls, under a watchman's rule, or freely."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kit.sandbox import walls

Kept = Literal["namespaces", "audit hook", "nothing"]
"""What keeps code in: walls of namespaces; where there are none a hook in Python, which honest code respects; or
nothing."""

Kind = Literal["notebook", "script"]

EXECUTED = "__notebook__.ipynb"
"""What an executed notebook is called, on Kaggle too."""

GUARD = '''\
"""No way out but loopback, and no writing among the inputs. Python imports this file when it starts."""
import errno, os, sys

def _guard(event, args, read_only={read_only!r}):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host = args[1][0] if event == "socket.connect" and isinstance(args[1], tuple) else args[0]
        if isinstance(host, str) and host not in ("localhost", "::1") and not host.startswith("127."):
            raise OSError(errno.ENETUNREACH, "this kernel has no internet", host)
    if event in ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink"):
        if event == "open" and not args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            return
        for path in args[:2]:
            if isinstance(path, (str, os.PathLike)) and os.path.abspath(path).startswith(read_only):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

sys.addaudithook(_guard)
'''


_RUNNERS = {True: "jupyter_runner.py", False: "plain_runner.py"}


@dataclass(frozen=True)
class Kernel:
    """Code in a folder of its own: `working` is what it leaves, `executed` the notebook with its outputs.

    `runner` is `Jupyter`, `plain Python` where that is not installed, or `Python` for a script.
    """

    folder: Path
    program: list[str]
    cwd: str
    environment: dict[str, str]
    plan: dict[str, Any] | None
    runner: str

    @property
    def working(self) -> Path:
        """What is `/kaggle/working` to the code."""
        return self.folder / "working"

    @property
    def scratch(self) -> Path:
        """What is `/tmp` to the code."""
        return self.folder / "tmp"

    @property
    def executed(self) -> Path:
        """The notebook with its outputs, beside `working`; Kaggle calls it so too."""
        return self.folder / EXECUTED


def prepare(
    folder: Path,
    text: str,
    inputs: Mapping[str, Path],
    *,
    kind: Kind = "notebook",
    kept: Kept,
    accelerator: bool = False,
    settings: Mapping[str, str] | None = None,
    python: Path | None = None,
) -> Kernel:
    """Lay out a notebook or a script in `folder`, with `inputs` below `/kaggle/input` and `settings` in its
    environment. `python` runs it: that of `environments.of`, which has Jupyter; kit's own where none is given.

    Raises ValueError for a text that is no notebook and for inputs that the kernel could not read, and OSError where
    the folder cannot be written.
    """
    jupyter = kind == "notebook" and (python is not None or has_jupyter())
    python = python or Path(sys.executable)
    if kind == "notebook":
        check(text)
    for name in ("working", "src", "root", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    source = folder / "src"
    inside = Path("/kaggle/src") if kept == "namespaces" else source
    if kind == "script":
        (source / "script.py").write_text(text, encoding="utf-8")
        program = [str(python), str(inside / "script.py")]
    else:
        (source / "kernel.ipynb").write_text(text, encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name(_RUNNERS[jupyter]), source / "run.py")
        program = [str(python), str(inside / "run.py"), str(inside / "kernel.ipynb")]
    settings = dict(settings or {})
    if kept == "namespaces":
        _check_readable(inputs)
        plan, cwd, root = walls.plan(folder, inputs, accelerator=accelerator, python=python), "/kaggle/working", None
    else:
        plan, cwd, root = None, str(folder / "working"), folder
        _lay(folder / "input", inputs, copied=kept == "audit hook")
        if kept == "audit hook":
            (source / "guard").mkdir(exist_ok=True)
            guard = GUARD.format(read_only=str(folder / "input"))
            (source / "guard" / "sitecustomize.py").write_text(guard, encoding="utf-8")
            settings["PYTHONPATH"] = str(source / "guard")
    runner = "Python" if kind == "script" else "Jupyter" if jupyter else "plain Python"
    variables = walls.environment(root, settings, accelerator=accelerator, python=python)
    return Kernel(folder, program, cwd, variables, plan, runner)


def check(text: str) -> None:
    """Raises ValueError for a text that is no notebook."""
    try:
        told = json.loads(text)
    except RecursionError:
        raise ValueError("not a notebook: it is nested too deeply") from None
    cells = told.get("cells") if isinstance(told, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise ValueError("not a notebook: it has no cells")


def has_jupyter() -> bool:
    """Whether notebooks are executed as Kaggle does it: nbclient and ipykernel are installed."""
    return all(importlib.util.find_spec(name) for name in ("nbclient", "ipykernel"))


def _check_readable(inputs: Mapping[str, Path]) -> None:
    """Raises ValueError for an input that others may not read: root's kernels run as somebody else. Looks at the folder
    and at what lies in it, but not further down."""
    if os.geteuid() != 0:
        return
    for source in inputs.values():
        for path in (source, *source.iterdir()) if source.is_dir() else ():
            needed = 0o5 if path.is_dir() else 0o4
            if path.stat().st_mode & needed != needed:
                raise ValueError(f"only root can read {path}, and kernels run as somebody else: chmod -R a+rX {source}")


def _lay(folder: Path, inputs: Mapping[str, Path], *, copied: bool) -> None:
    """Put the inputs below `folder`, as copies or as links."""
    folder.mkdir(exist_ok=True)
    for name, source in inputs.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if copied:
            shutil.copytree(source, place)
        else:
            place.symlink_to(source, target_is_directory=True)
