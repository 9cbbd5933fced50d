"""By which columns rows are named in the sample submission, the test table and the training table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kit.errors import KitError
from kit.new.look import Table
from kit.new.roles import Roles, plain, same

FEW = 0.2
"""The share of training rows up to which repeated ids are a mistake in the file; above, they name something that has
several rows."""


@dataclass(frozen=True)
class Keys:
    """The key columns of the sample file, and of the other tables where they have them.

    `test` is empty where the test table lacks them: `made` then names the columns from whose values the key is put
    together, with `between` in the middle; where that is empty too the test rows are in the order of the sample file.
    `train` is empty where training rows have no key of their own; they are numbered. `repeated` is a key of the
    training rows that several share, such as a customer. `text` says that keys must be read as they are spelled.
    With `repeats` the sample file has several rows under one key, and with `subset` not all test rows; with `gathered`
    both tables have several rows for each key, which are summed up. `unsure` says that it may be otherwise.
    """

    sample: tuple[str, ...]
    test: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    between: str = ""
    repeated: str = ""
    text: bool = False
    repeats: bool = False
    subset: bool = False
    gathered: bool = False
    unsure: bool = False
    why: str = ""


def keys(roles: Roles, asked: Sequence[str] = ()) -> Keys:
    """The keys of the tables; `asked` names those of the sample file outright.

    Raises KitError when the sample file and the test table cannot be joined, and for keys that repeat by mistake.
    """
    sample, test = roles.sample, roles.test
    if sample is None:
        return _without_sample(roles, asked)
    if missing := [name for name in asked if name not in sample.columns]:
        raise KitError(
            f"{sample.name} has no column {missing[0]!r}.",
            f"Its columns are {', '.join(sample.columns)}.",
            f"--id {sample.columns[0]}",
        )
    if test is None:
        names = tuple(asked) or (sample.columns[0],)
        return _with_train(roles, Keys(names, text=not _whole(sample, names), why="first column of the sample file"))
    names = tuple(asked) or _common(sample, test)
    own = [same(name, test.columns) for name in names]
    if names and all(own):
        matched = _matched(roles, names, tuple(name for name in own if name))
        return _with_train(roles, matched)
    first = tuple(asked) or (sample.columns[0],)
    if len(first) == 1 and (other := _by_values(sample, first[0], test)):
        said = f"{other} of {test.name} has the values of {first[0]}"
        return _with_train(roles, Keys(first, (other,), text=not _whole(sample, first), why=said))
    if len(first) == 1 and (made := _put_together(sample, first[0], test)):
        said = f"put together from {', '.join(made[0])}"
        return _with_train(roles, Keys(first, made=made[0], between=made[1], text=True, why=said))
    if sample.rows == test.rows:
        said = f"{test.name} has no such column: its rows are in the order of {sample.name}"
        return _with_train(roles, Keys(first, text=not _whole(sample, first), why=said))
    raise KitError(
        f"{sample.name} and {test.name} have no column in common, and not the same number of rows: "
        f"{sample.rows:,} and {test.rows:,}.",
        f"One column of {sample.name} ({', '.join(sample.columns)}) must name the rows of {test.name}.",
        f"--id {sample.columns[0]}, or --test and the name of another file",
    )


def _common(sample: Table, test: Table) -> tuple[str, ...]:
    """The columns of the sample file that the test table has too, but not all of them: one is the target."""
    common = tuple(name for name in sample.columns if same(name, test.columns) is not None)
    return common if len(common) < len(sample.columns) else common[:1]


def _matched(roles: Roles, names: tuple[str, ...], own: tuple[str, ...]) -> Keys:
    """The keys by columns that both tables have, where their values agree."""
    sample, test = roles.sample, roles.test
    assert sample is not None and test is not None
    asked, known = _joined(sample, names), _joined(test, own)
    repeats = asked.duplicated()
    if repeats.any():
        if sorted(asked) == sorted(known):
            why = f"{', '.join(names)} in both, several rows each"
            return Keys(names, own, text=True, repeats=True, why=why)
        raise KitError(
            f"{sample.name} repeats the id {asked[repeats].iloc[0]} (row {int(repeats.argmax()) + 1:,}).",
            "Each row of a sample submission must have an id of its own.",
        )
    if known.duplicated().any() and set(asked) == set(known) and len(names) == 1 and _several_rows(roles, names[0]):
        text, why = not _whole(sample, names), f"{names[0]} has several rows in {test.name} and one in {sample.name}"
        return Keys(names, own, own, text=text, gathered=True, why=why)
    if known.duplicated().any() and set(asked) == set(known):
        raise KitError(
            f"{test.name} repeats the id {known[known.duplicated()].iloc[0]}, and {sample.name} has it once.",
            "Each test row must have an id of its own.",
            f"--id {test.columns[0]}",
        )
    lacking = asked[~asked.isin(set(known))]
    if len(lacking) == len(asked) and len(asked) == len(known) and len(names) == 1:
        why = f"{names[0]} is spelled otherwise in {test.name}, whose rows are in the order of {sample.name}"
        return Keys(names, text=True, why=why, unsure=True)
    if len(lacking) == len(asked):
        raise KitError(
            f"No id of {sample.name} is in {test.name}: the first are {asked.iloc[0]} and {known.iloc[0]}.",
            f"The column {', '.join(names)} of both must hold the same ids.",
            f"--id {sample.columns[0]}",
        )
    if len(lacking):
        raise KitError(
            f"{test.name} lacks {len(lacking):,} of the {len(asked):,} ids of {sample.name}, the first is "
            f"{lacking.iloc[0]}.",
            "The test table must have a row for each id of the sample file.",
            f"--test {test.name}",
        )
    text = not (_whole(sample, names) and len(names) == 1)
    why = f"{' and '.join(names)} in {sample.name} and {test.name}"
    return Keys(names, own, text=text, subset=len(known) > len(asked), why=why)


def _several_rows(roles: Roles, name: str) -> bool:
    """Whether most training rows share their key with another one too."""
    train = roles.labels or roles.train
    own = None if train is None else same(name, train.columns)
    return train is not None and own is not None and bool(train.texts(own).duplicated(keep=False).mean() > FEW)


def _by_values(sample: Table, name: str, test: Table) -> str | None:
    """A column of the test table under another name that holds the very ids of the sample file."""
    asked = sample.texts(name)
    if _counts(asked) or asked.duplicated().any():
        return None
    wanted = set(asked)
    for other in test.columns:
        values = test.head[other]
        if values.dtype.kind != "f" and set(test.texts(other)) == wanted:
            return other
    return None


def _put_together(sample: Table, name: str, test: Table) -> tuple[tuple[str, ...], str] | None:
    """The columns whose values in a row, joined by a mark, give its key; the rows of both tables in one order."""
    if sample.rows != test.rows:
        return None
    asked = sample.texts(name).head(200).astype(str)
    for between in ("_", "-", "|", ":", "/", " "):
        parts = asked.str.split(between, regex=False)
        count = len(parts.iloc[0])
        if count < 2 or any(len(each) != count for each in parts):
            continue
        spelled = {column: test.texts(column).head(200).astype(str).tolist() for column in test.columns}
        chosen: list[str] = []
        for place in range(count):
            wanted = parts.str[place].tolist()
            column = next((each for each, held in spelled.items() if held == wanted and each not in chosen), None)
            if column is None:
                break
            chosen.append(column)
        if len(chosen) == count and not sample.texts(name).duplicated().any():
            return tuple(chosen), between
    return None


def _without_sample(roles: Roles, asked: Sequence[str]) -> Keys:
    """Without a sample file the key is the first column of the test table that names its rows, else their number."""
    table = roles.test or roles.train
    assert table is not None
    if missing := [name for name in asked if name not in table.columns]:
        raise KitError(
            f"{table.name} has no column {missing[0]!r}.",
            f"Its columns are {', '.join(table.columns)}.",
            f"--id {table.columns[0]}",
        )
    names = (
        tuple(asked)
        or tuple(
            name
            for name in table.columns[:3]
            if table.values(name).dtype.kind != "f"
            and table.values(name).is_unique
            and (plain(name).endswith("id") or name == table.columns[0])
        )[:1]
    )
    if not names:
        return Keys(("id",), why=f"{table.name} has no column that names its rows: they are numbered")
    text = not _whole(table, names)
    keys = Keys(names, names if roles.test else (), text=text, why=f"names each row of {table.name}")
    return _with_train(roles, keys)


def _with_train(roles: Roles, keys: Keys) -> Keys:
    """With the key columns of the training rows, where these have them."""
    train = roles.labels or roles.train
    if train is None or keys.gathered:
        return keys
    names = [same(name, train.columns) for name in keys.test or keys.sample]
    if not all(names) and len(keys.sample) == 1:
        names = [_like_test(train, keys)]
    own = tuple(name for name in names if name)
    if len(own) < len(keys.sample):
        return keys
    values = _joined(train, own)
    repeated = values.duplicated(keep=False)
    if not repeated.any():
        text = keys.text or not _whole(train, own)
        return Keys(**{**keys.__dict__, "train": own, "text": text})
    if repeated.mean() <= FEW and roles.test is not None:
        first = values[repeated].iloc[0]
        raise KitError(
            f"{train.name} repeats the id {first} in {int((values == first).sum())} rows.",
            "Each training row must have an id of its own. Remove one of the rows, or rename the column if it is none.",
            f"pandas.read_csv(...).drop_duplicates({own[0]!r})",
        )
    return Keys(**{**keys.__dict__, "repeated": own[0] if len(own) == 1 else ""})


def _like_test(train: Table, keys: Keys) -> str | None:
    """The key of the training rows where it is called so: train_id beside test_id."""
    wanted = plain((keys.test or keys.sample)[0]).replace("test", "")
    names = [name for name in train.columns if "train" in plain(name) and plain(name).replace("train", "") == wanted]
    return names[0] if names else None


def _joined(table: Table, names: Sequence[str]) -> pd.Series:
    """The key of each row as one text."""
    texts = [table.texts(name).fillna("").astype(str) for name in names]
    joined = texts[0]
    for more in texts[1:]:
        joined = joined + "|" + more
    return joined


def _whole(table: Table, names: Sequence[str]) -> bool:
    """Whether keys are whole numbers that are spelled as numbers are: not 007, and not 1.0."""
    texts = _joined(table, names)
    plain_numbers = texts.str.fullmatch(r"0|-?[1-9]\d{0,17}")
    return len(names) == 1 and bool(plain_numbers.all())


def _counts(texts: pd.Series) -> bool:
    """Whether keys only count the rows, from 0 or 1."""
    first = texts.iloc[0]
    if first not in ("0", "1"):
        return False
    return texts.tolist() == [str(number) for number in range(int(first), int(first) + len(texts))]
