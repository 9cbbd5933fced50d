"""Files that are no Kaggle task yet, made into one: rows held out of a plain table, a sample submission written."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.errors import KitError
from kit.notes import tell
from kit.rows import formats, tables

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = "sample_submission.csv"


def held_out(
    raw: Path, public: Path, private: Path, *, table: str, target: Sequence[str], id: str = "", share: float = 0.25
) -> None:
    """Hold a share of a table's rows out as test rows: train.csv, test.csv and the sample submission go to the folder
    `public`, the answers to `private`. Other files are taken over.

    Rows are drawn with a fixed seed, so that the same table gives the same bytes. Without an `id` rows are numbered in
    a column `id`. Raises KitError when the table lacks a column.
    """
    _taken_over(raw, public, without=table)
    rows = tables.read(raw / table)
    _refuse_missing(table, rows, [*target, *([id] if id else [])])
    name = id or "id"
    if not id:
        rows.insert(0, name, np.arange(len(rows)))
    rows = rows.dropna(subset=[*target])
    held = np.random.default_rng(0).permutation(len(rows)) < share * len(rows)
    test = rows[held]
    rows[~held].to_csv(public / "train.csv", index=False)
    test.drop(columns=[*target]).to_csv(public / "test.csv", index=False)
    test[[name, *target]].to_csv(private / "solution.csv", index=False)
    _write_sample(public, test[name], rows[~held], target)


def with_sample(
    raw: Path, public: Path, private: Path, *, train: str, test: str, target: Sequence[str], id: str = ""
) -> None:
    """Write the sample submission that the files lack: the ids of the test rows, and a usual value of each target.

    Without an `id` test rows are numbered from 0. Raises KitError when a table lacks a column.
    """
    _taken_over(raw, public)
    rows, asked = tables.read(raw / train), tables.read(raw / test, text=(id,) if id else ())
    _refuse_missing(train, rows, target)
    _refuse_missing(test, asked, [id] if id else [])
    import pandas as pd

    ids = asked[id] if id else pd.Series(np.arange(len(asked)), name="id")
    _write_sample(public, ids, rows, target)


def plain_sample(raw: Path, public: Path, private: Path, *, sample: str) -> None:
    """Write the sample submission as Kaggle takes files: CSV in UTF-8 with commas."""
    _taken_over(raw, public, without=sample)
    table = tables.read(raw / sample, text=tables.columns(raw / sample))
    table.to_csv(public / SAMPLE, index=False)


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(header)
        lines.writerows(rows)


def tell_repeats(train: np.ndarray, test: np.ndarray) -> None:
    """Tell how many rows repeat another one, where rows of one number repeat each other: int of (n,) for train rows and
    for test rows."""
    again = [len(numbers) - len(np.unique(numbers)) for numbers in (train, test)]
    tell(
        f"{again[0]:,} of {len(train):,} train rows repeat an earlier one or nearly, {again[1]:,} of {len(test):,} "
        f"test rows another test row, and {int(np.isin(test, train).sum()):,} a train row."
    )


def is_plain(path: Path) -> bool:
    """Whether a sample file is what Kaggle takes: CSV in UTF-8 with commas, not packed."""
    return path.suffix.lower() == ".csv" and formats.layout(path) in (
        formats.Layout("delimited"),
        formats.Layout("delimited", "utf-8-sig"),
    )


def _write_sample(public: Path, ids: pd.Series, rows: pd.DataFrame, target: Sequence[str]) -> None:
    """The sample submission: for each id the median of targets that are numbers, and the commonest label."""
    usual = {}
    for name in target:
        values = rows[name].dropna()
        fractions = values.dtype.kind == "f" and bool((values % 1 != 0).any())
        usual[name] = values.median() if fractions else values.mode().iloc[0]
    ids.to_frame().assign(**usual).to_csv(public / SAMPLE, index=False)


def _taken_over(raw: Path, public: Path, without: str = "") -> None:
    """All raw files in the public folder too; on one disk they are one file under two names."""
    for path in sorted(each for each in raw.rglob("*") if each.is_file()):
        name = path.relative_to(raw)
        if name.as_posix() == without:
            continue
        (public / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, public / name)
        except OSError:
            shutil.copyfile(path, public / name)


def _refuse_missing(file: str, table: pd.DataFrame, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in table.columns]:
        raise KitError(
            f"{file} has no column {missing[0]!r}.", f"Its columns are {', '.join(map(str, table.columns[:12]))}."
        )
