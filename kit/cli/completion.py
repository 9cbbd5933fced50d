"""The verb completion: a shell that knows verbs, options, competitions, recipes, runs and settings."""

from __future__ import annotations

import click

from kit.cli.declaring import verb

VARIABLE = "_KIT_COMPLETE"
"""Is set by a shell that asks what may come next."""

BEFORE = {"bash": "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n"}
"""A colon parts words in bash unless it is told otherwise, and `cnn:augmented` is one."""


@verb()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that lets your shell complete verbs, options, competitions, recipes, runs and settings.

    Example:
      source <(kit completion bash)      # in ~/.bashrc; zsh the same, after compinit
      kit completion fish > ~/.config/fish/completions/kit.fish
    """
    from click.shell_completion import get_completion_class

    from kit.cli import command

    made = get_completion_class(shell)
    assert made is not None  # the choice above names shells that click knows
    print(BEFORE.get(shell, "") + made(command, {}, "kit", VARIABLE).source())


def answer(command: click.Command, instruction: str) -> int:
    """What a shell asked for, printed; the exit status."""
    from click.shell_completion import shell_complete

    return shell_complete(command, {}, "kit", VARIABLE, instruction)
