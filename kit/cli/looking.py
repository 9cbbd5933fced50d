"""Verbs that look around on Kaggle: competitions, files."""

from __future__ import annotations

import click

from kit.cli import completing
from kit.cli.declaring import as_json, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb()
@click.argument("search", nargs=-1)
@click.option("--entered", is_flag=True, help="Only those that you have entered.")
@click.option("--most", type=click.IntRange(1), default=20, metavar="N", help="List N at most (default: 20).")
@as_json
def competitions(search: tuple[str, ...], entered: bool, most: int, as_json: bool) -> None:
    """Search the competitions on Kaggle: deadline, reward, teams, and whether you have entered.

    Those that are here already are listed by kit list.

    Example:
      kit competitions
      kit competitions house prices
    """
    from kit.api import looking

    words = " ".join(search)
    listing = looking.competitions(words, entered=entered, most=most)
    if as_json:
        return dump(listing.facts())
    if not listing:
        return tell(f"No competition fits {words!r}." if words else "There is no competition.")
    show(listing.table())
    if listing.more:
        command = " ".join(["kit competitions", *search, *(["--entered"] if entered else [])])
        tell(f"There are more: {command} --most {most * 5}")
    return None


@verb()
@click.argument("competition", metavar="SLUG", shell_complete=completing.competitions)
@click.option("--most", type=click.IntRange(1), default=200, metavar="N", help="List N at most (default: 200).")
@as_json
def files(competition: str, most: int, as_json: bool) -> None:
    """List the files of a competition on Kaggle, with size and date, before anything is downloaded.

    SLUG is the last part of the competition's address, as in kaggle.com/competitions/titanic.

    Example:
      kit files titanic
    """
    from kit.api import looking

    listing = looking.files(competition, most=most)
    if as_json:
        return dump(listing.facts())
    show(listing.table())
    if listing.more:
        tell(f"There are more: kit files {competition} --most {most * 5}")
    return None
