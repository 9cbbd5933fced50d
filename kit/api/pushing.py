"""A recipe trained on Kaggle, from the notebook to the pulled run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kit.api import code_competitions, kernel, kernel_steps, submitting, training
from kit.api.kernel_results import Kernel, Pushed
from kit.api.kernel_steps import Inputs
from kit.errors import KitError
from kit.kaggle import client
from kit.kaggle.kernel import accelerators, fanout, metadata, outputs, sessions
from kit.notes import tell
from kit.task import catalog
from kit.train import runs as store
from kit.train.runs import Run


def push(
    competition: str,
    recipe: str = "",
    *,
    scheme: str = "cv",
    folds: int | None = None,
    seed: int = 0,
    sample: bool = False,
    accelerator: str | None = None,
    timeout: int | None = None,
    inputs: Inputs | None = None,
    rehearse: bool = True,
    wait: bool = True,
    submit: bool = False,
    code: bool = False,
    folds_as_kernels: bool = False,
    resume: str | Run | None = None,
    run: str | Run | None = None,
    hours: float | None = None,
    **settings: Any,
) -> Run | Pushed:
    """Train a recipe on Kaggle: build the kernel, rehearse it here, push it, follow its log, pull its run.

    Without `wait` it ends with the push, and the pushed version is returned. `submit` sends the pulled run's
    submission, `code` the kernel itself, as code competitions want it. `folds_as_kernels` fits each fold in a kernel of
    its own; only then `resume` goes on with a run. With `run` nothing is trained: the notebook predicts by the models
    of that run, within `hours`, and `code` submits it. The other arguments are those of `kit.kernel.build`, `push` and
    `rehearse`. Raises KitError as they do.
    """
    if run is not None:
        given: dict[str, Any] = {"recipe": recipe, "folds": folds, "seed": seed, "full": scheme != "cv"}
        given |= {"submit": submit, "folds_as_kernels": folds_as_kernels, "resume": resume, **settings}
        code_competitions.refuse_plan([name for name, value in given.items() if value not in ("", None, 0, False)])
        return code_competitions.submit(
            competition,
            run,
            accelerator=accelerator,
            timeout=timeout,
            hours=hours,
            inputs=inputs,
            rehearsed=rehearse,
            wait=wait,
            code=code,
        )
    if resume is not None and not folds_as_kernels:
        raise KitError(
            "--resume works only together with --folds-as-kernels.",
            "A single kernel continues on Kaggle without this machine. When it has finished, pull its run.",
            f"kit kernel pull {competition} {recipe}".rstrip(),
        )
    if folds_as_kernels:
        if code or scheme != "cv":
            option = "--code" if code else f"The scheme {scheme!r}"
            raise KitError(f"{option} cannot be used with --folds-as-kernels.", "It needs the whole run in one kernel.")
        client.connect()
        begun = _started(competition, recipe, settings, resume, folds=folds, seed=seed, sample=sample)
        left = _fanned_out(begun, accelerator, timeout, inputs, rehearse=rehearse)
    else:
        built = kernel.build(
            competition,
            recipe,
            scheme=scheme,
            folds=folds,
            seed=seed,
            sample=sample,
            accelerator=accelerator,
            **settings,
        )
        client.connect()  # missing credentials should show before the rehearsal
        if rehearse:
            kernel.rehearse(competition, recipe, inputs=inputs, sample=sample)
        pushed = kernel.push(competition, recipe, accelerator=accelerator, timeout=timeout, sample=sample)
        if not wait:
            return pushed
        left = _landed(built, pushed)
    if submit or code:
        tell(submitting.submit(left.plan.competition, left, sample=left.plan.sample, code=code).summary())
    return left


def _landed(built: Kernel, pushed: Pushed) -> Run:
    connected, plan = client.connect(), built.plan
    try:
        state = sessions.follow(connected, pushed.version, echo=lambda line: tell(f"  | {line}"))
    except KeyboardInterrupt:
        flag = " --sample" * plan.sample
        tell(
            f"\nThe kernel runs on at {pushed.version.url}. "
            f"Later: kit kernel pull {plan.competition} {plan.label}{flag}"
        )
        raise
    sessions.succeeded(connected, pushed.version, state)
    return outputs.land(connected, pushed.version, plan.competition)


def _started(
    competition: str,
    recipe: str,
    settings: dict[str, Any],
    resume: str | Run | None,
    *,
    folds: int | None,
    seed: int,
    sample: bool,
) -> Run:
    """The run that kernels fit fold by fold: a new one, or the one to go on with."""
    entry = catalog.find(competition, sample=sample)
    if resume is None:
        label, values = training.chosen(entry, recipe, settings)
        return store.create(training.planned(entry, label, values, seed=training.checked_seed(seed), folds=folds))
    run = training.named(entry, resume)
    entry = replace(entry, sample=run.plan.sample)
    return store.resumable(run, training.planned(entry, run.plan.label, run.plan.settings))


def _fanned_out(
    run: Run, accelerator: str | None, timeout: int | None, inputs: Inputs | None, *, rehearse: bool
) -> Run:
    from kit.train import loop

    plan = run.plan
    entry = catalog.find(plan.competition, sample=plan.sample)
    built = kernel.written(entry, plan, accelerator)
    if rehearse:
        kernel.rehearse(entry.name, plan.label, inputs=inputs, sample=plan.sample)
    described = metadata.read(built.folder)
    machine = accelerators.find(accelerator) if accelerator else metadata.machine_of(described)
    connected = client.connect()
    kernel_steps.send(connected, built.notebook.read_text(encoding="utf-8"), described)
    engine = fanout.Kernels(connected, lambda *_: (described, machine), timeout)
    try:
        return loop.train(entry, run, executor=engine)
    except (KeyboardInterrupt, KitError):
        tell(f"Go on with: kit push {entry.name} {plan.label} --folds-as-kernels --resume {run.name}")
        raise
