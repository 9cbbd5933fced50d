"""Verbs about kernels on Kaggle: push, and kernel with build, rehearse, push, status, logs, pull."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kit.cli import completing, declaring
from kit.cli.declaring import as_json, competition, folds, full, parsed, recipe, sample, seed, verb, verbs
from kit.cli.printing import dump
from kit.cli.training import report
from kit.notes import tell

F = TypeVar("F", bound=Callable[..., Any])


def plan(function: F) -> F:
    """The options that decide what a kernel fits."""
    quick = click.option("--sample", is_flag=True, help="Quick settings, for the sample under the slug, as in CI.")
    for option in (quick, seed, full, folds, declaring.settings):
        function = option(function)
    return function


def machine(function: F) -> F:
    """The options that decide on what a kernel runs, and how long."""
    function = click.option(
        "--timeout", type=int, metavar="SECONDS", help="When Kaggle stops the kernel (default: 9 hours)."
    )(function)
    return click.option("--accelerator", help="cpu, t4, l4, tpu, ... (default: as in kernel-metadata.json).")(function)


def inputs(function: F) -> F:
    """The option `--input`."""
    return click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="SOURCE=FOLDER",
        help="A local copy of a dataset or model, for the rehearsal.",
        callback=_sources,
    )(function)


def version(function: F) -> F:
    """The option `--version`."""
    return click.option("--version", type=int, help="The version's number (default: the one pushed last).")(function)


def wait(function: F) -> F:
    """The option `--wait`."""
    return click.option("--wait", is_flag=True, help="Follow the log until the version has finished.")(function)


def _sources(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for source, equals, place in pairs:
        if not (source and equals and place):
            raise click.BadParameter("it is SOURCE=FOLDER, as in owner/dataset=~/dataset.", context, parameter)
    return {source: place for source, _, place in pairs}


@verb()
@competition
@recipe
@plan
@machine
@inputs
@click.option(
    "--no-rehearse", "rehearse", is_flag=True, flag_value=False, default=True, help="Do not run it here first."
)
@declaring.no_wait("Push, and neither follow nor pull.")
@click.option("--submit", is_flag=True, help="Send the pulled run's submission.")
@click.option("--code", is_flag=True, help="Submit the kernel itself, as a code competition wants it.")
@click.option("--folds-as-kernels", is_flag=True, help="Fit each fold in a kernel of its own.")
@click.option(
    "--resume",
    metavar="RUN",
    help="With --folds-as-kernels: go on with a run; `last` is the newest.",
    shell_complete=completing.unfinished,
)
@as_json
def push(
    competition: str,
    recipe: str,
    settings: tuple[str, ...],
    folds: int | None,
    full: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a recipe on Kaggle: build the kernel, rehearse it here, push it, follow its log, pull its run.

    The run lands in submissions/ like any other. The kernel's data is attached as kernel-metadata.json says; a timeout
    is always set, since a running kernel can be stopped on its web page only.

    Example:
      kit push digit-recognizer cnn:augmented --accelerator t4 --submit
      kit push digit-recognizer vgg --accelerator t4 --folds-as-kernels
    """
    from kit.api import pushing
    from kit.api.kernel import Pushed

    scheme = declaring.scheme(folds, full=full)
    outcome = pushing.push(competition, recipe, scheme=scheme, folds=folds, **options, **parsed(settings))
    if isinstance(outcome, Pushed):
        return told(outcome, competition, recipe, as_json)
    return dump(outcome.facts() | outcome.kaggle()) if as_json else report(outcome)


@verbs()
def kernel() -> None:
    """Build, rehearse, push, follow and pull a kernel, step by step."""


@verb(group=kernel)
@click.argument("competition", default="", shell_complete=completing.competitions)
@recipe
@plan
@click.option("--accelerator", help="Written to kernel-metadata.json: cpu, t4, l4, tpu, ...")
@as_json
def build(
    competition: str,
    recipe: str,
    settings: tuple[str, ...],
    folds: int | None,
    full: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write the notebook of a recipe, kernels/COMPETITION-RECIPE/kernel.ipynb, from the files as they are now.

    The same files and settings give the same bytes. kernel-metadata.json is written where there is none; after that it
    is yours: accelerator, internet, datasets and models to attach. Without a competition every kernel is built again,
    as it was planned.

    Example:
      kit kernel build digit-recognizer cnn:augmented --set epochs=30 --accelerator t4
      kit kernel build  # all again, after a change to kit
    """
    from kit.api import kernel as kernels

    if competition:
        scheme = declaring.scheme(folds, full=full)
        built = [kernels.build(competition, recipe, scheme=scheme, folds=folds, **options, **parsed(settings))]
    else:
        built = list(kernels.build_all(accelerator=options["accelerator"]))
    if as_json:
        return dump([one.facts() for one in built])
    for one in built:
        print(one.notebook)
    if competition:
        tell(f"Next: kit kernel rehearse {built[0].words}")
    return None


@verb(group=kernel)
@competition
@recipe
@inputs
@click.option("--real-data", is_flag=True, help="On the downloaded data instead of the sample.")
@sample
@as_json
def rehearse(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Run the built notebook here as Kaggle would: both mount layouts, inputs read-only, no network, a disk cap.

    It runs on the embedded sample, with the notebook's own settings, and must leave a submission that would be
    accepted. A further source of kernel-metadata.json needs --input.

    Example:
      kit kernel rehearse digit-recognizer cnn
      kit kernel rehearse digit-recognizer cnn --real-data --input me/more-digits=~/more-digits
    """
    from kit.api import kernel as kernels

    results = kernels.rehearse(competition, recipe, **options)
    if as_json:
        dump(results.facts())


@verb("push", group=kernel)
@competition
@recipe
@machine
@sample
@as_json
def push_step(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Push the built notebook; Kaggle runs it at once.

    A notebook that today's files would not build is refused, and so is an answer that is not wholly well: an error, a
    source that Kaggle does not know, no version number.

    Example:
      kit kernel push digit-recognizer cnn --accelerator t4 --timeout 7200
    """
    from kit.api import kernel as kernels

    told(kernels.push(competition, recipe, **options), competition, recipe, as_json)


@verb(group=kernel)
@competition
@recipe
@version
@wait
@sample
@as_json
def status(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Say where the pushed version stands; with --wait follow its log to the end.

    The exit status is 0 when it runs or is complete, 1 when it failed.

    Example:
      kit kernel status digit-recognizer cnn --wait
    """
    from kit.api import kernel as kernels

    stands = kernels.status(competition, recipe, **options)
    if as_json:
        dump(stands.facts())
    else:
        print(stands.summary())
    stands.refuse_failure()


@verb(group=kernel)
@competition
@recipe
@version
@wait
@sample
@as_json
def logs(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Print the log of the pushed version; with --wait as it is written.

    Example:
      kit kernel logs digit-recognizer cnn --version 2
    """
    from kit.api import kernel as kernels

    lines = kernels.logs(competition, recipe, **options, echo=None if as_json else print_line)
    if as_json:
        dump(lines)


@verb(group=kernel)
@competition
@recipe
@version
@sample
@as_json
def pull(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Fetch the run that the pushed version left into submissions/, where it is a run like any other.

    Example:
      kit kernel pull digit-recognizer cnn
    """
    from kit.api import kernel as kernels

    run = kernels.pull(competition, recipe, **options)
    return dump(run.facts() | run.kaggle()) if as_json else report(run)


def told(pushed: Any, competition: str, recipe: str, as_json: bool) -> None:
    """What was pushed, and what to type next."""
    if as_json:
        return dump(pushed.facts())
    print(pushed.summary())
    return tell(f"Next: kit kernel status {competition} {recipe} --wait")


def print_line(line: str) -> None:
    """A line of a log, at once."""
    print(line, flush=True)
