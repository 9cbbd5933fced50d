"""What a shell may complete: competitions, recipes, runs, settings and splits, by the words before the cursor.

Where a competition or recipe that was typed is unknown a KitError is raised, and `main` says nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from kit.task.catalog import Entry


def competitions(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of competitions."""
    from kit.task import catalog

    return _fitting(catalog.names(), incomplete)


def recipes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The competition's recipes, each with its variants."""
    words = [
        word
        for recipe in _entry(context).recipes.values()
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
    recipe, _ = _entry(context).recipe(_typed(context, "recipe", 1))
    return _fitting([f"{name}=" for name in recipe.settings], incomplete)


def splits(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The other splits that the competition declares."""
    return _fitting(list(_entry(context).competition.splits), incomplete)


def _entry(context: click.Context) -> Entry:
    """The competition that was typed."""
    from kit.task import catalog

    return catalog.find(_typed(context, "competition", 0))


def _typed(context: click.Context, name: str, place: int) -> str:
    """The argument `name`, which is the word at `place`; empty where it was not typed.

    Where an option still lacks its value, click has not told the arguments apart.
    """
    word = context.params.get(name) or context.args[place : place + 1] or ""
    return word if isinstance(word, str) else word[0]


def _runs(context: click.Context, finished: bool = True) -> list[str]:
    from kit.train import runs as store

    known = [run.name for run in store.every(_entry(context).name) if finished or not run.finished]
    return ["last", *reversed(known)] if known else []


def _fitting(words: list[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
