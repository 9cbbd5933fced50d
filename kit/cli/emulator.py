"""The verb emulator: Kaggle on this machine, for clients that are pointed at it."""

from __future__ import annotations

import argparse
import shlex
import signal
import threading
from pathlib import Path
from typing import Any

from kit.cli.words import as_json, dump, sample, verb
from kit.notes import tell


def add(verbs: Any) -> None:
    """Declare the verb and what follows it."""
    found = verb(verbs, emulator)
    below = found.add_subparsers(title="verbs", metavar="VERB", dest="what", required=True)

    one = verb(below, serve)
    one.add_argument("--port", type=int, default=0, help="port of 127.0.0.1 (default: a free one)")
    one.add_argument("--faults", type=Path, metavar="FILE", help="JSON list of what shall go wrong")
    one.add_argument("--competitions", type=Path, metavar="DIR", help="host what is below DIR too")
    one.add_argument("--accept", action="store_true", help="accept all rules for the user, sparing the web page")
    one.add_argument("--run-kernels", action="store_true", help="run pushed notebooks, in a sandbox without network")
    one.add_argument("--unsafe-kernels", action="store_true", help="run pushed notebooks with your own rights")
    one.add_argument("--private-scores", action="store_true", help="show private scores before the deadline")
    one.add_argument("--old-mounts", action="store_true", help="mount inputs at /kaggle/input/SLUG, as Kaggle once did")
    _common(one)
    sample(one)

    two = verb(below, env)
    _common(two)
    as_json(two)

    three = verb(below, accept)
    three.add_argument("competition", help="the competition's slug")
    _common(three)


def emulator(args: argparse.Namespace) -> None:
    """Kaggle on this machine: the same API, for the official client and for kit, with no network.

    Example:
      kit emulator serve --sample --accept &
      eval "$(kit emulator env)"
      kaggle competitions list
    """


def serve(args: argparse.Namespace) -> None:
    """Serve the prepared competitions on a port of 127.0.0.1, until Ctrl-C.

    Example:
      kit emulator serve --sample --accept
      kit emulator serve --port 8123 --faults faults.json --run-kernels
    """
    from kit.emulator import faults, hosting, local
    from kit.errors import KitError

    hosted = hosting.catalogued(sample=args.sample)
    if args.competitions:
        hosted += hosting.user_made(args.competitions)
    if not hosted:
        raise KitError(
            f"There is no prepared {'sample' if args.sample else 'competition'} to host.",
            "A competition is hosted when its public files and its private/solution.csv are there.",
            "kit download digit-recognizer --sample && kit emulator serve --sample",
        )
    state = _state(args)
    options: dict[str, Any] = {
        "user": args.user,
        "port": args.port,
        "faults": faults.read(args.faults) if args.faults else (),
        "kernels": "unsafe" if args.unsafe_kernels else "sandbox" if args.run_kernels else "off",
        "private_scores": args.private_scores,
        "new_mounts": not args.old_mounts,
    }
    with local.opened(state, hosted, **options) as running, local.announced(state, running):
        for one in hosted:
            if args.accept:
                running.accept(one.slug)
        print(f"Kaggle on loopback: {running.url}", flush=True)
        tell(f"Hosted: {', '.join(one.slug for one in hosted)}. State: {state}.")
        tell('Point a client at it: eval "$(kit emulator env)". Stop: Ctrl-C.')
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        stop.wait()


def env(args: argparse.Namespace) -> None:
    """Print the variables that point any Kaggle client at the running emulator.

    The credentials among them are the emulator's own.

    Example:
      eval "$(kit emulator env)"
      kit emulator env --user rival
    """
    from kit.emulator import local
    from kit.emulator.store import Store

    state = _state(args)
    url = local.found(state)
    store = Store(state)
    try:
        found = local.variables(url, local.account(store, args.user))
    finally:
        store.close()
    if args.json:
        return dump(found)
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")
    return None


def accept(args: argparse.Namespace) -> None:
    """Accept a competition's rules on the emulator, as a user does on the web page.

    Example:
      kit emulator accept digit-recognizer
    """
    from kit.emulator import local
    from kit.emulator.clock import Clock, text
    from kit.emulator.store import Store

    store = Store(_state(args))
    try:
        store.accept(args.competition, local.account(store, args.user).name, text(Clock().now()))
    finally:
        store.close()
    print(f"{args.user} has accepted the rules of {args.competition}.")


def _common(found: argparse.ArgumentParser) -> None:
    found.add_argument("--state", type=Path, metavar="DIR", help="folder of the state (default: data/.emulator)")
    found.add_argument("--user", default="kit", help="the account (default: kit)")


def _state(args: argparse.Namespace) -> Path:
    from kit import places

    return (args.state or places.workspace() / "data" / ".emulator").resolve()
