"""Test files as a hidden one may be: one row, or ten times as many, with ids in another order, categories that nobody
has seen, and missing values; made of the visible one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.sandbox import folders
from kit.task import ids
from kit.task.contract import Competition

if TYPE_CHECKING:
    import pandas as pd

TIMES = 10
"""How many rows stand for one of the visible test file."""

STRANGE, EMPTY = 7, 11
"""Each so manieth row gets a category that nobody has seen, or an empty value."""

_DATE = re.compile(r"\s*\d{1,4}[-/.:]\d")
"""How a date or a time begins: another word there would be no category but a damaged file."""


class Variant(NamedTuple):
    """Public files with another test file: what it is called and what it is, the folder, and the ids of its rows in
    their order, as a submission spells them."""

    word: str
    what: str
    public: Path
    ids: list[str]


class Table(NamedTuple):
    """The visible test file and sample file as texts, whose rows are in the same order. `numbered` says that the test
    file has no ids: its rows are numbered."""

    test: pd.DataFrame
    sample: pd.DataFrame
    numbered: bool


def read(competition: Competition, public: Path) -> Table:
    """The visible test file and its sample file.

    Raises KitError where no other test file can be made of them: the rows are not those of one CSV file, or are named
    otherwise than in it.
    """
    import pandas as pd

    form, file = competition.submission, public / competition.test
    why = ""
    if competition.rows is None or not competition.test:
        why = "competition.py does not say of which file the test rows are (`rows` and `test`)"
    elif not file.is_file() or {file.suffix.lower(), Path(form.sample).suffix.lower()} != {".csv"}:
        why = f"{competition.test} is no CSV file"
    elif form.repeats:
        why = "several rows have one id"
    if why:
        raise _cannot(why)
    test, sample = (
        pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        for path in (file, public / form.sample)
    )
    keys = [*form.keys]
    if set(keys) <= {*test.columns}:
        if sample.duplicated(keys).any() or test.duplicated(keys).any():
            raise _cannot("several rows have one id")
        places = pd.MultiIndex.from_frame(sample[keys]).get_indexer(pd.MultiIndex.from_frame(test[keys]))
        if len(test) != len(sample) or (places < 0).any():
            raise _cannot(f"the ids of {competition.test} are not those of {form.sample}")
        return Table(test, sample.iloc[places].reset_index(drop=True), False)
    named = sample[keys[0]]
    counted = len(keys) == 1 and named.iloc[:1].str.fullmatch(r"\d+").all()
    if not counted or len(test) != len(sample) or named.tolist() != [*map(str, _count(named, len(sample)))]:
        raise _cannot(f"{competition.test} has no column {keys[0]!r}, and {form.sample} does not count its rows")
    return Table(test, sample, True)


@contextmanager
def variants(competition: Competition, public: Path, table: Table, most: int) -> Iterator[list[Variant]]:
    """Folders like `public`, each with another test file and its sample file, of `most` rows at most; they are removed
    when the block ends."""
    rows = len(table.test)
    one = np.zeros(1, np.int64)
    many = np.random.default_rng(0).permutation(np.tile(np.arange(rows), TIMES))[: max(1, most)]
    with folders.beside(public.parent, "unseen") as folder:
        first = _more(competition, table, one)
        second = _more(competition, table, many)
        strange = _categories(competition, table.test)
        for column in strange:
            at = second.test.index[second.test.index % STRANGE == 0]
            second.test.loc[at, column] = [f"never seen {number}" for number in range(len(at))]
        features = [name for name in table.test.columns if name not in competition.submission.keys]
        third = second._replace(test=second.test.copy())
        for number, row in enumerate(range(0, len(many), EMPTY)):
            third.test.loc[row, features[number % len(features)]] = ""
        times = f"{len(many) / rows:.4g} times as many rows"
        unseen = f", unseen categories in {', '.join(map(repr, strange[:3]))}" + ", ..." * (len(strange) > 3)
        order = "" if table.numbered else ", ids in another order"
        yield [
            _written(competition, public, folder, "one", "one row", first),
            _written(competition, public, folder, "many", times + unseen * bool(strange) + order, second),
            _written(competition, public, folder, "missing", "the same with missing values", third),
        ]


def _more(competition: Competition, table: Table, rows: np.ndarray) -> Table:
    """Rows of a table, each of which may be taken several times and has an id of its own."""
    key = competition.submission.keys[0]
    test = table.test.iloc[rows].reset_index(drop=True)
    sample = table.sample.iloc[rows].reset_index(drop=True)
    if table.numbered:
        return Table(test, sample.assign(**{key: [*map(str, _count(table.sample[key], len(rows)))]}), True)
    copies = np.zeros(len(rows), np.int64)
    seen = np.zeros(len(table.test), np.int64)
    for at, row in enumerate(rows.tolist()):
        copies[at] = seen[row]
        seen[row] += 1
    texts = test[key].tolist()
    if table.test[key].str.fullmatch(r"(0|[1-9]\d{0,15})").all():
        numbers = table.test[key].astype(np.int64)
        step = int(numbers.max() - numbers.min()) + 1
        names = [str(int(text) + copy * step) for text, copy in zip(texts, copies.tolist(), strict=True)]
    else:
        names = [f"{text}-{copy}" if copy else text for text, copy in zip(texts, copies.tolist(), strict=True)]
    return Table(test.assign(**{key: names}), sample.assign(**{key: names}), False)


def _written(competition: Competition, public: Path, folder: Path, word: str, what: str, table: Table) -> Variant:
    """The public files with another test file and sample file."""
    form = competition.submission
    place = folder / word
    for path in sorted(public.rglob("*")):
        to = place / path.relative_to(public)
        if path.is_file() and path.relative_to(public).as_posix() not in (competition.test, form.sample):
            folders.link(path, to)
    for name, rows in ((competition.test, table.test), (form.sample, table.sample[::-1])):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(place / name, index=False, lineterminator="\n")
    for path in (folder, place, *place.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)  # kernels of root run as somebody else
    named = table.sample[[*form.keys]]
    return Variant(word, what, place, [ids.name(row) for row in named.itertuples(index=False, name=None)])


def _categories(competition: Competition, test: pd.DataFrame) -> list[str]:
    """Columns of words that come again, so that one may be new."""
    found = []
    for column in (name for name in test.columns if name not in competition.submission.keys):
        held = test.loc[test[column] != "", column]
        words = held[~held.str.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|(?i:true|false|nan|na)")]
        repeats = held.nunique() <= max(2, len(held) // 2)
        if len(held) and len(words) == len(held) and repeats and not held.str.match(_DATE).any():
            found.append(str(column))
    return found


def _count(named: pd.Series, rows: int) -> range:
    """Numbers from that of the first row on."""
    first = int(str(named.iat[0]))
    return range(first, first + rows)


def _cannot(why: str) -> KitError:
    return KitError(
        f"A test file of other rows cannot be made here: {why}.",
        "The notebook is run on the visible test rows only.",
    )
