"""A running kernel: where it stands, and its log as it is written, across lost connections."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle import credentials
from kit.kaggle.client import Client, Refusal
from kit.kaggle.kernel import versions
from kit.kaggle.kernel.versions import Pushed

RUNNING = ("QUEUED", "RUNNING", "NEW_SCRIPT", "CANCEL_REQUESTED")

PAUSE = 5.0
"""Seconds between two looks at a version that is queued or cannot be streamed."""

LATE = 60.0
"""Seconds after a push in which Kaggle may still deny that there is such a kernel."""

PATIENCE = 900.0
"""Seconds without a connection after which nobody follows any more; the kernel runs on."""

TOLD = 15
"""Lines of a failed kernel's log that the error repeats."""

Echo = Callable[[str], None]
"""Is given each line of a log."""


class State(NamedTuple):
    """Kaggle's word for where a version stands, and why it failed if it did."""

    status: str
    failure: str = ""

    @property
    def finished(self) -> bool:
        """Whether it runs no more."""
        return self.status not in RUNNING


def status(client: Client, pushed: Pushed) -> State:
    """Where a version stands. Raises KitError when Kaggle does not say."""
    what = f"Asking for {pushed.ref} {pushed.label}"
    answer = client.ask(what, "kernels.get_kernel_session_status", safe=True, **pushed.address)
    return State(answer.status.name, credentials.redact(answer.failure_message or ""))


def patient(client: Client, pushed: Pushed, *, echo: Echo) -> State:
    """As `status`, across lost connections of up to PATIENCE seconds, and denials in the first LATE seconds."""
    started, told = time.monotonic(), False
    while True:
        try:
            return status(client, pushed)
        except Refusal as refusal:
            waited = time.monotonic() - started
            lost = refusal.unknown or refusal.status == 429
            early = refusal.status in (403, 404) and _age(pushed) < LATE
            if not (early or (lost and waited < PATIENCE)):
                raise
            if lost and not told:
                echo(f"[{refusal.wrong} The kernel runs on; trying for {PATIENCE / 60:.0f} minutes]")
                told = True
        time.sleep(PAUSE)


def log(client: Client, pushed: Pushed) -> list[str]:
    """The lines of a finished version's log; empty while it runs."""
    what = f"Reading the log of {pushed.ref} {pushed.label}"
    answer = client.ask(what, "kernels.list_kernel_session_output", safe=True, page_size=1, **pushed.address)
    return list(_lines(answer.log or ""))


def follow(client: Client, pushed: Pushed, *, echo: Echo) -> State:
    """Hand each line of the log to `echo` as it is written, until the version has finished; how it ended.

    A stream that breaks is opened again and gone on with where it broke. Raises KitError when Kaggle does not say where
    the version stands.
    """
    seen, before = 0, ""
    newest = versions.newest(client, pushed.ref) == pushed.version  # only the newest version has a stream
    while True:
        state = patient(client, pushed, echo=echo)
        if state.finished:
            for line in log(client, pushed)[seen:]:
                echo(line)
            return state
        if state.status != before:
            before = state.status
            echo(f"[{before.lower()}]")
        if newest and state.status == "RUNNING":
            for index, line in enumerate(_streamed(client, pushed)):
                if index >= seen:
                    seen = index + 1
                    echo(line)
            if patient(client, pushed, echo=echo).finished:
                continue
        time.sleep(PAUSE)


def succeeded(client: Client, pushed: Pushed, state: State) -> None:
    """Raises KitError, with the end of the log, when a version did not complete."""
    if state.status == "COMPLETE":
        return
    if not state.finished:
        raise KitError(
            f"{pushed.ref} {pushed.label} is still {state.status.lower()}.",
            "Its output can be fetched when it is complete.",
            f"kit kernel status {pushed.words} --wait" if pushed.words else pushed.url,
        )
    shown = "\n".join(f"  | {line}" for line in log(client, pushed)[-TOLD:])
    raise KitError(
        f"{pushed.ref} {pushed.label} ended with {state.status}. {state.failure}".strip(),
        f"The last lines of its log:\n{shown}" if shown else f"Its log is at {pushed.url}",
        f"kit kernel logs {pushed.words}" if pushed.words else pushed.url,
    )


def _age(pushed: Pushed) -> float:
    """Seconds since the push; endless for a version that another machine pushed."""
    return time.time() - datetime.fromisoformat(pushed.at).timestamp() if pushed.at else math.inf


def _streamed(client: Client, pushed: Pushed) -> Iterator[str]:
    """The log's lines from its start, as far as the connection lasts. Whether it ended or broke, the status tells."""
    try:
        with connection.timed():
            for event in client.api.kernels_logs_stream(pushed.ref):
                yield _line(event)
    except Exception as error:
        connection.failed("Following the log", error)  # raises what is no failure of the connection


def _lines(stored: str) -> Iterator[str]:
    """The lines of a stored log: a JSON list of events, or plain text."""
    try:
        events = json.loads(stored or "[]")
    except ValueError:
        yield from map(credentials.redact, stored.splitlines())
        return
    for event in events if isinstance(events, list) else [events]:
        if isinstance(event, dict):
            yield _line(event)


def _line(event: dict[str, Any]) -> str:
    return credentials.redact(str(event.get("data", "")).rstrip("\n"))
