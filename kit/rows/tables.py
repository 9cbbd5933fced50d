"""Tables as rows: read from any file that Kaggle serves, joined with further tables, as pandas DataFrames."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.errors import KitError
from kit.rows import formats
from kit.rows.formats import Layout

if TYPE_CHECKING:
    import pandas as pd

LARGE = 2**29
"""Bytes from which a file is read in parts, so that its text and its values are never in memory together."""

PART = 200_000
"""Rows of a part."""

ROOM = 0.4
"""The share of the free memory that a table may take: a fold holds most of its rows once more, and a model its own."""

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None", "<NA>", "#N/A", "#NA", "?")
"""Texts that stand for a missing value: those of pandas, and `?`, which data sets from UCI use."""


def read(
    path: Path,
    *,
    text: Sequence[str] = (),
    only: Sequence[str] = (),
    every: int = 1,
    rows: int | None = None,
) -> pd.DataFrame:
    """The table in a file: CSV with any separator and encoding, JSON, JSON lines or Parquet, packed or not.

    The columns named in `text` are kept as they are spelled, so that `007` stays that and `NA` is a word; elsewhere
    texts such as `NA` and `?` are missing values. `every=10` keeps each tenth row, for tables that do not fit; `rows`
    reads the first ones only, and `only` names the columns to read. Of nested JSON objects each field becomes a column
    (`owner.age`).

    Raises KitError when the file is absent, empty, damaged or no table, and when it would not fit into memory.
    """
    file = formats.located(path)
    how = formats.layout(file)
    if rows is None and not only:
        _check_room(file, how, every)
    if how.format == "parquet":
        table = _parquet(file, text)
    elif how.format == "json":
        table = _of_objects(_json(file), text)
    elif how.format == "lines":
        table = _of_objects(_json_lines(file, how, rows), text)
    elif rows is None and (every > 1 or formats.size(file) >= LARGE):
        return _joined(list(_parts(file, how, text, every, only)))
    else:
        table = next(_chunks(file, how, text, rows, only, whole=True))
    table = table[[*only]] if only else table
    table = table if rows is None else table.head(rows)
    return (table if every == 1 else table.iloc[::every]).reset_index(drop=True)


def stacked(paths: Sequence[Path], *, text: Sequence[str] = (), only: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of tables of the same columns one after the other; `text`, `only` and errors as `read`."""
    import pandas as pd

    parts = [read(path, text=text, only=only) for path in paths]
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def parts(path: Path, most: int | None, *, text: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """The table in a file, at most `most` rows at a time, or all of it for None; `text` and errors as `read`.

    A delimited file is read part by part and may be larger than memory; others are read whole.
    """
    file = formats.located(path)
    how = formats.layout(file)
    if how.format == "delimited" and most is not None:
        yield from _chunks(file, how, text, most, (), whole=False)
        return
    table = read(file, text=text)
    step = most or max(1, len(table))
    yield from (table.iloc[start : start + step].reset_index(drop=True) for start in range(0, len(table), step))


def columns(path: Path) -> list[str]:
    """The names of the columns of the table in a file. Errors as `read`."""
    return [str(name) for name in read(path, rows=20).columns]


def spelled(path: Path, names: Sequence[str], between: str = "") -> pd.Series:
    """The values of a column as they are spelled in the file, or those of several columns put together with `between`
    in the middle, such as 1_2012-11-02. Errors as `read`."""
    table = read(path, text=names, only=names)
    joined_: pd.Series = table[names[0]].astype(str)
    for name in names[1:]:
        joined_ = joined_ + between + table[name].astype(str)
    return joined_


def count(path: Path) -> int:
    """The number of rows of the table in a file, which is read in parts. Errors as `read`, but for its size."""
    file = formats.located(path)
    how = formats.layout(file)
    if how.format != "delimited":
        return len(read(path))
    first = _names(file, how)[:1]
    return sum(len(part) for part in _chunks(file, how, first, PART, first, whole=False))


def joined(left: pd.DataFrame, right: pd.DataFrame, on: str | Sequence[str]) -> pd.DataFrame:
    """The rows of `left` in their order, with the columns of `right` whose row has the same values in `on`.

    Columns that both have are taken from `left`. Rows without a partner get missing values. Raises KitError when `on`
    does not name each row of `right` once.
    """
    keys = [on] if isinstance(on, str) else list(on)
    if right.duplicated(keys).any():
        row = right.loc[right.duplicated(keys), keys].iloc[0].tolist()
        raise KitError(
            f"The further table has several rows with {', '.join(keys)} = {', '.join(map(str, row))}.",
            "A table that is joined has one row for each; tables.gathered makes one row of several.",
        )
    new = [name for name in right.columns if name in keys or name not in left.columns]
    return left.merge(right[new], how="left", on=keys, sort=False)


def gathered(table: pd.DataFrame, by: str | Sequence[str], name: str) -> pd.DataFrame:
    """One row for each value of `by`: how many rows it has, mean, least and greatest of its numbers, and of other
    columns the commonest value and how many different ones there are. New columns start with `name`."""
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    groups = table.groupby(keys, sort=True, dropna=True)
    parts = {f"{name}_rows": groups.size()}
    for column in (each for each in table.columns if each not in keys):
        values = groups[column]
        if pd.api.types.is_numeric_dtype(table[column]) and not pd.api.types.is_bool_dtype(table[column]):
            parts |= {f"{name}_{column}_{what}": values.agg(what) for what in ("mean", "min", "max")}
        else:
            ordered = table.groupby([*keys, column], sort=True).size().sort_values(ascending=False, kind="stable")
            commonest = ordered.reset_index()[[*keys, column]].drop_duplicates(keys).set_index(keys)[column]
            parts |= {f"{name}_{column}": commonest, f"{name}_{column}_different": values.nunique()}
    return pd.DataFrame(parts).reset_index()


def _parts(file: Path, how: Layout, text: Sequence[str], every: int, only: Sequence[str]) -> Iterator[pd.DataFrame]:
    """A delimited file part by part, each reduced to the rows kept, in small types."""
    start = 0
    for part in _chunks(file, how, text, PART, only, whole=False):
        kept = part.iloc[-start % every :: every]
        start += len(part)
        yield _small(kept, text)


def _chunks(
    file: Path, how: Layout, text: Sequence[str], rows: int | None, only: Sequence[str], *, whole: bool
) -> Iterator[pd.DataFrame]:
    """The rows of a delimited file; with `whole` one part, of `rows` rows at most, else parts of `rows` rows.

    An encoding that the first bytes did not show shows here, at the byte that is wrong.
    """
    import pandas as pd
    from pandas.errors import EmptyDataError, ParserError

    names = _names(file, how)
    options: dict[str, Any] = {
        "sep": how.separator,
        "decimal": how.decimal,
        "header": 0 if how.header else None,
        "names": names,
        "usecols": [*only] or None,
        "dtype": dict.fromkeys(text, str),
        "keep_default_na": False,
        "na_values": {name: [""] if name in text else [*MISSING] for name in names},
        "low_memory": False,
        "index_col": False,
        "skipinitialspace": how.separator != "\t",
    }
    options |= {"nrows": rows} if whole else {"chunksize": rows}
    given, quoting, encodings = 0, 0, iter((how.encoding, "cp1252", "latin-1"))
    encoding = next(encodings)
    while True:
        try:
            with formats.opened(file) as data:
                parts: Any = pd.read_csv(data, encoding=encoding, quoting=quoting, **options)  # type: ignore[call-overload]
                for number, part in enumerate([parts] if whole else parts):
                    if number >= given:
                        given += 1
                        yield part
                return
        except UnicodeDecodeError:
            encoding = next(encodings)
        except EmptyDataError:
            raise KitError(f"{file.name} is empty.", "It must hold a table.") from None
        except ParserError as error:
            if quoting == 0 and not given:  # quotes that are never closed, as in texts that nobody escaped
                quoting = 3
                continue
            raise KitError(
                f"{file.name} cannot be read: {str(error).strip()}.",
                f"Each row must have as many values as its header, parted by {how.separator!r}.",
            ) from None


def _names(file: Path, how: Layout) -> list[str]:
    """The names of the columns; numbers from 0 where the file has no header, `row` for a first one without a name."""
    import pandas as pd

    with formats.opened(file) as data:
        head = pd.read_csv(
            data,
            encoding=how.encoding,
            encoding_errors="replace",
            sep=how.separator,
            nrows=1,
            header=None,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=how.separator != "\t",
        )
    cells = [str(cell).strip() for cell in head.iloc[0]]
    if not how.header:
        return [str(number) for number in range(len(cells))]
    names: list[str] = []
    for place, cell in enumerate(cells):
        name = cell or ("row" if place == 0 else f"column {place + 1}")
        again = 1
        while name in names:
            name, again = f"{cell or name}.{again}", again + 1
        names.append(name)
    return names


def _small(part: pd.DataFrame, text: Sequence[str]) -> pd.DataFrame:
    """A part whose numbers take four bytes where they lose nothing that a model sees, and whose texts are numbered."""
    import numpy as np
    import pandas as pd

    small: dict[Any, Any] = {}
    for name, values in part.items():
        if values.dtype.kind == "f":
            small[name] = values.astype(np.float32)
        elif values.dtype.kind in "iu":
            small[name] = pd.to_numeric(values, downcast="integer")
        elif name not in text and not pd.api.types.is_bool_dtype(values) and values.nunique() < len(values) / 4:
            small[name] = values.astype("category")
        else:
            small[name] = values
    return pd.DataFrame(small)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Parts as one table; a column of which one part holds texts is texts in all."""
    import pandas as pd
    from pandas.api.types import union_categoricals

    whole: dict[str, Any] = {}
    for name in list(parts[0].columns):
        pieces = [part.pop(name) for part in parts]
        kinds = {str(piece.dtype) if piece.dtype.kind != "O" else "O" for piece in pieces}
        if len(kinds) > 1 and any(not pd.api.types.is_numeric_dtype(piece) for piece in pieces):
            pieces = [piece.astype(object).map(str, na_action="ignore").astype("category") for piece in pieces]
        if isinstance(pieces[0].dtype, pd.CategoricalDtype):
            whole[str(name)] = union_categoricals(pieces, sort_categories=True)
        else:
            whole[str(name)] = pd.concat(pieces, ignore_index=True)
    return pd.DataFrame(whole)


def _parquet(file: Path, text: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        with formats.opened(file) as data:
            table = pd.read_parquet(data if file.suffix.lower() in formats.PACKED else file)
    except ImportError:
        raise KitError(
            f"{file.name} is a Parquet file, and no package that reads those is installed.",
            "The package pyarrow reads them.",
            "pip install pyarrow",
        ) from None
    except (ValueError, OSError) as error:
        raise KitError(f"{file.name} is no Parquet file: {str(error).splitlines()[0]}") from error
    table = table.reset_index() if table.index.name else table
    table.columns = [str(name) for name in table.columns]
    return table.astype({name: str for name in text if name in table})


def _json(file: Path) -> list[dict[str, Any]]:
    """Objects of a JSON file: a list of them, an object of columns, an object of rows, or the one list that an outer
    object holds."""
    with formats.opened(file) as data:
        try:
            value = json.loads(data.read().decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise KitError(f"{file.name} is no JSON: {error}.", "It must hold a list of objects.") from None
    if isinstance(value, dict):
        lists = [each for each in value.values() if isinstance(each, list)]
        if len(lists) == 1 and all(isinstance(each, dict) for each in lists[0]):
            value = lists[0]
        elif lists and len(lists) == len(value) and len({len(each) for each in lists}) == 1:
            value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
        elif value and all(isinstance(each, dict) for each in value.values()):
            value = _of_columns(value)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise KitError(f"{file.name} holds no list of objects.", "Each row must be an object such as {'id': 1}.")
    return value


def _of_columns(value: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Objects in an object: columns of rows as pandas writes them, where all have the same keys, and those are many."""
    keys = [list(each) for each in value.values()]
    if len(keys[0]) > len(value) and all(each == keys[0] for each in keys):
        return [{name: column[key] for name, column in value.items()} for key in keys[0]]
    return list(value.values())


def _json_lines(file: Path, how: Layout, rows: int | None) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    with formats.opened(file) as data:
        for number, line in enumerate(data, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode(how.encoding))
            except ValueError as error:
                raise KitError(f"{file.name}, line {number:,} is no JSON: {error}.") from None
            if not isinstance(value, dict):
                raise KitError(f"{file.name}, line {number:,} holds no object.", "Each line must be an object.")
            objects.append(value)
            if rows is not None and len(objects) >= rows:
                break
    return objects


def _of_objects(objects: list[dict[str, Any]], text: Sequence[str]) -> pd.DataFrame:
    """A table of objects: nested ones flattened, `NA` and the like missing, lists kept as lists."""
    import numpy as np
    import pandas as pd

    if any(isinstance(value, dict) for each in objects[:100] for value in each.values()):
        objects = [{str(name): value for name, value in each.items()} for each in _flat(objects)]
    names = list(dict.fromkeys(name for each in objects for name in each))
    table = {}
    for name in names:
        values = [each.get(name) for each in objects]
        if name in text:
            table[name] = pd.Series(["" if value is None else str(value) for value in values], dtype=object)
            continue
        values = [
            np.nan if value is None or (isinstance(value, str) and value in MISSING) else value for value in values
        ]
        column = pd.Series(values, dtype=object)
        table[name] = column if any(isinstance(value, list) for value in values) else column.infer_objects()
    return pd.DataFrame(table)


def _flat(objects: list[dict[str, Any]]) -> list[dict[Any, Any]]:
    import pandas as pd

    return pd.json_normalize(objects).to_dict("records")


def _check_room(file: Path, how: Layout, every: int) -> None:
    """Raises KitError when a table would take more than its share of the free memory."""
    free, bytes_ = free_memory(), formats.size(file)
    if bytes_ < 2**26 or free is None:
        return
    need = needed(file, how, bytes_) // every
    if need > ROOM * free:
        least = int(-(-need * every // (ROOM * free)))
        raise KitError(
            f"{file.name} has {bytes_ / 2**30:.1f} GiB and would take about {need / 2**30:.1f} GiB of memory; "
            f"{free / 2**30:.1f} GiB are free.",
            f"A table may take {ROOM:.0%} of them. Each {least}th row would fit.",
            f"in competition.py: tables.read(..., every={least})",
        )


def needed(file: Path, how: Layout, bytes_: int) -> int:
    """About how many bytes of memory the table in a file takes, told from its first rows."""
    if how.format != "delimited":
        return bytes_ * (5 if how.format == "json" else 3)
    head = next(_chunks(file, how, (), 2000, (), whole=True))
    text = head.to_csv(index=False, header=False, sep=how.separator).encode()
    return int(bytes_ / max(len(text), 1) * _small(head, ()).memory_usage(deep=True).sum()) + PART * 200


def free_memory() -> int | None:
    """The bytes of memory that are free, or could be at once; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return None
    return free
