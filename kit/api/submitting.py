"""To Kaggle and back: submit, leaderboard, publish."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.api import reporting, training
from kit.api.results import Result
from kit.errors import KitError
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import runs as store
from kit.train.runs import Run
from kit.words import Table

if TYPE_CHECKING:
    from kit.kaggle.leaderboard import Board, Row
    from kit.kaggle.ledger import Attempt
    from kit.kaggle.submit import Parcel


@dataclass(frozen=True, repr=False)
class Card(Result):
    """What would be sent, for a person to look at once more."""

    entry: Entry
    parcel: Parcel
    values: dict[str, Any]

    @property
    def word(self) -> str:
        """What a command calls it: the name of its run, or its file."""
        return self.parcel.run.name if self.parcel.run else str(self.parcel.file)

    def summary(self) -> str:
        return f"{self.parcel.file.name}: {len(self.parcel.rows):,} rows"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.lines().items()))

    def facts(self) -> dict[str, Any]:
        return self.values

    def lines(self) -> dict[str, Any]:
        """The card line by line; how the file differs from those that were sent as sentences."""
        from kit.kaggle import submit as checks

        lines = {name: value for name, value in self.values.items() if name != "against" and value is not None}
        said: dict[str, str] = {}
        for word, change in self.values["against"].items():
            text = checks.words(self.entry, len(self.parcel.rows), change)
            said[text] = f"{said[text]} and {word}" if text in said else f"against {word}"
        return lines | {word: text for text, word in said.items()}


@dataclass(frozen=True, repr=False)
class Submission(Result):
    """A checked file, and what became of it. `card` says what it holds and what it changes; `attempt` is its
    submission, None where nothing was sent; `sent` says whether it was sent now and not before."""

    card: Card
    attempt: Attempt | None = None
    sent: bool = False

    def summary(self) -> str:
        if self.attempt is None:
            return f"{self.card.parcel.file.name}, checked and not sent"
        score = self.attempt.public_score
        return f"submission {self.attempt.ref}" + (", no score yet" if score is None else f", public score {score:.5f}")

    def table(self) -> Table:
        outcome = self.outcome() if self.attempt else {}
        rows = [*self.card.lines().items(), *((key.replace("_", " "), value) for key, value in outcome.items())]
        return Table(("what", "value"), rows)

    def facts(self) -> dict[str, Any]:
        return self.card.values | ({"sent": self.sent, **self.outcome()} if self.attempt else {})

    def outcome(self) -> dict[str, Any]:
        """What Kaggle said of the submission."""
        names = ("ref", "state", "public_score", "private_score", "rank", "teams")
        return {name: getattr(self.attempt, name) for name in names}


Confirm = Callable[[Card, str, str], bool]
"""Is given the card, the name of the server and that of the user, and says whether the file shall be sent."""


def submit(
    competition: str,
    run: str | Path | Run | None = None,
    *,
    dry_run: bool = False,
    wait: bool = True,
    force: bool = False,
    code: bool = False,
    message: str = "",
    sample: bool = False,
    confirm: Confirm | None = None,
) -> Submission:
    """Check a submission, send it, and wait for its score; with `dry_run` nothing is sent.

    `run` is a run, its name, enough of its beginning or end, `"last"`, or a CSV file of your own. Without it the best
    run by cross-validation is taken; with no run yet the competition's default recipe is trained first. The same bytes
    are not sent twice unless `force`. `code` submits the kernel that left the run, as code competitions want it;
    `message` is what Kaggle shows beside it. Raises KitError for what Kaggle would refuse or has refused, and when no
    submission is left today.
    """
    from kit.kaggle import client
    from kit.kaggle import submit as checks

    entry = catalog.find(competition, sample=sample)
    if sample and not dry_run and not client.emulated():
        raise KitError(
            "Kaggle cannot score a submission for the embedded sample, and it would use one of today's submissions.",
            "Send it to an emulator that hosts the sample, or only check it.",
            f"kit submit {entry.name} --sample --dry-run",
        )
    if run is not None and not isinstance(run, Run) and (os.path.isfile(run) or Path(run).suffix == ".csv"):
        file, source = Path(run), None
    else:
        source = checks.choose_run(entry, run.name if isinstance(run, Run) else None if run is None else str(run))
        if source is None:
            if not dry_run:
                client.connect()  # credentials that are missing should not be told after an hour of training
            source = _first_run(entry)
        file = source.submission
    parcel = checks.pack(entry, file, source, code=code)
    if message:
        parcel = parcel._replace(message=message)
    card = Card(entry, parcel, {**checks.card(entry, parcel), "against": checks.earlier(entry, parcel)})
    if dry_run:
        return Submission(card)
    return _sent(card, wait=wait, force=force, code=code, confirm=confirm)


def _sent(card: Card, *, wait: bool, force: bool, code: bool, confirm: Confirm | None) -> Submission:
    from kit.kaggle import client, score, send
    from kit.kaggle.kernel import code as kernels

    entry, parcel = card.entry, card.parcel
    name = send.slug(entry)
    kaggle = client.connect()
    attempt = None if force else send.sent_before(entry, parcel, kaggle)
    new = False
    if attempt is None:
        limits = send.allowed(kaggle, name)
        card.values["remaining today"] = None if limits is None else limits.num_allowed_now
        if limits is not None and limits.num_allowed_now < 1:
            used = f"all {limits.num_total}" if limits.limited_by_total else f"today's {limits.num_today}"
            raise KitError(
                f"No submission is left: {used} are used.",
                "A new day begins at midnight UTC.",
                f"kit submit {entry.name} {card.word}  # tomorrow",
            )
        if confirm is not None and not confirm(card, client.place(), kaggle.user):
            return Submission(card)
        attempt, new = (kernels.submit if code else send.file)(entry, parcel, kaggle, force=force)
    score.record(entry, attempt)
    if new:
        tell(f"Sent to {client.server()} as ref {attempt.ref}.")
    else:
        tell(
            f"{client.server()} has these bytes already, as ref {attempt.ref} of {attempt.at}. Nothing was sent. "
            "--force sends them again."
        )
    if wait:
        attempt = score.settle(entry, attempt, kaggle, name)
    return Submission(card, attempt, new)


def _first_run(entry: Entry) -> Run:
    """A run of the competition's default recipe, trained now."""
    default = entry.competition.default
    tell(f"{entry.name} has no run to choose, so its default recipe, {default}, is trained first.")
    return training.train(entry.name, default, sample=entry.sample)


@dataclass(frozen=True, repr=False)
class Leaderboard(Result):
    """A whole leaderboard, one's own row on it (None where there is none), and the runs that were sent, each with its
    cross-validation score, public score, gap, gain and the noise that these can have."""

    board: Board
    own: Row | None
    user: str
    runs: tuple[dict[str, Any], ...]
    page: str

    def summary(self) -> str:
        place = f"rank {self.own.rank:,}" if self.own else "no place"
        return f"{place} of {self.board.teams:,} teams"

    def table(self) -> Table:
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
            for row in self.runs
        ]
        header = ("run", "CV", "public", "private", "gap", "gain", "standard error")
        return Table(header, rows, spare=("private", "standard error", "gain"))

    def facts(self) -> dict[str, Any]:
        from kit.kaggle import leaderboard as boards

        return boards.summary(self.board, self.own) | {"runs": list(self.runs)}


def leaderboard(
    competition: str, *, team: int | None = None, public_share: float | None = None, sample: bool = False
) -> Leaderboard:
    """Your place on the whole leaderboard, and how far your runs' scores can be trusted.

    `team` is your TeamId, where the board lists no user names; `public_share` the share of the test rows, above 0 and
    at most 1, that make the public score. Raises KitError when the board cannot be had.
    """
    from kit.judge.spread import Spread
    from kit.kaggle import client, send
    from kit.kaggle import leaderboard as boards

    entry = catalog.find(competition, sample=sample)
    reporting.check_share(public_share, f"kit leaderboard {entry.name}")
    name = send.slug(entry)
    kaggle = client.connect()
    board = boards.download(kaggle, name)
    here = [
        run
        for run in store.every(entry.name)
        if run.plan.sample == sample and run.kaggle().get("server") == client.server()
    ]
    judged = boards.judged(here, public_share, Spread(entry))
    return Leaderboard(board, board.own(kaggle.user, team), kaggle.user, tuple(judged), boards.page(name))


@dataclass(frozen=True, repr=False)
class Published(Result):
    """A private dataset on Kaggle: `ref` is `user/name`; `changed` says whether a version was made now."""

    ref: str
    state: str
    changed: bool
    files: tuple[str, ...]

    def summary(self) -> str:
        return f"{self.ref}, {self.state}"

    def table(self) -> Table:
        return Table(("file",), [(file,) for file in self.files])

    def facts(self) -> dict[str, Any]:
        return {"ref": self.ref, "state": self.state, "changed": self.changed, "files": list(self.files)}


def publish(competition: str, *, message: str = "", wait: bool = True, sample: bool = False) -> Published:
    """Upload the prepared public files as your own private Kaggle dataset, for kernels to attach.

    A new version is made only when bytes changed; private answers never leave. Raises KitError when Kaggle refuses it.
    """
    from kit.kaggle import client
    from kit.kaggle import publish as datasets

    entry = catalog.find(competition, sample=sample)
    if sample and not client.emulated():
        raise KitError(
            "The embedded sample would take the place of the real files in your dataset.",
            "It is part of kaggle-kit, so that no kernel needs it attached.",
            f"kit publish {entry.name}",
        )
    return published(datasets.publish(entry, client.connect(), message=message, wait=wait))


def published(answer: dict[str, Any]) -> Published:
    """What `kit.kaggle.publish` answers, as a Result."""
    return Published(answer["ref"], answer["state"], answer["changed"], tuple(answer["files"]))
