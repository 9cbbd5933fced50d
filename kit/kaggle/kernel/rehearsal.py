"""The very notebook, run here as Kaggle would: both mount layouts, inputs read-only, no network, no credentials."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kit import limits, places, records
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle import credentials, publish
from kit.kaggle.kernel import metadata
from kit.kaggle.kernel.metadata import Metadata
from kit.sandbox import notebook, walls
from kit.task import submission
from kit.task.catalog import Entry
from kit.toolbox.encoders import handles

LONGEST = 1800.0
"""Seconds that one layout may take. On the sample a recipe takes a minute or two."""

TOLD = 15
"""Lines of a failed kernel's output that the error repeats."""

GUARD = '''\
import errno, os, sys

def _guard(event, args, read_only={read_only!r}):
    """Where the system gives no namespaces: no way out but loopback, and no writing among the inputs."""
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


class Rehearsal(NamedTuple):
    """How it went under one layout: `sha256` is the submission's, `walls` what kept the kernel in."""

    layout: str
    walls: str
    seconds: float
    sha256: str


def rehearse(
    entry: Entry,
    text: str,
    found: Metadata,
    inputs: dict[str, Path],
    *,
    echo: Callable[[str], None],
    disk: int = limits.DISK,
    longest: float = LONGEST,
) -> list[Rehearsal]:
    """Run the notebook under the new and the old mount layout; each must leave a submission that Kaggle would accept.

    `inputs` are local folders for the sources that the metadata names, the competition's own among them; `echo` is
    given each line that the kernel prints. Raises KitError when a cell fails, the disk or time is exceeded, or the
    submission would be refused.
    """
    if missing := [ref for ref in metadata.mounts(found, new=True) if ref not in inputs]:
        raise KitError(
            f"There is no local copy of {', '.join(missing)}, which the kernel attaches.",
            "A rehearsal needs a folder for each source in kernel-metadata.json.",
            f"kit kernel rehearse COMPETITION RECIPE --input {missing[0]}=FOLDER",
        )
    results = []
    for layout in ("new", "old"):
        mounted = {place: inputs[ref] for ref, place in metadata.mounts(found, new=layout == "new").items()}
        with tempfile.TemporaryDirectory(prefix="kit-rehearsal-") as place:
            results.append(_once(entry, text, found, mounted, Path(place), layout, echo, disk, longest))
    return results


def local_inputs(entry: Entry, found: Metadata, *, extra: dict[str, Path]) -> dict[str, Path]:
    """Local folders for the sources that the metadata names: the competition's public files, imported encoders, and
    `extra`.

    Raises KitError when the data is not here.
    """
    own = fetch.sample(entry) / "public" if entry.sample else entry.public()
    names = [*found.get("competition_sources", []), *found.get("dataset_sources", [])]
    slug = getattr(entry.competition.source, "slug", None) or getattr(entry.competition.source, "ref", None)
    mine = [name for name in names if name == slug or name.partition("/")[2] == publish.name(entry)]
    cards = places.encoders().glob(f"*/{handles.CARD}")
    imported = {handles.dataset(card.parent.name): card.parent for card in cards}
    held = {name: imported[slug] for name in names if (slug := name.partition("/")[2]) in imported}
    return {**held, **dict.fromkeys(mine, own), **extra}


def _once(
    entry: Entry,
    text: str,
    found: Metadata,
    mounted: dict[str, Path],
    folder: Path,
    layout: str,
    echo: Callable[[str], None],
    disk: int,
    longest: float,
) -> Rehearsal:
    for name in ("working", "src", "root", "tmp"):
        (folder / name).mkdir()
    code = notebook.script(text)
    accelerator = metadata.machine_of(found).kind != "cpu"
    if walls.available():
        kept_in, root = "namespaces", Path("/kaggle")
        command = walls.command(folder, mounted, disk, accelerator=accelerator)
    else:
        kept_in, root = "audit hook", folder
        for place, source in mounted.items():
            shutil.copytree(source, folder / "input" / place)
        code = GUARD.format(read_only=str(folder / "input")) + code
        script = f"ulimit -f {disk // 512} && exec {shlex.quote(sys.executable)} src/script.py"
        command = ["sh", "-c", f"cd {shlex.quote(str(folder))} && {script}"]
    (folder / "src" / "script.py").write_text(code, encoding="utf-8")
    environment = walls.environment(root, accelerator=accelerator)
    if root == folder:
        environment |= {"TMPDIR": str(folder / "tmp")}
    started = time.monotonic()
    printed = _run(command, folder, environment, echo, disk, longest, layout)
    file = folder / "working" / "submission.csv"
    if not file.is_file():
        raise _failed(layout, "it left no submission.csv in /kaggle/working", printed)
    form = entry.competition.submission
    sample = next(source / form.sample for source in mounted.values() if (source / form.sample).is_file())
    submission.check(form, file, sample)
    return Rehearsal(layout, kept_in, round(time.monotonic() - started, 1), records.sha256(file))


def _run(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    echo: Callable[[str], None],
    disk: int,
    longest: float,
    layout: str,
) -> list[str]:
    """Run the script and give the lines that it printed. Raises KitError when it fails or takes too much."""
    log, printed = folder / "log", list[str]()
    with log.open("wb") as sink, log.open(encoding="utf-8", errors="replace") as lines:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until = time.monotonic() + longest
        try:
            while True:
                over = process.poll() is not None
                for line in lines:
                    printed.append(credentials.redact(line.rstrip("\n")))
                    echo(printed[-1])
                if over:
                    break
                if time.monotonic() > until:
                    raise _failed(layout, f"it took longer than {longest:.0f} s", printed)
                if (size := _size(folder / "working")) > disk:
                    raise _failed(layout, f"it wrote {size:,} bytes, and {disk:,} are allowed", printed)
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if (size := _size(folder / "working")) > disk:
        raise _failed(layout, f"it wrote {size:,} bytes, and {disk:,} are allowed", printed)
    if process.returncode != 0:
        raise _failed(layout, f"a cell failed (exit code {process.returncode})", printed)
    return printed


def _failed(layout: str, why: str, printed: list[str]) -> KitError:
    shown = "\n".join(f"  | {line}" for line in printed[-TOLD:])
    return KitError(
        f"The rehearsal with the {layout} mounts failed: {why}.",
        f"The last lines of the kernel:\n{shown}" if shown else "The kernel printed nothing.",
        "kit train COMPETITION RECIPE --sample  # the same path, here",
    )


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
