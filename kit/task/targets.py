"""What a target column holds: numbers, labels of a closed set, or text; and how each is spelled in a file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError

MISSING = ("", "nan", "null", "none", "na", "n/a", "<na>")
"""Texts that pandas reads as a missing value, in lower case. Source: documentation of pandas.read_csv, `na_values`."""

_NUMBER = re.compile(r" *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)? *", re.ASCII)
_WHOLE = re.compile(r" *[+-]?[0-9]+ *", re.ASCII)
_TRUTHS = (("False", "True"), ("false", "true"), ("FALSE", "TRUE"))


class Problem(NamedTuple):
    """Why a text cannot stand in a column, as the end of a sentence, and a sentence that says what would be right."""

    wrong: str
    right: str


@dataclass(frozen=True)
class Numbers:
    """Finite numbers from `low` to `high`, both included; None is no bound. With `whole` they have no fraction.

    With `whole=None` the sample file decides: it takes whole numbers only where it holds several different ones, as
    0 and 1 are. A sample of one number in all rows, often 0, decides nothing.
    """

    low: float | None = None
    high: float | None = None
    whole: bool | None = None

    def problem(self, text: str) -> Problem | None:
        """Why the column cannot hold `text`, or None where it can."""
        if not _NUMBER.fullmatch(text):
            return _empty(text, self.right) or Problem(f"holds {text!r}, which is not a plain number", self.right)
        number = float(text)
        if not math.isfinite(number):
            return Problem(f"holds {text!r}, which is more than a 64-bit number can be", self.right)
        if self.whole and not _WHOLE.fullmatch(text):
            return Problem(f"holds {text!r}, which is not a whole number", self.right)
        if self.low is not None and number < self.low:
            return Problem(f"holds {text!r}, which is below {self.low:g}", self.right)
        if self.high is not None and number > self.high:
            return Problem(f"holds {text!r}, which is above {self.high:g}", self.right)
        return None

    @property
    def right(self) -> str:
        """What is allowed, as a sentence."""
        kind, such = ("whole", "12") if self.whole else ("finite", "0.25")
        if self.low is not None and self.high is not None:
            return f"Each value must be a {kind} number from {self.low:g} to {self.high:g}."
        if self.low is not None or self.high is not None:
            bound = f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"
            return f"Each value must be a {kind} number, {bound}."
        return f"Each value must be a {kind} number such as {such}."

    @property
    def said(self) -> str:
        """What the column holds, in words."""
        return "whole numbers" if self.whole else "numbers"

    def texts(self, values: np.ndarray) -> list[str]:
        """The column as it stands in a file. Floats are written so that they read back the same."""
        if self.whole and values.dtype.kind == "f":
            return [str(int(value)) if value.is_integer() else str(value) for value in values.tolist()]
        return [str(value) for value in values.tolist()]

    def unlike(self, sample: str) -> bool:
        """Whether a text of the sample file shows that the column holds something else."""
        return not (_WHOLE if self.whole else _NUMBER).fullmatch(sample)


@dataclass(frozen=True)
class Labels:
    """One of a closed set of labels: integers, texts such as `setosa`, or True and False.

    A label is written as Python writes it (`True`); where the sample file spells it otherwise, it is a text (`"true"`).
    The place of a label in `options` is its class number: probabilities have one column for each, in this order, and
    for labels that are texts or booleans class numbers may stand in `y` and in what `decide` gives. Raises KitError for
    no labels, for one that is named twice, and for True before False, whose class numbers must be 1 and 0.
    """

    options: tuple[Any, ...]

    def __init__(self, options: Sequence[Any] | np.ndarray) -> None:
        plain = [option.item() if isinstance(option, np.generic) else option for option in options]
        if plain == [True, False] and isinstance(plain[0], bool):
            raise KitError("Labels((True, False)) would make True class 0.", "It must be Labels((False, True)).")
        texts = [str(option) for option in plain]
        if len(set(texts)) < max(1, len(texts)):
            twice = next((text for text in texts if texts.count(text) > 1), None)
            raise KitError(
                "Labels(()) holds no labels." if twice is None else f"Labels(...) names the label {twice} twice.",
                "It must name each label of the target column once, such as Labels((0, 1)).",
            )
        object.__setattr__(self, "options", tuple(plain))

    def problem(self, text: str) -> Problem | None:
        """Why the column cannot hold `text`, or None where it can."""
        if text in self.spelled:
            return None
        meant = self.meant(text)
        right = f"{self.right[:-1]}; this one must be spelled {meant}." if meant else self.right
        return _empty(text, right) or Problem(f"holds {text!r}", right)

    @property
    def right(self) -> str:
        """What is allowed, as a sentence."""
        return f"Allowed are {_few(self.spelled)}."

    @property
    def said(self) -> str:
        """What the column holds, in words."""
        return f"the labels {_few(self.spelled)}"

    @cached_property
    def spelled(self) -> tuple[str, ...]:
        """The labels as they stand in a file."""
        return tuple(map(str, self.options))

    def meant(self, text: str) -> str:
        """The label that `text` spells otherwise (`true` or `1` for `True`, `2.0` for `2`); empty where it is none."""
        plain = text.strip().casefold()
        for option, spelled in zip(self.options, self.spelled, strict=True):
            if plain == spelled.casefold():
                return spelled
            if isinstance(option, (int, float)) and _NUMBER.fullmatch(plain) and float(plain) == option:
                return spelled
        return ""

    def texts(self, values: np.ndarray) -> list[str]:
        """The column as it stands in a file; `values` are labels, or class numbers where labels are no numbers."""
        plain = values.tolist()
        of = {value: self._text(value) for value in set(plain)}
        return [of[value] for value in plain]

    def _text(self, value: Any) -> str:
        for option, spelled in zip(self.options, self.spelled, strict=True):
            if value == option:
                return spelled
        numbered = isinstance(value, int) and all(isinstance(option, str) for option in self.options)
        return self.spelled[value] if numbered and 0 <= value < len(self.options) else str(value)

    def outside(self, y: np.ndarray) -> np.ndarray:
        """Which values of `y` (n,) are neither labels nor, all of them, class numbers: bool of (n,)."""
        if y.dtype.kind in "OUS":
            return ~np.isin(y.astype(str), self.spelled)
        known = [option for option in self.options if isinstance(option, (int, float))]
        numbers = np.arange(len(self.options))
        if not known or (y.dtype.kind in "iu" and np.isin(y, numbers).all()):
            return ~np.isin(y, numbers)
        return ~np.isin(y, known)

    def unlike(self, sample: str) -> bool:
        """Whether a text of the sample file shows that the column holds something else.

        A text outside the set is a placeholder where it is of the same kind, such as 0 where labels are 1 to 7.
        """
        if sample in self.spelled:
            return False
        whole = all(isinstance(option, int) and not isinstance(option, bool) for option in self.options)
        numbers = all(_NUMBER.fullmatch(text) for text in self.spelled)
        of_kind = _WHOLE.fullmatch(sample) if whole else bool(_NUMBER.fullmatch(sample)) == numbers
        truths = any(isinstance(option, bool) for option in self.options)
        return truths or not of_kind or bool(self.meant(sample))


@dataclass(frozen=True)
class Text:
    """Free words, or with `most` a list of at most that many items, parted by `separator`, as MAP@k wants it.

    `among` is the closed set of items, None where any word is allowed.
    """

    most: int | None = None
    separator: str = " "
    among: tuple[Any, ...] | None = None

    def problem(self, text: str) -> Problem | None:
        """Why the column cannot hold `text`, or None where it can."""
        if self.among is not None and text in map(str, self.among):
            return None
        if wrong := _empty(text, self.right):
            return wrong
        if self.most is None and self.among is None:
            return None
        items = self.items(text)
        if self.most is not None and len(items) > self.most:
            return Problem(f"holds {len(items)} items: {text!r}", self.right)
        if "" in items:
            return Problem(f"holds an empty item: {text!r}", self.right)
        known = None if self.among is None else {*map(str, self.among)}
        if known is not None and (strange := [item for item in items if item not in known]):
            return Problem(f"holds {strange[0]!r}", self.right)
        return None

    @property
    def right(self) -> str:
        """What is allowed, as a sentence."""
        by = "a space" if self.separator == " " else repr(self.separator)
        words = "Each value must be a text" if self.most is None else f"At most {self.most} items, parted by {by}"
        if self.among is None:
            return f"{words}."
        return f"{words}; allowed are {_few([*map(str, self.among)])}."

    @property
    def said(self) -> str:
        """What the column holds, in words."""
        return "text"

    def items(self, text: str) -> list[str]:
        """The items of one value, in their order."""
        if self.separator == " ":
            return text.split()
        return [item.strip() for item in text.split(self.separator)]

    def texts(self, values: np.ndarray) -> list[str]:
        """The column as it stands in a file; `values` holds texts or lists of items, or is an array of (n, items)."""
        return [value if isinstance(value, str) else self._text(value) for value in values.tolist()]

    def _text(self, value: Any) -> str:
        if isinstance(value, (list, tuple, np.ndarray)):
            return self.separator.join(str(item) for item in value if str(item))
        return str(value)

    def unlike(self, sample: str) -> bool:
        """Whether a text of the sample file shows that the column holds something else."""
        return False


Target = Numbers | Labels | Text
"""What one target column holds."""


def like(sample: Sequence[str]) -> Target:
    """What a column of the sample file tells of what it holds.

    True and False, as the sample spells them, are labels; numbers are Numbers; everything else is Text.
    """
    texts = {text for text in sample if text.strip()}
    for pair in _TRUTHS:
        if texts and texts <= {*pair}:
            return Labels((False, True) if pair == _TRUTHS[0] else pair)
    return Numbers() if texts and all(map(_NUMBER.fullmatch, texts)) else Text()


def told(target: Target, sample: Sequence[str]) -> Target:
    """`target`, where what the sample file decides is decided: whether numbers are whole ones."""
    if not isinstance(target, Numbers) or target.whole is not None:
        return target
    texts = {text for text in sample if text.strip()}
    whole = len(texts) > 1 and all(map(_WHOLE.fullmatch, texts))
    return Numbers(target.low, target.high, whole)


def is_number(text: str) -> bool:
    """Whether a text is a plain decimal number."""
    return bool(_NUMBER.fullmatch(text))


def is_missing(text: str) -> bool:
    """Whether a text stands for a missing value."""
    return text.strip().lower() in MISSING


def _few(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _empty(text: str, right: str) -> Problem | None:
    return Problem(f"is empty or NaN: {text!r}", right) if is_missing(text) else None
