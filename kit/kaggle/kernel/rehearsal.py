"""The very notebook, run here as Kaggle would: both mount layouts, inputs read-only, no network, no credentials."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from kit import places, records
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle import credentials, publish
from kit.kaggle.kernel import metadata
from kit.kaggle.kernel.metadata import Metadata
from kit.sandbox import folders, kernel, opened, walls, watcher
from kit.sandbox.kernel import EXECUTED, Kept, Kernel
from kit.sandbox.limits import Limits
from kit.task import submission
from kit.task.catalog import Entry
from kit.toolbox.encoders import handles
from kit.train import rehearsed

LONGEST = 1800.0
"""Seconds that one layout may take. On the sample a recipe takes less than a minute, on real data longer."""

TOLD = 15
"""Lines of a failed kernel's output that the error repeats."""

LARGEST = 4 << 30
"""Bytes of a submission that is looked at."""


ROOMY = 7 << 30
"""Bytes of memory with which two layouts are rehearsed at the same time: a BERT takes two GiB in each."""


class Rehearsal(NamedTuple):
    """How it went under one layout: `sha256` is the submission's, `walls` what kept the kernel in, `runner` what
    executed it, `memory` the most that it used, in bytes."""

    layout: str
    walls: str
    runner: str
    seconds: float
    memory: int
    sha256: str


def rehearse(
    entry: Entry,
    text: str,
    described: Metadata,
    inputs: dict[str, Path],
    *,
    echo: Callable[[str], None],
    limits: Limits | None = None,
    keep: Path | None = None,
) -> list[Rehearsal]:
    """Run the notebook under the new and the old mount layout; each must leave a submission that Kaggle would accept.

    A notebook that kit built fits two folds under the new layout and the first of them under the old, for one epoch;
    any other one runs whole. `described` is its metadata, `inputs` are local folders for the sources that it names, the
    competition's own among them; `echo` is given each line that the kernel prints, after the layout. What it left goes
    into `new/` and `old/` of the folder `keep`: `submission.csv` and, where Jupyter is installed, the executed notebook
    EXECUTED. Raises KitError when a cell fails, a limit is passed, or the submission would be refused.
    """
    if missing := [ref for ref in metadata.mounts(described, new=True) if ref not in inputs]:
        raise KitError(
            f"There is no local copy of {', '.join(missing)}, which the kernel attaches.",
            "A rehearsal needs a folder for each source in kernel-metadata.json.",
            f"kit kernel rehearse {entry.name} {_label(text)} --input {missing[0]}=~/{missing[0].rpartition('/')[2]}",
        )
    stop, one_at_a_time = threading.Event(), threading.Lock()

    def tell(line: str) -> None:
        with one_at_a_time:
            echo(line)

    def once(layout: str, only: int | None) -> Rehearsal:
        mounted = {place: inputs[ref] for ref, place in metadata.mounts(described, new=layout == "new").items()}
        with folders.temporary("kit-rehearsal-") as folder:
            ready = _prepared(entry, text, described, mounted, folder, rehearsed.setting(only=only))
            return _once(entry, text, ready, mounted, layout, tell, limits or Limits(LONGEST), keep, stop)

    with ThreadPoolExecutor(_at_once()) as pool:
        layouts = [pool.submit(once, "new", None), pool.submit(once, "old", 0)]
        try:
            return [each.result() for each in layouts]
        finally:  # the first failure ends the other layout too
            stop.set()


def _at_once() -> int:
    """How many layouts are rehearsed at the same time: both, where there are a core and some memory for each. To start
    a learning framework keeps one core busy, and takes most of the time."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 2 if (os.cpu_count() or 1) > 1 and memory >= ROOMY else 1


def local_inputs(entry: Entry, described: Metadata, *, extra: dict[str, Path]) -> dict[str, Path]:
    """Local folders for the sources that the metadata names: the competition's public files, imported encoders, and
    `extra`.

    Raises KitError when the data is not here.
    """
    own = fetch.sample(entry) / "public" if entry.sample else entry.public()
    names = [*described.get("competition_sources", []), *described.get("dataset_sources", [])]
    slug = getattr(entry.competition.source, "slug", None) or getattr(entry.competition.source, "ref", None)
    mine = [name for name in names if name == slug or name.partition("/")[2] == publish.name(entry)]
    cards = places.encoders().glob(f"*/{handles.CARD}")
    imported = {handles.dataset(card.parent.name): card.parent for card in cards}
    held = {name: imported[slug] for name in names if (slug := name.partition("/")[2]) in imported}
    return {**held, **dict.fromkeys(mine, own), **extra}


def _prepared(
    entry: Entry, text: str, described: Metadata, mounted: dict[str, Path], folder: Path, settings: dict[str, str]
) -> Kernel:
    kept: Kept = "namespaces" if walls.available() else "audit hook"
    accelerator = metadata.machine_of(described).kind != "cpu"
    try:
        return kernel.prepare(folder, text, mounted, kept=kept, accelerator=accelerator, settings=settings)
    except ValueError as error:
        raise KitError(
            f"The notebook cannot be run: {error}.",
            "It must be a notebook as kit builds it.",
            f"kit kernel build {entry.name} {_label(text)}",
        ) from None


def _once(
    entry: Entry,
    text: str,
    ready: Kernel,
    mounted: dict[str, Path],
    layout: str,
    echo: Callable[[str], None],
    limits: Limits,
    keep: Path | None,
    stop: threading.Event,
) -> Rehearsal:
    last: deque[str] = deque(maxlen=TOLD)

    def said(_: str, piece: str) -> None:
        for line in piece.removesuffix("\n").split("\n"):
            last.append(line := credentials.redact(line))
            echo(f"{layout} | {line}")

    def failed(why: str) -> KitError:
        shown = "\n".join(f"  | {line}" for line in last)
        return KitError(
            f"The rehearsal with the {layout} mounts failed: {why}.",
            f"The last lines of the kernel:\n{shown}" if shown else "The kernel printed nothing.",
            f"kit train {entry.name} {_label(text)} --sample  # the same path, here",
        )

    ending = watcher.watch(ready, limits, said, stop=stop, temporary=True)
    kept = (keep or ready.folder / "kept") / layout
    kept.mkdir(parents=True, exist_ok=True)
    for stale in ("submission.csv", EXECUTED):
        (kept / stale).unlink(missing_ok=True)
    if ready.runner == "Jupyter":
        opened.copy(ready.folder, EXECUTED, kept / EXECUTED, most=LARGEST)
    if ending.failure:
        raise failed(ending.failure)
    if ending.code != 0:
        raise failed(f"a cell failed (exit code {ending.code})")
    file = kept / "submission.csv"
    try:
        opened.copy(ready.working, file.name, file, most=LARGEST)
    except opened.Missing:
        raise failed("it left no submission.csv in /kaggle/working") from None
    except opened.Refused as refused:
        raise failed(f"of what it left in /kaggle/working, {refused}") from None
    form = entry.competition.submission
    sample = next(source / form.sample for source in mounted.values() if (source / form.sample).is_file())
    submission.check(form, file, sample)
    kept_in = "audit hook" if ready.plan is None else "namespaces"
    return Rehearsal(layout, kept_in, ready.runner, round(ending.seconds, 1), ending.memory, records.sha256(file))


def _label(text: str) -> str:
    """The recipe of a notebook that kit built, as typed; empty for any other."""
    try:
        plan = json.loads(text)["metadata"]["kit"]["plan"]
        return f"{plan['recipe']}:{plan['variant']}" if plan["variant"] else str(plan["recipe"])
    except (ValueError, KeyError, TypeError):
        return ""
