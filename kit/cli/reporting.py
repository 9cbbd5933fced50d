"""Verbs that show all runs at once: compare, report."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import completing
from kit.cli.declaring import FILE, as_json, sample, verb
from kit.cli.printing import dump
from kit.notes import tell


@verb()
@click.argument("competition", default="", shell_complete=completing.competitions)
@click.option("--out", type=FILE, metavar="FILE", help="Write it here (default: submissions/COMPETITION/report.html).")
@click.option("--open", "show_it", is_flag=True, help="Open it in the browser.")
@click.option("--public-share", type=float, metavar="S", help="Share of the test rows that make the public score.")
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
