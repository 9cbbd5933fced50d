"""The verb emulator: Kaggle on this machine, for clients that are pointed at it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from kit.cli.declaring import FILE, FOLDER, as_json, sample, verb, verbs
from kit.cli.printing import dump

F = TypeVar("F", bound=Callable[..., Any])


def account(function: F) -> F:
    """The options that say whose account, and which emulator's memory."""
    function = click.option("--user", default="kit", show_default=True, help="The account.")(function)
    return click.option("--state", type=FOLDER, metavar="DIR", help="Folder of the state (default: data/.emulator).")(
        function
    )


@verbs()
def emulator() -> None:
    """Kaggle on this machine, without a network, for kit and for Kaggle's official client.

    Example:
      kit emulator serve --sample --accept &
      eval "$(kit emulator env)"
      kaggle competitions list
    """


@verb(group=emulator)
@click.option("--port", type=int, default=0, help="Port of 127.0.0.1 (default: a free one).")
@click.option("--faults", type=FILE, metavar="FILE", help="JSON list of what must go wrong.")
@click.option("--competitions", type=FOLDER, metavar="DIR", help="Also host the competitions in DIR.")
@click.option("--code", multiple=True, metavar="SLUG", help="Host that one as a code competition.")
@click.option("--accept", is_flag=True, help="Accept all rules for the user, so that no web page is needed.")
@click.option("--run-kernels", is_flag=True, help="Run pushed notebooks in a sandbox without a network.")
@click.option("--image", is_flag=True, help="Run notebooks by the packages of Kaggle's image for their machine.")
@click.option("--unsafe-kernels", is_flag=True, help="Run pushed notebooks with your own rights.")
@click.option("--private-scores", is_flag=True, help="Show private scores before the deadline.")
@click.option("--old-mounts", is_flag=True, help="Mount inputs at /kaggle/input/SLUG, as Kaggle once did.")
@account
@sample
def serve(run_kernels: bool, unsafe_kernels: bool, old_mounts: bool, **options: Any) -> None:
    """Serve the prepared competitions on a port of 127.0.0.1, until you press Ctrl-C.

    Example:
      kit emulator serve --sample --accept
      kit emulator serve --port 8123 --faults faults.json --run-kernels
    """
    from kit.api import emulator as kaggle

    kaggle.serve(
        started=lambda running: print(f"Kaggle on loopback: {running.url}", flush=True),
        kernels="unsafe" if unsafe_kernels else "sandbox" if run_kernels else "off",
        new_mounts=not old_mounts,
        **options,
    )


@verb(group=emulator)
@account
@as_json
def env(user: str, state: Path | None, as_json: bool) -> None:
    """Print the variables that make the Kaggle clients of this shell talk to the running emulator.

    The credentials in them are those of the emulator, not of Kaggle.

    Example:
      eval "$(kit emulator env)"
      kit emulator env --user rival
    """
    from kit.api import emulator as kaggle

    variables = kaggle.variables(user=user, state=state)
    if as_json:
        return dump(variables)
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return None


@verb(group=emulator)
@click.argument("competition")
@account
def accept(competition: str, user: str, state: Path | None) -> None:
    """Accept the rules of a competition on the emulator, as a user does on the web page.

    Example:
      kit emulator accept digit-recognizer
    """
    from kit.api import emulator as kaggle

    kaggle.accept(competition, user=user, state=state)
    print(f"{user} has accepted the rules of {competition}.")
