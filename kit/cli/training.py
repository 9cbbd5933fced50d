"""Verbs about training: train, sweep, runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kit.cli import completing, declaring
from kit.cli.declaring import (
    as_json,
    competition,
    folds,
    full,
    holdout,
    parsed,
    recipe,
    sample,
    seed,
    split,
    verb,
)
from kit.cli.printing import dump, show
from kit.notes import tell
from kit.words import duration

if TYPE_CHECKING:
    from kit.train.runs import Run


@verb()
@competition
@recipe
@folds
@holdout
@full
@split
@click.option("--fold", type=int, metavar="K", help="Fit this fold only, counted from 0.")
@declaring.settings
@seed
@click.option(
    "--resume",
    metavar="RUN",
    help="Go on with a run that was killed; `last` is the newest.",
    shell_complete=completing.unfinished,
)
@click.option(
    "--no-deterministic",
    "deterministic",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Let kernels sum in any order.",
)
@click.option("--no-plots", "plots", is_flag=True, flag_value=False, default=True, help="Draw no pictures of the run.")
@sample
@as_json
def train(
    competition: str,
    recipe: str,
    settings: tuple[str, ...],
    folds: int | None,
    holdout: bool,
    full: bool,
    split: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a recipe with cross-validation; keep out-of-fold predictions, a submission and pictures.

    RECIPE is a recipe, such as cnn, or a recipe with a variant, such as cnn:augmented; without it the competition's
    default is trained. Everything lands in one folder under submissions/. A killed run goes on with --resume and ends
    with the same bytes. --split judges as other work was judged; such a run is never submitted by itself.

    Example:
      kit train digit-recognizer cnn:augmented --folds 5 --set epochs=20 --seed 1
      kit train digit-recognizer --resume last
    """
    from kit.api import training

    scheme = declaring.scheme(folds, holdout=holdout, full=full, split=split)
    run = training.train(competition, recipe, scheme=scheme, folds=folds, **options, **parsed(settings))
    return dump(run.facts()) if as_json else report(run)


@verb()
@competition
@click.argument("recipe", nargs=-1, required=True, shell_complete=completing.recipes)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=A,B,C",
    help="Values of a setting to try; repeatable.",
    shell_complete=completing.settings,
)
@click.option("--seeds", type=click.IntRange(1), default=1, metavar="N", help="Seeds 0 to N-1 of each.")
@folds
@holdout
@split
@sample
@as_json
def sweep(
    competition: str,
    recipe: tuple[str, ...],
    settings: tuple[str, ...],
    folds: int | None,
    holdout: bool,
    split: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a grid of recipes, settings and seeds, and end in one table and a plot.

    What is finished is skipped and what was killed goes on, so the same command continues a sweep. A setting that a
    recipe does not have is left out for that recipe.

    Example:
      kit sweep digit-recognizer forest svm dense --seeds 3
      kit sweep digit-recognizer cnn --set rate=0.001,0.002 --set batch=64,128 --holdout
    """
    from kit.api import training
    from kit.train.sweep import grid

    scheme = declaring.scheme(folds, holdout=holdout, split=split)
    axes: dict[str, Any] = {
        text.partition("=")[0]: [value for cell in grid([text]) for value in cell.values()] for text in settings
    }
    swept = training.sweep(competition, recipe, scheme=scheme, folds=folds, **options, **axes)
    if as_json:
        return dump(swept.facts())
    show(swept.table())
    for path in swept.files:
        tell(f"{'Picture' if path.suffix == '.png' else 'Table'}: {path}")
    return None


@verb()
@click.argument("competition", default="", shell_complete=completing.competitions)
@click.option("--tag", metavar="WORD", help="Only those with this tag, which kit note gives.")
@as_json
def runs(competition: str, tag: str | None, as_json: bool) -> None:
    """List runs with their scores, the best first, and the notes and tags that kit note gave them.

    Example:
      kit runs digit-recognizer
      kit runs digit-recognizer --tag baseline
    """
    from kit.api import tasks, training

    listing = training.runs(competition or None, tag=tag)
    if as_json:
        return dump(listing.facts())
    if listing:
        return show(listing.table())
    if tag is not None:
        return tell(
            f"No run has the tag {tag!r}. Give it one: kit note {competition or 'digit-recognizer'} last --tag {tag}"
        )
    names = [competition] if competition else [entry.name for entry in tasks.competitions()]
    return tell(f"No runs yet. Try: kit train {names[0]}" if names else "No runs yet. Try: kit new my-task")


def report(run: Run) -> None:
    """What a person wants to know of a finished run."""
    record = run.record
    if run.score is not None:
        spread = f", folds {record.mean:.5f} ± {record.sd:.5f}" if record.sd is not None else ""
        print(f"{record.metric} {run.score:.5f} out-of-fold on {record.rows.out_of_fold:,} rows{spread}")
        if record.also:
            print(", ".join(f"{name} {score:.5f}" for name, score in record.also.items()))
        if decision := record.decision:
            chosen = ", ".join(f"{name} {value:.4f}" for name, value in decision.chosen.items())
            print(
                f"decision chosen on out-of-fold rows: {chosen}; {record.metric} {decision.score:.5f} on them, "
                f"{run.score:.5f} nested, {decision.unchosen:.5f} as declared"
            )
    print(f"{duration(record.fit_seconds)} of fitting on {record.device}")
    print(f"Run: {run.folder}")
    flag = " --sample" if run.plan.sample else ""
    tell(f"Next: kit submit {run.plan.competition} {run.name} --dry-run{flag}")
