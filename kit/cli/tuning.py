"""The verb tune."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kit.cli import declaring
from kit.cli.declaring import as_json, competition, engine_here, folds, parsed, recipe, sample, seed, verb
from kit.cli.printing import dump, show
from kit.notes import tell

if TYPE_CHECKING:
    from kit.api.tuning import Tuning


@verb()
@competition
@recipe
@click.option(
    "--time", metavar="TIME", help="Stop after so much fitting, all calls together: 90s, 30m, 1h30m (default: 30m)."
)
@click.option("--trials", type=click.IntRange(1), metavar="N", help="Stop after N trials, all calls together.")
@folds
@declaring.settings
@seed
@engine_here
@click.option("--no-plots", "plots", is_flag=True, flag_value=False, default=True, help="Draw no pictures.")
@sample
@as_json
def tune(
    competition: str,
    recipe: str,
    time: str | None,
    trials: int | None,
    settings: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Search for better settings of a recipe, on the same folds, and train the winner.

    The recipe's file says what may be searched, as in RANGES = {"rate": (0.01, 0.3, "log"), "depth": (3, 10)}. The
    first trial are the defaults. A trial is given up when its folds are worse than the median. Stop it at any time:
    the same command goes on. At the end the winner is scored on folds of another seed, which shows how much of its
    gain was luck on the folds that chose it. --jobs 2 works on two trials at once; --time counts the fitting of both.

    Example:
      kit tune disaster-tweets linear --time 30m
      kit tune digit-recognizer svm --trials 20 --folds 3
      kit tune disaster-tweets linear --time 1h --jobs 2
    """
    from kit.api import tuning

    limit = time or (None if trials else "30m")
    done = tuning.tune(competition, recipe, time=limit, trials=trials, **options, **parsed(settings))
    return dump(done.facts()) if as_json else report(done)


def report(done: Tuning) -> None:
    """What a person wants to know of a search."""
    show(done.table())
    if (others := len(done.search.trials) - len(done.table().rows)) > 0:
        print(f"and {others} other{'s' * (others != 1)}")
    search = done.search
    changed = {
        name: value for name, value in search.settings.items() if search.default.settings.get(name, value) != value
    }
    if not changed:
        print("\nNo trial was better than the defaults.")
    else:
        print("\nThe best: " + " ".join(f"{name}={value}" for name, value in changed.items()))
    if again := search.again:
        print(
            f"{done.metric} on the folds of the search: defaults {again.default:.5f}, "
            f"best {again.winner:.5f}, gain {again.gain:+.5f}"
        )
        print(
            f"{done.metric} on folds of another seed: defaults {again.default_elsewhere:.5f}, "
            f"best {again.winner_elsewhere:.5f}, gain {again.gain_elsewhere:+.5f}"
        )
        if again.optimism > 0:
            print(f"So {again.optimism:.5f} of the gain was luck on the folds that chose it.")
    print(f"Run: {done.run.folder}")
    for path in done.files:
        tell(f"{'Picture' if path.suffix == '.png' else 'All trials'}: {path}")
    flag = " --sample" if done.run.plan.sample else ""
    tell(f"Next: kit submit {done.competition} {done.run.name} --dry-run{flag}")
