"""Which folds are in kernels on Kaggle: notes in the run's folder, written before a push and after it.

A run's `kernels/fold-N/` holds the notebook and its metadata, and in `output/`, which git ignores, `pushing.json` while
a push is under way and `pushed.json` from its answer on. So a command that was killed at any moment, made again, knows
what it has pushed, or asks the server whether the push of that notebook has arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kit import records
from kit.kaggle.client import Client
from kit.kaggle.kernel import accelerators, metadata, notebook, push, readback, versions
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.metadata import Metadata
from kit.kaggle.kernel.versions import Pushed
from kit.notes import tell
from kit.train import record
from kit.train.executors import Piece

PUSHING = Path("output", "pushing.json")
"""Below a fold's folder of kernels: the push that is under way."""


@dataclass(frozen=True)
class Pushing:
    """A push under way: the kernel, its page, which tells the server, and its newest version before."""

    ref: str
    url: str
    before: int


def folder(piece: Piece) -> Path:
    """Where the kernel of a fold is kept."""
    return piece.folder / "kernels" / ("full" if piece.number < 0 else f"fold-{piece.number}")


def pushed(piece: Piece) -> Pushed | None:
    """The version that fits a fold, or has; None where none was pushed to this server."""
    known = versions.recorded(folder(piece))
    return known if known and known.url == versions.page(known.ref) else None


def arrived(client: Client, piece: Piece, machine: Accelerator) -> Pushed | None:
    """The version that a push has become which a kill has cut off; None where none was begun, or none has arrived."""
    place = folder(piece)
    stored = records.read_json(place / PUSHING)
    try:
        begun = records.typed(Pushing, stored) if stored else None
    except ValueError:
        begun = None
    if begun is None or begun.url != versions.page(begun.ref):
        return None
    text = (place / notebook.FILE).read_text(encoding="utf-8")
    described = metadata.owned(metadata.read(place), client.user)
    for wait in push.LOOKS:
        time.sleep(wait)
        if number := push.arrived(client, begun.ref, begun.before, text):
            break
    else:
        return None
    readback.check(client, begun.ref, number, text, described, machine)
    seconds = accelerators.timeout(machine, None)
    made = Pushed(begun.ref, number, begun.url, machine.word, seconds, "", records.now())
    _remember(piece, made)
    tell(f"The push of {made.ref} {made.label} had arrived before this command was killed.")
    return made


@contextmanager
def pushing(client: Client, piece: Piece, described: Metadata) -> Iterator[Callable[[Pushed], None]]:
    """A push in the block, noted before it begins; what is given notes its outcome."""
    ref = str(metadata.owned(described, client.user)["id"])
    begun = Pushing(ref, versions.page(ref), versions.newest(client, ref))
    records.write_json(folder(piece) / PUSHING, asdict(begun))
    try:
        yield lambda made: _remember(piece, made)
    except push.Full:
        (folder(piece) / PUSHING).unlink()
        raise


def forget(piece: Piece) -> None:
    """A version that failed is no answer: the fold is pushed again when it is asked for again."""
    (folder(piece) / versions.RECORD).unlink(missing_ok=True)


def busy(store: Path) -> set[str]:
    """The names of kernels whose newest version fits, or may fit, a fold of an unfinished run in the run store."""
    names = set()
    for note in (versions.RECORD, PUSHING):
        for path in store.glob(f"*/kernels/*/{note}"):
            place = path.parent.parent
            run = place.parent.parent
            if not (run / record.RUN).exists() and not (run / place.name / record.DONE).exists():
                names.add(str(records.read_json(path).get("ref", "")).partition("/")[2])
    return names


def all_pushed(run: Path) -> list[dict[str, Any]]:
    """The versions that fit the folds of the run in a folder, as their records hold them."""
    return [records.read_json(path) for path in sorted((run / "kernels").glob(f"*/{versions.RECORD}"))]


def _remember(piece: Piece, made: Pushed) -> None:
    versions.remember(folder(piece), made)
    (folder(piece) / PUSHING).unlink(missing_ok=True)
