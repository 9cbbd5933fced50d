"""A question to the person at the terminal, before something that cannot be taken back."""

from __future__ import annotations

import sys

from kit.errors import KitError


def agreed(question: str, *, otherwise: str, cure: str) -> bool:
    """Whether the person says yes.

    Raises KitError where there is no terminal to ask on, as in a script; `otherwise` says what was left undone.
    """
    if not terminal():
        raise KitError(f"{otherwise}: there is no terminal to ask on.", "In a script, add --yes.", cure)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def terminal() -> bool:
    """Whether a person can read a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()
