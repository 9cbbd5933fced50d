"""Tables as matrices: numbers, categories, dates, texts and lists of a table become float32 columns, learned from the
training rows alone."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, cast

import numpy as np
import pandas as pd

from kit.errors import KitError
from kit.rows import dates
from kit.toolbox import terms
from kit.toolbox.goals import Goal

FEW = 200
"""Values up to which a column of texts is a category that trees split as it is. Above, its values are told by how often
they occur and by the mean target of their rows."""

MOSTLY = 0.8
"""Share of the values of a column of texts from which they are taken for numbers."""

WORDS = 4
"""Mean number of words from which a column whose values hardly repeat holds texts, and not names or codes."""

TOKENS = 40
"""Commonest words of a column of texts, names or codes that become columns of 0 and 1."""

PAIRED = 50_000
"""Commonest words whose rarity is kept for comparing two columns of texts; others count as the rarest."""

TOPICS = 16
"""Columns that a TF-IDF of a text column is reduced to."""

EXPANDED = 4096
"""Longest list of numbers of which each place becomes a column; of longer ones only their statistics do."""

SMOOTHING = 10.0
"""Rows' worth of the overall mean that is mixed into the mean target of a category. Source: Micci-Barreca, A
Preprocessing Scheme for High-Cardinality Categorical Attributes, SIGKDD Explorations 2001."""

CLASSES = 10
"""Classes up to which a category is told by its share of each class."""

CROSS_FITS = 5
"""Parts by which the mean target of a training row's category is taken from the other parts only, so that no row sees
its own target. Source: scikit-learn's TargetEncoder."""

TOKEN = re.compile(r"[^\W\d_]+|\d+")


class Part(ABC):
    """What one column of a table becomes: `names` of the new columns, and their values for any rows."""

    names: list[str]

    @property
    def categories(self) -> int:
        """How many different values a category has; 0 where the columns are numbers."""
        return 0

    @abstractmethod
    def __call__(self, column: pd.Series) -> np.ndarray:
        """The values of the new columns, float of (n, len(names)), NaN where one is missing."""


@dataclass
class Numbers:
    """Columns that are numbers already, all at once. `offset` is taken off large ones: they stay exact in float32."""

    columns: list[str]
    offset: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame, columns: list[str]) -> Numbers:
        """The columns of `table` that are numbers."""
        offset = np.zeros(len(columns))
        for place, name in enumerate(columns):
            most = table[name].abs().max() if table[name].dtype.kind != "b" else 1
            if 2**24 < most < np.inf:
                offset[place] = table[name].median()
        return cls(columns, offset)

    def __call__(self, table: pd.DataFrame) -> np.ndarray:
        """float32 of (n, columns), NaN where a value is missing or infinite."""
        if not self.columns:
            return np.zeros((len(table), 0), np.float32)
        numbers = table[self.columns]
        if words := [name for name in self.columns if numbers[name].dtype.kind not in "biuf"]:
            numbers = numbers.assign(**{name: pd.to_numeric(numbers[name], errors="coerce") for name in words})
        if self.offset.any():
            numbers = numbers.astype(np.float64) - self.offset
        values = numbers.to_numpy(np.float32, na_value=np.nan)
        infinite = np.isinf(values)
        return np.where(infinite, np.nan, values) if infinite.any() else values


@dataclass
class Parsed(Part):
    """A column of texts most of which are numbers, such as `12` beside `unknown`; the others are missing values."""

    names: list[str]

    def __call__(self, column: pd.Series) -> np.ndarray:
        return pd.to_numeric(_texts(column), errors="coerce").to_numpy(np.float32, na_value=np.nan)[:, None]


@dataclass
class Valued(Part):
    """A column by its values; `values` are the different ones of the training rows, (k,)."""

    names: list[str]
    values: np.ndarray

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.values)

    def places(self, column: pd.Series) -> np.ndarray:
        """The place of each row's value in `values`, -1 for missing and new ones."""
        texts = _texts(column)
        if self.values.dtype.kind == "O" and column.dtype.kind in "biu":  # a file in which all codes are numbers
            texts = texts.astype(str)
        return self._index.get_indexer(pd.Index(texts))

    def __getstate__(self) -> dict[str, Any]:
        """Without the index, and texts as one: a file of an object each would be large and slow."""
        state = {name: value for name, value in vars(self).items() if name != "_index"}
        if self.values.dtype.kind == "O":
            state["values"] = json.dumps(self.values.tolist())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if isinstance(self.values, str):
            self.values = np.array(json.loads(self.values), object)


@dataclass
class Category(Valued):
    """A column of few different values, as the place of each value in the sorted ones; NaN for missing and new ones."""

    @property
    def categories(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, column: pd.Series) -> Category:
        """The values of training rows."""
        return cls([str(column.name)], np.sort(_different(column)))

    def __call__(self, column: pd.Series) -> np.ndarray:
        codes = self.places(column).astype(np.float32)
        return np.where(codes < 0, np.nan, codes)[:, None]


@dataclass
class Counts(Valued):
    """How many training rows have the value of a row, 0 for missing and new ones."""

    counts: np.ndarray

    @classmethod
    def of(cls, column: pd.Series) -> Counts:
        """The values of training rows."""
        counts = _texts(column).value_counts()
        return cls([f"{column.name} rows"], np.asarray(counts.index), np.append(counts.to_numpy(np.float32), 0))

    def __call__(self, column: pd.Series) -> np.ndarray:
        return self.counts[self.places(column)][:, None]


@dataclass
class Dates(Part):
    """A column of dates, as the parts that differ among the training rows."""

    form: str
    names: list[str]
    kept: list[str]

    @classmethod
    def of(cls, column: pd.Series, form: str) -> Dates:
        """Dates of training rows, written as `form` says."""
        parts = dates.parts(dates.read(column, form))
        kept = [name for name, values in parts.items() if len(np.unique(values[np.isfinite(values)])) > 1]
        return cls(form, [f"{column.name} {name}" for name in kept], kept)

    def __call__(self, column: pd.Series) -> np.ndarray:
        parts = dates.parts(dates.read(column, self.form))
        return np.stack([parts[name] for name in self.kept], axis=1) if self.kept else np.zeros((len(column), 0))


@dataclass
class Words(Part):
    """Whether a text, name or code holds each of the commonest words of the training rows, how long it is, and the
    first number in it. `C85` has the words `c` and `85`."""

    names: list[str]
    words: list[str]

    @classmethod
    def of(cls, column: pd.Series) -> Words:
        """The commonest words of training rows: those of at least 1% of them, and not of all."""
        texts = _texts(column)
        rows: Counter[str] = Counter()
        for text, count in texts.value_counts().items():
            rows.update(dict.fromkeys(_words(str(text)), count))
        least, most = max(3, len(texts) // 100), 0.99 * len(texts)
        words = [word for word, count in rows.most_common(TOKENS * 5) if least <= count <= most][:TOKENS]
        more = ["letters", "words", "first number"]
        return cls([f"{column.name} {word}" for word in [*words, *more]], words)

    def __call__(self, column: pd.Series) -> np.ndarray:
        codes, texts = pd.factorize(_texts(column))  # codes repeat: each different one is looked at once
        values = np.zeros((len(texts) + 1, len(self.names)), np.float32)
        values[-1] = np.nan  # of missing ones, whose code is -1
        place = {word: number for number, word in enumerate(self.words)}
        for row, text in enumerate(map(str, texts)):
            tokens = _tokens(text)
            for token in tokens:
                if token in place:
                    values[row, place[token]] = 1
            number = next((float(token) for token in tokens if token.isdecimal()), np.nan)
            values[row, len(self.words) :] = len(text), len(tokens), number
        return values[codes]


class Pair(Part):
    """Two columns of texts beside each other: how much their words agree, each word counted by how rare it is among the
    training rows, as in pairs of questions, or a search and what it has brought up."""

    def __init__(self, table: pd.DataFrame) -> None:
        first, second = table.columns
        what = ("shared", "agree", "in first", "in second", "first word", "letters")
        self.names = [f"{first} {second} {each}" for each in what]
        rows = Counter(word for _, column in table.items() for text in _texts(column).dropna() for word in _words(text))
        count = 2 * len(table)
        self.rarity = {word: float(np.log(count / many)) for word, many in rows.most_common(PAIRED)}
        self.rarest = float(np.log(count))

    def __call__(self, column: Any) -> np.ndarray:
        """The values for a table of the two columns."""
        values = np.full((len(column), len(self.names)), np.nan, np.float32)
        one, other = (_texts(column[name]).tolist() for name in column.columns)
        for row, (first, second) in enumerate(zip(one, other, strict=True)):
            if not isinstance(first, str) or not isinstance(second, str):
                continue
            mine, theirs = _words(first), _words(second)
            shared = mine & theirs
            both, own, its = self._worth(shared), self._worth(mine), self._worth(theirs)
            agree = both / max(own + its - both, 1e-9)
            begin = first.lower().split()[:1] == second.lower().split()[:1]
            length = len(first) - len(second)
            values[row] = len(shared), agree, both / max(own, 1e-9), both / max(its, 1e-9), begin, length
        return values

    def _worth(self, words: set[str]) -> float:
        return sum(self.rarity.get(word, self.rarest) for word in words)

    def __getstate__(self) -> dict[str, Any]:
        return {"said": json.dumps([self.names, self.rarity, self.rarest])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.names, self.rarity, self.rarest = json.loads(state["said"])


class Topics(Part):
    """A column of texts as a few numbers: TF-IDF of its words, reduced by a truncated singular value decomposition.

    Source: Deerwester et al., Indexing by Latent Semantic Analysis, 1990; scikit-learn's TruncatedSVD.
    """

    def __init__(self, column: pd.Series, seed: int) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.words = TfidfVectorizer(min_df=3, max_features=20_000, sublinear_tf=True, strip_accents="unicode")
        matrix = self.words.fit_transform(_texts(column).fillna("").tolist())
        count = min(TOPICS, matrix.shape[1] - 1, len(column) - 1)
        self.reduced = TruncatedSVD(max(count, 1), random_state=seed).fit(matrix)
        self.names = [f"{column.name} topic {number}" for number in range(max(count, 1))]

    def __call__(self, column: pd.Series) -> np.ndarray:
        return self.reduced.transform(self.words.transform(_texts(column).fillna("").tolist()))


@dataclass
class Lists(Part):
    """A column of lists of numbers, or of texts of numbers parted by spaces: each place a column where all have one
    length, else length and statistics."""

    names: list[str]
    length: int

    @classmethod
    def of(cls, column: pd.Series) -> Lists:
        """Lists of training rows."""
        lengths = {len(value) for value in map(_listed, column) if value}
        if len(lengths) == 1 and (length := lengths.pop()) <= EXPANDED:
            return cls([f"{column.name} {place}" for place in range(length)], length)
        return cls([f"{column.name} {what}" for what in ("length", "mean", "sd", "min", "max")], 0)

    def __call__(self, column: pd.Series) -> np.ndarray:
        values = np.full((len(column), len(self.names)), np.nan, np.float32)
        for row, value in enumerate(map(_listed, column)):
            if not value:
                continue
            numbers = np.array(value, float)
            if self.length:
                values[row, : min(len(numbers), self.length)] = numbers[: self.length]
            else:
                values[row] = len(numbers), numbers.mean(), numbers.std(), numbers.min(), numbers.max()
        return values


@dataclass
class Means(Valued):
    """The mean target of the training rows that share a row's value, drawn to the mean of all where these are few.

    `means` is (k + 1, targets); its last row is for missing and new values.
    """

    means: np.ndarray

    @classmethod
    def of(cls, column: pd.Series, targets: np.ndarray) -> Means:
        """The values of training rows and their targets, float of (n, targets)."""
        count = targets.shape[1]
        names = [f"{column.name} mean{f' {number}' if count > 1 else ''}" for number in range(count)]
        part = cls(names, _different(column), np.zeros(0))
        part.means = _smoothed(part.places(column), targets, len(part.values))
        return part

    def __call__(self, column: pd.Series) -> np.ndarray:
        return self.means[self.places(column)]

    def cross_fitted(self, column: pd.Series, targets: np.ndarray, group: np.ndarray | None, seed: int) -> np.ndarray:
        """The means for the training rows themselves, each from the parts that it is not in."""
        codes = self.places(column)
        of = np.arange(len(codes)) if group is None else np.unique(group, return_inverse=True)[1]
        part = np.random.default_rng(seed).permutation(of.max() + 1)[of] % CROSS_FITS
        fitted = np.empty((len(codes), targets.shape[1]), np.float32)
        for number in range(CROSS_FITS):
            inside = part == number
            fitted[inside] = _smoothed(codes[~inside], targets[~inside], len(self.values))[codes[inside]]
        return fitted


def _smoothed(codes: np.ndarray, targets: np.ndarray, count: int) -> np.ndarray:
    """The smoothed mean of the targets of each code, float32 of (count + 1, targets); the last row, which code -1 also
    finds, is the mean of all."""
    overall = targets.mean(0) if len(targets) else np.zeros(targets.shape[1])
    known = codes >= 0
    rows = np.bincount(codes[known], minlength=count)
    means = np.empty((count + 1, targets.shape[1]), np.float32)
    means[-1] = overall
    for number in range(targets.shape[1]):
        sums = np.bincount(codes[known], targets[known, number], minlength=count)
        means[:-1, number] = (sums + SMOOTHING * overall[number]) / (rows + SMOOTHING)
    return means


@dataclass
class Encoder:
    """A table to a float32 matrix, as learned from training rows.

    `names` are the columns of the matrix; `categories` says of each how many different values it has where it holds the
    numbers of categories, and 0 where it holds numbers. Missing values are NaN.
    """

    numbers: Numbers
    parts: list[tuple[str | list[str], Part]]
    names: list[str] = field(default_factory=list)
    categories: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        self.names = [*self.numbers.columns, *(name for _, part in self.parts for name in part.names)]
        of_parts = [part.categories for _, part in self.parts for _ in part.names]
        self.categories = np.array([0] * len(self.numbers.columns) + of_parts, np.int64)

    @property
    def sources(self) -> list[str]:
        """The column of the table that each column of the matrix is made of; of two that are compared, the first."""
        first = [(column if isinstance(column, str) else column[0], part) for column, part in self.parts]
        return [*self.numbers.columns, *(column for column, part in first for _ in part.names)]

    def matrix(self, table: pd.DataFrame) -> np.ndarray:
        """The matrix of a table that `features` gave, float32 of (n, len(names)).

        Raises KitError when the table lacks a column.
        """
        pairs = [name for column, _ in self.parts if not isinstance(column, str) for name in column]
        for name in dict.fromkeys([*self.sources, *pairs]):
            if name not in table.columns:
                raise KitError(f"The rows lack the column {name!r}, by which the model was fitted.")
        matrix = np.empty((len(table), len(self.names)), np.float32)
        at = len(self.numbers.columns)
        matrix[:, :at] = self.numbers(table)
        for column, part in self.parts:
            matrix[:, at : at + len(part.names)] = part(cast(pd.Series, table[column]))
            at += len(part.names)
        return matrix


def fit(
    table: pd.DataFrame, goal: Goal, targets: np.ndarray, *, group: np.ndarray | None = None, seed: int = 0
) -> tuple[Encoder, np.ndarray]:
    """An encoder learned from a table of training rows, and their matrix, in which means of targets are cross-fitted.

    `targets` are as `Goal.encoded` gives them. Rows of one `group` lie in one part of the cross-fit. Raises KitError
    when no column tells the rows apart.
    """
    numbers: list[str] = []
    parts: list[tuple[str | list[str], Part]] = []
    means: list[tuple[int, Means]] = []
    columns = _columns(goal, targets)
    for name, column in table.items():
        if column.dtype.kind in "biuf":
            if _varies(column):
                numbers.append(str(name))
            codes = column.dtype.kind in "iu" and _are_codes(column)
        else:
            new, codes = _parts(column, seed)
            parts += [(str(name), part) for part in new]
        if codes:
            parts.append((str(name), Counts.of(column)))
            if columns is not None:
                mean = Means.of(column, columns)
                means.append((len(parts), mean))
                parts.append((str(name), mean))
    parts += [(list(pair), Pair(table[list(pair)])) for pair in combinations(terms.text_columns(table)[:3], 2)]
    encoder = Encoder(Numbers.of(table, numbers), parts)
    if not encoder.names:
        raise KitError(
            "No column of the rows tells them apart: all are constant or empty.",
            "A recipe for tables needs at least one column that differs from row to row.",
        )
    matrix = encoder.matrix(table)
    starts = np.cumsum([len(numbers), *(len(part.names) for _, part in parts)])
    for place, mean in means:
        assert columns is not None
        span = slice(starts[place], starts[place] + len(mean.names))
        matrix[:, span] = mean.cross_fitted(cast(pd.Series, table[parts[place][0]]), columns, group, seed)
    return encoder, matrix


def _parts(column: pd.Series, seed: int) -> tuple[list[Part], bool]:
    """What a column that is no number becomes, and whether its values are codes to be told by their mean target."""
    present = column.dropna()
    if present.empty:
        return [], False
    if isinstance(present.iloc[0], list):
        if all(isinstance(item, (int, float)) for value in present.iloc[:100] for item in value):
            return [Lists.of(column)], False
        return [Words.of(column), Topics(column, seed)], False
    if (form := dates.pattern(column)) is not None:
        return [Dates.of(column, form)], False
    texts = _texts(present)
    if terms.are_numbers(texts):
        return [Lists.of(column)], False
    counts = texts.value_counts(sort=False)
    different = len(counts)
    if different < 2:
        return [], False
    numeric = pd.to_numeric(pd.Series(counts.index), errors="coerce").notna().to_numpy()
    if counts.to_numpy()[numeric].sum() >= MOSTLY * len(texts):
        return [Parsed([str(column.name)])], False
    if different <= FEW and different < 0.5 * len(texts):
        return [Category.of(column)], False
    length = np.mean([len(text.split()) for text in texts.iloc[:2000]])
    if length >= WORDS and different > 0.3 * len(texts):
        return [Words.of(column), *([Topics(column, seed)] if len(texts) >= 500 else [])], False
    return [Words.of(column)], different < 0.95 * len(texts)


def _are_codes(column: pd.Series) -> bool:
    """Whether whole numbers look like numbers of things: repeated, and with wide gaps between them, or called so."""
    values = column.dropna()
    different = values.nunique()
    if different <= 10 or different > 0.5 * len(values) or values.min() < 0:
        return False
    named = re.search(r"(^|_)(id|code|zip|key)s?$|[a-z](Id|ID|Code)$", str(column.name)) is not None
    return named or int(values.max()) > 20 * different


def _columns(goal: Goal, targets: np.ndarray) -> np.ndarray | None:
    """Targets whose means are taken, float64 of (n, targets); None where there are too many classes."""
    if goal.kind != "classes":
        return targets
    if len(goal.classes) > CLASSES:
        return None
    chosen = np.eye(len(goal.classes))[targets]
    return chosen[:, 1:] if len(goal.classes) == 2 else chosen


def _varies(column: pd.Series) -> bool:
    values = column.to_numpy()
    first = values[0] if len(values) else None
    return bool((values != first).any()) and not pd.isna(values).all()


def _texts(column: pd.Series) -> pd.Series:
    """The values of a column as texts; lists are joined, each item as one word, and missing values stay missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype.kind in "biuf":
        return column
    if pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
        return column
    return column.map(_text, na_action="ignore").astype(object)


def _listed(value: Any) -> list[Any]:
    """A value as a list of numbers; an empty one where it is missing."""
    if isinstance(value, str):
        return [float(part) for part in value.replace(",", " ").split()]
    return value if isinstance(value, list) else []


def _different(column: pd.Series) -> np.ndarray:
    """The different values of a column as `_texts` gives them, without the missing one."""
    return np.asarray(_texts(column).dropna().unique())


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(item).replace(" ", "_") for item in value)
    return str(value)


def _words(text: str) -> set[str]:
    return set(_tokens(text))


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text.lower())
