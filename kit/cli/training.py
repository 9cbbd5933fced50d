"""Verbs about training: train, sweep, runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kit.cli import completing, declaring
from kit.cli.declaring import (
    as_json,
    competition,
    engine,
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
@click.option("--fold", type=int, metavar="K", help="Train this fold only. The first fold is 0.")
@declaring.settings
@seed
@click.option(
    "--resume",
    metavar="RUN",
    help="Continue a run that was killed. `last` is the newest.",
    shell_complete=completing.unfinished,
)
@click.option(
    "--no-deterministic",
    "deterministic",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Allow faster sums whose last digits can differ from run to run.",
)
@click.option("--seeds", type=click.IntRange(1, 9), default=1, metavar="N", help="Average N models of each fold.")
@click.option("--refit", is_flag=True, help="Train one more model on all rows, for the test rows.")
@click.option(
    "--pseudo",
    default="",
    metavar="RUN",
    help="Train on test rows too, under the labels of this run.",
    shell_complete=completing.runs,
)
@click.option("--pseudo-share", type=float, default=0.5, metavar="S", help="Share of them, the surest (default: 0.5).")
@engine
@click.option("--no-plots", "plots", is_flag=True, flag_value=False, default=True, help="Draw no pictures.")
@declaring.track
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
    """Train a recipe with cross-validation. Out-of-fold predictions, a submission and pictures are kept.

    RECIPE is the name of a recipe, such as cnn, or of a recipe and a variant, such as cnn:augmented. Without it the
    default recipe of the competition is trained. All files of a run are in one folder under submissions/. If a run was
    killed, --resume continues it, and it ends with the same bytes. --jobs 2 fits two folds at once, and --engine ray
    fits them in workers of Ray, on this machine or on a cluster; the result has the same bytes. --engine kaggle fits
    each fold in a kernel of its own on Kaggle, as many at once as Kaggle allows; if this command is stopped, --resume
    goes on with the kernels that run. --split judges the run
    by another split that the competition declares, to compare it with work that was judged so; kit submit never
    chooses such a run by itself. --track shows the run in MLflow while it trains.

    --seeds 3 averages three models of each fold. --refit adds a model of all rows for the test rows. --pseudo RUN
    trains on test rows too, under the labels that RUN gives them; these rows never validate, and the labels of a fold
    come from RUN's model of the same fold, which has not seen its held-out rows.

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
    help="Values of a setting to try. Can be given several times.",
    shell_complete=completing.settings,
)
@click.option("--seeds", type=click.IntRange(1), default=1, metavar="N", help="Train each with the seeds 0 to N-1.")
@folds
@holdout
@split
@engine
@declaring.track
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
    """Train every combination of recipes, settings and seeds. The result is one table and pictures of it.

    Finished runs are not trained again, and runs that were killed continue. So you can repeat the same command until
    all is done. With several recipes, a setting that one of them does not have is ignored for that recipe. --jobs 2
    fits the folds of two runs at once. --engine kaggle fits each fold in a kernel on Kaggle; stopped at any moment,
    the same command goes on with the kernels that run, and pushes none of them twice.

    Example:
      kit sweep digit-recognizer forest svm dense --seeds 3
      kit sweep digit-recognizer cnn --set rate=0.001,0.002 --set batch=64,128 --holdout
      kit sweep digit-recognizer svm boosted --seeds 10 --engine process --jobs 2
      kit sweep digit-recognizer cnn --set rate=0.001,0.002 --engine kaggle --accelerator t4
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
@competition
@click.argument("run", shell_complete=completing.runs)
@as_json
def track(competition: str, run: str, as_json: bool) -> None:
    """Tell MLflow all of a run that it does not know, such as what a server missed while it was away.

    A run that trains with --track is told while it trains: settings, the figures of each epoch and fold, pictures and
    models. It goes to the server that MLFLOW_TRACKING_URI names, else into the folder mlflow of the workspace. Nothing
    is told twice.

    Example:
      kit track digit-recognizer last
    """
    from kit.api import training

    told = training.track(competition, run)
    return dump(told.facts()) if as_json else show(told.table())


@verb()
@click.argument("competition", default="", shell_complete=completing.competitions)
@click.option("--tag", metavar="WORD", help="Only those with this tag, which kit note gives.")
@as_json
def runs(competition: str, tag: str | None, as_json: bool) -> None:
    """List runs with their scores, the best run first, and with the notes and tags that kit note gave them.

    Example:
      kit runs digit-recognizer
      kit runs digit-recognizer --tag baseline
    """
    from kit.api import tasks, training

    listing = training.runs(competition or None, tag=tag)
    if as_json:
        return dump(listing.facts())
    if listing:
        show(listing.table())
        for why in dict.fromkeys(listing.left_out.values()):
            names = [name for name, reason in listing.left_out.items() if reason == why]
            tell(f"Not ranked: {'each of ' * (len(names) > 1)}{', '.join(names)} {why}.")
        return None
    if tag is not None:
        return tell(
            f"No run has the tag {tag!r}. Give it one: kit note {competition or 'digit-recognizer'} last --tag {tag}"
        )
    names = [competition] if competition else [entry.name for entry in tasks.list_()]
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
                f"Decision chosen on the out-of-fold predictions: {chosen}. {record.metric} is {decision.score:.5f} on "
                f"the rows that chose it, {run.score:.5f} if each fold is decided by the others, and "
                f"{decision.unchosen:.5f} with the decision as declared."
            )
    print(f"{duration(record.fit_seconds)} of training on {record.device}")
    print(f"Run: {run.folder}")
    flag = " --sample" if run.plan.sample else ""
    tell(f"Next: kit submit {run.plan.competition} {run.name} --dry-run{flag}")
