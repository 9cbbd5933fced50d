"""Predictions as a submission has them, written a part at a time: memory holds a part, and 8 bytes of each row."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from kit import places
from kit.errors import KitError
from kit.task import ids as names
from kit.task import lines, submission
from kit.task.contract import Submission
from kit.task.targets import Target

LOOKED_AT = 10_000
"""Rows of the sample file that tell how values are spelled. A million of them would take more memory than a model."""


class Sheet:
    """A submission that grows by what was decided of rows; `rows` are in it so far."""

    def __init__(self, form: Submission, kinds: dict[str, Target], file: Path, text: IO[str]) -> None:
        self.rows = 0
        self._form, self._kinds, self._file, self._seen = form, kinds, file, _Seen(file)
        self._table = csv.writer(text, lineterminator="\n")
        self._table.writerow(form.columns)

    def add(self, ids: np.ndarray, decided: Any) -> None:
        """Write the next rows: their ids, and what `decide` gave for them.

        Raises KitError for an id that was written before, and for one that lacks some of the key columns.
        """
        self._seen.add(ids)
        targets = submission.spelled(self._kinds, decided, len(ids))
        if len(self._form.keys) == 1 and not self._form.repeats:
            self._table.writerows(zip(ids.tolist(), *targets, strict=True))
        else:
            keys = _keys(self._form, self._file, ids)
            values = zip(*targets, strict=True)
            self._table.writerows([*key, *row] for key, row in zip(keys, values, strict=True))
        self.rows += len(ids)


def kinds(form: Submission, public: Path | None) -> dict[str, Target]:
    """What the target columns hold: as the first rows of the sample file in the folder `public` tell, or as declared
    where there is no such file.

    Raises KitError where that is not declared either, or the sample file holds something else than what is.
    """
    declared = {name: kind for name, kind in form.declared.items() if kind is not None}
    sample = None if public is None else public / form.sample
    if sample is None or (len(declared) == len(form.targets) and not sample.is_file()):
        return declared
    return submission.resolved(form, [line.targets for line in lines.of_sample(form, sample, LOOKED_AT)], sample)


@contextmanager
def opened(form: Submission, kinds: dict[str, Target], file: Path, out: Path) -> Iterator[Sheet]:
    """A sheet of predictions for the rows of `file`, which becomes the file `out` when the block ends well; packed
    where it is called `.gz`. `kinds` is what the target columns hold."""
    with places.whole(out) as partial, _text(partial, out) as text:
        yield Sheet(form, kinds, file, text)


def _keys(form: Submission, file: Path, ids: np.ndarray) -> list[list[str]]:
    """The key columns of rows. Raises KitError where the file lacks one of several."""
    keys = [names.keys(str(name), len(form.keys), repeats=form.repeats) for name in ids.tolist()]
    if any(len(key) != len(form.keys) for key in keys):
        raise KitError(
            f"{file} does not have all key columns.",
            f"A row of this competition is named by {' and '.join(form.keys)} together.",
        )
    return keys


class _Seen:
    """The ids that have been read, as hashes of 8 bytes each in sorted arrays, each at least twice as long as the one
    after it, so that a part is looked up in a few of them and an id is sorted again a few times only."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.sorted: list[np.ndarray] = []

    def add(self, ids: np.ndarray) -> None:
        """Remember ids. Raises KitError when one of them has been read before."""
        from pandas.util import hash_array

        keys = hash_array(ids.astype(object) if ids.dtype.kind not in "iu" else ids)
        order = np.argsort(keys, kind="stable")
        again = np.zeros(len(keys), bool)
        again[order[1:]] = keys[order[1:]] == keys[order[:-1]]
        for known in self.sorted:
            place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            again |= known[place] == keys
        if again.any():
            raise KitError(
                f"{self.file} has the id {ids[int(np.argmax(again))]} more than once.",
                "Each row needs an id of its own, or the file no column of ids: rows are numbered then.",
            )
        self.sorted.append(keys[order])
        while len(self.sorted) > 1 and len(self.sorted[-2]) < 2 * len(self.sorted[-1]):
            last = self.sorted.pop()
            self.sorted[-1] = np.sort(np.concatenate([self.sorted[-1], last]), kind="stable")


@contextmanager
def _text(partial: Path, out: Path) -> Iterator[IO[str]]:
    """The file `partial`, open for text; packed where `out` is called so, and then of the same bytes at any time."""
    with partial.open("wb") as raw:
        if out.suffix != ".gz":
            with io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
                yield text
            return
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
        ):
            yield text
