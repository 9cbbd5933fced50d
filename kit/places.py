"""Where data, runs and outputs are. The only file that knows whether this is Kaggle."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kit.errors import KitError

KIT = Path(__file__).resolve().parent
"""The folder of kit's own files."""

CONSTRAINTS = KIT / "constraints.txt"
"""The versions of packages that were tested together."""


CHECKPOINT = "checkpoint"
"""Folders of this name in a fold's own one hold what its recipe needs to go on after a kill. What lies there is there
again when the fold is fitted the next time, and goes when the fold is finished."""


def named(path: str | Path) -> Path:
    """The path that a person named: `~` is a home folder, where there is one."""
    return Path(os.path.expanduser(path))  # pathlib's own raises RuntimeError for a user whom nobody knows


def workspace() -> Path:
    """The folder in which `data/` and `submissions/` lie: `$KIT_HOME`, else the nearest folder upwards that holds
    `competitions/`, else the current folder.

    Raises KitError when `$KIT_HOME` names something that is not a folder.
    """
    if home := os.environ.get("KIT_HOME"):
        path = named(home)
        if not os.path.isdir(path):
            shown = path if len(home) <= 255 else f"{home[:100]}..."
            raise KitError(
                f"KIT_HOME is {shown}, which is not a folder.",
                "The variable KIT_HOME must hold the path of a folder that exists, or not be set.",
                "unset KIT_HOME" if home.startswith("~") or os.path.exists(path) else f"mkdir -p {shown}",
            )
        return path.resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "competitions").is_dir()), here)


def competition_roots() -> list[Path]:
    """Folders that hold competitions, the workspace's own first, so that a user's version wins over a packaged one."""
    roots = [workspace() / "competitions", packaged_competitions()]
    return [root for i, root in enumerate(roots) if root.is_dir() and root not in roots[:i]]


def packaged_competitions() -> Path:
    """The competitions that come with kit: installed as `kit/competitions`, and beside `kit/` in a checkout."""
    installed = KIT / "competitions"
    return installed if installed.is_dir() else KIT.parent / "competitions"


def data(name: str, *, sample: bool = False) -> Path:
    """The folder of a competition's files: `raw/`, `public/`, `private/`, `cache/` and `manifest.json`."""
    return workspace() / "data" / (f"{name}-sample" if sample else name)


def encoders() -> Path:
    """The folder of imported text encoders, one `<name>/` each."""
    return workspace() / "data" / "encoders"


def runs(name: str) -> Path:
    """The run store of a competition; git keeps its `run.json`, `kaggle.json` and `submission.csv`. On Kaggle it lies
    in the folder whose files are a kernel's output."""
    return (working() if on_kaggle() else workspace()) / "submissions" / name


def kernels() -> Path:
    """The folder of kernels, one `<competition>-<recipe>/` each."""
    return workspace() / "kernels"


def on_kaggle() -> bool:
    """Whether this process runs in a Kaggle notebook, interactive or batch.

    Source: github.com/Kaggle/docker-python, which sets KAGGLE_KERNEL_RUN_TYPE.
    """
    return "KAGGLE_KERNEL_RUN_TYPE" in os.environ


def kaggle_root() -> Path:
    """`/kaggle` on Kaggle; `$KIT_KAGGLE_ROOT` where a notebook is rehearsed elsewhere."""
    return Path(os.environ.get("KIT_KAGGLE_ROOT", "/kaggle"))


def working() -> Path:
    """The folder of a kernel's output, in which Kaggle looks for `submission.csv`."""
    return kaggle_root() / "working"


def mounted(*files: str) -> Path:
    """The folder under `/kaggle/input` that holds all of `files`; a name that ends in `/` is a folder.

    Kaggle mounts competitions as `input/<slug>` or `input/competitions/<slug>` and datasets as `input/<slug>` or
    `input/datasets/<owner>/<slug>`, so the folder is searched by what it holds. Raises KitError when there is none, or
    more than one.
    """
    root = kaggle_root() / "input"
    wanted = {name.rstrip("/") for name in files}
    walk = os.walk(root, followlinks=True)
    holders = [Path(folder) for folder, inner, held in walk if wanted <= {*inner, *held}]
    if len(holders) == 1:
        return holders[0]
    if not holders:
        raise KitError(
            f"No input of this kernel holds {', '.join(files)}.",
            f"One folder under {root} must hold them. Add their source to kernel-metadata.json, and push it again.",
        )
    raise KitError(
        f"Several inputs hold {', '.join(files)}: {', '.join(str(path) for path in sorted(holders))}.",
        "Only one may hold them, or the wrong data could be used. Remove the others from kernel-metadata.json, and "
        "push it again.",
    )


def install(extra: str) -> str:
    """What to type to install an optional group of packages, by the names that kit's own metadata gives them: so it
    works from a checkout and from a wheel, whether kit is on an index or not."""
    from importlib import metadata

    try:
        lines = metadata.requires("kaggle-kit") or []
    except metadata.PackageNotFoundError:
        lines = []
    wanted = [line for line in lines if re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", line)]
    names = sorted({match[0] for line in wanted if (match := re.match(r"[\w.-]+", line))})
    return install_tested(*names) if names else f"pip install 'kaggle-kit[{extra}]'"


def install_tested(*packages: str) -> str:
    """What to type to install packages in the versions that were tested together."""
    return f"pip install -c {shlex.quote(str(CONSTRAINTS))} {' '.join(packages)}"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and is removed when it does not.

    Readers therefore see the whole file or none. Works for files; the parent folder is created. What a killed process
    has left of the same file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in left_beside(path, "part"):
        left.unlink(missing_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def left_beside(path: Path, *endings: str) -> list[Path]:
    """What processes that are dead have left beside `path`, as `.<name>.<process>.<ending>`."""
    start = f".{path.name}."
    left = []
    with os.scandir(path.parent) as items:
        for item in items:
            if item.name.startswith(start) and item.name.endswith(endings):
                process, _, ending = item.name.removeprefix(start).partition(".")
                if process.isdecimal() and ending in endings and not alive(int(process)):
                    left.append(Path(item.path))
    return sorted(left)


def alive(process: int) -> bool:
    """Whether another process of that number runs."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process != os.getpid()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The process with these environment variables until the block ends."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
