"""A checked file to Kaggle, once: remembered before it is sent, looked for on the server before it is sent again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from typing import Any

from kit import places
from kit.errors import KitError
from kit.kaggle import client, ledger, transfer
from kit.kaggle.client import Client, Refusal
from kit.kaggle.ledger import Attempt, Ledger
from kit.kaggle.submit import Parcel
from kit.notes import tell
from kit.task.catalog import Entry
from kit.task.sources import KaggleCompetition

Create = Callable[[str], Any]
"""Makes the submission with a description; its answer has a `ref`."""

LOOKS = (0.0, 1.0, 3.0)
"""Seconds before each look for a submission whose answer was lost: a listing may lag behind."""

LATEST = 180.0
"""Seconds after which a server no longer acts on a request that it did not answer: three times the timeout."""

PAUSE = 10.0
"""Seconds between two looks for a submission on which the server may still act."""

TRIES = 3
"""How often a submission is tried that the server did not act on."""

LONGEST = 200
"""Characters of a message that are sent, lest a limit of the server should cut off the mark behind it."""

PAGE, PAGES = 100, 5
"""Submissions asked for at a time, and pages read: five hundred are more than a hundred days' worth."""


def slug(entry: Entry) -> str:
    """The name under which the competition takes submissions.

    Raises KitError where it is not on Kaggle; an emulator hosts every competition.
    """
    source = entry.competition.source
    if isinstance(source, KaggleCompetition):
        return source.slug
    if client.emulated():
        return entry.name
    raise KitError(
        f"{entry.name} is not a competition on Kaggle.",
        f"Its data comes from {source.page}; the emulator grades it.",
        f"kit submit {entry.name} --dry-run",
    )


def allowed(kaggle: Client, name: str) -> Any | None:
    """Today's submissions: `num_today`, `num_allowed_now`, `limited_by_total`; None where the server does not say."""
    try:
        return kaggle.ask(
            "Asking for today's limit",
            "competitions.get_submission_limits",
            safe=True,
            competition_name=name,
        )
    except Refusal as refusal:
        if refusal.status in (400, 404, 501):
            return None
        raise


def sent_before(entry: Entry, parcel: Parcel, kaggle: Client) -> Attempt | None:
    """The attempt that brought the same bytes to the same account, as far as this machine remembers."""
    return _newest(ledger.read(entry), parcel, kaggle)


def file(entry: Entry, parcel: Parcel, kaggle: Client, *, force: bool) -> tuple[Attempt, bool]:
    """Upload a file and submit it; the attempt, and whether it was sent now and not before.

    Raises KitError when it is refused, or its answer is lost and the server does not list it.
    """
    name = slug(entry)

    def ready() -> Create:
        token = transfer.upload(
            kaggle,
            "competitions.start_submission_upload",
            parcel.file,
            competition_name=name,
            file_name=parcel.file.name,
        )

        def create(description: str) -> Any:
            return kaggle.ask(
                "Submitting",
                "competitions.create_submission",
                safe=False,
                competition_name=name,
                blob_file_tokens=token,
                submission_description=description,
            )

        return create

    return once(entry, parcel, kaggle, ready, force=force)


def once(
    entry: Entry,
    parcel: Parcel,
    kaggle: Client,
    ready: Callable[[], Create],
    *,
    force: bool,
) -> tuple[Attempt, bool]:
    """Submit through what `ready` returns, unless the same bytes are at Kaggle already; as `file` says.

    `ready` does what comes before and spends no submission, such as the upload.
    """
    name = slug(entry)
    with ledger.locked(entry.name) as book:
        attempts = [one for one in book.attempts() if one.server == client.server() and one.sample == entry.sample]
        if not force and (done := _newest(attempts, parcel, kaggle)):
            return done, False
        listed = _listed(kaggle, name, parcel)
        if lost := _lost(attempts, parcel, kaggle):
            arrived = [one for one in listed if one.ref not in lost.known]
            while not arrived and (left := lost.tried + LATEST - time.time()) > 0:
                tell(f"The answer was lost the last time; looking for it for {left:.0f} s more.")
                time.sleep(min(left, PAUSE))
                listed = _listed(kaggle, name, parcel)
                arrived = [one for one in listed if one.ref not in lost.known]
            if arrived:
                tell(
                    f"The answer was lost the last time; the submission arrived all the same, as ref {arrived[0].ref}."
                )
                attempt = book.change(lost, state=ledger.SENT, ref=arrived[0].ref)
                if not force:
                    return attempt, False
            else:
                book.change(lost, state=ledger.REFUSED, reason="never arrived")
        while not listed and not force and (left := book.doubtful + LATEST - time.time()) > 0:
            tell(f"The damaged ledger may have told of a submission under way; looking for it for {left:.0f} s more.")
            time.sleep(min(left, PAUSE))
            listed = _listed(kaggle, name, parcel)
        facts: dict[str, Any] = {
            "server": client.server(),
            "user": kaggle.user,
            "sample": entry.sample,
            "sha256": parcel.sha256,
            "bytes": parcel.file.stat().st_size,
            "name": parcel.file.name,
            "file": _kept(entry, parcel),
            "run": parcel.run.name if parcel.run else None,
            "message": f"{parcel.message[:LONGEST]} {parcel.mark}",
            "kernel": parcel.kernel,
        }
        known = tuple(one.ref for one in listed)
        if listed and not force:
            attempt = book.begin(**facts, known=known)
            return book.change(attempt, state=ledger.SENT, ref=listed[0].ref), False
        attempt = book.begin(**facts, known=known)
        try:
            create = ready()
        except KitError as refusal:
            book.change(attempt, state=ledger.REFUSED, reason=refusal.wrong)
            raise
        return book.change(attempt, state=ledger.SENT, ref=_created(book, attempt, parcel, kaggle, entry, create)), True


def _created(book: Ledger, attempt: Attempt, parcel: Parcel, kaggle: Client, entry: Entry, create: Create) -> int:
    """The ref of the submission, which is made once: after a lost answer it is looked for before another try."""
    why = ""
    for _ in range(TRIES):
        late = False
        book.change(attempt, tried=time.time())  # before it leaves: a kill from here on may leave a submission behind
        try:
            if ref := create(attempt.message).ref:
                return int(ref)
        except Refusal as refusal:
            if not refusal.unknown:
                book.change(attempt, state=ledger.REFUSED, reason=refusal.reason)
                raise
            why, late = refusal.wrong, refusal.late or refusal.cut
        for wait in LOOKS:
            time.sleep(wait)
            try:
                arrived = [one for one in _listed(kaggle, slug(entry), parcel) if one.ref not in attempt.known]
            except Refusal:
                late = True  # without a look nothing is known, so that another try could spend a second submission
                break
            if arrived:
                return int(arrived[0].ref)
        if late:
            break
        book.change(attempt, tried=0.0)
    raise KitError(
        f"The answer to the submission was lost, and {client.place()} does not list it so far. {why}".strip(),
        "It may have arrived all the same. The next attempt looks for it first, so that none is spent twice.",
        f"kit submit {entry.name} {attempt.run or parcel.file}",
    )


def _listed(kaggle: Client, name: str, parcel: Parcel) -> list[Any]:
    """The submissions on the server that hold these bytes, the newest first."""
    matching, token = [], ""
    size = parcel.file.stat().st_size
    for _ in range(PAGES):
        answer = kaggle.ask(
            "Listing submissions",
            "competitions.list_submissions",
            safe=True,
            competition_name=name,
            page_size=PAGE,
            page_token=token,
        )
        for one in answer.submissions or []:
            marked = (one.description or "").endswith(parcel.mark)
            # By any name, since a file may be renamed; what a notebook leaves on the hidden rows has another size.
            if marked and (parcel.kernel or one.total_bytes in (0, size)):
                matching.append(one)
        if not (token := answer.next_page_token):
            break
    return sorted(matching, key=lambda one: -one.ref)


def _newest(attempts: list[Attempt], parcel: Parcel, kaggle: Client) -> Attempt | None:
    same = [one for one in attempts if _same(one, parcel, kaggle) and one.ref]
    return same[-1] if same else None


def _lost(attempts: list[Attempt], parcel: Parcel, kaggle: Client) -> Attempt | None:
    same = [one for one in attempts if _same(one, parcel, kaggle)]
    return same[-1] if same and same[-1].state == ledger.INTENDED else None


def _same(attempt: Attempt, parcel: Parcel, kaggle: Client) -> bool:
    """Whether an attempt of this user was one to send what the parcel holds."""
    return (attempt.sha256, attempt.kernel, attempt.user) == (parcel.sha256, parcel.kernel, kaggle.user)


def _kept(entry: Entry, parcel: Parcel) -> str:
    """The file that is sent, relative to the workspace: a user's own is copied, for later cards to compare with."""
    file = parcel.file
    if parcel.run is None:
        file = places.runs(entry.name) / "sent" / f"{parcel.sha256[:16]}.csv"
        with places.whole(file) as part:
            shutil.copyfile(parcel.file, part)
    return os.path.relpath(file, places.workspace())
