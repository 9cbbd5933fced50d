"""How verbs are declared: the docstring is the help, and options that several verbs share stand here once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from kit.cli import completing

F = TypeVar("F", bound=Callable[..., Any])


class Verbs(click.Group):
    """Verbs in the order in which they were declared; a wrong one is answered with those that are near."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def verb(name: str = "", *, group: click.Group | None = None) -> Callable[[Callable[..., Any]], click.Command]:
    """A verb called as its function, or `name`, with the function's docstring as its help."""

    def declare(function: Callable[..., Any]) -> click.Command:
        made = click.command(name or function.__name__, help=_help(function), short_help=_short(function))(function)
        if group is not None:
            group.add_command(made)
        return made

    return declare


def verbs(name: str = "") -> Callable[[Callable[..., Any]], click.Group]:
    """A verb that has verbs of its own, such as `kit kernel`."""

    def declare(function: Callable[..., Any]) -> click.Group:
        made = click.group(
            name or function.__name__,
            cls=Verbs,
            invoke_without_command=True,
            help=_help(function),
            short_help=_short(function),
        )(_helpful)
        return made

    return declare


@click.pass_context
def _helpful(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


def _help(function: Callable[..., Any]) -> str:
    """The docstring; what stands indented in it, such as an example, is not filled into lines anew."""
    paragraphs = re.split(r"\n\s*\n", inspect.getdoc(function) or "")
    return "\n\n".join(f"\b\n{text}" if re.search(r"^\s", text, re.M) else text for text in paragraphs)


def _short(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")


def competition(function: F) -> F:
    """The argument COMPETITION."""
    return click.argument("competition", shell_complete=completing.competitions)(function)


def recipe(function: F) -> F:
    """The argument RECIPE, which may be left out."""
    return click.argument("recipe", default="", shell_complete=completing.recipes)(function)


def sample(function: F) -> F:
    """The option `--sample`."""
    return click.option("--sample", is_flag=True, help="Use the small embedded sample instead of the real data.")(
        function
    )


def as_json(function: F) -> F:
    """The option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(function)


def engine(function: F) -> F:
    """The options that say where folds are fitted, Kaggle among them."""
    machine = click.option(
        "--accelerator",
        metavar="NAME",
        help="With --engine kaggle, the machine: cpu, t4, tpu, ... (default: that of the recipe's kernel, or cpu).",
    )
    return _engine("local", "process", "ray", "kaggle")(machine(function))


def engine_here(function: F) -> F:
    """The options that say where folds are fitted by what this machine reaches without a queue."""
    return _engine("local", "process", "ray")(function)


def _engine(*names: str) -> Callable[[F], F]:
    where = "here one by one, in processes of this machine, or in workers of Ray"
    if "kaggle" in names:
        where = "here one by one, in processes of this machine, in workers of Ray, or in kernels on Kaggle"
    options = (
        click.option("--engine", type=click.Choice(names), help=f"Where folds are fitted: {where}."),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            metavar="N",
            help="Fit N folds at once. Without --engine they are fitted in processes.",
        ),
        click.option(
            "--address", default="", metavar="RAY", help="Join this cluster of Ray, such as ray://head:10001."
        ),
        click.option(
            "--gpus-per-fold",
            type=click.FloatRange(0, 8),
            metavar="X",
            help="What a fold has of a GPU, with --engine ray. 0.5 lets two folds share one.",
        ),
    )

    def declare(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return declare


def settings(function: F) -> F:
    """The option `--set`."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Change a setting of the recipe. Can be given several times.",
        shell_complete=completing.settings,
    )(function)


def folds(function: F) -> F:
    """The option `--folds`."""
    return click.option("--folds", type=int, metavar="N", help="Number of folds, instead of the declared number.")(
        function
    )


def full(function: F) -> F:
    """The option `--full`."""
    return click.option("--full", is_flag=True, help="Train one model on all rows; it gets no score.")(function)


def holdout(function: F) -> F:
    """The option `--holdout`."""
    return click.option("--holdout", is_flag=True, help="Train one model; a tenth of the rows judges it.")(function)


def split(function: F) -> F:
    """The option `--split`."""
    return click.option(
        "--split",
        metavar="NAME",
        help="Judge by another split that the competition declares.",
        shell_complete=completing.splits,
    )(function)


def track(function: F) -> F:
    """The option `--track`."""
    return click.option("--track", is_flag=True, help="Tell MLflow of the training, epoch by epoch.")(function)


def seed(function: F) -> F:
    """The option `--seed`."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**20 - 1), default=0, metavar="N", help="Seed of the random numbers."
    )(function)


def no_wait(what: str) -> Callable[[F], F]:
    """The option `--no-wait`; `what` is its help."""
    return click.option("--no-wait", "wait", is_flag=True, flag_value=False, default=True, help=what)


FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(path_type=Path)


def scheme(folds: int | None, *, holdout: bool = False, full: bool = False, split: str | None = None) -> str:
    """By what a run is judged, as the API calls it. Raises UsageError, exit status 2, for two of these options."""
    given = {"--folds": folds is not None, "--holdout": holdout, "--full": full, "--split": split is not None}
    used = [name for name, is_given in given.items() if is_given]
    if len(used) > 1:
        raise click.UsageError(f"{' and '.join(used)} cannot be used together.")
    return split or ("holdout" if holdout else "full" if full else "cv")


def parsed(texts: Sequence[str]) -> dict[str, Any]:
    """`--set epochs=3 --set rate=0.1` as a dictionary."""
    from kit.task import catalog

    return dict(catalog.parse_setting(text) for text in texts)
