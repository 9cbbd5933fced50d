"""The command `kit`: one function per verb, which parses, calls and prints.

Imports stand inside the functions, so that no verb waits for a package that it does not use.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from kit import __version__, notes, places
from kit.cli import completion, emulator, encoder, judging, kernels, outside, task, training
from kit.errors import KitError

MODULES = (task, training, judging, outside, kernels, encoder, emulator, completion)
"""Where verbs come from, in the order of `kit --help`."""


MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""Errors of the machine that a user can mend: no space left, a quota, a read-only or forbidden folder."""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="kit",
        description="From download to rank on Kaggle: data, leak-safe folds, training, submission, leaderboard.",
        epilog="Start with: kit demo\nThen: kit VERB --help, each with an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"kit {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    for module in MODULES:
        module.add(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 well, 1 a problem the user can fix, 2 wrong usage, 130 interrupted."""
    notes.show()
    words = list(sys.argv[1:] if argv is None else argv)
    top = parser()
    args = top.parse_args(words)
    if not hasattr(args, "run_verb"):
        top.print_help()
        return 0
    try:
        return args.run_verb(args) or 0
    except KitError as error:
        print(f"kit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nkit: interrupted. What was finished is kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Told apart from a defect: the machine has no room or does not let kit write, which the user can mend.
        if error.errno not in MACHINE:
            raise
        print(f"kit: {error.strerror}: {error.filename or places.workspace()}", file=sys.stderr)
        print("Nothing is half-written. kit doctor shows the space and the workspace.", file=sys.stderr)
        return 1
