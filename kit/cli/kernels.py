"""Verbs about kernels on Kaggle: push, and kernel with build, rehearse, push, status, logs, pull."""

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.cli.words import Verb, as_json, dump, sample, verb
from kit.errors import KitError
from kit.notes import tell

if TYPE_CHECKING:
    from kit.kaggle.kernel.versions import Pushed
    from kit.task.catalog import Entry
    from kit.train.runs import Plan, Run


def concrete(function: Verb) -> Verb:
    """The verb, with the words that were typed in the cure of its errors."""

    @functools.wraps(function)
    def run(args: argparse.Namespace) -> int | None:
        try:
            return function(args)
        except KitError as error:
            words = [args.competition or "COMPETITION", args.recipe or "RECIPE", "--sample" if args.sample else ""]
            error.cure = error.cure.replace("COMPETITION RECIPE", " ".join(words).strip())
            raise

    return run


def add(verbs: Any) -> None:
    """Declare the verbs."""
    found = _recipe(verb(verbs, push))
    _plan(found)
    _machine(found)
    _inputs(found)
    found.add_argument("--no-rehearse", dest="rehearse", action="store_false", help="do not run it here first")
    found.add_argument("--no-wait", dest="wait", action="store_false", help="push, and neither follow nor pull")
    found.add_argument("--submit", action="store_true", help="send the pulled run's submission")
    found.add_argument("--code", action="store_true", help="submit the kernel itself, as a code competition wants it")
    found.add_argument("--folds-as-kernels", action="store_true", help="fit each fold in a kernel of its own")
    found.add_argument(
        "--resume", metavar="RUN", help="with --folds-as-kernels: go on with a run; `last` is the newest"
    )
    as_json(found)

    group = verbs.add_parser("kernel", help="Build, rehearse, push, follow and pull a kernel, step by step")
    group.set_defaults(run_verb=lambda args: group.print_help())
    steps = group.add_subparsers(title="steps", metavar="STEP", dest="step")

    found = verb(steps, build)
    found.add_argument("competition", nargs="?", help="without it every kernel there is built again, as it was planned")
    found.add_argument("recipe", nargs="?", default="", help="RECIPE or RECIPE:VARIANT (default: the competition's)")
    _plan(found)
    found.add_argument("--accelerator", help="written to kernel-metadata.json: cpu, t4, l4, tpu, ...")
    as_json(found)

    found = _recipe(verb(steps, rehearse))
    _inputs(found)
    found.add_argument("--real-data", action="store_true", help="on the downloaded data instead of the sample")
    sample(found)
    as_json(found)

    found = _recipe(verb(steps, push_step, "push"))
    _machine(found)
    sample(found)
    as_json(found)

    for function in (status, logs, pull):
        found = _recipe(verb(steps, function))
        found.add_argument("--version", type=int, help="the version's number (default: the one pushed last)")
        if function is not pull:
            found.add_argument("--wait", action="store_true", help="follow the log until the version has finished")
        sample(found)
        as_json(found)


@concrete
def push(args: argparse.Namespace) -> None:
    """Train a recipe on Kaggle: build the kernel, rehearse it here, push it, follow its log, pull its run.

    The run lands in submissions/ like any other. The kernel's data is attached as kernel-metadata.json says; a timeout
    is always set, since a running kernel can be stopped on its web page only.

    Example:
      kit push digit-recognizer cnn:augmented --accelerator t4 --submit
      kit push digit-recognizer vgg --accelerator t4 --folds-as-kernels
    """
    from kit.kaggle import client

    if args.resume and not args.folds_as_kernels:
        raise KitError(
            "--resume goes with --folds-as-kernels.",
            "A single kernel runs on without this machine; what it left is pulled.",
            f"kit kernel pull {args.competition} {args.recipe}".rstrip(),
        )
    if args.folds_as_kernels:
        run = _fanned_out(args)
    else:
        entry, plan = _planned(args)
        folder = _built(entry, plan, args.accelerator)
        client.connect()  # missing credentials should show before the rehearsal
        if args.rehearse:
            _rehearsed(entry, folder, args.input, real=False)
        pushed = _pushed(folder, args)
        if not args.wait:
            return _told(pushed, args)
        run = _landed(entry, plan, pushed)
    if args.submit or args.code:
        _submitted(run, code=args.code)
    if args.json:
        return dump(run.facts() | run.kaggle())
    from kit.cli.training import report
    from kit.task import catalog

    return report(catalog.find(args.competition), run)


@concrete
def build(args: argparse.Namespace) -> None:
    """Write the notebook of a recipe, kernels/COMPETITION-RECIPE/kernel.ipynb, from the files as they are now.

    The same files and settings give the same bytes. kernel-metadata.json is written where there is none; after that it
    is yours: accelerator, internet, datasets and models to attach.

    Example:
      kit kernel build digit-recognizer cnn:augmented --set epochs=30 --accelerator t4
      kit kernel build  # all again, after a change to kit
    """
    from kit import places
    from kit.kaggle.kernel import notebook

    if args.competition:
        folders = [_built(*_planned(args), args.accelerator)]
    else:
        from kit.task import catalog

        files = sorted(places.kernels().glob(f"*/{notebook.FILE}"))
        plans = [notebook.plan(file.read_text(encoding="utf-8"), file) for file in files]
        folders = [_built(catalog.find(plan.competition), plan, args.accelerator) for plan in plans]
    if args.json:
        return dump([{"folder": str(one), "bytes": (one / notebook.FILE).stat().st_size} for one in folders])
    for folder in folders:
        print(folder / notebook.FILE)
    if args.competition:
        tell(f"Next: kit kernel rehearse {args.competition} {args.recipe}".rstrip() + " --sample" * args.sample)
    return None


@concrete
def rehearse(args: argparse.Namespace) -> None:
    """Run the built notebook here as Kaggle would: both mount layouts, inputs read-only, no network, a disk cap.

    It runs on the embedded sample, with the notebook's own settings, and must leave a submission that would be
    accepted. A further source of kernel-metadata.json needs --input.

    Example:
      kit kernel rehearse digit-recognizer cnn
      kit kernel rehearse digit-recognizer cnn --real-data --input me/more-digits=~/more-digits
    """
    from kit.task import catalog

    entry = catalog.find(args.competition)
    results = _rehearsed(entry, _folder(args), args.input, real=args.real_data)
    if args.json:
        dump(results)


@concrete
def push_step(args: argparse.Namespace) -> None:
    """Push the built notebook; Kaggle runs it at once.

    A notebook that today's files would not build is refused, and so is an answer that is not wholly well: an error, a
    source that Kaggle does not know, no version number.

    Example:
      kit kernel push digit-recognizer cnn --accelerator t4 --timeout 7200
    """
    _told(_pushed(_folder(args), args), args)


@concrete
def status(args: argparse.Namespace) -> None:
    """Say where the pushed version stands; with --wait follow its log to the end.

    The exit status is 0 when it runs or is complete, 1 when it failed.

    Example:
      kit kernel status digit-recognizer cnn --wait
    """
    from kit.kaggle import client
    from kit.kaggle.kernel import sessions

    pushed = _remembered(args)
    connected = client.connect()
    state = sessions.follow(connected, pushed, echo=tell) if args.wait else sessions.status(connected, pushed)
    if args.json:
        dump({"ref": pushed.ref, "version": pushed.version, **state._asdict()})
    else:
        print(f"{pushed.ref} {pushed.label}: {state.status.lower()}")
    if state.finished:
        sessions.succeeded(connected, pushed, state)


@concrete
def logs(args: argparse.Namespace) -> None:
    """Print the log of the pushed version; with --wait as it is written.

    Example:
      kit kernel logs digit-recognizer cnn --version 2
    """
    from kit.kaggle import client
    from kit.kaggle.kernel import sessions

    pushed, connected = _remembered(args), client.connect()
    lines: list[str] = []
    echo = lines.append if args.json else _print
    if args.wait:
        sessions.follow(connected, pushed, echo=echo)
    else:
        for line in sessions.log(connected, pushed):
            echo(line)
        if not (state := sessions.status(connected, pushed)).finished:
            tell(f"{pushed.ref} {pushed.label} is {state.status.lower()}; --wait shows its log as it is written.")
    if args.json:
        dump(lines)


@concrete
def pull(args: argparse.Namespace) -> None:
    """Fetch the run that the pushed version left into submissions/, where it is a run like any other.

    Example:
      kit kernel pull digit-recognizer cnn
    """
    from kit.cli.training import report
    from kit.kaggle import client
    from kit.kaggle.kernel import outputs, sessions
    from kit.task import catalog

    pushed, connected, entry = _remembered(args), client.connect(), catalog.find(args.competition)
    sessions.succeeded(connected, pushed, sessions.status(connected, pushed))
    run = outputs.land(connected, pushed, entry.name)
    if args.json:
        return dump(run.facts() | run.kaggle())
    return report(entry, run)


def _recipe(found: argparse.ArgumentParser) -> argparse.ArgumentParser:
    found.add_argument("competition")
    found.add_argument("recipe", nargs="?", default="", help="RECIPE or RECIPE:VARIANT (default: the competition's)")
    return found


def _plan(found: argparse.ArgumentParser) -> None:
    found.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting; repeatable")
    found.add_argument("--folds", type=int, help="number of folds (default: as declared)")
    found.add_argument("--full", action="store_true", help="one model on all rows, without a score")
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--sample", action="store_true", help="quick settings, for the sample under the slug, as in CI")


def _machine(found: argparse.ArgumentParser) -> None:
    found.add_argument("--accelerator", help="cpu, t4, l4, tpu, ... (default: as in kernel-metadata.json)")
    found.add_argument("--timeout", type=int, metavar="SECONDS", help="when Kaggle stops the kernel (default: 9 hours)")


def _inputs(found: argparse.ArgumentParser) -> None:
    found.add_argument(
        "--input", action="append", default=[], metavar="SOURCE=FOLDER", help="a local copy of a dataset or model"
    )


def _planned(args: argparse.Namespace) -> tuple[Entry, Plan]:
    from kit.task import catalog, splits
    from kit.train.runs import Plan

    entry = catalog.find(args.competition, sample=args.sample)
    recipe, variant = entry.recipe(args.recipe)
    overrides = dict(catalog.parse_setting(text) for text in args.set)
    settings = recipe.resolve(variant, overrides, smoke=args.sample)
    if args.folds is not None:
        splits.with_folds(entry.competition.split, args.folds)
    scheme = "full" if args.full else "cv"
    return entry, Plan(
        entry.name, recipe.name, variant, settings, seed=args.seed, scheme=scheme, folds=args.folds, sample=args.sample
    )


def _folder(args: argparse.Namespace) -> Path:
    """The folder of the kernel that the words name."""
    from kit.kaggle.kernel import versions
    from kit.task import catalog
    from kit.train.runs import Plan

    recipe, variant = catalog.find(args.competition).recipe(args.recipe)
    return versions.folder_of(Plan(args.competition, recipe.name, variant, {}, sample=args.sample))


def _built(entry: Entry, plan: Plan, accelerator: str | None) -> Path:
    from kit import places
    from kit.kaggle.kernel import accelerators, metadata, notebook, versions

    folder = versions.folder_of(plan)
    text = notebook.build(entry, plan)
    if not (folder / metadata.FILE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        metadata.write(folder, metadata.first(entry, plan, accelerators.find(accelerator or "cpu")))
    elif accelerator:
        metadata.write(folder, metadata.read(folder) | metadata.hardware(accelerators.find(accelerator)))
    metadata.read(folder)
    with places.whole(folder / notebook.FILE) as part:
        part.write_text(text, encoding="utf-8")
    return folder


def _rehearsed(entry: Entry, folder: Path, inputs: list[str], *, real: bool) -> list[dict[str, Any]]:
    from kit.kaggle.kernel import metadata, push, rehearsal

    text, _ = push.fresh(folder)
    extra = {}
    for word in inputs:
        ref, _, place = word.partition("=")
        extra[ref] = Path(place).expanduser()
        if not extra[ref].is_dir():
            raise KitError(f"--input {word} names no folder.", "It is SOURCE=FOLDER, as in owner/dataset=~/dataset.")
    found = metadata.read(folder)
    local = rehearsal.local_inputs(replace(entry, sample=not real and entry.has_sample), found, extra=extra)
    tell(f"Rehearsing {folder.name} under both mount layouts")
    results = rehearsal.rehearse(entry, text, found, local, echo=lambda line: tell(f"  | {line}"))
    for result in results:
        tell(f"{result.layout} mounts: submission accepted after {result.seconds} s, kept in by {result.walls}")
    return [result._asdict() for result in results]


def _pushed(folder: Path, args: argparse.Namespace) -> Pushed:
    from kit.kaggle import client
    from kit.kaggle.kernel import accelerators, metadata, push, versions

    text, _ = push.fresh(folder)
    found = metadata.read(folder)
    machine = accelerators.find(args.accelerator) if args.accelerator else metadata.machine_of(found)
    pushed = push.push(client.connect(), text, found, machine=machine, timeout=args.timeout)
    versions.remember(folder, pushed)
    tell(f"Pushed {pushed.ref} {pushed.label} to {machine.what}, stopped after {pushed.timeout:,} s: {pushed.url}")
    return pushed


def _remembered(args: argparse.Namespace) -> Pushed:
    from kit.kaggle import client
    from kit.kaggle.kernel import versions

    return versions.remembered(client.connect(), _folder(args), args.version)


def _landed(entry: Entry, plan: Plan, pushed: Pushed) -> Run:
    from kit.kaggle import client
    from kit.kaggle.kernel import outputs, sessions

    connected = client.connect()
    try:
        state = sessions.follow(connected, pushed, echo=lambda line: tell(f"  | {line}"))
    except KeyboardInterrupt:
        flag = " --sample" * plan.sample
        tell(f"\nThe kernel runs on at {pushed.url}. Later: kit kernel pull {entry.name} {plan.label}{flag}")
        raise
    sessions.succeeded(connected, pushed, state)
    return outputs.land(connected, pushed, entry.name)


def _fanned_out(args: argparse.Namespace) -> Run:
    from kit.cli.training import planned
    from kit.kaggle import client
    from kit.kaggle.kernel import accelerators, fanout, metadata
    from kit.task import catalog
    from kit.train import loop
    from kit.train import runs as store

    if args.code or args.full:
        option = "--code" if args.code else "--full"
        raise KitError(f"{option} does not go with --folds-as-kernels.", "It needs the whole run in one kernel.")
    client.connect()
    if args.resume:
        entry = catalog.find(args.competition)
        run = store.find(entry.name, args.resume)
        entry = replace(entry, sample=run.plan.sample)
        plan = planned(entry, run.plan.label, run.plan.settings)
        run = store.resumable(run, plan)
    else:
        entry, plan = _planned(args)
        run = store.create(planned(entry, plan.label, plan.settings, seed=plan.seed, folds=plan.folds))
    folder = _built(entry, run.plan, args.accelerator)
    if args.rehearse:
        _rehearsed(entry, folder, args.input, real=False)
    found = metadata.read(folder)
    machine = accelerators.find(args.accelerator) if args.accelerator else metadata.machine_of(found)
    engine = fanout.Kernels(client.connect(), entry, run, found, machine, args.timeout)
    try:
        return loop.train(entry, run, executor=engine)
    except (KeyboardInterrupt, KitError):
        tell(f"Go on with: kit push {entry.name} {run.plan.label} --folds-as-kernels --resume {run.name}")
        raise


def _submitted(run: Run, *, code: bool) -> None:
    from kit.cli import parser

    words = ["submit", run.plan.competition, run.name, "--yes", *["--sample"] * run.plan.sample, *["--code"] * code]
    args = parser().parse_args(words)
    with contextlib.redirect_stdout(sys.stderr):  # the answer of this verb is the run
        args.run_verb(args)


def _told(pushed: Pushed, args: argparse.Namespace) -> None:
    from dataclasses import asdict

    if args.json:
        return dump(asdict(pushed))
    print(f"{pushed.ref} {pushed.label}")
    tell(f"Next: kit kernel status {args.competition} {args.recipe} --wait")
    return None


def _print(line: str) -> None:
    print(line, flush=True)
