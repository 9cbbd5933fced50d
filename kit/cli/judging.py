"""Verbs about runs that are finished: importance, ensemble."""

from __future__ import annotations

import click

from kit.cli import completing
from kit.cli.declaring import as_json, competition, seed, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb()
@competition
@click.argument("run", shell_complete=completing.runs)
@click.option(
    "--repeats", type=click.IntRange(1), default=5, metavar="N", help="Shuffle each column N times (default: 5)."
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=10_000,
    metavar="N",
    help="Held-out rows of a fold at most (default: 10,000).",
)
@as_json
def importance(competition: str, run: str, repeats: int, rows: int, as_json: bool) -> None:
    """Show which columns of a table a run lives on: how much the score falls when one is shuffled.

    Each fold's model predicts its own held-out rows, so that a column counts for what it says of new rows. Two columns
    that say the same lose little each. Gain, where the models tell it, is of the rows that they were trained on.

    Example:
      kit importance titanic last
    """
    from kit.api import judging

    judged = judging.importance(competition, run, repeats=repeats, rows=rows)
    if as_json:
        return dump(judged.facts())
    show(judged.table())
    tell(f"On {judged.rows:,} held-out rows, where {judged.metric} is {judged.score:.5f}.")
    for path in judged.files:
        tell(f"{'Picture' if path.suffix == '.png' else 'Table'}: {path}")
    return None


@verb()
@competition
@click.argument("run", nargs=-1, required=True, shell_complete=completing.runs)
@click.option(
    "--method",
    metavar="METHOD",
    help="best, mean, vote, rank, geometric, log-mean, hill-climb, stack or cma (default: the one that holds best).",
)
@seed
@as_json
def ensemble(competition: str, run: tuple[str, ...], method: str | None, seed: int, as_json: bool) -> None:
    """Blend runs: combine their predictions into a new run, which is a run like any other.

    Without a method each one that fits is tried, and judged by folds that chose nothing of it. The best of them makes
    the blend; where none is better than the best run alone, that run is the answer. hill-climb chooses weights by
    greedy selection with replacement (Caruana et al. 2004), stack fits a regularised linear model on the predictions,
    rank is for metrics of order such as AUC, geometric for probabilities, log-mean for RMSLE, vote for labels and
    texts; cma evolves weights, for metrics of labels such as balanced accuracy. Runs with other folds are joined by id.

    Example:
      kit ensemble digit-recognizer 20260105-143012-cnn 20260105-150101-vgg
    """
    from kit.api import judging

    blend = judging.ensemble(competition, run, method=method, seed=seed, quiet=as_json)  # type: ignore[arg-type]
    if as_json:
        return dump(blend.facts())
    show(blend.methods())
    print()
    show(blend.table())
    record = blend.run.record
    for name in blend.dropped:
        print(f"Dropped, since it gains less than it seems to: {name}")
    if blend.method == "best":
        print("No blend is better than the best run alone on rows that chose nothing of it: that run is the answer.")
    elif record.chosen_score is not None and record.oof_score is not None:
        print(f"{record.metric} {record.oof_score:.5f} with each fold's blend chosen on the other folds,")
        print(f"{record.chosen_score:.5f} on the rows that chose it")
    elif record.chosen_score is not None:
        print(f"{record.metric} {record.chosen_score:.5f} on the very rows that chose the blend.")
        print("There is one fold only, so that there are no others to choose it on: the blend has no score.")
    print(f"Run: {blend.run.folder}")
    return None
