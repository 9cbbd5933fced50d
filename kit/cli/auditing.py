"""The verb that looks for leaks: audit."""

from __future__ import annotations

import click

from kit.cli.declaring import as_json, competition, sample, verb
from kit.cli.printing import dump, say
from kit.notes import tell


@verb()
@competition
@sample
@as_json
def audit(competition: str, sample: bool, as_json: bool) -> None:
    """Look for leaks: repeated rows across folds and in the test set, wrong labels, a column that is the answer.

    The exit status is 1 where something makes the scores too good: rows that repeat each other in different folds, or a
    column that is the target. What you know and want to keep goes into `acknowledged` of the competition.

    Example:
      kit audit disaster-tweets
    """
    from kit.api import auditing

    found = auditing.audit(competition, sample=sample)
    if as_json:
        dump(found.facts())
    else:
        for one in found:
            say(f"{'known' if one.acknowledged else one.level:8}{one.name}: {one.said}")
            if one.acknowledged:
                say(f"        Acknowledged: {one.acknowledged}")
            for example in one.examples if one.level != "note" else ():
                print(f"          {example}")
        if found.groups is not None:
            tell(f"Groups: {found.groups}")
    if found.leaks:
        tell(f"Scores are too good because of: {', '.join(found.leaks)}.")
        raise click.exceptions.Exit(1)
