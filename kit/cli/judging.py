"""The verb ensemble: from several runs to one."""

from __future__ import annotations

import click

from kit.cli import completing
from kit.cli.declaring import as_json, competition, seed, verb
from kit.cli.printing import dump, show


@verb()
@competition
@click.argument("run", nargs=-1, required=True, shell_complete=completing.runs)
@click.option(
    "--method",
    metavar="METHOD",
    help="mean, rank, geometric, log-mean, vote or hill-climb (default: vote for labels and texts, else hill-climb).",
)
@seed
@as_json
def ensemble(competition: str, run: tuple[str, ...], method: str | None, seed: int, as_json: bool) -> None:
    """Blend runs on their out-of-fold predictions; the blend is a run like any other.

    hill-climb finds non-negative weights by greedy selection with replacement, bagged (Caruana et al. 2004). rank is
    for metrics of order such as AUC, geometric for probabilities, log-mean for RMSLE, vote for labels and texts. Runs
    must share ids and folds.

    Example:
      kit ensemble digit-recognizer 20260105-143012-cnn 20260105-150101-vgg --method hill-climb
    """
    from kit.api import judging

    blend = judging.ensemble(competition, run, method=method, seed=seed)  # type: ignore[arg-type]  # checked there
    if as_json:
        return dump(blend.facts())
    show(blend.table())
    if blend.nested is not None:
        print(f"{blend.run.record.metric} {blend.nested:.5f} when each fold's weights are chosen on the other folds")
    print(f"Run: {blend.run.folder}")
    return None
