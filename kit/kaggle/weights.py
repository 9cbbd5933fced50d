"""What the model of a run is read from, as the user's own private dataset: for notebooks that only predict."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import places
from kit.kaggle import publish
from kit.kaggle.client import Client
from kit.predict import models
from kit.sandbox import folders
from kit.task.catalog import Entry
from kit.train.runs import Run

PREFIX = "kit-run-"
"""What the datasets are called by."""

LONGEST = 50
"""Characters that the name of a dataset may have."""


def name(run: Run) -> str:
    """The dataset's slug, which no other run has."""
    words = f"{PREFIX}{run.plan.competition}-{run.name}".lower()
    slug = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    if len(slug) <= LONGEST:
        return slug
    digest = hashlib.sha256(words.encode()).hexdigest()[:8]
    return f"{slug[: LONGEST - 9].rstrip('-')}-{digest}"


def of_run(slug: str) -> bool:
    """Whether a dataset of that slug holds a run."""
    return slug.startswith(PREFIX)


def send(entry: Entry, run: Run, kaggle: Client, *, message: str, wait: bool) -> dict[str, Any]:
    """Make the dataset of a run's models, or a new version of it where bytes have changed, as `publish.publish` does.

    Raises KitError when the run, or a member of a blend, has no models, and as `publish.folder` does.
    """
    with laid(entry, run) as place:
        record = run.folder / publish.RECORD
        return publish.folder(place, name(run), record, kaggle, message=message, wait=wait)


@contextmanager
def laid(entry: Entry, run: Run) -> Iterator[Path]:
    """A folder that looks as the dataset does: the run's folder and those of its members, with what models are read
    from and nothing else. The files are the run's own, by further names, so that no room is taken.

    Raises KitError when the run, or a member of a blend, has no models.
    """
    files = models.files(entry, run)
    with folders.beside(places.runs(entry.name).parent, name(run)) as folder:
        for place, file in files.items():
            folders.link(file, folder / place)
        yield folder
