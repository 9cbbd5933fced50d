"""The ranges of settings that a recipe declares to be searched: `RANGES` at the top of its file.

    RANGES = {"rate": (0.01, 0.3, "log"), "depth": (3, 10), "model": ["ridge", "logistic"]}

Two numbers are the ends of a range, both included; whole numbers where the setting is one. With "log" a step is a
factor, as it should be where 0.01 to 0.02 matters as much as 0.1 to 0.2. A list holds values of which one is taken.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from kit.errors import KitError
from kit.task.catalog import Recipe, typed


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included; steps are factors where `log`."""

    low: float
    high: float
    log: bool
    whole: bool

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        return isinstance(value, (int, float)) and self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf:
    """One of the values."""

    values: tuple[Any, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The values as they are typed."""
        return tuple(typed(value) for value in self.values)

    def holds(self, value: Any) -> bool:
        """Whether it is one of the values."""
        return value in self.values


Range = Between | OneOf


def read(recipe: Recipe) -> dict[str, Range]:
    """The ranges that a recipe declares, by the name of the setting, checked as settings are.

    Raises KitError when there are none, one names no setting or holds values that the setting cannot have, or the
    setting's default lies outside it.
    """
    if not recipe.ranges:
        settings = ", ".join(recipe.settings) or "none"
        raise KitError(
            f"Recipe {recipe.name} does not say which settings may be searched.",
            f"Its file must hold RANGES, with some of its settings ({settings}).",
            f'add to {recipe.path}: RANGES = {{"{next(iter(recipe.settings), "rate")}": (lowest, highest)}}',
        )
    if not isinstance(recipe.ranges, dict):
        raise _wrong(recipe, "it is no dictionary", 'It looks like RANGES = {"rate": (0.01, 0.3, "log")}.')
    return {name: _range(recipe, name, declared) for name, declared in recipe.ranges.items()}


def _range(recipe: Recipe, name: Any, declared: Any) -> Range:
    if name not in recipe.settings:
        near = difflib.get_close_matches(str(name), recipe.settings, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise _wrong(recipe, f"there is no setting {name!r}.{hint}", f"Its settings: {', '.join(recipe.settings)}.")
    default = recipe.settings[name]
    made: Range
    if isinstance(declared, list):
        made = _choices(recipe, name, declared)
    elif isinstance(default, bool) or not isinstance(default, (int, float)):
        raise _wrong(
            recipe, f"{name!r} has no list", f"Values such as its default {default!r} are listed: [{default!r}, ...]."
        )
    else:
        made = _between(recipe, name, declared, whole=isinstance(default, int))
    if not made.holds(default):
        raise _wrong(
            recipe,
            f"the default {default!r} of {name!r} is not in its range",
            "The search starts with the defaults, so that it cannot end with less than they give.",
        )
    return made


def _choices(recipe: Recipe, name: str, declared: list) -> OneOf:
    values = []
    for value in declared:
        try:
            values.append(recipe.resolve("", {name: value})[name])
        except KitError as error:
            raise _wrong(recipe, error.wrong.rstrip("."), error.right) from None
    made = OneOf(tuple(values))
    if len(set(made.words)) < max(2, len(values)):
        raise _wrong(recipe, f"{name!r} lists {declared!r}", "A list holds two or more different values.")
    return made


def _between(recipe: Recipe, name: str, declared: Any, *, whole: bool) -> Between:
    right = (
        f'It is (lowest, highest) or (lowest, highest, "log") of {"whole numbers" if whole else "numbers"}, or a list.'
    )
    if not isinstance(declared, tuple) or len(declared) not in (2, 3) or declared[2:] not in ((), ("log",)):
        raise _wrong(recipe, f"{name!r} is {declared!r}", right)
    low, high = declared[:2]
    numbers = (int,) if whole else (int, float)
    if any(isinstance(end, bool) or not isinstance(end, numbers) for end in (low, high)) or not low < high:
        raise _wrong(recipe, f"{name!r} goes from {low!r} to {high!r}", right)
    if (log := len(declared) == 3) and low <= 0:
        raise _wrong(recipe, f'{name!r} starts at {low!r} and says "log"', 'A range with "log" starts above 0.')
    return Between(low, high, log, whole)


def _wrong(recipe: Recipe, wrong: str, right: str) -> KitError:
    return KitError(f"RANGES in {recipe.path}: {wrong}" + ("" if wrong.endswith("?") else "."), right)
