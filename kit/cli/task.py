"""Verbs about tasks: list, download, explore, new."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kit import records
from kit.cli.words import as_json, dump, sample, verb
from kit.notes import tell
from kit.words import table


def add(verbs: Any) -> None:
    """Declare the verbs."""
    found = verb(verbs, list_, "list")
    found.add_argument("competition", nargs="?", help="show the recipes of one competition")
    found.add_argument("recipe", nargs="?", help="show the settings and variants of one recipe")
    as_json(found)

    found = verb(verbs, download)
    found.add_argument("competition")
    found.add_argument("--from", dest="origin", type=Path, metavar="PATH", help="a zip file or folder that you have")
    found.add_argument("--force", action="store_true", help="fetch again and replace what is there")
    sample(found)
    as_json(found)

    found = verb(verbs, explore)
    found.add_argument("competition")
    found.add_argument("--out", type=Path, help="folder for pictures (default: data/COMPETITION/explore)")
    sample(found)
    as_json(found)

    found = verb(verbs, new)
    found.add_argument("name", help="its name, such as titanic")
    found.add_argument("--from-kaggle", dest="slug", help="the competition's slug on Kaggle, if it is another")


def list_(args: argparse.Namespace) -> None:
    """List competitions, the recipes of one, or the settings of a recipe.

    Example:
      kit list
      kit list digit-recognizer
      kit list digit-recognizer cnn
    """
    from kit.task import catalog

    if args.recipe:
        recipe, _ = catalog.find(args.competition).recipe(args.recipe)
        if args.json:
            return dump(
                {"name": recipe.name, "settings": recipe.settings, "variants": recipe.variants, "smoke": recipe.smoke}
            )
        print(f"{recipe.name}: {recipe.summary}\n")
        print(table(("setting", "default"), recipe.settings.items()))
        for name, changes in recipe.variants.items():
            print(f"\n{recipe.name}:{name}  " + "  ".join(f"{key}={value}" for key, value in changes.items()))
        return None
    if args.competition:
        recipes = catalog.find(args.competition).recipes.values()
        if args.json:
            return dump([{"name": r.name, "summary": r.summary, "variants": list(r.variants)} for r in recipes])
        print(table(("recipe", "variants", "what it is"), [(r.name, " ".join(r.variants), r.summary) for r in recipes]))
        return None
    entries = catalog.entries()
    if args.json:
        return dump([{"name": e.name, "summary": e.summary, "recipes": list(e.recipes)} for e in entries])
    print(table(("competition", "recipes", "what it is"), [(e.name, len(e.recipes), e.summary) for e in entries]))
    return None


def download(args: argparse.Namespace) -> None:
    """Fetch a competition's files into data/COMPETITION, checked and whole.

    They come from where the declaration says, Kaggle with your credentials or the web, or from a zip file or folder
    that you have (--from), or from the embedded sample (--sample). A download that was killed goes on where it was.
    Sizes, columns and numbers of rows are compared with the declaration, and sha256 recorded in manifest.json.

    Example:
      kit download digit-recognizer
      kit download digit-recognizer --from ~/Downloads/digit-recognizer.zip
    """
    from kit.data import fetch
    from kit.kaggle import remote
    from kit.task import catalog

    entry = catalog.find(args.competition, sample=args.sample)
    folder = fetch.fetch(entry, origin=args.origin, force=args.force, download=remote.downloaded)
    manifest = records.read_json(folder / "manifest.json")
    if args.json:
        return dump({"folder": str(folder), **manifest})
    rows = [(name, f"{f['bytes']:,}", f.get("rows"), f["sha256"][:16]) for name, f in manifest["public"].items()]
    print(table(("file", "bytes", "rows", "sha256"), rows))
    return None


def explore(args: argparse.Namespace) -> None:
    """Look at the data before a model does: balance, missing values, duplicates, and pictures of all that.

    Example:
      kit explore digit-recognizer
    """
    from kit.data import fetch
    from kit.explore import overview
    from kit.task import catalog

    entry = catalog.find(args.competition, sample=args.sample)
    if entry.sample:
        fetch.fetch(entry)
    found = overview.explore(entry, out=args.out)
    if args.json:
        return dump({"facts": found.facts, "pictures": [str(path) for path in found.pictures]})
    print(table(("what", "value"), found.facts.items()))
    for path in found.pictures:
        tell(f"Picture: {path}")
    return None


def new(args: argparse.Namespace) -> None:
    """Write a competition of your own: two files that run, to be changed to what yours is.

    Example:
      kit new titanic --from-kaggle titanic
    """
    from kit import new as template

    folder = template.new(args.name, slug=args.slug)
    print(f"{folder / 'competition.py'}\n{folder / 'baseline.py'}")
    tell(f"Next: kit download {args.name} --from FILE-OR-FOLDER && kit train {args.name}")
