"""Verbs about kernels on Kaggle: push, and kernel with build, rehearse, push, status, logs, pull."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kit.cli import completing, declaring
from kit.cli.declaring import as_json, competition, folds, full, parsed, recipe, sample, seed, verb, verbs
from kit.cli.printing import dump, show
from kit.cli.training import report
from kit.notes import tell

if TYPE_CHECKING:
    from kit.api.kernel_results import Pushed

F = TypeVar("F", bound=Callable[..., Any])


def plan(function: F) -> F:
    """The options that decide what a kernel fits."""
    quick = click.option(
        "--sample", is_flag=True, help="Quick settings, for an emulator that hosts the embedded sample."
    )
    for option in (quick, seed, full, folds, declaring.settings):
        function = option(function)
    return function


def machine(function: F) -> F:
    """The options that decide on what a kernel runs, and how long."""
    function = click.option(
        "--timeout", type=int, metavar="SECONDS", help="Kaggle stops the kernel after this time (default: 9 hours)."
    )(function)
    return click.option("--accelerator", help="cpu, t4, l4, tpu, ... (default: as in kernel-metadata.json).")(function)


def inputs(function: F) -> F:
    """The option `--input`."""
    return click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="SOURCE=FOLDER",
        help="Where a local copy of a dataset or model is, for the rehearsal.",
        callback=_sources,
    )(function)


def version(function: F) -> F:
    """The option `--version`."""
    return click.option("--version", type=int, help="Number of the version (default: the one that was pushed last).")(
        function
    )


def of_run(function: F) -> F:
    """The option `--from`."""
    return click.option(
        "--from",
        "run",
        metavar="RUN",
        help="The notebook that predicts by this run, and trains nothing. `last` is the newest.",
        shell_complete=completing.runs,
    )(function)


def hours(function: F) -> F:
    """The option `--hours`."""
    return click.option(
        "--hours",
        type=float,
        metavar="H",
        help="With --from: hours that the notebook may take, as the competition says (default: 9).",
    )(function)


def wait(function: F) -> F:
    """The option `--wait`."""
    return click.option("--wait", is_flag=True, help="Follow the log until the version has finished.")(function)


def _sources(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for source, equals, place in pairs:
        if not (source and equals and place):
            raise click.BadParameter("it must be SOURCE=FOLDER, as in owner/dataset=~/dataset.", context, parameter)
    return {source: place for source, _, place in pairs}


@verb()
@competition
@recipe
@plan
@machine
@inputs
@click.option(
    "--no-rehearse",
    "rehearse",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Do not rehearse the kernel on this machine first.",
)
@of_run
@hours
@declaring.no_wait("Only push: do not follow the log, do not fetch the run.")
@click.option("--submit", is_flag=True, help="Then send the submission of the run.")
@click.option("--code", is_flag=True, help="Then submit the kernel itself, as code competitions want.")
@click.option("--folds-as-kernels", is_flag=True, help="Train each fold in a kernel of its own.")
@click.option(
    "--resume",
    metavar="RUN",
    help="With --folds-as-kernels: continue a run. `last` is the newest.",
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
    """Train a recipe on Kaggle: build a kernel, rehearse it here, push it, follow its log, fetch its run.

    The run is placed in submissions/ like any other. kernel-metadata.json says which data the kernel attaches. A time
    limit is always set, because a running kernel can be stopped only on its web page.

    With --from RUN nothing is trained there: the run's models are published, the notebook only predicts, and --code
    submits it, which is what code competitions want. Given again, the command goes on where it was.

    Example:
      kit push digit-recognizer cnn:augmented --accelerator t4 --submit
      kit push digit-recognizer vgg --accelerator t4 --folds-as-kernels
      kit push digit-recognizer --from last --code
    """
    from kit.api import pushing
    from kit.api.kernel_results import Pushed

    scheme = declaring.scheme(folds, full=full)
    outcome = pushing.push(competition, recipe, scheme=scheme, folds=folds, **options, **parsed(settings))
    if isinstance(outcome, Pushed):
        return told(outcome, as_json)
    return dump(outcome.facts() | outcome.kaggle()) if as_json else report(outcome)


@verbs()
def kernel() -> None:
    """Build, rehearse, push, follow and pull a kernel, step by step."""


@verb(group=kernel)
@click.argument("competition", default="", shell_complete=completing.competitions)
@recipe
@plan
@click.option("--accelerator", help="Written to kernel-metadata.json: cpu, t4, l4, tpu, ...")
@of_run
@hours
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

    The same files and settings always give the same bytes. kernel-metadata.json is written too if there is none; after
    that you can edit it: accelerator, internet, datasets and models. Without COMPETITION all kernels are built again,
    with the settings that they had.

    With --from RUN it is the notebook of a code competition, kernels/COMPETITION-RECIPE-inference: it attaches the
    run's models (kit publish-run), predicts the test rows that are there, and trains nothing.

    Example:
      kit kernel build digit-recognizer cnn:augmented --set epochs=30 --accelerator t4
      kit kernel build digit-recognizer --from last
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
@click.option("--real-data", is_flag=True, help="Use the downloaded data instead of the sample.")
@click.option(
    "--image",
    type=click.Choice(("kernel", "cpu", "gpu", "tpu", "own")),
    is_flag=False,
    flag_value="kernel",
    help="Whose packages: those of Kaggle's image for the kernel's machine (default), of another one, or kit's own.",
)
@of_run
@click.option("--hidden", is_flag=True, help="With --from: on test files that the notebook has never seen, too.")
@sample
@as_json
def rehearse(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Run the built notebook here as Kaggle would: both mount layouts, inputs read-only, no network, a disk cap.

    It runs on the embedded sample and must leave a submission that would be accepted. Two folds are fitted for one
    epoch; under the other layout the inputs are found. The executed notebook is kept in kernels/*/output/rehearsal. A
    further source of kernel-metadata.json needs --input.

    It has the packages of Kaggle's image if uv and the image's Python are installed. The first time, kit downloads
    them, which takes about a minute.

    With --from RUN it is the notebook that predicts by that run, on the data that this was trained on. With --hidden it
    runs on the visible test file, on one row, and on ten times as many rows with ids in another order, categories that
    nobody has seen, and missing values, as on the hidden test file of a code competition. Each is told in one line.

    Example:
      kit kernel rehearse digit-recognizer cnn
      kit kernel rehearse digit-recognizer cnn --image gpu
      kit kernel rehearse digit-recognizer --from last --hidden
      kit kernel rehearse digit-recognizer cnn --real-data --input me/more-digits=~/more-digits
    """
    from kit.api import kernel as kernels

    results = kernels.rehearse(competition, recipe, **options)
    if as_json:
        dump(results.facts())


@verb(group=kernel)
@click.option("--accelerator", default="cpu", show_default=True, help="Whose packages: cpu, t4, tpu, ...")
@as_json
def probe(accelerator: str, as_json: bool) -> None:
    """Ask Kaggle what is installed: push a kernel of less than a minute, and keep the list that it writes.

    It writes down packages, Python, devices, memory, disk, mounts, and the names of environment variables without
    their values. Rehearsals use the list from then on. What differs from the list that comes with kit is shown.

    Example:
      kit kernel probe --accelerator t4
    """
    from kit.api import kernel as kernels

    seen = kernels.probe(accelerator)
    if as_json:
        return dump(seen.facts())
    print(seen.summary())
    return show(seen.table()) if seen.differences else None


@verb("push", group=kernel)
@competition
@recipe
@machine
@of_run
@sample
@as_json
def push_step(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Push the built notebook. Kaggle runs it at once.

    kit refuses a notebook that is older than the files it is made of. It also stops if the answer of Kaggle shows a
    problem: an error, a dataset or model that Kaggle does not know, or no version number.

    Example:
      kit kernel push digit-recognizer cnn --accelerator t4 --timeout 7200
    """
    from kit.api import kernel as kernels

    told(kernels.push(competition, recipe, **options), as_json)


@verb(group=kernel)
@competition
@recipe
@version
@wait
@of_run
@sample
@as_json
def status(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Show the state of the pushed version. With --wait, follow its log to the end.

    The exit status is 1 if the version failed, and 0 if it is waiting, running or complete.

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
@of_run
@sample
@as_json
def logs(competition: str, recipe: str, as_json: bool, **options: Any) -> None:
    """Print the log of the pushed version. With --wait, print it while it is written.

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
    """Fetch the run of the pushed version into submissions/. It is then a run like any other.

    Of a version that failed or came to its time limit, it fetches what was finished: kit train --resume goes on with
    it.

    Example:
      kit kernel pull digit-recognizer cnn
    """
    from kit.api import kernel as kernels

    run = kernels.pull(competition, recipe, **options)
    if as_json:
        return dump(run.facts() | run.kaggle())
    return report(run) if run.finished else print(f"Unfinished run: {run.folder}")


def told(pushed: Pushed, as_json: bool) -> None:
    """What was pushed, and what to type next."""
    if as_json:
        return dump(pushed.facts())
    print(pushed.summary())
    return tell(f"Next: kit kernel status {pushed.version.words} --wait")


def print_line(line: str) -> None:
    """A line of a log, at once."""
    print(line, flush=True)
