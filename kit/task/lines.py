"""The rows of a submission or sample file, read by id; refused where they are not what the declaration says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from kit.errors import KitError
from kit.rows import csvs
from kit.task import ids
from kit.task.contract import Submission


class Refused(KitError):
    """A submission file that Kaggle would not accept: `why`, as the end of a sentence."""

    def __init__(self, file: Path, why: str, right: str, cure: str = "") -> None:
        super().__init__(f"{file.name} would be refused: {why}.", right, cure)
        self.why = why


class Line(NamedTuple):
    """One row of a file: its id, and the texts of its key columns and of its target columns."""

    id: str
    keys: tuple[str, ...]
    targets: tuple[str, ...]


def of_file(form: Submission, file: Path) -> Iterator[Line]:
    """The rows of a file, checked but for their values.

    Raises Refused for an unreadable file, encoding, separator, header or row length, and for duplicate ids; KitError
    where there is no file.
    """
    yield from of_text(form, _text(file, mark=False), file)


def of_text(form: Submission, text: Iterable[str], file: Path) -> Iterator[Line]:
    """The rows of text that is given line by line; `file` is named in errors. Errors as `of_file`."""
    try:
        yield from _checked(form, csvs.parsed(text), file)
    except csvs.Damaged as error:
        raise Refused(file, error.wrong, error.right) from None


def _checked(form: Submission, rows: Iterator[list[str]], file: Path) -> Iterator[Line]:
    header = tuple(next(rows, ()))
    _check_header(form, file, header)
    keys, held = _picking(header, form.keys), _picking(header, form.targets)
    name, seen, width = ids.namer(repeats=form.repeats), set[str](), len(header)
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise Refused(file, f"row {number:,} has {len(row)} values", f"Each row has {width}: {','.join(header)}.")
        key = keys(row)
        id = name(key)
        if id in seen:
            wrong = f"row {number:,}, column {' and '.join(map(repr, form.keys))} repeats the id {id}"
            raise Refused(file, wrong, f"Each {'id' if len(form.keys) == 1 else 'combination of keys'} stands once.")
        seen.add(id)
        yield Line(id, key, held(row))


def _picking(header: tuple[str, ...], columns: tuple[str, ...]) -> Callable[[list[str]], tuple[str, ...]]:
    """What takes some columns out of a row."""
    if len(columns) > 1:
        return itemgetter(*(header.index(column) for column in columns))
    at = header.index(columns[0])
    return lambda row: (row[at],)


def of_sample(form: Submission, sample: Path, most: int | None = None) -> list[Line]:
    """The rows of the sample file, or the first `most`; a byte order mark is skipped.

    Raises KitError where its columns, or the number of rows under one key, are not those that are declared.
    """
    try:
        lines = list(islice(of_text(form, _text(sample, mark=True), sample), most))
    except Refused as error:
        many = "`Submission(..., repeats=True)` allows several rows under one key."
        right = many if "repeats the id" in error.why else error.right
        if "column" in error.why and right != many:
            right = (
                "`Submission(...)` must name all columns of the sample file: its key columns, such as "
                '("id", "horizon"), and its target columns.'
            )
        raise KitError(f"{sample.name} is not as competition.py declares it: {error.why}.", right) from None
    if not lines:
        raise KitError(f"{sample.name} has no rows.", "It must have a row for each test row.")
    return lines


def _text(file: Path, *, mark: bool) -> Iterator[str]:
    """The lines of a CSV file; `mark` allows it to start with a byte order mark."""
    try:
        marked = csvs.look(file).mark
    except FileNotFoundError:
        raise KitError(f"{file} does not exist.", "It must be a CSV file.", f"ls {file.parent}") from None
    except csvs.Damaged as error:
        raise Refused(file, error.wrong, error.right, "df.to_csv(path, index=False)") from None
    if marked and not mark:
        raise Refused(
            file,
            "it starts with a UTF-8 byte order mark, which becomes part of the first column's name",
            "The file must be UTF-8 without a mark.",
            "df.to_csv(path, index=False)  # without encoding='utf-8-sig'",
        )
    with file.open(encoding="utf-8-sig", newline="") as text:
        yield from text


def _check_header(form: Submission, file: Path, header: tuple[str, ...]) -> None:
    if set(header) == set(form.columns) and len(header) == len(form.columns):
        return
    right = f"The header must be {','.join(form.columns)}."
    if not header:
        raise Refused(file, "it is empty", right)
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and mark in header[0]:
            raise Refused(file, f"its columns are separated by {name}", "Columns are separated by commas.")
    if missing := [column for column in form.columns if column not in header]:
        raise Refused(file, f"required column {missing[0]!r} could not be found in {','.join(header)}", right)
    if repeated := [column for column in header if header.count(column) > 1]:
        raise Refused(file, f"column {repeated[0]!r} stands twice", right)
    extra = next(column for column in header if column not in form.columns)
    cure = "df.to_csv(path, index=False)" if extra in ("", "Unnamed: 0", "index") else ""
    raise Refused(file, f"unexpected column {extra!r}", right, cure)
