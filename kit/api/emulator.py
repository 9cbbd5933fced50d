"""Kaggle on this machine: an emulator for a block of code, a server for a shell, and who may enter what."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import places
from kit.emulator.local import Emulator
from kit.errors import KitError
from kit.notes import tell


@contextmanager
def emulator(competitions: str | Path | None = None, *, sample: bool = False, **options: Any) -> Iterator[Emulator]:
    """A Kaggle on loopback that lasts as long as the block, and in it the process talks to it instead of kaggle.com.

    It hosts what is below the folder `competitions`, else what is prepared here, `sample` data or real; rules are
    accepted. Other options as in `kit.emulator.local.running`.

        with kit.emulator(sample=True) as kaggle:
            kit.submit("digit-recognizer", "last", sample=True)
    """
    from kit.emulator import local

    folder = None if competitions is None else Path(competitions)
    with local.running(folder, sample=sample, **options) as running, places.environment(running.env):
        yield running


def serve(
    *,
    sample: bool = False,
    competitions: Path | None = None,
    state: Path | None = None,
    faults: Path | None = None,
    accept: bool = False,
    started: Callable[[Emulator], None],
    **options: Any,
) -> None:
    """Serve the prepared competitions on a port of 127.0.0.1, until SIGTERM or Ctrl-C.

    `started` is called with the emulator when it listens; other `options` are those of `kit.emulator.local.opened`.
    Raises KitError when there is nothing to host.
    """
    from kit.emulator import described, hosting, local
    from kit.emulator import faults as mishaps

    hosted = hosting.catalogued(sample=sample)
    if competitions:
        hosted += described.user_made(competitions)
    if not hosted:
        raise KitError(
            f"There is no prepared {'sample' if sample else 'competition'} to host.",
            "A competition is hosted when its public files and its private/solution.csv are there.",
            "kit download digit-recognizer --sample && kit emulator serve --sample",
        )
    folder = state_folder(state)
    wrong = mishaps.read(faults) if faults else ()
    with local.opened(folder, hosted, faults=wrong, **options) as running, local.announced(folder, running):
        for one in hosted:
            if accept:
                running.accept(one.slug)
        started(running)
        tell(f"Hosted: {', '.join(one.slug for one in hosted)}. State: {folder}.")
        if codes := [one.slug for one in running.site.hosted.values() if one.code]:
            off = " Nobody can submit to them without --run-kernels." if running.site.sessions.mode == "off" else ""
            tell(f"Code competitions: {', '.join(codes)}.{off}")
        tell('Point a client at it: eval "$(kit emulator env)". Stop: Ctrl-C.')
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        stop.wait()


def variables(*, user: str = "kit", state: Path | None = None) -> dict[str, str]:
    """The variables that point any Kaggle client at the running emulator as `user`. Raises KitError where none runs."""
    from kit.emulator import local
    from kit.emulator.store import Store

    folder = state_folder(state)
    url = local.address(folder)
    store = Store(folder)
    try:
        return local.variables(url, local.account(store, user))
    finally:
        store.close()


def accept(competition: str, *, user: str = "kit", state: Path | None = None) -> None:
    """Accept a competition's rules on the emulator, as a user does on the web page."""
    from kit.emulator import local
    from kit.emulator.clock import Clock, text
    from kit.emulator.store import Store

    store = Store(state_folder(state))
    try:
        store.accept(competition, local.account(store, user).name, text(Clock().now()))
    finally:
        store.close()


def state_folder(state: Path | None) -> Path:
    """The folder of the emulator's memory: the one given, else `data/.emulator` of the workspace."""
    return (state or places.workspace() / "data" / ".emulator").resolve()
