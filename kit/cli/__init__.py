"""The command `kit`: one function per verb, which parses, calls the API and prints.

The API and its rooms are imported inside the functions, so that no verb waits for a package that it does not use.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence

import click

from kit import __version__, notes, places
from kit.cli import (
    auditing,
    completion,
    deciding,
    embedding,
    emulator,
    encoder,
    generating,
    judging,
    keeping,
    kernel,
    looking,
    machine,
    predicting,
    reporting,
    studying,
    submitting,
    tasks,
    training,
    tuning,
)
from kit.cli.declaring import Verbs
from kit.errors import KitError

VERBS = (
    *(looking.competitions, looking.files),
    *(tasks.list_, tasks.download, tasks.explore, auditing.audit, tasks.new),
    *(training.train, training.sweep, tuning.tune),
    *(training.runs, training.track, keeping.note, keeping.diff, keeping.delete),
    *(predicting.predict, generating.generate, judging.importance, studying.curves),
    *(reporting.compare, judging.ensemble, deciding.forecast, deciding.choose, reporting.report, reporting.why),
    *(submitting.submit, submitting.leaderboard, submitting.publish, submitting.publish_run),
    *(kernel.push, kernel.kernel, encoder.encoder, embedding.embedding, emulator.emulator),
    *(machine.doctor, machine.demo, completion.completion),
)
"""All verbs, in the order of `kit --help`."""

NAMES = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
"""Errors of a name that a user gave: too long, a loop of links, a file where a folder is wanted, or the other way."""

MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""Errors of the machine that a user can mend: no space left, a quota, a read-only or forbidden folder."""


@click.group(
    cls=Verbs, invoke_without_command=True, epilog="Start with: kit demo. Then: kit VERB --help, each with an example."
)
@click.version_option(__version__, message="kit %(version)s")
@click.pass_context
def command(context: click.Context) -> None:
    """From download to rank on Kaggle: data, leak-safe folds, training, submission, leaderboard."""
    if context.invoked_subcommand is None:
        print(context.get_help())


for verb in VERBS:
    command.add_command(verb)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 well, 1 a problem the user can fix, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    shell = os.environ.get(completion.VARIABLE) if argv is None else None
    for stream in (sys.stdout, sys.stderr):
        # A ± that it cannot print must not end a verb which has done its work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not shell:
        notes.show()
    try:
        if shell:
            return completion.answer(command, shell)
        with command.make_context("kit", words) as context:
            return command.invoke(context) or 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.UsageError as error:
        error.show()
        return error.exit_code
    except KitError as error:
        if not shell:  # a message would stand in the line that is being typed
            print(f"kit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nkit: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Told apart from a defect: the machine has no room or does not let kit write, which the user can mend.
        if error.errno in NAMES:
            name = str(error.filename)
            print(f"kit: {error.strerror}: {name if len(name) <= 255 else name[:100] + '...'}", file=sys.stderr)
            print("The name must be that of a file or folder which can be there.", file=sys.stderr)
            return 1
        if error.errno not in MACHINE:
            raise
        print(f"kit: {error.strerror}: {error.filename or places.workspace()}", file=sys.stderr)
        print("No file is half-written. kit doctor shows the free space and the workspace.", file=sys.stderr)
        return 1
