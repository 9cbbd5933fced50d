"""What kit tells a person while it works: one logger, so that a program or a notebook can route or silence it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOG = logging.getLogger("kit")
"""Every note goes here at level INFO. `logging.getLogger("kit").setLevel("WARNING")` silences them."""


class _Stderr(logging.Handler):
    """Prints each note as a line on standard error, whatever that is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """Tell a person one line."""
    LOG.info("%s", text)


def show() -> None:
    """Let notes appear on standard error, unless the program has routed them already. Calling it again is harmless."""
    if not LOG.handlers:
        LOG.addHandler(_Stderr())
        LOG.propagate = False
    if LOG.level == logging.NOTSET:
        LOG.setLevel(logging.INFO)


@contextmanager
def silent() -> Iterator[None]:
    """Nothing is told within the block."""
    before = LOG.disabled
    LOG.disabled = True
    try:
        yield
    finally:
        LOG.disabled = before
