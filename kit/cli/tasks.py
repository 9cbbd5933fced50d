"""Verbs about tasks: list, download, explore, new."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kit.cli import completing
from kit.cli.declaring import FILE, FOLDER, as_json, competition, parsed, sample, verb
from kit.cli.printing import dump, say, show
from kit.notes import tell

if TYPE_CHECKING:
    from kit.new.findings import Finding


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
        settings = tasks.list_(competition, recipe)
        if as_json:
            return dump(settings.facts())
        say(f"{settings.recipe.name}: {settings.recipe.summary}\n")
        show(settings.table())
        if settings.recipe.variants:
            print()
            show(settings.changes())
        return None
    listing = tasks.list_(competition) if competition else tasks.list_()
    return dump(listing.facts()) if as_json else show(listing.table())


@verb()
@competition
@click.option("--from", "origin", type=FILE, metavar="PATH", help="A zip file or folder that you have.")
@click.option("--force", is_flag=True, help="Fetch the files again and replace those that are there.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a setting by which the competition prepares its files. Can be given several times.",
)
@sample
@as_json
def download(
    competition: str, origin: Path | None, force: bool, settings: tuple[str, ...], sample: bool, as_json: bool
) -> None:
    """Fetch the files of a competition into data/COMPETITION.

    They come from Kaggle, with your credentials, or from the web, as the competition declares. Or they come from a zip
    file or folder that you have (--from), or from the small sample that is part of kit (--sample). A download that was
    interrupted continues where it stopped. kit compares sizes, columns and numbers of rows with the declaration, and
    writes the sha256 of each file into manifest.json. The folder appears only when all files are in it. Some
    competitions make their files of a plain data set, and have settings for it, such as how many rows to take (--set).

    Example:
      kit download digit-recognizer
      kit download digit-recognizer --from ~/Downloads/digit-recognizer.zip
    """
    from kit.api import tasks

    files = tasks.download(competition, origin=origin, force=force, sample=sample, **parsed(settings))
    return dump(files.facts()) if as_json else show(files.table())


@verb()
@competition
@click.option("--out", type=FOLDER, help="Folder for pictures (default: data/COMPETITION/explore).")
@sample
@as_json
def explore(competition: str, out: Path | None, sample: bool, as_json: bool) -> None:
    """Look at the data before you train: classes, missing values, repeated rows, and pictures of them.

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
@click.option(
    "--from", "origin", multiple=True, metavar="PATH|SLUG|DATASET", help="Files, a zip file, a folder; or on Kaggle."
)
@click.option("--metric", default="", help="What Kaggle scores by, such as rmsle or 'Mean Absolute Error'.")
@click.option("--id", "id", multiple=True, help="Key column of the sample submission; once for each of several.")
@click.option("--target", multiple=True, help="Target column of the training rows; once for each of several.")
@click.option("--kind", default="", help="What the target holds: numbers, labels, guesses or text.")
@click.option("--rows", default="", help="What a row is: table, text or image.")
@click.option("--split", default="", help="How folds are cut: stratified, shuffled, grouped or time.")
@click.option("--group", default="", help="Column of things whose rows stay in one fold.")
@click.option("--time", default="", help="Column of dates or times by which test rows come later.")
@click.option("--weight", default="", help="Column that says how much a training row counts.")
@click.option("--train", default="", help="The file of training rows.")
@click.option("--test", default="", help="The file of test rows.")
@click.option("--sample-submission", "sample", default="", help="The sample submission.")
@click.option("--over", is_flag=True, help="Allow the name of a competition that comes with kit.")
@click.option("--yes", is_flag=True, help="Ask nothing, and take the likeliest answers.")
@as_json
def new(name: str, origin: tuple[str, ...], over: bool, yes: bool, as_json: bool, **said: Any) -> None:
    """Look at a competition's files, and write what kit needs to train on them.

    It tells which file is what, the key and target columns, the kind of target, the metric and a split that resembles
    the test rows, with the reason for each; what is a guess is marked, and each answer is an option. The files are
    placed in data/NAME, so that `kit train NAME` works at once.

    Example:
      kit new titanic --from ~/Downloads/titanic.zip
      kit new bikes --from train.csv --from test.csv --from sample.csv --metric rmsle
      kit new house-prices --from house-prices-advanced-regression-techniques
    """
    from kit.new import findings
    from kit.new import new as write

    asking = None if yes or as_json or not sys.stdin.isatty() else _ask
    made = write(name, *origin, ask=asking, over=over, **said)
    if as_json:
        return dump(made.facts())
    show(made.table())
    for guess in findings.guesses(list(made.findings)):
        others = f" Likely too: {', '.join(guess.others)}." if guess.others else ""
        tell(f"Guessed: {guess.what} is {guess.answer}.{others} {guess.option} says otherwise.")
    tell(f"Written: {', '.join(made.files)} in {made.folder}")
    return tell(f"Next: kit train {name}")


def _ask(finding: Finding) -> str:
    """Ask a person about a guess; an empty answer keeps it."""
    answers = ", ".join([finding.answer, *finding.others])
    print(f"{finding.what}: {finding.answer}, since {finding.why}. Likely are {answers}.")
    answer = click.prompt("Which is it", default=finding.answer)
    return "" if answer == finding.answer else answer
