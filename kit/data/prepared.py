"""The settings by which a competition prepares its files: checked, and compared with those of files that are there."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from kit import records
from kit.errors import KitError
from kit.task.catalog import KINDS, Entry, typed


def settings(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of the competition's `prepare` with its value: the defaults, and what is `given`.

    Raises KitError for a setting that there is not, and for a value of another type than the default's.
    """
    prepare = entry.competition.prepare
    parameters = inspect.signature(prepare).parameters.values() if prepare else ()
    defaults = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
    for name, value in given.items():
        if name not in defaults:
            near = difflib.get_close_matches(name, defaults, 1)
            raise KitError(
                f"The files of {entry.name} are not prepared by a setting {name!r}."
                + (f" Did you mean {near[0]!r}?" if near else ""),
                f"There are: {', '.join(defaults) or 'none'}.",
            )
        default = defaults[name]
        if type(value) is not type(default) and not (type(default) is float and type(value) is int):
            raise KitError(
                f"The setting {name!r} cannot be {value!r}.",
                f"It must be {KINDS.get(type(default), type(default).__name__)}, such as its default {default!r}.",
            )
    return {name: type(default)(given.get(name, default)) for name, default in defaults.items()}


def refuse_others(entry: Entry, wanted: Mapping[str, Any]) -> None:
    """Raises KitError where the files in the data folder were prepared by other settings than `wanted`."""
    known = records.read_json(entry.data / "manifest.json").get("settings", {})
    if known != wanted:
        other = next(name for name in wanted if known.get(name) != wanted[name])
        options = " ".join(f"--set {name}={typed(value)}" for name, value in wanted.items() if known.get(name) != value)
        raise KitError(
            f"{entry.data} was prepared with {other}={typed(known.get(other))!r}.",
            "Its files are replaced with --force.",
            f"kit download {entry.name}{entry.flag} {options} --force",
        )
