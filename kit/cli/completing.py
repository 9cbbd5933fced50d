"""What a shell may complete: competitions, recipes, runs, settings and splits, by the words before the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kit.errors import KitError

if TYPE_CHECKING:
    from kit.task.catalog import Entry


def competitions(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of competitions."""
    from kit.task import catalog

    return _fitting(catalog.names(), incomplete)


def recipes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The competition's recipes, each with its variants."""
    entry = _entry(context)
    words = [
        word
        for recipe in (entry.recipes.values() if entry else ())
        for word in (recipe.name, *(f"{recipe.name}:{variant}" for variant in recipe.variants))
    ]
    return _fitting(words, incomplete)


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The competition's runs, the newest first."""
    return _fitting(_runs(context), incomplete)


def unfinished(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The competition's runs that can be gone on with, the newest first."""
    return _fitting(_runs(context, finished=False), incomplete)


def settings(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The settings of the recipe, each with the sign that its value follows."""
    entry = _entry(context)
    try:
        return (
            _fitting([f"{name}=" for name in entry.recipe(_typed(context, "recipe", 1))[0].settings], incomplete)
            if entry
            else []
        )
    except KitError:
        return []


def splits(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The other splits that the competition declares."""
    entry = _entry(context)
    return _fitting(list(entry.competition.splits), incomplete) if entry else []


def _entry(context: click.Context) -> Entry | None:
    """The competition that was typed; None where it is unknown so far."""
    from kit.task import catalog

    try:
        return catalog.find(_typed(context, "competition", 0))
    except KitError:
        return None


def _typed(context: click.Context, name: str, place: int) -> str:
    """The argument `name`, which is the word at `place`; empty where it was not typed.

    Where an option still lacks its value, click has not told the arguments apart.
    """
    word = context.params.get(name) or context.args[place : place + 1] or ""
    return word if isinstance(word, str) else word[0]


def _runs(context: click.Context, finished: bool = True) -> list[str]:
    from kit.train import runs as store

    entry = _entry(context)
    known = [run.name for run in store.every(entry.name) if finished or not run.finished] if entry else []
    return ["last", *reversed(known)] if known else []


def _fitting(words: list[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
