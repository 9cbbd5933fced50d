"""Verbs that reach the world outside: submit, leaderboard, publish."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.cli.words import as_json, dump, sample, verb
from kit.errors import KitError
from kit.notes import tell
from kit.words import table

if TYPE_CHECKING:
    from kit.kaggle.ledger import Attempt
    from kit.kaggle.submit import Parcel
    from kit.task.catalog import Entry


def add(verbs: Any) -> None:
    """Declare the verbs."""
    found = verb(verbs, submit)
    found.add_argument("competition")
    found.add_argument("run", nargs="?", help="a run, or a CSV file of your own (default: the best run by CV)")
    found.add_argument("--dry-run", action="store_true", help="validate and show what would be sent, and send nothing")
    found.add_argument("--yes", action="store_true", help="send without asking, as scripts must")
    found.add_argument("--no-wait", dest="wait", action="store_false", help="do not wait for the score")
    found.add_argument("--force", action="store_true", help="send bytes that were sent before once more")
    found.add_argument(
        "--code", action="store_true", help="submit the kernel that left the run, as code competitions want"
    )
    found.add_argument("--message", metavar="TEXT", help="what Kaggle shows beside it (default: run, score, commit)")
    sample(found)
    as_json(found)

    found = verb(verbs, leaderboard)
    found.add_argument("competition")
    found.add_argument("--team", type=int, metavar="ID", help="your TeamId, where the board lists no user names")
    found.add_argument(
        "--public-share", type=float, metavar="P", help="share of the test rows that make the public score, 0 to 1"
    )
    sample(found)
    as_json(found)

    found = verb(verbs, publish)
    found.add_argument("competition")
    found.add_argument("--message", metavar="TEXT", default="", help="notes of the version")
    found.add_argument("--no-wait", dest="wait", action="store_false", help="do not wait until it can be attached")
    sample(found)
    as_json(found)


def submit(args: argparse.Namespace) -> None:
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
    from kit.kaggle import client
    from kit.kaggle import submit as outside
    from kit.task import catalog

    entry = catalog.find(args.competition, sample=args.sample)
    if not args.dry_run:
        _refuse_sample(args)
    run, file = None, Path(args.run or "")
    if not (args.run and (file.is_file() or file.suffix == ".csv")):
        run = outside.choose_run(entry, args.run)
        if run is None:
            if not args.dry_run:
                client.connect()  # credentials that are missing should not be told after an hour of training
            run = first_run(entry)
        file = run.submission
    parcel = outside.pack(entry, file, run)
    if args.message:
        parcel = parcel._replace(message=args.message)
    facts = outside.card(entry, parcel)
    facts["against"] = outside.earlier(entry, parcel)
    if args.dry_run:
        if args.json:
            return dump(facts)
        _show_card(entry, parcel, facts)
        return tell("Kaggle would accept this file. Nothing was sent.")
    return _send(args, entry, parcel, facts)


def _send(args: argparse.Namespace, entry: Entry, parcel: Parcel, facts: dict[str, Any]) -> None:
    from kit.kaggle import client, score, send
    from kit.kaggle.kernel import code

    name = send.slug(entry)
    kaggle = client.connect()
    attempt = None if args.force else send.sent_before(entry, parcel, kaggle)
    if attempt is None:
        limits = send.allowed(kaggle, name)
        facts["remaining today"] = None if limits is None else limits.num_allowed_now
        if not args.json:
            _show_card(entry, parcel, facts)
        if limits is not None and limits.num_allowed_now < 1:
            spent = f"all {limits.num_total}" if limits.limited_by_total else f"today's {limits.num_today}"
            raise KitError(
                f"No submission is left: {spent} are spent.",
                "Days begin at midnight UTC.",
                f"kit submit {entry.name} {args.run or ''}".strip() + "  # tomorrow",
            )
        if not args.yes and not _agreed(f"Send it to {client.place()} as {kaggle.user}?"):
            return tell("Nothing was sent.")
        how = code.submit if args.code else send.file
        attempt, new = how(entry, parcel, kaggle, force=args.force)
    else:
        new = False
    score.record(entry, attempt)
    if new:
        tell(f"Sent to {client.server()} as ref {attempt.ref}.")
    else:
        tell(
            f"{client.server()} has these bytes, as ref {attempt.ref} of {attempt.at}. Nothing was sent; --force would."
        )
    if args.wait:
        attempt = score.settle(entry, attempt, kaggle, name)
    if args.json:
        return dump(facts | {"sent": new, **_outcome(attempt)})
    return _show_outcome(entry, attempt)


def _refuse_sample(args: argparse.Namespace) -> None:
    from kit.kaggle import client

    if args.sample and not client.emulated():
        raise KitError(
            "A submission for the embedded sample cannot be scored by Kaggle, and would spend one of the day.",
            "An emulator that hosts the sample takes it.",
            f"kit submit {args.competition} --sample --dry-run",
        )


def _agreed(question: str) -> bool:
    if not _terminal():
        raise KitError(
            "Nothing was sent: there is no terminal to ask on.", "Scripts say --yes.", "kit submit ... --yes"
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _show_card(entry: Entry, parcel: Parcel, facts: dict[str, Any]) -> None:
    from kit.kaggle import submit as outside

    lines = {name: value for name, value in facts.items() if name != "against" and value is not None}
    told: dict[str, str] = {}
    for word, found in facts["against"].items():
        text = outside.words(entry, len(parcel.rows), found)
        told[text] = f"{told[text]} and {word}" if text in told else f"against {word}"
    lines |= {word: text for text, word in told.items()}
    width = max(map(len, lines))
    for name, value in lines.items():
        print(f"{name.ljust(width)}  {value}")


def _outcome(attempt: Attempt) -> dict[str, Any]:
    names = ("ref", "state", "public_score", "private_score", "rank", "teams")
    return {name: getattr(attempt, name) for name in names}


def _show_outcome(entry: Entry, attempt: Attempt) -> None:
    if attempt.public_score is None:
        print(f"ref {attempt.ref}, no score yet")
        return tell(f"Later: kit submit {entry.name} {attempt.run or attempt.file}")
    print(f"public score   {attempt.public_score:.5f}")
    if attempt.private_score is not None:
        print(f"private score  {attempt.private_score:.5f}")
    if attempt.rank and attempt.teams:
        print(f"rank           {attempt.rank:,} of {attempt.teams:,}, by your best submission")
    return tell(f"Next: kit leaderboard {entry.name}")


def leaderboard(args: argparse.Namespace) -> None:
    """Show your place on the whole leaderboard, and how far your runs' scores can be trusted.

    Beside each run that was sent stand its cross-validation score, its public score and their gap. A gap or gain below
    two standard errors of the public score is called noise. The standard error of an accuracy p over m public rows is
    sqrt(p (1 - p) / m), which needs --public-share (m is that share of the test rows); for other metrics, and without
    that share, the spread of the fold scores stands in. Medals are would-be: not every competition gives them.

    Example:
      kit leaderboard digit-recognizer
      kit leaderboard titanic --public-share 0.5 --json
    """
    from kit.kaggle import client, send
    from kit.kaggle import leaderboard as boards
    from kit.task import catalog
    from kit.train import runs

    entry = catalog.find(args.competition, sample=args.sample)
    if args.public_share is not None and not 0 < args.public_share <= 1:
        raise KitError(f"A share of {args.public_share} is none.", "It lies above 0, and is 1 at most.")
    name = send.slug(entry)
    kaggle = client.connect()
    board = boards.download(kaggle, name)
    own = board.own(kaggle.user, args.team)
    sent = boards.judged(
        [run for run in runs.every(entry.name) if run.plan.sample == args.sample and _here(run)], args.public_share
    )
    if args.json:
        return dump(boards.summary(board, own) | {"runs": sent})
    _show_place(kaggle.user, board, own)
    if sent:
        print()
        _show_runs(sent)
    else:
        tell(f"No run was sent yet. Try: kit submit {entry.name}")
    return tell(f"The board: {boards.page(name)}")


def _here(run: Any) -> bool:
    from kit.kaggle import client

    return run.kaggle().get("server") == client.server()


def _show_place(user: str, board: Any, own: Any) -> None:
    from kit.kaggle import leaderboard as boards

    kind = "private" if board.private else "public"
    best = board.rows[0] if board.rows else None
    print(f"{board.teams:,} teams on the {kind} leaderboard" + (f"; the first has {best.score:.5f}" if best else ""))
    if own is None:
        print(f"{user} is not on it.")
        return
    tied = board.tied(own)
    print(
        f"{own.team}: rank {own.rank:,}, top {boards.percentile(own.rank, board.teams):.1f} %, score {own.score:.5f}"
        + (f", as {tied:,} other{'s' * (tied != 1)}" if tied else "")
    )
    medal = boards.medal(own.rank, board.teams)
    print(f"Would-be medal: {medal or 'none'}. Getting Started competitions give none.")


def _show_runs(sent: list[dict[str, Any]]) -> None:
    def told(value: float | None, noise: bool | None, sign: str = "+") -> str | None:
        return None if value is None else f"{value:{sign}.5f}" + (" (noise)" if noise else "")

    rows = [
        (
            row["run"],
            told(row["cv"], None, ""),
            told(row["public"], None, ""),
            told(row["private"], None, ""),
            told(row["gap"], row["gap_is_noise"]),
            told(row["gain"], row["gain_is_noise"]),
            told(row["noise"], None, ""),
        )
        for row in sent
    ]
    print(table(("run", "CV", "public", "private", "gap", "gain", "standard error"), rows))
    print("\nNoise: a gap within 2, a gain over the best run before within 2 sqrt(2) standard errors.")
    for formula in dict.fromkeys(row["formula"] for row in sent if row["formula"]):
        print(f"Standard error: {formula}.")


def publish(args: argparse.Namespace) -> None:
    """Upload the prepared public files as your own private Kaggle dataset, for kernels to attach.

    The dataset is USER/kit-COMPETITION. A new version is made only when bytes changed. Private answers never leave.

    Example:
      kit publish audio-mnist
    """
    from kit.kaggle import client
    from kit.kaggle import publish as outside
    from kit.task import catalog

    entry = catalog.find(args.competition, sample=args.sample)
    if args.sample and not client.emulated():
        raise KitError(
            "The embedded sample would take the place of the real files in your dataset.",
            "It is part of kaggle-kit, so that no kernel needs it attached.",
            f"kit publish {entry.name}",
        )
    kaggle = client.connect()
    found = outside.publish(entry, kaggle, message=args.message, wait=args.wait)
    if args.json:
        return dump(found)
    print(f"{found['ref']}  {found['state']}")
    return None


def first_run(entry: Any) -> Any:
    """A run of the competition's default recipe, trained now."""
    from kit.cli.training import fitted, planned
    from kit.train import runs

    recipe, variant = entry.recipe()
    tell(f"{entry.name} has no run yet, so its default recipe, {entry.competition.default}, is trained first.")
    settings = recipe.resolve(variant, smoke=entry.sample)
    return fitted(entry, runs.create(planned(entry, entry.competition.default, settings)), plots=True)
