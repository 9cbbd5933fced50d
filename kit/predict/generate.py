"""What a run's model writes: the text behind a prompt, as it is drawn."""

from __future__ import annotations

from kit.errors import KitError
from kit.predict import models
from kit.task.catalog import Entry
from kit.task.contract import Language
from kit.train.runs import Run


def language(entry: Entry, run: Run) -> Language:
    """The model of texts of a run. Raises KitError when its recipe fits none, and as `models.load` does."""
    writer = models.load(entry, run).language
    if writer is None:
        raise KitError(
            f"Run {run.name} of {entry.name} cannot write texts.",
            "A recipe of a model of texts can: its `fit` and `load` return Fitted(..., language=...).",
            f"kit predict {entry.name} {run.name} --help  # what other runs can do",
        )
    return writer
