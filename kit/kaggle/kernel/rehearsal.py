"""The very notebook, run here as Kaggle would: both mount layouts, inputs read-only, no network, no credentials."""

from __future__ import annotations

import json
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import NamedTuple

from kit import places, records
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle import credentials, publish
from kit.kaggle.kernel import inference, metadata
from kit.kaggle.kernel.metadata import Metadata
from kit.sandbox import environments, folders, imitated, kernel, opened, walls, watcher
from kit.sandbox.images import Image
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


RECORD = "run.json"
"""What a run that kit trained leaves in its folder."""

OWN = f"kit's own environment (Python {platform.python_version()})"
"""What a kernel is rehearsed in where it has no environment of an image."""

SHOWED = {2: "two folds", 1: "one fold", 0: "inputs"}
WHOLE = "the whole notebook"
"""How much of a notebook was run, by the number of folds that kit asked for, and where it asked for nothing."""


class Rehearsal(NamedTuple):
    """How it went under one layout: `showed` is how much of the notebook was run, `environment` which packages it had,
    `walls` what kept the kernel in, `runner` what executed it, `memory` the most that it used, in bytes, `sha256` the
    submission's; empty where only the inputs were looked for."""

    layout: str
    showed: str
    environment: str
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
    image: Image | None = None,
) -> list[Rehearsal]:
    """Run the notebook under the new and the old mount layout. It must leave a submission that Kaggle would accept.

    A notebook that kit built fits two folds for one epoch under the new layout. Under the old one it finds its inputs;
    if it opens files by itself, it fits one fold there too. Any other notebook runs whole.

    `described` is the metadata, `inputs` are local folders for the sources that it names, the competition's own among
    them; `echo` is given each line that the kernel prints, after the layout. What it left goes into `new/` and `old/`
    of the folder `keep`: `submission.csv`, `run.json` where kit trained, and, where Jupyter is installed, the executed
    notebook EXECUTED. It is run by the packages of `image`, or those that kit itself runs with. Raises KitError when a
    cell fails, a limit is passed, or the submission would be refused, and as `environments.made` does.
    """
    refuse_missing(described, inputs, f"{entry.name} {_label(text)}")
    try:
        python = environments.of(image, text, inputs.values()) if image else None
    except ValueError as error:
        raise _unfit(entry, text, error) from None
    stop, one_at_a_time = threading.Event(), threading.Lock()

    def tell(line: str) -> None:
        with one_at_a_time:
            echo(line)

    label = _label(text)

    def once(layout: str, fitted: int) -> Rehearsal:
        mounted = {place: inputs[ref] for ref, place in metadata.mounts(described, new=layout == "new").items()}
        with folders.temporary("kit-rehearsal-") as folder:
            ready = prepared(described, text, mounted, folder, python, rehearsed.setting(fitted))
            showed = SHOWED[fitted] if label else WHOLE
            result = _once(entry, text, ready, mounted, layout, showed, tell, limits or Limits(LONGEST), keep, stop)
            return result._replace(environment=environments.described(python) if python else OWN)

    try:
        old = 1 if opens_files(text) else 0
        with futures.ThreadPoolExecutor(_at_once()) as pool:
            layouts = [pool.submit(once, "new", 2), pool.submit(once, "old", old)]
            try:
                ended, _ = futures.wait(layouts, return_when=futures.FIRST_EXCEPTION)
                return [each.result() for each in layouts if each in ended]
            finally:  # a failure of one layout ends the other too
                stop.set()
    except ValueError as error:
        raise _unfit(entry, text, error) from None


def refuse_missing(described: Metadata, inputs: Mapping[str, Path], words: str) -> None:
    """Raises KitError where `inputs` has no local folder for something that the kernel attaches; `words` are those by
    which commands name it."""
    if missing := [ref for ref in metadata.mounts(described, new=True) if ref not in inputs]:
        raise KitError(
            f"There is no local copy of {', '.join(missing)}, which the kernel attaches.",
            "A rehearsal needs a folder for each source in kernel-metadata.json.",
            f"kit kernel rehearse {words} --input {missing[0]}=~/{missing[0].rpartition('/')[2]}",
        )


def opens_files(text: str) -> bool:
    """Whether the competition's own files in a notebook name Kaggle's folders or search them, so that they may find
    something under one layout only. What kit itself opens is looked for under both."""
    kernel.check(text)
    cells = ("".join(cell.get("source", "")) for cell in json.loads(text)["cells"])
    own = [cell for cell in cells if cell.startswith("%%writefile competitions/")]
    return any(word in cell for cell in own for word in ("/kaggle", "kaggle_root", "mounted("))


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


def prepared(
    described: Metadata,
    text: str,
    mounted: dict[str, Path],
    folder: Path,
    python: Path | None,
    settings: Mapping[str, str],
) -> Kernel:
    """The notebook laid out in `folder`, with its inputs and `settings` in its environment, ready to be watched."""
    kept: Kept = "namespaces" if walls.available() else "audit hook"
    kind = metadata.machine_of(described).kind
    variables = {**settings, **imitated.variables(kind)}
    return kernel.prepare(
        folder, text, mounted, kept=kept, accelerator=kind != "cpu", settings=variables, python=python
    )


class Watched:
    """A prepared notebook that is run to its end; what it leaves and is asked for goes into the folder `kept`.

    `what` says in errors which rehearsal it is, `cure` what to type when it fails. Each line that it prints goes to
    `echo`.
    """

    def __init__(self, ready: Kernel, what: str, kept: Path, cure: str, echo: Callable[[str], None]) -> None:
        self.ready, self.what, self.kept, self.cure, self._echo = ready, what, kept, cure, echo
        self.last: deque[str] = deque(maxlen=TOLD)
        kept.mkdir(parents=True, exist_ok=True)

    def run(self, limits: Limits, stop: threading.Event | None = None) -> watcher.Ending:
        """Run it. Raises KitError, with the last lines that it printed, when a cell fails or a limit is passed."""
        ending = watcher.watch(self.ready, limits, self._said, stop=stop, temporary=True)
        (self.kept / EXECUTED).unlink(missing_ok=True)
        if self.ready.runner == "Jupyter":
            opened.copy(self.ready.folder, EXECUTED, self.kept / EXECUTED, most=LARGEST)
            if not _whole(self.kept / EXECUTED):
                (self.kept / EXECUTED).unlink()
        if ending.failure:
            raise self.failed(ending.failure)
        if ending.code != 0:
            raise self.failed(f"a cell failed (exit code {ending.code})")
        return ending

    def take(self, name: str) -> Path:
        """A copy of the file of that name that it left in /kaggle/working. Raises KitError when there is none."""
        try:
            opened.copy(self.ready.working, name, self.kept / name, most=LARGEST)
        except opened.Missing:
            raise self.failed(f"it left no {name} in /kaggle/working") from None
        except opened.Refused as refused:
            raise self.failed(f"of what it left in /kaggle/working, {refused}") from None
        return self.kept / name

    def failed(self, why: str) -> KitError:
        """What went wrong, with the last lines of the kernel."""
        shown = "\n".join(f"  | {line}" for line in self.last)
        return KitError(
            f"The rehearsal {self.what} failed: {why}.",
            f"The last lines of the kernel:\n{shown}" if shown else "The kernel printed nothing.",
            self.cure,
        )

    def _said(self, _: str, piece: str) -> None:
        for line in piece.removesuffix("\n").split("\n"):
            self.last.append(line := credentials.redact(line))
            self._echo(line)


def _once(
    entry: Entry,
    text: str,
    ready: Kernel,
    mounted: dict[str, Path],
    layout: str,
    showed: str,
    echo: Callable[[str], None],
    limits: Limits,
    keep: Path | None,
    stop: threading.Event,
) -> Rehearsal:
    kept = (keep or ready.folder / "kept") / layout
    for stale in ("submission.csv", RECORD):
        (kept / stale).unlink(missing_ok=True)
    again = _again(entry, text)
    watched = Watched(ready, f"with the {layout} mounts", kept, again, lambda line: echo(f"{layout} | {line}"))
    ending = watched.run(limits, stop)
    digest = ""
    if showed != SHOWED[0]:
        file = watched.take("submission.csv")
        form = entry.competition.submission
        sample = next(source / form.sample for source in mounted.values() if (source / form.sample).is_file())
        submission.check(form, file, sample)
        digest = records.sha256(file)
        for left in opened.listing(ready.working):
            if left.name.startswith(f"submissions/{entry.name}/") and left.name.endswith(f"/{RECORD}"):
                opened.copy(ready.working, left.name, kept / RECORD, most=LARGEST)
    kept_in = "audit hook" if ready.plan is None else "namespaces"
    return Rehearsal(layout, showed, "", kept_in, ready.runner, round(ending.seconds, 1), ending.memory, digest)


def _unfit(entry: Entry, text: str, why: ValueError) -> KitError:
    cure = f"kit kernel build {entry.name} {_label(text)}".rstrip()
    return KitError(f"The notebook cannot be run: {why}.", "kit builds one that can be run.", cure)


def _again(entry: Entry, text: str) -> str:
    """What to type to see the failure of a notebook here, without a kernel."""
    if known := inference.told(text):
        if not (test := entry.competition.test):
            return f"kit kernel rehearse {entry.name} --from {known[1]} --image own"
        return f"kit predict {entry.name} {known[1]} --rows {entry.data / 'public' / test}  # the same models, here"
    return " ".join(filter(None, ["kit train", entry.name, _label(text), "--sample  # the same path, here"]))


def _label(text: str) -> str:
    """The recipe of a notebook that kit built, as typed; empty for any other."""
    try:
        plan = json.loads(text)["metadata"]["kit"]["plan"]
        return f"{plan['recipe']}:{plan['variant']}" if plan["variant"] else str(plan["recipe"])
    except (ValueError, KeyError, TypeError):
        return ""


def _whole(book: Path) -> bool:
    """Whether an executed notebook was written to its end; a kernel that is stopped may be stopped while it writes."""
    try:
        return isinstance(json.loads(book.read_bytes()), dict)
    except (ValueError, RecursionError):
        return False
