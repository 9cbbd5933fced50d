"""What the tests of the sandbox share: run a script as a kernel, and see which of its processes are left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kit.sandbox import kernel, watcher
from kit.sandbox.limits import Limits
from kit.sandbox.watcher import Ending


class Ran(NamedTuple):
    """How a kernel ended, what it printed, and its folder."""

    ending: Ending
    out: str
    err: str
    folder: Path


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ran]:
    """Run a script, or the cells of a notebook, as a kernel in a folder of its own."""

    def call(
        text: str,
        *,
        kept: kernel.Kept = "namespaces",
        kind: kernel.Kind = "script",
        inputs: dict[str, Path] | None = None,
        settings: dict[str, str] | None = None,
        stop: threading.Event | None = None,
        **limits: Any,
    ) -> Ran:
        folder = tmp_path / f"box-{len(list(tmp_path.glob('box-*')))}"
        ready = kernel.prepare(folder, text, inputs or {}, kind=kind, kept=kept, settings=settings)
        printed: dict[str, list[str]] = {"stdout": [], "stderr": []}
        chosen = Limits(**{"seconds": 60, "disk": 64 << 20, **limits})
        ending = watcher.watch(ready, chosen, lambda name, line: printed[name].append(line), stop=stop)
        return Ran(ending, "".join(printed["stdout"]), "".join(printed["stderr"]), folder)

    return call


def living(folder: Path) -> list[int]:
    """The processes of a kernel in `folder` that live: they see its folder mounted, or are named after it."""
    alive, word = [], os.fsencode(folder)
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            for file in ("mountinfo", "cmdline", "environ"):
                try:
                    held = word in Path("/proc", name, file).read_bytes()
                except OSError:
                    continue
                if held:
                    alive.append(int(name))
                    break
    return alive
