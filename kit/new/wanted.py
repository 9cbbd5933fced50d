"""What is asked for: the target columns of the sample file, where the training rows have them, and what they hold."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from kit.errors import KitError
from kit.new.keys import Keys
from kit.new.look import Table
from kit.new.roles import Roles, plain, same

Kind = Literal["numbers", "labels", "flags", "guesses", "text"]
"""`numbers`: one or several numbers. `labels`: one of a closed set. `flags`: several columns of 0 and 1. `guesses`: a
list of labels in one column. `text`: free words."""

MOST_LABELS = 30
"""Different whole numbers up to which a target of these may be a label; more are counts or measures."""

POSITIVE = ("1", "yes", "y", "true", "t", "positive", "pos", "good", "success", "approved", "default", "churn")
"""Words for the second of two classes, whose probability is asked for."""

NEGATIVE = ("0", "no", "n", "false", "f", "negative", "neg", "bad", "failure", "rejected", "none", "-1")
"""Words for the first of two classes."""

TRUTHS = ({"True", "False"}, {"true", "false"}, {"TRUE", "FALSE"})


@dataclass(frozen=True)
class Wanted:
    """The target columns of the sample file (`columns`), and those of the training rows that say them (`source`).

    Where there is a column for each class, `source` is the one column that holds the class, and `before` and `after`
    are what stands around it in the names of the columns. `labels` are the values of the closed set, in the order of
    probabilities. `probable` says that a probability is asked for, and not a label. `most` and `separator` are of a
    list of guesses. `missing` training rows have no target; `left_out` are columns that the test rows lack. With
    `spelled` a word such as None is a label, and no missing value. `sure` and `sure_kind` tell whether there was no
    other likely answer.
    """

    columns: tuple[str, ...]
    source: tuple[str, ...]
    kind: Kind
    labels: tuple[Any, ...] = ()
    probable: bool = False
    before: str = ""
    after: str = ""
    most: int = 0
    separator: str = " "
    missing: int = 0
    left_out: tuple[str, ...] = ()
    spelled: bool = False
    why: str = ""
    why_kind: str = ""
    sure: bool = True
    sure_kind: bool = True


def wanted(roles: Roles, keys: Keys, asked: Sequence[str] = (), kind: str = "") -> Wanted:
    """What is asked for; `asked` names the columns of the training rows outright, `kind` what they hold.

    Raises KitError when the training rows have no such column, or one that cannot be learned.
    """
    table = roles.labels or roles.train
    assert table is not None
    columns = _columns(roles, keys, asked)
    target = _source(roles, keys, table, columns, asked)
    return _held(roles, table, target, kind)


def _columns(roles: Roles, keys: Keys, asked: Sequence[str]) -> tuple[str, ...]:
    """The target columns of the sample file; without one those that the training rows have and the test rows lack."""
    if roles.sample is not None:
        return tuple(name for name in roles.sample.columns if name not in keys.sample)
    return tuple(asked)


def own_columns(roles: Roles, keys: Keys) -> list[str]:
    """The columns of the training rows that the test rows lack, without keys: targets, and what is known too late."""
    table = roles.labels or roles.train
    assert table is not None
    if roles.test is None:
        return [] if roles.sample is not None else table.columns
    test = roles.test.columns
    used = {*keys.train, keys.repeated, *(keys.made or ())}
    likely = [name for name in table.columns if same(name, test) is None and name not in used]
    if roles.labels is not None and roles.train is not None:
        likely = [name for name in likely if name not in roles.train.columns]
    return likely


def _source(roles: Roles, keys: Keys, table: Table, columns: tuple[str, ...], asked: Sequence[str]) -> Wanted:
    """Where the training rows hold what the columns ask for."""
    if asked:
        if missing := [name for name in asked if same(name, table.columns) is None]:
            raise KitError(
                f"{table.name} has no column {missing[0]!r}.",
                f"Its columns are {_few(table.columns)}.",
                f"--target {_near(missing[0], table.columns)}",
            )
        source = tuple(name for each in asked if (name := same(each, table.columns)))
        target = Wanted(columns or source, source, "numbers", why="as you said")
        if len(source) == 1 and len(columns) > 1:
            return _classes(table, source[0], columns) or target
        return target
    own = own_columns(roles, keys)
    named = [same(name, table.columns) for name in columns]
    if columns and all(named):
        source = tuple(name for name in named if name)
        left = tuple(name for name in own if name not in source)
        return Wanted(columns, source, "numbers", left_out=left, why=f"in {table.name} too")
    if len(columns) > 1:
        for name in own or table.columns:
            if classes := _classes(table, name, columns):
                return replace(classes, left_out=tuple(each for each in own if each != name))
    if not own:
        raise _nothing_to_learn(roles, table, columns)
    if len(columns) > 1:
        raise KitError(
            f"{table.name} has none of the columns {_few(columns)}, and no column whose values are called so.",
            f"The columns that only it has are {_few(own)}.",
            f"--target {own[0]}",
        )
    ranked = sorted(own, key=lambda name: _likeness(roles, table, name, columns), reverse=True)
    best = ranked[0]
    close = (
        len(ranked) > 1 and _likeness(roles, table, ranked[1], columns) > _likeness(roles, table, best, columns) - 0.3
    )
    why = f"{table.name} has it and the test rows lack it"
    return Wanted(columns or (best,), (best,), "numbers", left_out=tuple(ranked[1:]), why=why, sure=not close)


def _classes(table: Table, name: str, columns: tuple[str, ...]) -> Wanted | None:
    """A column whose values are the names of the target columns, perhaps with the same letters before or after."""
    values = table.values(name).dropna()
    if values.dtype.kind == "f" and (values % 1 != 0).any():
        return None
    if values.nunique() > 2 * len(columns):
        return None
    texts = [_spelled(value) for value in values.unique()]
    for before, after in _around(texts, columns):
        named = {f"{before}{text}{after}" for text in texts}
        if named <= set(columns):
            return Wanted(columns, (name,), "labels", columns, True, before, after, why="its values name the columns")
    return None


def _around(texts: list[str], columns: tuple[str, ...]) -> list[tuple[str, str]]:
    """What may stand before and after a class in the names of the columns, nothing first."""
    pairs = [("", "")]
    for text in sorted(texts, key=len, reverse=True)[:3]:
        for column in columns:
            at = column.rfind(text)
            if text and at >= 0:
                pairs.append((column[:at], column[at + len(text) :]))
    return list(dict.fromkeys(pairs))


def _likeness(roles: Roles, table: Table, name: str, columns: tuple[str, ...]) -> float:
    """How likely a column of the training rows is what the one target column asks for: name, kind, place."""
    words = columns or ("target", "label", "class", "y")
    named = max(difflib.SequenceMatcher(None, plain(name), plain(word)).ratio() for word in words)
    score = named
    if roles.sample is not None and columns:
        shown = roles.sample.head[columns[0]]
        values = table.head[name]
        numbers = shown.dtype.kind in "iufb"
        score += 0.3 if numbers == (values.dtype.kind in "iufb") else -0.3
        if not numbers and set(shown.dropna().astype(str)) <= set(values.dropna().astype(str)):
            score += 1.0
        if shown.dtype.kind in "iu" and values.dtype.kind == "f" and (values.dropna() % 1 != 0).any():
            score -= 0.3
    return score + 0.1 * (name == table.columns[-1]) + 0.05 * (name == table.columns[0])


def _held(roles: Roles, table: Table, target: Wanted, kind: str) -> Wanted:
    """What the target columns hold."""
    spelled = [_spelled_labels(roles, table, name) for name in target.source]
    values = [
        table.values(name) if texts is None else texts for name, texts in zip(target.source, spelled, strict=True)
    ]
    target = replace(target, spelled=any(texts is not None for texts in spelled))
    for name, column in zip(target.source, values, strict=True):
        _refuse_unlearnable(table, name, column)
    empty = pd.concat(values, axis=1).isna().any(axis=1)
    target = replace(target, missing=int(empty.sum()))
    if target.kind == "labels":  # a column for each class
        return replace(target, why_kind=f"{len(target.columns)} columns of probabilities, one for each class")
    if len(target.source) > 1:
        return _several(target, values, kind)
    shown = _shown(roles, target.columns[0])
    column = values[0].dropna()
    labels = _labels(column)
    if kind:
        if kind not in ("numbers", "labels", "guesses", "text"):
            raise KitError(
                f"{kind!r} is no kind of target.", "It is numbers, labels, guesses or text.", "--kind labels"
            )
        return _of_kind(target, kind, column, labels, shown, "as you said")
    if many := _guesses(shown, labels):
        most, separator = many
        said = f"the sample file lists {most} labels in a row"
        return replace(target, kind="guesses", labels=labels, most=most, separator=separator, why_kind=said)
    if column.dtype.kind not in "iufb" and not _numeric(column):
        if len(labels) > 0.5 * len(column) and len(labels) > 50:
            return replace(target, kind="text", why_kind="texts that seldom repeat")
        return _of_kind(target, "labels", column, labels, shown, f"{len(labels)} different texts")
    if column.dtype.kind == "b":
        return _of_kind(target, "labels", column, labels, shown, "true or false")
    whole = bool((column.astype(float) % 1 == 0).all())
    if len(labels) == 2:
        return _of_kind(target, "labels", column, labels, shown, f"{labels[0]} or {labels[1]}")
    if not whole:
        return _of_kind(target, "numbers", column, labels, shown, "numbers with fractions")
    if len(labels) > MOST_LABELS:
        return _of_kind(target, "numbers", column, labels, shown, f"{len(labels):,} different whole numbers")
    fractions = any("." in text and float(text) % 1 != 0 for text in shown if _is_number(text))
    counts = column.value_counts()
    gaps = max(labels) - min(labels) + 1 > 2 * len(labels)
    if fractions or gaps or counts.min() < 2:
        said = f"{len(labels)} different whole numbers" + (", and fractions in the sample file" if fractions else "")
        return replace(_of_kind(target, "numbers", column, labels, shown, said), sure_kind=len(labels) > 15)
    said = f"only {len(labels)} different whole numbers, {labels[0]} to {labels[-1]}"
    return replace(_of_kind(target, "labels", column, labels, shown, said), sure_kind=len(labels) <= 3)


def _spelled_labels(roles: Roles, table: Table, name: str) -> pd.Series | None:
    """The values of a target in which words such as None are labels; None where there are no such words.

    The sample file shows them, but for `None`, which files seldom write for a missing value.
    """
    values = table.values(name)
    if (
        values.dtype.kind in "biuf"
        or not values.isna().any()
        or any(isinstance(value, list) for value in values.iloc[:100])
    ):
        return None
    texts = table.texts(name)
    words = set(texts[values.isna()].dropna())
    known = {"None", "none"} | ({*roles.sample.columns, *_shown(roles, name)} if roles.sample else set())
    return texts.where(texts.isin(known) | values.notna()) if words & known else None


def _of_kind(
    target: Wanted, kind: Any, column: pd.Series, labels: tuple[Any, ...], shown: list[str], why: str
) -> Wanted:
    """`target` with its kind, and with labels what of them the sample file asks for."""
    if kind != "labels" and kind != "guesses":
        return replace(target, kind=kind, why_kind=why)
    if kind == "guesses":
        return replace(target, kind=kind, labels=labels, most=3, why_kind=why)
    texts = {_spelled(label) for label in labels}
    numbers = [float(text) for text in shown if _is_number(text)]
    likely = bool(numbers) and len(numbers) == len(shown) and not ({*shown} <= texts)
    likely = likely and all(0 <= number <= 1 for number in numbers)
    if likely and len(labels) > 2 and all(number % 1 == 0 for number in numbers):
        likely = False  # 0 as a placeholder, where labels are 1 to 7
    if {*shown} <= TRUTHS[0] and column.dtype.kind != "b" and texts <= {"0", "1"}:
        labels = (False, True)
    return replace(target, kind="labels", labels=labels, probable=likely, why_kind=why)


def _several(target: Wanted, values: list[pd.Series], kind: str) -> Wanted:
    """Several columns that the training rows have under the same names."""
    if any(column.dtype.kind not in "biuf" for column in values):
        raise KitError(
            f"The target columns {_few(target.source)} hold texts.",
            "Several target columns must be numbers, or 0 and 1. One column of labels may be text.",
            f"--target {target.source[0]}",
        )
    table = pd.concat(values, axis=1).dropna().astype(float)
    binary = bool(table.isin((0.0, 1.0)).all(axis=None))
    if binary and kind != "numbers":
        if (table.sum(axis=1) == 1).all():
            return replace(target, kind="labels", labels=target.columns, probable=True, why_kind="one 1 in each row")
        return replace(target, kind="flags", probable=True, why_kind="0 or 1, several in a row")
    return replace(target, kind="numbers", why_kind=f"{len(values)} columns of numbers")


def _labels(column: pd.Series) -> tuple[Any, ...]:
    """The different values, sorted: numbers by size, and of two words the one that says no first."""
    values = column.unique().tolist()
    if column.dtype.kind == "f" and all(value % 1 == 0 for value in values):
        values = [int(value) for value in values]
    if column.dtype.kind == "b":
        return (False, True)
    if column.dtype.kind in "iuf":
        return tuple(sorted(values))
    texts = sorted(str(value) for value in values)
    if len(texts) == 2 and (texts[0].lower() in POSITIVE or texts[1].lower() in NEGATIVE):
        texts.reverse()
    return tuple(texts)


def _guesses(shown: list[str], labels: tuple[Any, ...]) -> tuple[int, str] | None:
    """How many labels a row of the sample file lists, and what parts them; None where it holds one."""
    known = {_spelled(label) for label in labels}
    if not shown or {*shown} & known:
        return None
    for separator in (" ", ",", ";", "|"):
        parts = [[item.strip() for item in text.split(separator)] for text in shown]
        most = max(map(len, parts))
        if most > 1 and all(item in known for row in parts for item in row):
            return most, separator
    return None


def _refuse_unlearnable(table: Table, name: str, column: pd.Series) -> None:
    present = column.dropna()
    if present.empty:
        raise KitError(f"The target {name!r} of {table.name} is empty in every row.", "Training rows need targets.")
    first = present.iloc[0]
    if not isinstance(first, (list, dict)) and present.nunique() == 1:
        raise KitError(
            f"The target {name!r} of {table.name} is {first} in every row: there is nothing to learn.",
            "A target must have at least two different values.",
            f"--target {_other(table, name)}",
        )
    if isinstance(first, (list, dict)):
        raise KitError(
            f"The target {name!r} of {table.name} holds lists.",
            "A target must be a number, a label or a text.",
            f"--target {_other(table, name)}",
        )


def _other(table: Table, name: str) -> str:
    """A column that may be the target where `name` is none: the last one."""
    return [each for each in table.columns if each != name][-1] if len(table.columns) > 1 else name


def _near(name: str, columns: Sequence[str]) -> str:
    """The column whose name is most like `name`."""
    return max(columns, key=lambda each: difflib.SequenceMatcher(None, plain(name), plain(each)).ratio())


def _nothing_to_learn(roles: Roles, table: Table, columns: tuple[str, ...]) -> KitError:
    if roles.sample is not None and not [name for name in roles.sample.columns if same(name, table.columns)]:
        return KitError(
            f"{roles.sample.name} and {table.name} have no column in common: {_few(roles.sample.columns)} and "
            f"{_few(table.columns)}.",
            "The training table must hold what the sample file asks for.",
            f"--target {table.columns[-1]}, or --train and the name of another file",
        )
    return KitError(
        f"{table.name} has no column that says what is asked for: {_few(columns) or 'a target'}.",
        f"It has {_few(table.columns)}, and all of these are in the test rows too.",
        f"--target {table.columns[-1]}, or --train and the name of another file",
    )


def _shown(roles: Roles, column: str) -> list[str]:
    """The different values of a target column of the sample file, as they are spelled there."""
    if roles.sample is None or column not in roles.sample.columns:
        return []
    return [str(text) for text in roles.sample.texts(column).dropna().unique()[:1000]]


def _numeric(column: pd.Series) -> bool:
    """Whether a column of texts holds numbers."""
    return bool(pd.to_numeric(column.astype(str), errors="coerce").notna().all())


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def _spelled(value: Any) -> str:
    if isinstance(value, float) and value % 1 == 0:
        return str(int(value))
    return str(value)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")
