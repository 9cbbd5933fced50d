"""Raw files against their declaration: there, whole, and holding what they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit import records
from kit.errors import KitError
from kit.rows import csvs
from kit.task.sources import Csv, Files

DIFFERENT = 10_000
"""Values of a column that are remembered as right: labels are seldom more, and numbers must not fill the memory."""

Facts = dict[str, Any]
"""`bytes` and `sha256` of a file, and of a CSV file `rows`."""


def files(folder: Path, declared: Files, *, rows: bool = True) -> dict[str, Facts]:
    """Size, sha256 and, of CSV files, number of rows of each declared file.

    Raises KitError when a file is missing, empty, damaged, or differs from its declaration. `rows=False` does not
    compare numbers of rows and sizes, as for samples.
    """
    facts: dict[str, Facts] = {}
    for name, wanted in declared.items():
        path = folder / name
        refuse_no_file(path, name)
        if not path.exists():
            held = ", ".join(sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*"))[:8])
            raise KitError(f"{name} is missing.", f"There are: {held or 'no files'}. Needed: {', '.join(declared)}.")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in (item for item in inside if item.is_file()):
            facts[file.relative_to(folder).as_posix()] = _any(file) if wanted is None else csv_file(file, wanted, rows)
        if path.is_file() and not path.stat().st_size:
            raise KitError(f"{name} is empty.", "It must hold what its name says; it may be cut off.")
    return facts


def refuse_no_file(path: Path, name: str) -> None:
    """Raises KitError where `path` is a folder and the declared `name` is a file's, or is a link that leads nowhere."""
    try:
        if not name.endswith("/"):
            csvs.refuse_no_file(path)
    except csvs.Damaged as error:
        raise _damaged(path, error) from None


def readable(path: Path) -> None:
    """Raises KitError for a CSV file that cannot be read as text."""
    try:
        csvs.look(path)
    except csvs.Damaged as error:
        raise _damaged(path, error) from None


def csv_file(path: Path, wanted: Csv, rows: bool = True) -> Facts:
    """The facts of a CSV file that holds what is `wanted`. It is read in bounded memory.

    Raises KitError, naming row and column, where it does not, or cannot be read as CSV.
    """
    try:
        told = csvs.look(path)
        header = tuple(next(csvs.rows(path), ()))
        if header != wanted.columns:
            raise KitError(f"{path.name} has the columns {_short(header)}.", f"They must be {_short(wanted.columns)}.")
        count = _counted(path, wanted, told.plain)
    except csvs.Damaged as error:
        raise _damaged(path, error) from None
    if rows and wanted.rows is not None and count != wanted.rows:
        raise KitError(f"{path.name} has {count:,} rows.", f"It must have {wanted.rows:,}; the file may be cut off.")
    if rows and wanted.size is not None and told.size != wanted.size:
        raise KitError(f"{path.name} has {told.size:,} bytes.", f"It must have {wanted.size:,}.")
    return {"bytes": told.size, "sha256": told.sha256, "rows": count}


def _counted(path: Path, wanted: Csv, plain: bool) -> int:
    """The number of rows, each of which has as many values as the header, and what `wanted.holds` says."""
    held = {wanted.columns.index(column): kind for column, kind in wanted.holds.items()}
    right: dict[int, set[str]] = {at: set() for at in held}
    count = 0
    for count, (width, values) in enumerate(_records(path, plain, max(held, default=0) + 1)):
        if width != len(wanted.columns):
            raise csvs.Damaged(
                f"row {count:,} has {width} values and the header {len(wanted.columns)}",
                "Each row must have as many values as the header.",
            )
        for at, kind in held.items() if count else ():
            if values[at] in right[at]:
                continue
            if problem := kind.problem(values[at]):
                raise KitError(
                    f"{path.name}, row {count:,}: the column {wanted.columns[at]!r} {problem.wrong}.",
                    f"{problem.right} Rows are counted from 1, below the header.",
                )
            if len(right[at]) < DIFFERENT:
                right[at].add(values[at])
    return count


def _records(path: Path, plain: bool, first: int) -> Iterator[tuple[int, list[str]]]:
    """The number of values of each row, the header included, and at least the `first` ones of them.

    Lines without quotation marks are cut and not parsed: of 785 columns that takes a tenth of the time.
    """
    if not plain:
        yield from ((len(row), row) for row in csvs.rows(path))
        return
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            if line := line.rstrip("\n"):
                yield line.count(",") + 1, line.split(",", first)


def _any(path: Path) -> Facts:
    return {"bytes": path.stat().st_size, "sha256": records.sha256(path)}


def _damaged(path: Path, error: csvs.Damaged) -> KitError:
    return KitError(f"{path.name} is damaged: {error.wrong}.", error.right)


def _short(columns: tuple[str, ...]) -> str:
    return ",".join(columns) if len(columns) <= 6 else f"{','.join(columns[:3])},...,{columns[-1]} ({len(columns)})"
