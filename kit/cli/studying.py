"""The verb curves: what the learning curves of runs say."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli import completing
from kit.cli.declaring import FILE, as_json, competition, verb
from kit.cli.printing import dump, say, show
from kit.notes import tell


@verb()
@competition
@click.argument("run", nargs=-1, metavar="[RUN]...", shell_complete=completing.runs)
@click.option("--out", type=FILE, metavar="FILE", help="Where the picture goes (default: beside the runs).")
@as_json
def curves(competition: str, run: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """Read the learning curves of runs: best epoch, memorising, underfitting, an unstable loss.

    Without RUN all finished runs are read. A line each says the gap between training and validation in the best epoch,
    sentences say what the curves show, and one picture has all of them.

    Example:
      kit curves imdb-sentiment 20261130-050102-lstm-dropout 20261130-050802-lstm-bidirectional
    """
    from kit.api import studying

    read = studying.curves(competition, *run, out=out)
    if as_json:
        return dump(read.facts())
    show(read.table())
    for line in read.words():
        say(line)
    return tell(f"Picture: {read.picture}")
