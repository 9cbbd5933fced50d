"""Competitions and their data: list, download, explore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from kit import places, records
from kit.api.results import Listing, Result
from kit.task import catalog
from kit.task.catalog import Entry, Recipe
from kit.words import Table, count


class Competitions(Listing[Entry]):
    """The competitions that are known here."""

    def summary(self) -> str:
        return count(len(self), "competition")

    def table(self) -> Table:
        return Table(
            ("competition", "recipes", "what it is"),
            [(entry.name, len(entry.recipes), entry.summary) for entry in self],
        )

    def facts(self) -> list[dict[str, Any]]:
        return [{"name": e.name, "summary": e.summary, "recipes": list(e.recipes)} for e in self]


class Recipes(Listing[Recipe]):
    """The recipes of one competition."""

    def summary(self) -> str:
        return count(len(self), "recipe")

    def table(self) -> Table:
        return Table(
            ("recipe", "variants", "what it is"),
            [(recipe.name, " ".join(recipe.variants), recipe.summary) for recipe in self],
        )

    def facts(self) -> list[dict[str, Any]]:
        return [{"name": r.name, "summary": r.summary, "variants": list(r.variants)} for r in self]


@dataclass(frozen=True, repr=False)
class Settings(Result):
    """The settings of a recipe with their defaults, and its variants, which are named changes of them."""

    recipe: Recipe

    def summary(self) -> str:
        return f"{count(len(self.recipe.settings), 'setting')} of {self.recipe.name}"

    def table(self) -> Table:
        return Table(("setting", "default"), list(self.recipe.settings.items()))

    def changes(self) -> Table:
        """The variants, each with the settings that it changes."""
        variants = self.recipe.variants.items()
        rows = [
            (f"{self.recipe.name}:{name}", "  ".join(f"{key}={catalog.typed(value)}" for key, value in changes.items()))
            for name, changes in variants
        ]
        return Table(("variant", "changes"), rows)

    def facts(self) -> dict[str, Any]:
        recipe = self.recipe
        return {"name": recipe.name, "settings": recipe.settings, "variants": recipe.variants, "smoke": recipe.smoke}


@dataclass(frozen=True, repr=False)
class Download(Result):
    """A competition's files in `folder`; `manifest` has bytes, sha256 and number of rows of every public file."""

    competition: str
    folder: Path
    manifest: dict[str, Any]

    def summary(self) -> str:
        return f"{count(len(self.manifest['public']), 'file')} of {self.competition} in {self.folder}"

    def table(self) -> Table:
        files = self.manifest["public"].items()
        return Table(
            ("file", "bytes", "rows", "sha256"),
            [(name, f"{f['bytes']:,}", f.get("rows"), f["sha256"][:16]) for name, f in files],
            spare=("sha256",),
        )

    def facts(self) -> dict[str, Any]:
        return {"folder": str(self.folder), **self.manifest}


@dataclass(frozen=True, repr=False)
class Exploration(Result):
    """What the data looks like: figures by name, and pictures in the order in which they are worth seeing."""

    competition: str
    values: dict[str, str | int | float]
    pictures: tuple[Path, ...]

    def summary(self) -> str:
        return f"{count(len(self.values), 'fact')} and {count(len(self.pictures), 'picture')} of {self.competition}"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.values.items()))

    def drawn(self) -> Sequence[Path]:
        return self.pictures

    def facts(self) -> dict[str, Any]:
        return {"facts": self.values, "pictures": [str(path) for path in self.pictures]}


@overload
def list_() -> Competitions: ...


@overload
def list_(competition: str) -> Recipes: ...


@overload
def list_(competition: str, recipe: str) -> Settings: ...


def list_(competition: str = "", recipe: str = "") -> Competitions | Recipes | Settings:
    """All competitions, the workspace's own and those that come with kit; the recipes of one; or the settings of a
    recipe. It is called `kit.list`. Raises KitError for an unknown name."""
    if recipe:
        return Settings(catalog.find(competition).recipe(recipe)[0])
    if competition:
        return Recipes(tuple(catalog.find(competition).recipes.values()))
    return Competitions(tuple(catalog.entries()))


def download(
    competition: str,
    *,
    origin: str | Path | None = None,
    sample: bool = False,
    force: bool = False,
    **settings: Any,
) -> Download:
    """Fetch a competition's files into `data/<competition>/`, checked and whole; a second call does nothing.

    They come from where the declaration says (Kaggle, with your credentials, or the web), from the zip file or folder
    `origin`, or from the embedded sample. `force` fetches again. `settings` are those by which the competition prepares
    them, such as `language="spanish"`. Raises KitError when files are missing, damaged or not what the declaration
    says, and for a setting that there is not.
    """
    from kit.data import fetch
    from kit.kaggle import remote

    entry = catalog.find(competition, sample=sample)
    path = None if origin is None else places.named(origin)
    folder = fetch.fetch(entry, origin=path, force=force, download=remote.downloaded, settings=settings)
    return Download(entry.name, folder, records.read_json(folder / "manifest.json"))


def explore(competition: str, *, out: str | Path | None = None, sample: bool = False) -> Exploration:
    """Look at the data before a model does: balance, missing values, duplicates, and pictures of all that.

    Pictures go to the folder `out`, else to `data/<competition>/explore/`. Raises KitError when the data is not here.
    """
    from kit.data import fetch
    from kit.explore import overview

    entry = catalog.find(competition, sample=sample)
    if entry.sample:
        fetch.fetch(entry)
    seen = overview.explore(entry, out=None if out is None else places.named(out))
    return Exploration(entry.name, seen.facts, tuple(seen.pictures))
