"""What a person says of a run, its note and its tags, and how a run is deleted."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from kit import places, records
from kit.errors import KitError
from kit.task import catalog
from kit.train import runs, working
from kit.train.runs import Run
from kit.train.working import Died

FILE = "notes.json"
"""The file beside `run.json`, which is never edited."""

TAG = re.compile(r"[\w][\w.-]{0,39}")
"""What a tag looks like: one word of at most 40 letters, digits, dots, hyphens and underscores."""


@dataclass(frozen=True)
class Notes:
    """A text, and tags in alphabetical order."""

    text: str = ""
    tags: tuple[str, ...] = ()


def read(run: Run) -> Notes:
    """The note and the tags of a run; empty ones where there are none.

    Raises KitError when the file is damaged.
    """
    stored = records.read_json(run.folder / FILE)
    try:
        return records.typed(Notes, stored)
    except ValueError as error:
        raise KitError(
            f"{run.folder / FILE} is damaged: {error}.",
            "It must hold `text` and `tags`, as kit note writes them.",
            f"rm {run.folder / FILE}",
        ) from None


def listed(run: Run) -> Notes:
    """As `read`; a damaged file counts as an empty one, of which a person is told, so that other runs are listed."""
    try:
        return read(run)
    except KitError as error:
        runs.tell_once(error)
        return Notes()


def write(run: Run, *, text: str | None = None, tag: Sequence[str] = (), untag: Sequence[str] = ()) -> Notes:
    """Change the note of a run, where `text` is given, and its tags; what they are now.

    An empty `text` takes the note away. Raises KitError for a tag that is not one word, and for one to be taken away
    that the run does not have.
    """
    before = read(run)
    for word in tag:
        if not TAG.fullmatch(word):
            like = re.sub(r"[^a-zA-Z0-9_]+", "-", word).strip("-")[:40] or "best"
            raise KitError(
                f"{word!r} cannot be a tag.",
                "A tag is one word of letters, digits, dots, hyphens and underscores.",
                f"kit note {run.plan.competition} {run.name} --tag {like}",
            )
    for word in untag:
        if word not in before.tags:
            raise KitError(
                f"Run {run.name} has no tag {word!r}.",
                f"Its tags: {', '.join(before.tags) or 'none'}.",
                f"kit runs {run.plan.competition}",
            )
    notes = replace(
        before,
        text=before.text if text is None else " ".join(text.split()).encode(errors="replace").decode(),
        tags=tuple(sorted({*before.tags, *tag} - {*untag})),
    )
    if notes != before:
        records.write_json(run.folder / FILE, asdict(notes))
    return notes


def members_of(run: Run) -> list[str]:
    """The names of the blends that a run is a member of."""
    known = runs.every(run.plan.competition)
    return [other.name for other in known if other.plan.recipe == catalog.BLEND and run.name in other.plan.settings]


def delete(run: Run) -> None:
    """Remove a run with all its files. A kill on the way leaves no half of a run where runs are looked for.

    Raises KitError when another process works on the run.
    """
    gone = places.runs(run.plan.competition).parent / ".deleted" / run.plan.competition
    shutil.rmtree(gone, ignore_errors=True)  # what an earlier call that was killed has left
    gone.mkdir(parents=True)
    with working.alone(run):
        run.folder.rename(gone / run.name)
    shutil.rmtree(gone)


@contextlib.contextmanager
def fresh(run: Run) -> Iterator[Run]:
    """The block fills a new run. Where it ends in a KitError and nothing was fitted, the run's folder is removed: a
    recipe that refuses its settings leaves none behind. One whose process died is kept: its message says how to go on.
    """
    try:
        yield run
    except Died:
        raise
    except KitError:
        if not any(any(run.folder.glob(pattern)) for pattern in ("*/done.json", "*/history.csv", "kernels/*/*")):
            delete(run)
        raise
