"""Verbs that reach the world outside: submit, leaderboard, publish."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from kit.cli import completing
from kit.cli.declaring import as_json, competition, no_wait, sample, verb
from kit.cli.printing import dump, show
from kit.errors import KitError
from kit.notes import tell

if TYPE_CHECKING:
    from kit.api.submitting import Card, Leaderboard, Submission


@verb()
@competition
@click.argument("run", default="", shell_complete=completing.runs)
@click.option("--dry-run", is_flag=True, help="Validate and show what would be sent, and send nothing.")
@click.option("--yes", is_flag=True, help="Send without asking, as scripts must.")
@no_wait("Do not wait for the score.")
@click.option("--force", is_flag=True, help="Send bytes that were sent before once more.")
@click.option("--code", is_flag=True, help="Submit the kernel that left the run, as code competitions want.")
@click.option(
    "--message", metavar="TEXT", default="", help="What Kaggle shows beside it (default: run, score, commit)."
)
@sample
@as_json
def submit(competition: str, run: str, yes: bool, as_json: bool, **options: Any) -> None:
    """Check a submission, show what it changes, send it, and wait for its score.

    RUN is a run's name, enough of its beginning or end, `last`, or a CSV file of your own. Without it the best run by
    cross-validation is taken; with no run yet the competition's default recipe is trained first. The same bytes are not
    sent twice unless forced, and a submission whose answer was lost is looked for before another is spent. Ref, scores
    and rank land in the run's kaggle.json.

    Example:
      kit submit digit-recognizer --dry-run
      kit submit digit-recognizer last --yes
      kit submit digit-recognizer mine.csv --message "by hand"
    """
    from kit.api import submitting

    def agreed(card: Card, place: str, user: str) -> bool:
        if not as_json:
            show_card(card)
        return yes or ask(card, f"Send it to {place} as {user}?")

    done = submitting.submit(competition, run or None, confirm=agreed, **options)
    if as_json:
        return dump(done.facts())
    if options["dry_run"]:
        show_card(done.card)
        return tell("Kaggle would accept this file. Nothing was sent.")
    return show_outcome(done) if done.attempt else tell("Nothing was sent.")


def ask(card: Card, question: str) -> bool:
    """Whether the person at the terminal agrees. Raises KitError where there is no terminal."""
    if not terminal():
        raise KitError(
            "Nothing was sent: there is no terminal to ask on.",
            "A script says --yes.",
            f"kit submit {card.entry.name} {card.word} --yes{card.entry.flag}",
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def show_card(card: Card) -> None:
    """What would be sent, line by line."""
    lines = card.lines()
    width = max(map(len, lines))
    for name, value in lines.items():
        print(f"{name.ljust(width)}  {value}")


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
@click.option("--team", type=int, metavar="ID", help="Your TeamId, where the board lists no user names.")
@click.option(
    "--public-share", type=float, metavar="P", help="Share of the test rows that make the public score, 0 to 1."
)
@sample
@as_json
def leaderboard(competition: str, as_json: bool, **options: Any) -> None:
    """Show your place on the whole leaderboard, and how far your runs' scores can be trusted.

    Beside each run that was sent stand its cross-validation score, its public score and their gap. A gap or gain below
    two standard errors of the public score is called noise. The standard error of an accuracy p over m public rows is
    sqrt(p (1 - p) / m), which needs --public-share (m is that share of the test rows); for other metrics, and without
    that share, the spread of the fold scores stands in. Medals are would-be: not every competition gives them.

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
        print("\nNoise: a gap within 2, a gain over the best run before within 2 sqrt(2) standard errors.")
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
        + (f", as {tied:,} other{'s' * (tied != 1)}" if tied else "")
    )
    medal = boards.medal(own.rank, board.teams)
    print(f"Would-be medal: {medal or 'none'}. Getting Started competitions give none.")


@verb()
@competition
@click.option("--message", metavar="TEXT", default="", help="Notes of the version.")
@no_wait("Do not wait until it can be attached.")
@sample
@as_json
def publish(competition: str, as_json: bool, **options: Any) -> None:
    """Upload the prepared public files as your own private Kaggle dataset, for kernels to attach.

    The dataset is USER/kit-COMPETITION. A new version is made only when bytes changed. Private answers never leave.

    Example:
      kit publish audio-mnist
    """
    from kit.api import submitting

    dataset = submitting.publish(competition, **options)
    return dump(dataset.facts()) if as_json else print(f"{dataset.ref}  {dataset.state}")
