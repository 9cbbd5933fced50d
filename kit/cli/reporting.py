"""Verbs that show runs and where they come from: compare, report, why."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import completing
from kit.cli.declaring import FILE, as_json, competition, sample, verb
from kit.cli.printing import dump, say, show
from kit.notes import tell

PUBLIC_SHARE = click.option(
    "--public-share", type=float, metavar="S", help="Share of the test rows behind the public score (default: 0.5)."
)


@verb()
@competition
@click.argument("run", nargs=-1, shell_complete=completing.runs)
@PUBLIC_SHARE
@sample
@as_json
def compare(competition: str, run: tuple[str, ...], public_share: float | None, sample: bool, as_json: bool) -> None:
    """Compare all runs: scores with their noise, seeds, the leaderboard, and a paired test against the best.

    Each run is compared with the best on the same held-out rows. Below the table stands which differences are no more
    than noise, and what the best may be expected to score, since the best of many is partly the luckiest. Columns that
    say nothing are left out.

    Example:
      kit compare digit-recognizer
      kit compare digit-recognizer cnn vgg --public-share 0.5
    """
    from kit.api import reporting

    compared = reporting.compare(competition, run, public_share=public_share, sample=sample)
    if as_json:
        return dump(compared.facts())
    show(compared.table())
    say("\n" + "\n".join(compared.words))
    reasons = {one.run.name: one.left_out for one in compared.comparison.standings if one.left_out}
    for why in dict.fromkeys(reasons.values()):
        names = [name for name, reason in reasons.items() if reason == why]
        tell(f"Not compared: {'each of ' * (len(names) > 1)}{', '.join(names)} {why}.")
    return None


@verb()
@click.argument("competition", default="", shell_complete=completing.competitions)
@click.option("--out", type=FILE, metavar="FILE", help="Write it here (default: submissions/COMPETITION/report.html).")
@click.option("--open", "show_it", is_flag=True, help="Open it in the browser.")
@PUBLIC_SHARE
@sample
@as_json
def report(
    competition: str, out: Path | None, show_it: bool, public_share: float | None, sample: bool, as_json: bool
) -> None:
    """Write one HTML page about all runs: scores with their noise, curves, confusions, worst mistakes, the leaderboard.

    The page is a single file that loads nothing from anywhere, so that it can be mailed or kept. Without COMPETITION it
    shows every competition that has runs.

    Example:
      kit report digit-recognizer --open
    """
    from kit.api import reporting

    written = reporting.report(competition or None, out=out, public_share=public_share, sample=sample, open=show_it)
    return dump(written.facts()) if as_json else tell(f"Page: {written.path}")


@verb()
@click.argument("of", metavar="REF|SCORE|FILE|RUN")
@click.option(
    "--competition", metavar="COMPETITION", help="Search this competition only.", shell_complete=completing.competitions
)
@as_json
def why(of: str, competition: str | None, as_json: bool) -> None:
    """Trace a score back to what it was made of: submission, kernel, commit, data, settings, predictions.

    Each link is compared with what is here. One that contradicts what was recorded is called broken, and the exit
    status is 1: a changed file, uncommitted code, predictions that give another score, a GPU that was not there.

    Example:
      kit why 0.99532
      kit why last --competition digit-recognizer
    """
    from kit.api import tracing

    chain = tracing.why(of, competition=competition)
    if as_json:
        dump(chain.facts())
    else:
        show(chain.table())
        for link in chain.breaks:
            tell(f"The chain is broken at {link.what}: {link.why}.")
    if chain.breaks:
        raise click.exceptions.Exit(1)
