"""Completion for bash, zsh and fish: the shell asks `kit complete WORD...` for what may come next."""

from __future__ import annotations

import argparse
from typing import Any

from kit.cli.words import verb
from kit.errors import KitError

SCRIPTS = {
    "bash": """\
_kit() {
    local IFS=$'\\n'
    COMPREPLY=($(kit complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    [[ ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
complete -F _kit kit
""",
    "zsh": """\
#compdef kit
_kit() {
    local -a found
    found=("${(@f)$(kit complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    [[ -n "${found[1]}" ]] && compadd -- "${found[@]}" || _files
}
compdef _kit kit
""",
    "fish": """\
function __kit
    set -l words (commandline -opc) (commandline -ct)
    kit complete $words[2..-1] 2>/dev/null
end
complete -c kit -a '(__kit)'
""",
}


def add(verbs: Any) -> None:
    """Declare the verbs."""
    found = verb(verbs, completion)
    found.add_argument("shell", choices=SCRIPTS)
    hidden = verbs.add_parser("complete", add_help=False)
    hidden.add_argument("words", nargs=argparse.REMAINDER)
    hidden.set_defaults(run_verb=complete)


def completion(args: argparse.Namespace) -> None:
    """Print the script that makes a shell complete verbs, competitions, recipes and runs.

    Example:
      source <(kit completion bash)      # in ~/.bashrc; zsh the same, after compinit
      kit completion fish > ~/.config/fish/completions/kit.fish
    """
    print(SCRIPTS[args.shell], end="")


def complete(args: argparse.Namespace) -> None:
    """Print what may stand in place of the last of `words`, one a line."""
    from kit.cli import parser

    words = args.words or [""]
    print("\n".join(word for word in candidates(parser(), words[:-1]) if word.startswith(words[-1])))


def candidates(parser: argparse.ArgumentParser, before: list[str]) -> list[str]:
    """Verbs, options and arguments that may follow the words `before`."""
    place = 0
    taken: list[str] = []
    skip = False
    for word in before:
        options = {name: action for action in parser._actions for name in action.option_strings}
        verbs = _verbs(parser)
        if skip:
            skip = False
        elif word in options:
            skip = options[word].nargs != 0
        elif word in verbs:
            parser, place, taken = verbs[word], 0, []
        else:
            place, taken = place + 1, [*taken, word]
    if skip:
        action = next(a for a in parser._actions if before[-1] in a.option_strings)
        return _values(action, taken)
    if verbs := _verbs(parser):
        return [name for name in verbs if name != "complete"]
    positional = [action for action in parser._actions if not action.option_strings]
    found = _values(positional[min(place, len(positional) - 1)], taken) if place < len(positional) else []
    return [*found, *(name for action in parser._actions for name in action.option_strings if name.startswith("--"))]


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(groups[0].choices) if groups else {}


def _values(action: argparse.Action, taken: list[str]) -> list[str]:
    from kit.task import catalog
    from kit.train import runs

    if action.choices:
        return list(map(str, action.choices))
    try:
        if action.dest == "competition":
            return catalog.names()
        entry = catalog.find(taken[0]) if taken else None
    except KitError:
        return []
    if entry and action.dest == "recipe":
        return [
            word
            for recipe in entry.recipes.values()
            for word in (recipe.name, *(f"{recipe.name}:{v}" for v in recipe.variants))
        ]
    if entry and action.dest == "run":
        return ["last", *(run.name for run in runs.every(entry.name))]
    if entry and action.dest == "resume":
        return ["last", *(run.name for run in runs.every(entry.name) if not run.finished)]
    if entry and action.dest == "set":
        recipe, _ = entry.recipe(taken[1] if len(taken) > 1 else "")
        return [f"{name}=" for name in recipe.settings]
    return []
