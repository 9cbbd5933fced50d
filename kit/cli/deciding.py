"""Verbs that decide what is sent: forecast."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import completing
from kit.cli.declaring import FILE, as_json, competition, sample, seed, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb()
@competition
@click.argument("run", nargs=-1, shell_complete=completing.runs)
@click.option(
    "--public-share", type=float, default=0.5, metavar="S", help="Share of the public test rows (default: 0.5)."
)
@click.option("--leaderboard", type=FILE, metavar="FILE", help="A downloaded leaderboard, to tell the ranks too.")
@sample
@seed
@as_json
def forecast(
    competition: str,
    run: tuple[str, ...],
    public_share: float,
    leaderboard: Path | None,
    sample: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Tell where the public and the private score of runs should fall: 9 of 10 times within the interval.

    A forecast starts from the out-of-fold score. It adds what the mean of all folds' models gains over one of them, and
    what test rows gain that repeat training rows, and it is as wide as the noise of all of this. Without RUN all runs
    that have predictions here are told.

    Example:
      kit forecast titanic --public-share 0.5
      kit forecast titanic last --leaderboard titanic-publicleaderboard.zip --json
    """
    from kit.api import deciding

    made = deciding.forecast(
        competition, run, public_share=public_share, leaderboard=leaderboard, sample=sample, seed=seed
    )
    if as_json:
        return dump(made.facts())
    show(made.table())
    one = made[0].parts
    tell(
        f"{made[0].run}: {one['cv']:.5f} out-of-fold, {one['merging']:+.5f} by merging the folds, "
        f"{one['overlap']:+.5f} by test rows that repeat training rows."
    )
    return tell(f"Public are {public_share:.0%} of the test rows here; --public-share says how many.")
