"""Where folds are fitted, by the word that a user types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kit.errors import KitError

if TYPE_CHECKING:
    from kit.train.executors import Executor

Engine = Literal["local", "process", "ray"]
"""`local` fits one fold after the other in this process, `process` several in processes of this machine, `ray` several
in workers of Ray. None is `process` where several folds are asked for at once, else what the verb does."""


def executor(
    engine: Engine | None, jobs: int | None, *, address: str = "", gpus_per_fold: float | None = None
) -> Executor | None:
    """The executor of an engine with `jobs` folds at once, as many as this machine has cores where none is given; None
    for the default of the verb. `address` is that of a cluster of Ray, and `gpus_per_fold` what a fold has of a GPU.

    Raises KitError for options that do not fit together.
    """
    from kit.train import executors, machine, on_ray, processes

    if engine != "ray" and (address or gpus_per_fold is not None):
        option = "--address" if address else "--gpus-per-fold"
        raise KitError(f"{option} is for the engine ray only.", "Other engines work on this machine.", "--engine ray")
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
