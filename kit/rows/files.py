"""Rows of a table in a file, read a part at a time: CSV, Parquet and JSON lines, gzipped or not.

What a file is, is told by what it holds, not by its name. Memory holds one part, however many rows there are.
"""

from __future__ import annotations

import gzip
import warnings
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from kit import places
from kit.errors import KitError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 6
"""Columns and labels that a message names; of more it names the first and says how many there are."""


@dataclass(frozen=True)
class Part:
    """Some rows of a file that follow each other. `table` is a DataFrame whose index is the number of the row in the
    file, counted from 1 below the header; `file` is named in errors."""

    file: Path
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def ids(self, column: str) -> np.ndarray:
        """The ids in `column`, int64 or texts of (n,); the numbers of the rows where the file has no such column.

        Raises KitError for a row without one.
        """
        if column not in self.table:
            return self.table.index.to_numpy(np.int64)
        texts = self.full([column])[column].astype(str).to_numpy(object)
        try:
            numbers = texts.astype(np.int64)
        except (ValueError, OverflowError):
            return texts.astype(str)
        # 007 is a text: a number would lose what it is spelled by.
        return numbers if np.array_equal(numbers.astype(str), texts.astype(str)) else texts.astype(str)

    def full(self, columns: Sequence[str]) -> pd.DataFrame:
        """The `columns`, of which none may be empty. Raises KitError naming the first row and column that is."""
        table = self.table[[*columns]]
        empty = table.isna().to_numpy()
        if empty.any():
            row, column = np.unravel_index(int(np.argmax(empty)), empty.shape)
            raise self._refusal(int(row), columns[int(column)], "is empty", "Each row needs a value there.")
        return table

    def integers(self, columns: Sequence[str], low: int, high: int, dtype: Any) -> np.ndarray:
        """The `columns` as whole numbers from `low` to `high`, `dtype` of (n, columns).

        Raises KitError naming the first row and column that holds something else.
        """
        table = self.full(columns)
        try:
            values = table.to_numpy()
            values = values.astype(np.float64) if values.dtype.kind not in "iuf" else values
            wrong = (values < low) | (values > high) | (values != np.floor(values))
        except (ValueError, TypeError):
            spelled = table.astype(str).to_numpy(object)
            wrong = np.array([[not _whole(text, low, high) for text in row] for row in spelled])
        if wrong.any():
            row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            value = str(table.iat[int(row), int(column)])
            right = f"It must be a whole number from {low} to {high}."
            raise self._refusal(int(row), columns[int(column)], f"holds {value!r}", right)
        return values.astype(dtype)

    def labels(self, column: str, allowed: Sequence[Any]) -> np.ndarray | None:
        """The labels in `column`, each one of `allowed`, (n,); None where the file has no such column.

        Raises KitError naming the first row that has none, or one that is not allowed.
        """
        if column not in self.table:
            return None
        values = self.full([column])[column]
        # 1 and 1.0 are one label, as a column of a Parquet file may hold either; 0.5 is none.
        of = {str(label): place for place, label in enumerate(allowed)}
        of |= {str(float(label)): of[str(label)] for label in allowed if isinstance(label, (int, float))}
        places = values.astype(str).map(of)
        unknown = places.isna().to_numpy()
        if unknown.any():
            row = int(np.argmax(unknown))
            right = f"Allowed are {_few(list(map(str, allowed)))}."
            raise self._refusal(row, column, f"holds {str(values.iat[row])!r}", right)
        return np.asarray(allowed)[places.to_numpy(np.int64)]

    def _refusal(self, row: int, column: str, wrong: str, right: str) -> KitError:
        return KitError(f"{self.file}: row {self.table.index[row]:,}, column {column!r} {wrong}.", right)


def parts(
    file: Path,
    needed: Sequence[str],
    *,
    optional: Sequence[str] = (),
    texts: Sequence[str] = (),
    rows: int | None = None,
    names: Sequence[str] = (),
) -> Iterator[Part]:
    """The rows of a file, at most `rows` at a time, or all at once without it.

    A part has the columns `needed`, and those of `optional` that the file has; others are left out. Columns of `texts`
    are read as they are spelled, all others as pandas reads them. `names` are the columns of a CSV file without a
    header. Raises KitError when the file cannot be read, lacks a column or has no rows.
    """
    at = 0
    given = {name: "str" for name in texts}
    with _opened(file) as stream, closing(_tables(stream, file, rows, given, names)) as tables:
        while (table := _following(tables, file)) is not None:
            if lacking := [name for name in needed if name not in table]:
                raise _lacks(file, lacking, list(map(str, table.columns)), needed)
            table = table[[name for name in (*needed, *optional) if name in table]]
            # pandas before 3, which is on Kaggle's image, would spell what is missing "nan".
            spelled = {name: table[name].astype("str").where(table[name].notna()) for name in texts if name in table}
            table = table.assign(**spelled)
            table.index = np.arange(at + 1, at + 1 + len(table))
            at += len(table)
            if len(table):
                yield Part(file, table)
    if not at:
        raise KitError(f"{file} has no rows.", "It must have at least one below the header.")


def joined(parts: Sequence[Mapping[str, np.ndarray | None]]) -> dict[str, np.ndarray]:
    """The arrays of several parts, each behind the one before it; without those that are None."""
    return {
        name: np.concatenate([np.asarray(part[name]) for part in parts])
        for name, first in parts[0].items()
        if first is not None
    }


def _tables(
    stream: IO[bytes], file: Path, rows: int | None, types: Mapping[str, str], names: Sequence[str]
) -> Generator[pd.DataFrame]:
    """The tables that a file is read as; the last one may be empty."""
    import pandas as pd

    given: Any
    first = stream.read(4096)
    stream.seek(0)
    if first[:4] == b"PAR1":
        yield from _parquet(stream, rows)
    elif first[:2] == b"PK":
        raise KitError(f"{file} is a zip file.", "A CSV, Parquet or JSON lines file is read.", f"unzip {file}")
    elif first[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in first:
        raise KitError(f"{file} is not text in UTF-8.", "CSV and JSON lines files must be.")
    elif first.lstrip()[:1] == b"{":
        given = pd.read_json(stream, lines=True, chunksize=rows, dtype=False)
        with given if rows else _nothing():
            yield from given if rows else [given]
    else:
        settings: dict[str, Any] = {"encoding": "utf-8-sig", "index_col": False, "dtype": types}
        settings |= {"header": None, "names": [*names]} if names else {}
        # Without parts, `low_memory` would still guess the type of a column anew every few thousand rows.
        given = pd.read_csv(stream, chunksize=rows, low_memory=False, **settings)
        with given if rows else _nothing():
            yield from given if rows else [given]


def _parquet(stream: IO[bytes], rows: int | None) -> Iterator[pd.DataFrame]:
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise KitError(
            "Parquet files need the package 'pyarrow', which is not installed.",
            "It comes with the extra 'parquet'. CSV and JSON lines need nothing more.",
            places.install("parquet"),
        ) from error
    if rows is None:
        yield parquet.read_table(stream).to_pandas()
        return
    for batch in parquet.ParquetFile(stream).iter_batches(batch_size=rows):
        yield batch.to_pandas()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is gzipped. Raises KitError when it is not there or empty."""
    if not file.is_file():
        raise KitError(
            f"{file} is not a file." if file.exists() else f"{file} does not exist.", "", f"ls {file.parent}"
        )
    if not file.stat().st_size:
        raise KitError(f"{file} is empty.", "It has no bytes.")
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.open(raw) as unpacked:
            yield unpacked  # type: ignore[misc]


def _following(tables: Iterator[pd.DataFrame], file: Path) -> pd.DataFrame | None:
    """The next table, None behind the last; what readers raise for a damaged file becomes a KitError."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            # A row longer than the header, whose last values would be lost.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return next(tables, None)
    except UnicodeDecodeError as error:
        raise KitError(f"{file} is not text in UTF-8: {error.reason}.", "CSV and JSON lines files must be.") from error
    except pd.errors.EmptyDataError as error:
        raise KitError(f"{file} has no header and no rows.", "It must have at least one row.") from error
    except (ValueError, OSError, EOFError, zlib.error, pd.errors.ParserWarning) as error:
        raise KitError(
            f"{file} cannot be read: {str(error).strip() or type(error).__name__}",
            "It may be cut off, or not be a CSV, Parquet or JSON lines file.",
        ) from error


def _lacks(file: Path, lacking: list[str], columns: list[str], needed: Sequence[str]) -> KitError:
    which = f"the column {lacking[0]!r}" if len(lacking) == 1 else f"the columns {_few(lacking)}"
    return KitError(
        f"{file} lacks {which}; its header is {_few(columns)}.",
        f"Its header must have {_few(list(needed))}.",
    )


def _few(names: list[str]) -> str:
    if len(names) <= 2 * SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN:,} more"


def _whole(text: str, low: int, high: int) -> bool:
    try:
        return float(text).is_integer() and low <= float(text) <= high
    except ValueError:
        return False
