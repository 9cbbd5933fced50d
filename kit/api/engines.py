"""Where folds are fitted, by the word that a user types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kit.errors import KitError

if TYPE_CHECKING:
    from kit.task.catalog import Entry
    from kit.train.executors import Executor
    from kit.train.record import Plan

Engine = Literal["local", "process", "ray", "kaggle"]
"""`local` fits one fold after the other in this process, `process` several in processes of this machine, `ray` several
in workers of Ray, `kaggle` each in a kernel of its own. None is `process` where several folds are asked for at once,
else what the verb does."""


def executor(
    engine: Engine | None,
    jobs: int | None,
    *,
    address: str = "",
    gpus_per_fold: float | None = None,
    accelerator: str | None = None,
) -> Executor | None:
    """The executor of an engine with `jobs` folds at once; where none is given, as many as this machine has cores, or
    as Kaggle allows. None is the default of the verb. `address` is that of a cluster of Ray, `gpus_per_fold` what a
    fold has of a GPU, `accelerator` Kaggle's machine, that of the recipe's kernel where none is given.

    Raises KitError for options that do not fit together, and without credentials for Kaggle.
    """
    from kit.train import executors, machine, on_ray, processes

    if engine != "ray" and (address or gpus_per_fold is not None):
        option = "--address" if address else "--gpus-per-fold"
        raise KitError(f"{option} is for the engine ray only.", "Other engines work on this machine.", "--engine ray")
    if engine != "kaggle" and accelerator is not None:
        raise KitError("--accelerator is for the engine kaggle only.", "It names a machine of Kaggle's.")
    if engine == "kaggle":
        return _on_kaggle(jobs, accelerator)
    if engine == "local" and jobs not in (None, 1):
        raise KitError(
            f"The engine local fits one fold at a time, and {jobs} are asked for.",
            "Processes fit several at once.",
            f"--engine process --jobs {jobs}",
        )
    if engine == "local":
        return executors.local
    if engine == "ray":
        wanted = machine.cores() if jobs is None else jobs
        gpus = min(1.0, len(machine.gpus()) / max(1, wanted)) if gpus_per_fold is None else gpus_per_fold
        return on_ray.OnRay(wanted, address, gpus)
    if engine == "process":
        return processes.Processes(machine.cores() if jobs is None else jobs)
    return None if jobs in (None, 1) else processes.Processes(jobs or 1)


def _on_kaggle(jobs: int | None, word: str | None) -> Executor:
    from kit.api import kernel_steps
    from kit.kaggle import client
    from kit.kaggle.kernel import accelerators, fanout, metadata, notebook, versions, wheels

    connected = client.connect()
    asked = accelerators.find(word) if word else None

    def prepare(entry: Entry, plan: Plan) -> tuple[metadata.Metadata, accelerators.Accelerator]:
        """The metadata of the recipe's kernel where it was built, else what it would begin with."""
        folder = versions.folder_of(plan)
        stored = metadata.read(folder) if (folder / metadata.FILE).exists() else None
        machine = asked or (metadata.machine_of(stored) if stored else accelerators.find("cpu"))
        described = dict(stored or metadata.first(entry, plan, machine))
        text = notebook.build(entry, plan, machine.kind)
        owner = str(described["id"]).partition("/")[0]
        lacking = notebook.lacking(text)
        datasets, models = metadata.attached(entry, plan)
        sources = list(dict.fromkeys([*described.get("dataset_sources", []), *datasets]))
        described["dataset_sources"] = wheels.attached(sources, lacking, owner)
        described["model_sources"] = list(dict.fromkeys([*described.get("model_sources", []), *models]))
        kernel_steps.send(connected, text, described)
        return described, machine

    return fanout.Kernels(connected, prepare, jobs=jobs)
