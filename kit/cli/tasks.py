"""Verbs about tasks: list, download, explore, new."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import completing
from kit.cli.declaring import FILE, FOLDER, as_json, competition, sample, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb("list")
@click.argument("competition", default="", shell_complete=completing.competitions)
@click.argument("recipe", default="", shell_complete=completing.recipes)
@as_json
def list_(competition: str, recipe: str, as_json: bool) -> None:
    """List competitions, the recipes of one, or the settings of a recipe.

    Example:
      kit list
      kit list digit-recognizer
      kit list digit-recognizer cnn
    """
    from kit.api import tasks

    if recipe:
        settings = tasks.settings(competition, recipe)
        if as_json:
            return dump(settings.facts())
        print(f"{settings.recipe.name}: {settings.recipe.summary}\n")
        show(settings.table())
        for name, changes in settings.recipe.variants.items():
            print(f"\n{settings.recipe.name}:{name}  " + "  ".join(f"{key}={value}" for key, value in changes.items()))
        return None
    listing = tasks.recipes(competition) if competition else tasks.competitions()
    return dump(listing.facts()) if as_json else show(listing.table())


@verb()
@competition
@click.option("--from", "origin", type=FILE, metavar="PATH", help="A zip file or folder that you have.")
@click.option("--force", is_flag=True, help="Fetch again and replace what is there.")
@sample
@as_json
def download(competition: str, origin: Path | None, force: bool, sample: bool, as_json: bool) -> None:
    """Fetch a competition's files into data/COMPETITION, checked and whole.

    They come from where the declaration says, Kaggle with your credentials or the web, or from a zip file or folder
    that you have (--from), or from the embedded sample (--sample). A download that was killed goes on where it was.
    Sizes, columns and numbers of rows are compared with the declaration, and sha256 recorded in manifest.json.

    Example:
      kit download digit-recognizer
      kit download digit-recognizer --from ~/Downloads/digit-recognizer.zip
    """
    from kit.api import tasks

    files = tasks.download(competition, origin=origin, force=force, sample=sample)
    return dump(files.facts()) if as_json else show(files.table())


@verb()
@competition
@click.option("--out", type=FOLDER, help="Folder for pictures (default: data/COMPETITION/explore).")
@sample
@as_json
def explore(competition: str, out: Path | None, sample: bool, as_json: bool) -> None:
    """Look at the data before a model does: balance, missing values, duplicates, and pictures of all that.

    Example:
      kit explore digit-recognizer
    """
    from kit.api import tasks

    seen = tasks.explore(competition, out=out, sample=sample)
    if as_json:
        return dump(seen.facts())
    show(seen.table())
    for path in seen.pictures:
        tell(f"Picture: {path}")
    return None


@verb()
@click.argument("name")
@click.option("--from-kaggle", "slug", help="The competition's slug on Kaggle, if it is another.")
def new(name: str, slug: str | None) -> None:
    """Write a competition of your own: two files that run, to be changed to what yours is.

    Example:
      kit new titanic --from-kaggle titanic
    """
    from kit.new import new as write

    folder = write(name, slug=slug)
    print(f"{folder / 'competition.py'}\n{folder / 'baseline.py'}")
    tell(f"Next: kit download {name} --from ~/Downloads/{name}.zip && kit train {name}")
