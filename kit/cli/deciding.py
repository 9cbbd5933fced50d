"""Verbs that decide what is sent: forecast, choose."""

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


@verb()
@competition
@click.argument("run", nargs=-1, shell_complete=completing.runs)
@click.option("--slots", type=click.IntRange(0), default=1, metavar="N", help="Submissions that are left (default: 1).")
@click.option(
    "--public-share", type=float, default=0.5, metavar="S", help="Share of the public test rows (default: 0.5)."
)
@sample
@seed
@as_json
def choose(
    competition: str, run: tuple[str, ...], slots: int, public_share: float, sample: bool, seed: int, as_json: bool
) -> None:
    """Tell which runs to send with the submissions that are left, and which two to select at the end.

    Of two submissions the better private score counts, so that two good ones that err on different rows are worth more
    than the two best. The held-out rows of all runs are resampled together to see that. Public scores that are known
    count as what they are: scores on few rows.

    Example:
      kit choose titanic --slots 3
      kit choose titanic --slots 0   # the last day: select two of those that were sent
    """
    from kit.api import deciding

    made = deciding.choose(competition, run, slots=slots, public_share=public_share, sample=sample, seed=seed)
    if as_json:
        return dump(made.facts())
    show(made.table())
    print()
    for at, one in enumerate(made.choice.spend, 1):
        worth = f", {one.gain:.5f} better than without it" if one.gain > 0 else ""
        print(f"Slot {at}: kit submit {competition} {one.run}  # expected best {one.expected:.5f}{worth}")
    pair = made.choice.select
    if pair.second is None:
        print(f"Select {pair.first}: expected private {made.metric} {pair.expected:.5f}.")
    else:
        print(f"Select {pair.first} and {pair.second}: the better one should have {made.metric} {pair.expected:.5f},")
        print(f"the first alone {pair.alone:.5f}. Their private scores correlate by {pair.correlation:.2f}.")
    return None
