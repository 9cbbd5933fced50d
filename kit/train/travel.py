"""What travels to a machine that shares no storage with this one: a run's plan, code and data; and what comes back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kit import places
from kit.errors import KitError
from kit.task import catalog
from kit.train import record, runs
from kit.train.record import Plan

RECORDS = (record.PLAN, record.TRIAL)
"""What a run's folder holds beside its folds before it is finished."""

MOST = 2 << 30
"""Bytes that may travel to a worker, which keeps a copy in memory while it unpacks them."""


def key(plan: Plan) -> str:
    """Alike for plans whose folds need the same files beside their run's own, so that these travel once."""
    named = [plan.competition, plan.sample, sorted(plan.data.items()), sorted(plan.encoders.items())]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def ground(plan: Plan) -> dict[str, bytes]:
    """The competition's code and data, and the encoders, that folds of `plan` need, by their paths below a workspace.

    Raises KitError when they are too large to travel.
    """
    entry = catalog.find(plan.competition, sample=plan.sample)
    files = [*_below(entry.folder, f"competitions/{entry.folder.name}", "*.py")]
    files += [(f"data/{entry.data.name}/manifest.json", entry.data / "manifest.json")]
    files += _below(entry.public(), f"data/{entry.data.name}/{entry.public().name}")
    for word in (str(plan.settings[name]) for name in plan.encoders):
        files += _below(places.encoders() / word, f"data/encoders/{word}")
    size = sum(path.stat().st_size for _, path in files if path.is_file())
    if size > MOST:
        raise KitError(
            f"The data of {entry.name} has {size:,} bytes, and at most {MOST:,} travel to a worker.",
            "Keep the workspace on storage that all machines share; then nothing travels.",
            "export KIT_HOME=/a/shared/folder",
        )
    return {name: path.read_bytes() for name, path in files if path.is_file()}


def packed(folder: Path) -> dict[str, bytes]:
    """The records of the run in `folder`, by their paths below a workspace."""
    own = f"submissions/{runs.at(folder).plan.competition}/{folder.name}"
    return {f"{own}/{name}": (folder / name).read_bytes() for name in RECORDS if (folder / name).is_file()}


def unpacked(files: dict[str, bytes], workspace: Path) -> None:
    """Write files that `ground` or `packed` gave below `workspace`. What is there already stays."""
    for name, content in files.items():
        path = _inside(workspace, name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with places.whole(path) as part:
                part.write_bytes(content)


def run(files: dict[str, bytes], workspace: Path) -> Path:
    """The folder of the run whose records are `files`, once they are unpacked."""
    return _inside(workspace, next(name for name in files if name.endswith(record.PLAN))).parent


def left(fold: Path) -> dict[str, bytes]:
    """The files that a fold has left, by their paths below its folder."""
    return {path.relative_to(fold).as_posix(): path.read_bytes() for path in sorted(fold.rglob("*")) if path.is_file()}


def landed(files: dict[str, bytes], fold: Path) -> None:
    """Put the files of a fold in their place; the folder appears whole or not at all."""
    part = fold.with_name(f".{fold.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for name, content in files.items():
        path = _inside(part, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shutil.rmtree(fold, ignore_errors=True)
    part.rename(fold)


def _inside(folder: Path, name: str) -> Path:
    """The path `name` below `folder`. Raises KitError for a name that leads out of it."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise KitError(f"{name!r} is no path below a folder.", "Files that travel stay below their folder.")
    return folder / pure


def _below(folder: Path, name: str, pattern: str = "*") -> Iterator[tuple[str, Path]]:
    return ((f"{name}/{path.relative_to(folder).as_posix()}", path) for path in sorted(folder.rglob(pattern)))
