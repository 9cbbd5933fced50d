"""Verbs that reach the world outside: submit, leaderboard, publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kit.cli import asking, completing
from kit.cli.declaring import as_json, competition, no_wait, sample, verb
from kit.cli.printing import dump, pairs, show
from kit.notes import tell
from kit.words import count

if TYPE_CHECKING:
    from kit.api.submitting import Card, Leaderboard, Submission


@verb()
@competition
@click.argument("run", default="", shell_complete=completing.runs)
@click.option("--dry-run", is_flag=True, help="Check and show the submission, and send nothing.")
@click.option("--yes", is_flag=True, help="Send without asking. Scripts need this.")
@no_wait("Do not wait for the score.")
@click.option("--force", is_flag=True, help="Send again what was sent before.")
@click.option("--code", is_flag=True, help="Submit the kernel that made the run, as code competitions want.")
@click.option("--message", metavar="TEXT", default="", help="Description on Kaggle (default: run, score, commit).")
@sample
@as_json
def submit(competition: str, run: str, yes: bool, as_json: bool, **options: Any) -> None:
    """Check a submission, show what it changes, send it, and wait for its score.

    RUN is the name of a run, the beginning or the end of its name, `last`, or a CSV file of your own. Without RUN kit
    takes the best run by cross-validation; if there is no run yet, it trains the default recipe first. kit does not
    send the same bytes twice unless you use --force. If the answer of Kaggle was lost, kit first checks whether the
    submission arrived. Its number, scores and rank are written into kaggle.json in the folder of the run.

    Example:
      kit submit digit-recognizer --dry-run
      kit submit digit-recognizer last --yes
      kit submit digit-recognizer mine.csv --message "by hand"
    """
    from kit.api import submitting

    def agreed(card: Card, place: str, user: str) -> bool:
        if not as_json:
            pairs(card.lines())
        cure = f"kit submit {card.entry.name} {card.word} --yes{card.entry.flag}"
        return yes or asking.agreed(f"Send it to {place} as {user}?", otherwise="Nothing was sent", cure=cure)

    done = submitting.submit(competition, run or None, confirm=agreed, **options)
    if as_json:
        return dump(done.facts())
    if options["dry_run"]:
        pairs(done.card.lines())
        return tell("Kaggle would accept this file. Nothing was sent.")
    return show_outcome(done) if done.attempt else tell("Nothing was sent.")


def show_outcome(done: Submission) -> None:
    """What Kaggle said of the submission."""
    attempt, name = done.attempt, done.card.entry.name
    assert attempt is not None  # who calls this has looked
    if attempt.public_score is None:
        print(f"ref {attempt.ref}, no score yet")
        return tell(f"Later: kit submit {name} {attempt.run or attempt.file}")
    print(f"public score   {attempt.public_score:.5f}")
    if attempt.private_score is not None:
        print(f"private score  {attempt.private_score:.5f}")
    if attempt.rank and attempt.teams:
        print(f"rank           {attempt.rank:,} of {attempt.teams:,}, by your best submission")
    return tell(f"Next: kit leaderboard {name}")


@verb()
@competition
@click.option("--team", type=int, metavar="ID", help="Your TeamId, if the leaderboard lists no user names.")
@click.option("--public-share", type=float, metavar="P", help="Share of the test rows behind the public score, 0 to 1.")
@sample
@as_json
def leaderboard(competition: str, as_json: bool, **options: Any) -> None:
    """Show your place on the leaderboard, and how far the scores of your runs can be trusted.

    For each run that was sent you see its cross-validation score (CV), its public score, the gap between them, and the
    gain over your best run before it. A gap or gain within 2 standard errors, as chance alone can explain it, is called
    noise. For an accuracy p over m public rows the standard error is sqrt(p (1 - p) / m), where --public-share says
    what share of the test rows is public. For other metrics the out-of-fold rows are resampled; without --public-share
    half of the test rows are taken. Of a gain it counts that both runs are judged by the same rows.

    Example:
      kit leaderboard digit-recognizer
      kit leaderboard titanic --public-share 0.5 --json
    """
    from kit.api import submitting

    board = submitting.leaderboard(competition, **options)
    if as_json:
        return dump(board.facts())
    show_place(board)
    if board.runs:
        print()
        show(board.table())
        print("\nNoise: a gap, or a gain over the best run before, within 2 standard errors of such a difference.")
        for formula in dict.fromkeys(row["formula"] for row in board.runs if row["formula"]):
            print(f"Standard error: {formula}.")
    else:
        tell(f"No run was sent yet. Try: kit submit {competition}")
    return tell(f"The board: {board.page}")


def show_place(place: Leaderboard) -> None:
    """One's own place, in words."""
    from kit.kaggle import leaderboard as boards

    board, own = place.board, place.own
    kind = "private" if board.private else "public"
    best = board.rows[0] if board.rows else None
    print(f"{board.teams:,} teams on the {kind} leaderboard" + (f"; the first has {best.score:.5f}" if best else ""))
    if own is None:
        print(f"{place.user} is not on it.")
        return
    tied = board.tied(own)
    print(
        f"{own.team}: rank {own.rank:,}, top {boards.percentile(own.rank, board.teams):.1f} %, score {own.score:.5f}"
        + (f", the same as {count(tied, 'other team')}" if tied else "")
    )
    medal = boards.medal(own.rank, board.teams)
    print(f"Medal for this rank: {medal or 'none'}. Not every competition gives medals.")


@verb()
@competition
@click.option("--message", metavar="TEXT", default="", help="Description of the version.")
@no_wait("Do not wait until kernels can attach it.")
@sample
@as_json
def publish(competition: str, as_json: bool, **options: Any) -> None:
    """Upload the public files as your own private dataset on Kaggle, so that kernels can attach them.

    The dataset is USER/kit-COMPETITION. A new version is made only if a file changed. Private answers are never
    uploaded.

    Example:
      kit publish audio-mnist
    """
    from kit.api import submitting

    dataset = submitting.publish(competition, **options)
    return dump(dataset.facts()) if as_json else print(f"{dataset.ref}  {dataset.state}")


@verb("publish-run")
@competition
@click.argument("run", shell_complete=completing.runs)
@click.option("--message", metavar="TEXT", default="", help="Description of the version.")
@no_wait("Do not wait until notebooks can attach it.")
@as_json
def publish_run(competition: str, run: str, as_json: bool, **options: Any) -> None:
    """Upload the models of a run as your own private dataset on Kaggle, for notebooks that only predict.

    The dataset holds what the models are read from, of a blend those of its members, and nothing else. A new version is
    made only if a file changed. kit push --from RUN --code does this by itself.

    Example:
      kit publish-run digit-recognizer last
    """
    from kit.api import code_competitions

    dataset = code_competitions.publish_run(competition, run, **options)
    return dump(dataset.facts()) if as_json else print(f"{dataset.ref}  {dataset.state}")
