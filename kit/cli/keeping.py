"""Verbs that keep runs in order: note, delete, diff."""

from __future__ import annotations

import click

from kit.cli import asking, completing
from kit.cli.declaring import as_json, competition, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb()
@competition
@click.argument("run", shell_complete=completing.runs)
@click.argument("text", required=False)
@click.option("--tag", multiple=True, metavar="WORD", help="Add a tag. Can be given several times.")
@click.option("--untag", multiple=True, metavar="WORD", help="Remove a tag. Can be given several times.")
@as_json
def note(
    competition: str, run: str, text: str | None, tag: tuple[str, ...], untag: tuple[str, ...], as_json: bool
) -> None:
    """Write a note or tags to a run, or show those that it has.

    They appear in kit runs, which --tag filters. An empty note, "", takes it away.

    Example:
      kit note digit-recognizer last "first try with shear" --tag baseline
      kit note digit-recognizer last --untag baseline
    """
    from kit.api import keeping

    said = keeping.note(competition, run, text, tag=tag, untag=untag)
    return dump(said.facts()) if as_json else show(said.table())


@verb()
@competition
@click.argument("run", nargs=-1, required=True, shell_complete=completing.runs)
@click.option("--yes", is_flag=True, help="Delete without asking. Scripts need this.")
@click.option("--force", is_flag=True, help="Delete also what a blend is made of, or what was submitted.")
@as_json
def delete(competition: str, run: tuple[str, ...], yes: bool, force: bool, as_json: bool) -> None:
    """Delete runs with all their files, finished or not. It asks first.

    A run that a blend is made of, or that was submitted, is kept unless --force is given.

    Example:
      kit delete digit-recognizer 20260105-143012-cnn
    """
    from kit.api import keeping

    going = {one.folder: one for word in run for one in [keeping.deletable(competition, word, force=force)]}
    names = " ".join(one.name for one in going.values())
    cure = f"kit delete {competition} {names} --yes"
    if not yes and not asking.agreed(f"Delete {names} with all files?", otherwise="Nothing was deleted", cure=cure):
        return tell("Nothing was deleted.")
    gone = [keeping.delete(competition, one, force=force).name for one in going.values()]
    return dump(gone) if as_json else tell(f"Deleted: {', '.join(gone)}")


@verb()
@competition
@click.argument("first", metavar="RUN", shell_complete=completing.runs)
@click.argument("second", metavar="RUN", shell_complete=completing.runs)
@as_json
def diff(competition: str, first: str, second: str, as_json: bool) -> None:
    """Compare two runs: settings, code, data, versions, scores, and a paired comparison on the same rows.

    In the paired comparison rows are drawn again and again, and both runs are scored on the same drawn rows, so that
    it shows whether the gain is more than noise.

    Example:
      kit diff digit-recognizer 20260105-143012-cnn 20260105-150101-vgg
    """
    from kit.api import keeping

    compared = keeping.diff(competition, first, second)
    if as_json:
        return dump(compared.facts())
    show(compared.table())
    if (pair := compared.pair) is None:
        return tell(f"No comparison on the same rows: {compared.why_not}")
    print(
        f"\nOn the same {pair.rows:,} rows: {pair.metric} {pair.first:.5f} and {pair.second:.5f}, the second is "
        f"{'better' if pair.gain >= 0 else 'worse'} by {abs(pair.gain):.5f}"
    )
    print(f"95% of resamples: a gain of {pair.low:+.5f} to {pair.high:+.5f}; better in {pair.share:.1%} of them")
    if pair.folds:
        wins = sum(gain > 0 for gain in pair.folds)
        print(f"better in {wins} of {len(pair.folds)} folds")
    return print(pair.verdict())
