"""What a kernel had begun when it was stopped: fetched here, and attached to the kernel that goes on with it.

A kernel's own output is attached in its newest version only, so that a private dataset brings what is gone on with.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import PurePosixPath

from kit import places, records
from kit.errors import KitError
from kit.kaggle import publish
from kit.kaggle.client import Client
from kit.kaggle.kernel import outputs, queued
from kit.kaggle.kernel.versions import Pushed
from kit.train import begun, progress, record, runs
from kit.train.executors import Piece
from kit.train.runs import Run


def fetched(client: Client, run: Run, number: int, pushed: Pushed) -> bool:
    """Put the checkpoint that a stopped version has left into the fold's folder; whether there was one of this fold."""
    inside = run.fold(number).name

    def wanted(path: str) -> bool:
        parts = PurePosixPath(path).parts
        own = parts[0] == inside and (places.CHECKPOINT in parts or parts[1:] == (progress.HISTORY,))
        return own or path == record.PLAN

    try:
        _, files = outputs.run_files(client, pushed, run.plan.competition, wanted, finished=False)
        if not any(places.CHECKPOINT in PurePosixPath(path).parts for path in files):
            return False
        part = queued.folder(Piece(run.folder, number)) / "output" / f"{pushed.label}-begun"
        outputs.fetch(files, part)
        theirs = runs.at(part).plan
    except KitError:  # it left no run, or one of another kit: the fold begins anew
        return False
    if begun.noted(theirs, number) != begun.noted(run.plan, number):
        return False
    shutil.rmtree(run.fold(number), ignore_errors=True)
    (part / inside).rename(run.fold(number))
    return True


def published(client: Client, run: Run, number: int) -> str:
    """The private dataset that holds what the fold has left here, made or brought up to date; empty where nothing is.

    Raises KitError as `publish.folder` does.
    """
    fold, kernel = run.fold(number), queued.folder(Piece(run.folder, number))
    held = [path for folder in runs.checkpoints(fold) for path in sorted(folder.rglob("*")) if path.is_file()]
    if not held:
        return ""
    place = kernel / "output" / "begun"
    shutil.rmtree(place, ignore_errors=True)
    for path in [*held, *fold.glob(progress.HISTORY)]:
        to = place / begun.FOLD / path.relative_to(fold)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    records.write_json(place / begun.FILE, begun.noted(run.plan, number))
    slug = f"kit-begun-{hashlib.sha256(f'{run.name} {number}'.encode()).hexdigest()[:12]}"
    message = f"What fold {number} of run {run.name} had come to"
    publish.folder(place, slug, kernel / "output" / publish.RECORD, client, message=message, wait=True)
    return slug
