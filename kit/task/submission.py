"""Predictions to the file that Kaggle accepts: joined to the sample by id, refused where Kaggle would refuse it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.notes import tell
from kit.task import lines, targets
from kit.task.contract import Submission
from kit.task.targets import Problem, Target, Text

Rows = dict[str, tuple[str, ...]]
"""Id (`kit.task.ids`) to the texts of its target columns, in the order of the file."""


def write(form: Submission, test_ids: np.ndarray, pred: np.ndarray, sample: Path, to: Path) -> None:
    """Write the predictions of the test rows `test_ids` as a submission, in the order of the sample file.

    `pred` has a row for each id. Tells a person where the file would be refused for a value that `decide` gave. Raises
    KitError when an id of the sample has no prediction or the other way round, and when `decide` gives another number
    of rows or columns than the file has.
    """
    wanted = lines.of_sample(form, sample)
    place = {str(name): row for row, name in enumerate(test_ids.tolist())}
    refuse_other_ids(place, [line.id for line in wanted], sample.name)
    kinds = resolved(form, [line.targets for line in wanted], sample)
    texts = spelled(kinds, form.decide(pred), len(test_ids))
    order = [place[line.id] for line in wanted]
    values = list(zip(*([column[row] for row in order] for column in texts), strict=True))
    with to.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(form.columns)
        out.writerows([*line.keys, *row] for line, row in zip(wanted, values, strict=True))
    if wrong := _first_wrong(kinds, values):
        number, column, problem = wrong
        tell(
            f"The submission would be refused: row {number:,}, column {column!r} {problem.wrong}. {problem.right} "
            "`decide` in competition.py gives these values."
        )


def try_decide(form: Submission, pred: np.ndarray, sample: Path) -> None:
    """Decide predictions of the test rows as `write` will, without writing, so that a long training does not end there.

    Raises KitError where `decide` gives another number of rows or columns than the file has, or a value that the file
    would be refused for.
    """
    kinds = resolved(form, [line.targets for line in lines.of_sample(form, sample)], sample)
    texts = spelled(kinds, form.decide(pred), len(pred))
    if wrong := _first_wrong(kinds, list(zip(*texts, strict=True))):
        _, column, problem = wrong
        raise KitError(
            f"`decide` in competition.py gives values for which the submission would be refused: the column {column!r} "
            f"{problem.wrong}.",
            problem.right,
        )


def check(form: Submission, file: Path, sample: Path, *, changed: bool = True) -> Rows:
    """The rows of a submission that Kaggle would accept. Without `changed` they may be those of the sample file, as a
    few rows may be by chance.

    Raises KitError, naming row and column, for what Kaggle would refuse: wrong encoding, separator or header, missing,
    duplicate or unknown ids, wrong number of rows, empty or NaN values, values of another kind than the declaration or
    the sample file says; and for a sample file sent unchanged. Rows are counted from 1, below the header.
    """
    wanted = {line.id: line.targets for line in lines.of_sample(form, sample)}
    rows = read(form, file)
    if len(rows) != len(wanted) or rows.keys() != wanted.keys():
        _refuse_ids(form, file, sample, rows, wanted)
    kinds = resolved(form, wanted.values(), sample)
    if wrong := _first_wrong(kinds, rows.values(), wanted.values()):
        number, column, problem = wrong
        raise lines.Refused(file, f"row {number:,}, column {column!r} {problem.wrong}", problem.right)
    if changed and all(rows[name] == values for name, values in wanted.items()):
        right = "At least one prediction must differ from the sample's; none does."
        raise lines.Refused(file, f"it is {sample.name} unchanged", right)
    return rows


def read(form: Submission, file: Path) -> Rows:
    """The rows of a submission by id. Errors as `lines.of_file`."""
    return {line.id: line.targets for line in lines.of_file(form, file)}


def parse(form: Submission, text: str, file: Path) -> Rows:
    """The rows in `text` by id; `file` is named in errors. Errors as `lines.of_text`."""
    return {line.id: line.targets for line in lines.of_text(form, io.StringIO(text, newline=""), file)}


def resolved(form: Submission, rows: Iterable[Sequence[str]], sample: Path) -> dict[str, Target]:
    """What each target column holds: as declared, and where nothing is declared as the sample file tells.

    Raises KitError where the sample file holds something else than what is declared.
    """
    kinds: dict[str, Target] = {}
    for texts, (column, declared) in zip(zip(*rows, strict=True), form.declared.items(), strict=True):
        kind = targets.like(texts) if declared is None else declared
        other = {text for text in set(texts) if not targets.is_missing(text) and kind.unlike(text)}
        if other:
            number = next(number for number, text in enumerate(texts, 1) if text in other)
            raise KitError(
                f"competition.py declares {kind.said} for the column {column!r}, and {sample.name} holds "
                f"{texts[number - 1]!r} there, in row {number:,}.",
                "`Submission(..., holds=...)` must say what the sample file shows: Numbers(), Labels((...)) spelled as "
                "there, or Text().",
            )
        kinds[column] = targets.told(kind, texts)
    return kinds


def refuse_other_ids(given: Iterable[str], wanted: Iterable[str], sample: str) -> None:
    """Raises KitError where the ids of the test rows are not those of the sample file, naming the first."""
    given, wanted = dict.fromkeys(given), dict.fromkeys(wanted)
    if missing := [name for name in wanted if name not in given]:
        raise KitError(
            f"{len(missing):,} ids of {sample} have no test row, the first is {missing[0]}.",
            "`load` must return every test row under the id that the sample file gives it"
            + (f", not under ids such as {next(iter(given))}." if len(missing) == len(wanted) and given else "."),
        )
    if extra := [name for name in given if name not in wanted]:
        raise KitError(
            f"{len(extra):,} test rows have no place in {sample}, the first is {extra[0]}.",
            "`load` must return just the test rows that the sample file names.",
        )


def spelled(kinds: dict[str, Target], decided: Any, rows: int) -> list[list[str]]:
    """What `decide` gave for so many rows, as the texts of each target column.

    Raises KitError when it gave another number of rows or columns.
    """
    decided = np.asarray(decided)
    if decided.shape[:1] != (rows,):
        raise KitError(
            f"`decide` returned an array of shape {decided.shape} for {rows:,} rows.",
            "It must return one value, or one for each target column, a row.",
        )
    only = next(iter(kinds.values()))
    if len(kinds) == 1 and isinstance(only, Text) and decided.ndim == 2:
        return [only.texts(decided)]  # several items a row, which are one text in the file
    table = decided.reshape(rows, -1)
    if table.shape[1] != len(kinds):
        raise KitError(
            f"`decide` returned {table.shape[1]} values a row, and there are {len(kinds)} target columns.",
            f"It must return one for each of {', '.join(kinds)}.",
        )
    return [kind.texts(table[:, at]) for at, kind in enumerate(kinds.values())]


def _first_wrong(
    kinds: dict[str, Target], rows: Iterable[Sequence[str]], sample: Iterable[Sequence[str]] = ()
) -> tuple[int, str, Problem] | None:
    """The number of the first row with a text that its column cannot hold, the column, and why."""
    table, shown = list(zip(*rows, strict=True)), list(zip(*sample, strict=True))
    wrong = []
    for at, (column, kind) in enumerate(kinds.items()):
        problems = _problems(kind, set(table[at]), set(shown[at]) if shown else set())
        if problems:
            number = next(number for number, text in enumerate(table[at], 1) if text in problems)
            wrong.append((number, column, problems[table[at][number - 1]]))
    return min(wrong, key=lambda each: each[0], default=None)


def _problems(kind: Target, texts: set[str], sample: set[str]) -> dict[str, Problem]:
    """The texts that a column cannot hold, which the sample file shows `sample` in, and why."""
    problems = {text: problem for text in texts if (problem := kind.problem(text))}
    if not isinstance(kind, Text):
        return problems
    if sample and not any(map(targets.is_number, sample)) and all(map(targets.is_number, texts)):
        # One word may be a number; a column of nothing else holds class numbers where names are wanted.
        right = f"The sample file holds words there, such as {min(sample)!r}."
        return {text: Problem(f"holds {text!r}, and all its values are numbers", right) for text in texts}
    return {text: problem for text, problem in problems.items() if text not in sample}


def _refuse_ids(form: Submission, file: Path, sample: Path, rows: Rows, wanted: Rows) -> None:
    column = " and ".join(map(repr, form.keys))
    for number, name in enumerate(rows, 1):
        if name not in wanted:
            raise lines.Refused(
                file,
                f"row {number:,}, column {column} holds the unknown id {name!r}"
                + (f", and it has {len(rows):,} rows" if len(rows) != len(wanted) else ""),
                f"The ids are those of {sample.name}: {len(wanted):,}, the first {next(iter(wanted))!r}.",
            )
    missing = next(name for name in wanted if name not in rows)
    raise lines.Refused(
        file,
        f"it has {len(rows):,} rows, and the id {missing!r} is missing",
        f"Submission must have {len(wanted):,} rows, one for each id of {sample.name}.",
    )
