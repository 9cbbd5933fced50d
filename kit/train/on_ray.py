"""Folds fitted by Ray: by workers on this machine, or on all that have joined a cluster.

Ray moves Python objects between its own processes with pickle; nothing of what it moves is stored. Source:
https://docs.ray.io/en/latest/ray-core/actors.html and https://docs.ray.io/en/latest/ray-core/ray-generator.html.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.train import machine, ray_worker, runs, travel
from kit.train.executors import Ended, Piece, Pieces
from kit.train.processes import recipe
from kit.train.progress import Display
from kit.train.record import Plan
from kit.train.working import Died

STORE = 80 << 20
"""Bytes of shared memory for Ray's objects on this machine. Ray takes 30% of the memory, and at least 75 MiB; folds
leave their results in files, so that little goes through it."""


@dataclass(frozen=True)
class OnRay:
    """`jobs` folds at once, each in a worker of Ray that fits one after another.

    `address` is that of a cluster, such as `ray://head:10001`; without it Ray is started on this machine and ended
    afterwards. A worker has its share of the cores of this machine, and `gpus` of a GPU, which may be a part of one. It
    serves one recipe. kit must be installed on all machines, in one version: a fold whose code is another is refused.
    Where a worker does not see the run folder, because no storage is shared, the competition and the data travel to it
    once, the plan with each fold, and what the fold leaves travels back. The fold of a worker that has died is fitted
    once more, from its checkpoint where that is on shared storage.
    """

    jobs: int
    address: str = ""
    gpus: float = 0.0
    _ground: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise KitError(f"{self.jobs} workers can fit no fold.", "--jobs takes a number from 1 on.", "--jobs 2")

    def __call__(self, pieces: Pieces, show: Display, ended: Ended) -> None:
        """`ended` is told KitError of a fold that failed, and Died of one whose worker died.

        Raises KitError when Ray is not installed, cannot be started or joined, or has no room for a worker.
        """
        ray = _imported()
        ours = self._begin(ray)
        slots = [_Slot(number, ray, self) for number in range(self.jobs)]
        idle, busy, again = [*slots], list[_Slot](), list[Piece]()
        died: set[Piece] = set()

        def start() -> None:
            while idle and (piece := again.pop() if again else next(pieces, None)):
                slot = min(idle, key=lambda slot: slot.costs(piece))
                idle.remove(slot)
                slot.start(piece)
                busy.append(slot)

        try:
            start()
            while busy:
                ready, _ = ray.wait([slot.steps for slot in busy], num_returns=1)
                slot = next(slot for slot in busy if slot.steps is ready[0])
                try:
                    if not slot.step(show):
                        continue
                    error: Exception | None = None
                except KitError as failure:
                    error = failure
                busy.remove(slot)
                idle.append(slot)
                piece = slot.piece
                if isinstance(error, Died) and piece not in died:
                    died.add(piece)
                    again.append(piece)
                    tell(f"{error.wrong} It is fitted once more.")
                elif error is None:
                    start()  # no worker waits for `ended`
                    ended(piece, None)
                else:
                    ended(piece, error)
                start()
        finally:
            for slot in slots:
                slot.end()
            if ours:
                self._ground.clear()
                ray.shutdown()

    def ground(self, ray: ModuleType, plan: Plan) -> tuple[str, list[Any]]:
        """What travels once to each worker, by its key, as an object of Ray's."""
        key = travel.key(plan)
        if key not in self._ground:
            self._ground.clear()  # of one competition at a time, since its data may be large
            self._ground[key] = ray.put(travel.ground(plan))
        return key, [self._ground[key]]

    def _begin(self, ray: ModuleType) -> bool:
        """Start or join Ray; whether it is ours to end. What this process has begun before is used."""
        if ray.is_initialized():
            return False
        options: dict[str, Any] = {"address": self.address or "local"}
        if not self.address:
            free = _shared_memory()
            if free is not None and free < STORE:
                tell(f"/dev/shm has {free >> 20} MiB, so that Ray keeps its objects in /tmp. Folds need few of them.")
            options |= {
                "num_cpus": max(self.jobs, machine.cores()),
                "include_dashboard": False,
                "object_store_memory": STORE,
            }
        for attempt in (1, 2):
            try:
                # What workers tell comes with their steps; Ray's own copy of their output would be mixed into the bars.
                ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
            except Exception as error:  # Ray raises a bare one where its own processes do not start in time
                ray.shutdown()
                if attempt == 1 and not self.address and "timed out during startup" in str(error):
                    tell("Ray did not start within its 30 seconds, as on a busy machine. It is tried once more.")
                    continue
                raise self._unstarted(error) from error
            break
        return True

    def _unstarted(self, error: Exception) -> KitError:
        where = f"join Ray at {self.address}" if self.address else "start Ray on this machine"
        return KitError(
            f"kit cannot {where}: {(str(error).splitlines() or [type(error).__name__])[0]}",
            "Nothing was fitted. `ray start --head` prints a cluster's address; RAY_AUTH_TOKEN holds its token."
            if self.address
            else "Nothing was fitted.",
            "kit train --help  # --engine process needs no Ray",
        )


class _Slot:
    """The place of one worker, with its row of progress; the worker is started when there is a fold for it."""

    def __init__(self, number: int, ray: ModuleType, of: OnRay) -> None:
        self.name, self.ray, self.of = f"worker {number + 1}", ray, of
        self.actor: Any = None
        self.serves = ""
        self.piece = Piece(Path(), 0)
        self.steps: Any = None

    def costs(self, piece: Piece) -> int:
        """What fitting the piece here costs: nothing, the start of a worker, or the end of another one too."""
        if self.actor is None:
            return 1
        return 0 if self.serves == recipe(piece) else 2

    def start(self, piece: Piece) -> None:
        """Let the worker begin with a fold."""
        if self.actor is not None and self.serves != recipe(piece):
            self.end()
        if self.actor is None:
            self.serves = recipe(piece)
            self.actor = self._new()
        self.piece = piece
        self.steps = self.actor.fit.options(num_returns="streaming").remote(str(piece.folder), piece.number)

    def step(self, show: Display) -> bool:
        """Take one thing that the worker has told; whether the fold is finished.

        Raises KitError when the fold failed, and Died when the worker died.
        """
        errors = self.ray.exceptions
        try:
            said = self.ray.get(next(self.steps))
        except (errors.RayActorError, errors.WorkerCrashedError, errors.NodeDiedError) as error:
            self.end()
            run = runs.at(self.piece.folder)
            raise Died(
                f"The worker of Ray that fitted fold {self.piece.number} of run {run.name} has died.",
                "Folds that were finished are kept.",
                f"kit train {run.plan.competition} --resume {run.name}",
            ) from error
        if "error" in said:
            raise KitError(**said["error"])
        if "crash" in said:
            print(said["crash"], file=sys.stderr)
            run = runs.at(self.piece.folder)
            raise KitError(
                f"Fold {self.piece.number} of run {run.name} ended with an error of Python's.",
                "It is printed above. Folds that were finished are kept.",
                f"kit train {run.plan.competition} --resume {run.name}",
            )
        if "unseen" in said:
            key, ground = self.of.ground(self.ray, runs.at(self.piece.folder).plan)
            packed = travel.packed(self.piece.folder)
            self.steps = self.actor.fit_apart.options(num_returns="streaming").remote(
                packed, key, ground, self.piece.number
            )
        elif "files" in said:
            travel.landed(said["files"], runs.at(self.piece.folder).fold(self.piece.number))
            return True
        elif "finished" in said:
            return True
        elif "note" in said:
            tell(said["note"])
        else:
            show(said["fold"], said["done"], said["of"], said["figures"], row=self.name)
        return False

    def end(self) -> None:
        """End the worker, whatever it does."""
        if self.actor is not None:
            self.ray.kill(self.actor)
        self.actor = None

    def _new(self) -> Any:
        path = os.pathsep.join([str(places.KIT.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        variables = machine.share(self.of.jobs) | {"KIT_HOME": str(places.workspace()), "PYTHONPATH": path}
        share = max(1, machine.cores() // self.of.jobs)
        actor = self.ray.remote(ray_worker.Fitter).options(
            num_cpus=share, num_gpus=self.of.gpus, runtime_env={"env_vars": variables}, max_restarts=0
        )
        return actor.remote()


def _imported() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send what it counts to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise KitError(
            "The engine ray needs the package ray, which is not installed.",
            "--engine process fits folds in processes of this machine, without it.",
            places.install("ray"),
        ) from None
    return ray


def _shared_memory() -> int | None:
    """The free bytes of /dev/shm, in which Ray keeps objects; None on systems without it."""
    try:
        return shutil.disk_usage("/dev/shm").free
    except OSError:
        return None
