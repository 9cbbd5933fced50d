"""Predictions to the file that Kaggle accepts: joined to the sample by id, refused where Kaggle would refuse it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task.contract import Submission

Rows = dict[str, tuple[str, ...]]
"""Id to the texts of its target columns, in the order of the file."""


def write(form: Submission, ids: np.ndarray, pred: np.ndarray, sample: Path, to: Path) -> None:
    """Write the predictions of the test rows `ids` as a submission, in the order of the sample file.

    `pred` has a row for each id. Raises KitError when an id of the sample has no prediction or the other way round.
    """
    values = np.asarray(form.decide(pred))
    if len(values) != len(ids):
        raise KitError(f"`decide` returned {len(values):,} values for {len(ids):,} rows.", "It must return one a row.")
    values = values.reshape(len(ids), -1)
    place = {str(name): row for row, name in enumerate(ids.tolist())}
    wanted = list(read(form, sample))
    if missing := [name for name in wanted if name not in place]:
        raise KitError(
            f"{len(missing):,} ids of {sample.name} have no prediction, the first is {missing[0]}.",
            "`load` must return every test row under the id that the sample file gives it.",
        )
    if len(wanted) != len(place):
        extra = next(iter(place.keys() - set(wanted)))
        raise KitError(
            f"{len(place) - len(wanted):,} predictions have no place in {sample.name}, the first is {extra}.",
            "`load` must return just the test rows that the sample file names.",
        )
    order = [place[name] for name in wanted]
    with to.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(form.columns)
        lines.writerows([name, *row] for name, row in zip(wanted, values[order].tolist(), strict=True))


def check(form: Submission, file: Path, sample: Path) -> Rows:
    """The rows of a submission that Kaggle would accept.

    Raises KitError, naming row and column, for what Kaggle would refuse: wrong encoding, separator or header, missing,
    duplicate or unknown ids, wrong number of rows, empty or NaN values, labels outside the allowed set; and for a
    sample file sent unchanged. Rows are counted from 1, below the header.
    """
    wanted = read(form, sample)
    rows = read(form, file)
    if len(rows) != len(wanted) or rows.keys() != wanted.keys():
        _refuse_ids(form, file, sample, rows, wanted)
    labels = None if form.labels is None else {str(label) for label in form.labels}
    for number, values in enumerate(rows.values(), 1):
        for column, value in zip(form.targets, values, strict=True):
            if value.strip() == "" or value.strip().lower() in ("nan", "null", "none", "na"):
                raise _refusal(file, f"row {number:,}, column {column!r} is empty or NaN: {value!r}", _allowed(form))
            if labels is not None and value not in labels:
                raise _refusal(file, f"row {number:,}, column {column!r} holds {value!r}", _allowed(form))
            if labels is None and not _finite(value):
                raise _refusal(file, f"row {number:,}, column {column!r} holds {value!r}", _allowed(form))
    if all(rows[name] == values for name, values in wanted.items()):
        raise _refusal(
            file,
            f"it is {sample.name} unchanged",
            "At least one prediction must differ from the sample's; none does.",
        )
    return rows


def read(form: Submission, file: Path) -> Rows:
    """The rows of a submission or sample file by id.

    Raises KitError for an unreadable file, encoding, separator, header or row length, and for duplicate ids.
    """
    return parse(form, _text(file), file)


def parse(form: Submission, text: str, file: Path) -> Rows:
    """The rows in `text`; `file` is named in errors. Errors as `read`."""
    lines = csv.reader(io.StringIO(text, newline=""))
    header = tuple(next(lines, ()))
    _check_header(form, file, header)
    at = [header.index(column) for column in form.columns]
    rows: Rows = {}
    for number, line in enumerate(lines, 1):
        if len(line) != len(header):
            if not line:
                continue
            raise _refusal(file, f"row {number:,} has {len(line)} values", f"Each row has {len(header)}: {header}.")
        name = line[at[0]]
        if name in rows:
            raise _refusal(file, f"row {number:,}, column {form.id!r} repeats the id {name}", "Each id stands once.")
        rows[name] = tuple(line[i] for i in at[1:])
    return rows


def values(form: Submission, rows: Rows, order: Sequence[str]) -> np.ndarray:
    """The targets of `rows` in the order of ids, as labels where the set is closed and as float64 elsewhere.

    The shape is (n,) for one target column, else (n, targets).
    """
    if form.labels is None:
        found = np.array([rows[name] for name in order], np.float64)
    else:
        of: dict[str, Any] = {str(label): label for label in form.labels}
        found = np.array([[of[value] for value in rows[name]] for name in order])
    return found[:, 0] if len(form.targets) == 1 else found


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise KitError(f"{file} does not exist.", "It must be a CSV file.", f"ls {file.parent}") from None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw[:200]:
        raise _refusal(file, "its encoding is UTF-16", "The file must be UTF-8.", "df.to_csv(path, index=False)")
    if raw[:3] == b"\xef\xbb\xbf":
        raise _refusal(
            file,
            "it starts with a UTF-8 byte order mark, which becomes part of the first column's name",
            "The file must be UTF-8 without a mark.",
            "df.to_csv(path, index=False)  # without encoding='utf-8-sig'",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _refusal(
            file, f"line {line:,} is not UTF-8", "The file must be UTF-8.", "df.to_csv(path, index=False)"
        ) from None


def _check_header(form: Submission, file: Path, header: tuple[str, ...]) -> None:
    if set(header) == set(form.columns) and len(header) == len(form.columns):
        return
    right = f"The header must be {','.join(form.columns)}."
    if not header:
        raise _refusal(file, "it is empty", right)
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and mark in header[0]:
            raise _refusal(file, f"its columns are separated by {name}", "Columns are separated by commas.")
    if missing := [column for column in form.columns if column not in header]:
        raise _refusal(file, f"required column {missing[0]!r} could not be found in {','.join(header)}", right)
    if repeated := [column for column in header if header.count(column) > 1]:
        raise _refusal(file, f"column {repeated[0]!r} stands twice", right)
    extra = next(column for column in header if column not in form.columns)
    cure = "df.to_csv(path, index=False)" if extra in ("", "Unnamed: 0", "index") else ""
    raise _refusal(file, f"unexpected column {extra!r}", right, cure)


def _refuse_ids(form: Submission, file: Path, sample: Path, rows: Rows, wanted: Rows) -> None:
    for number, name in enumerate(rows, 1):
        if name not in wanted:
            raise _refusal(
                file,
                f"row {number:,}, column {form.id!r} holds the unknown id {name!r}"
                + (f", and it has {len(rows):,} rows" if len(rows) != len(wanted) else ""),
                f"The ids are those of {sample.name}: {len(wanted):,}, the first {next(iter(wanted))!r}.",
            )
    missing = next(name for name in wanted if name not in rows)
    raise _refusal(
        file,
        f"it has {len(rows):,} rows, and the id {missing!r} is missing",
        f"Submission must have {len(wanted):,} rows, one for each id of {sample.name}.",
    )


def _finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _allowed(form: Submission) -> str:
    if form.labels is None:
        return "Each value must be a finite number."
    few = ", ".join(map(str, form.labels[:12]))
    return f"Allowed are {few}{', ...' if len(form.labels) > 12 else ''}."


def _refusal(file: Path, wrong: str, right: str, cure: str = "") -> KitError:
    return KitError(f"{file.name} would be refused: {wrong}.", right, cure)
