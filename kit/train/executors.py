"""Where folds are fitted. An executor is given the run folder and the numbers of the folds to fit.

A fold loads for itself and leaves its results in its own folder, so that an executor returns nothing, and one in other
processes or on other machines needs the run folder and the data only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kit import places
from kit.errors import KitError
from kit.train import fold, runs
from kit.train.progress import Display
from kit.train.working import Died

THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "LOKY_MAX_CPU_COUNT"),
)
"""Variables from which libraries take their number of threads, when they are imported."""


class Executor(Protocol):
    """Fits each of the folds of the run in `folder`; raises what the fitting of one raised."""

    def __call__(self, folder: Path, folds: Sequence[int], show: Display) -> None: ...


def local(folder: Path, folds: Sequence[int], show: Display) -> None:
    """One after the other in this process: a learning framework uses all cores for one fold."""
    for number in folds:
        fold.fit_fold(folder, number, show)


@dataclass(frozen=True)
class Processes:
    """`jobs` folds at once, each in a process of its own; a process fits one fold after another.

    The cores are shared out: a process has one thread where there are as many processes as cores. Of several GPUs each
    process sees one, so that two folds compute on two GPUs.
    """

    jobs: int

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise KitError(f"{self.jobs} processes can fit no fold.", "--jobs takes a number from 1 on.", "--jobs 2")

    def __call__(self, folder: Path, folds: Sequence[int], show: Display) -> None:
        """Raises KitError for the first fold that failed, when the folds under way have ended, or for a process that
        died. What was finished stays, so that the run can be resumed."""
        waiting, failed = deque(folds), list[Exception]()
        count = min(self.jobs, len(folds))
        workers: list[_Worker] = []

        def work(worker: _Worker) -> None:
            while waiting and not failed:
                try:
                    worker.fit(waiting.popleft(), show)
                except IndexError:  # another thread took the last one
                    return
                except Exception as error:
                    failed.append(error)

        try:
            cards = gpus()
            for place in range(count):
                mine = {"CUDA_VISIBLE_DEVICES": cards[place % len(cards)]} if len(cards) > 1 else {}
                workers.append(_Worker(folder, f"process {place + 1}", _threads(self.jobs) | mine))
            with ThreadPoolExecutor(count or 1) as pool:
                try:
                    list(pool.map(work, workers))
                except BaseException:  # Ctrl-C reaches this thread only
                    # All before any is waited for: a second Ctrl-C in a wait would leave the others at work.
                    for worker in workers:
                        worker.kill()
                    raise
        finally:
            for worker in workers:
                worker.end()
        if failed:
            raise failed[0]


def on_gpus() -> Executor:
    """As many folds at once as this machine has GPUs, one after the other where it has one or none."""
    return Processes(count) if (count := len(gpus())) > 1 else local


def gpus() -> list[str]:
    """The GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES takes; none without a driver."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in chosen.split(",") if name.strip() not in ("", "-1")]
    try:
        words = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        listed = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.split()


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads(jobs: int) -> dict[str, str]:
    """The environment that gives each of `jobs` processes its share of the cores, and of a GPU the memory it needs."""
    return dict.fromkeys(THREADS, str(max(1, cores() // jobs))) | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


class _Worker:
    """A process that fits the folds it is told (`kit.train.worker`)."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        self.run, self.name = runs.at(folder), name
        read, write = os.pipe()
        words = [sys.executable, "-m", "kit.train.worker", str(folder), str(write)]
        path = os.pathsep.join([str(places.KIT.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            words,
            env=os.environ | environment | {"KIT_HOME": str(places.workspace()), "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            text=True,
            pass_fds=[write],
        )
        os.close(write)
        self._told = os.fdopen(read, encoding="utf-8")

    def fit(self, number: int, show: Display) -> None:
        """Fit a fold there. Raises KitError when it fails, and Died when the process dies."""
        with contextlib.suppress(BrokenPipeError):  # it has died, and its end of the other pipe is closed too
            print(number, file=self._process.stdin, flush=True)
        for line in self._told:
            said: dict[str, Any] = json.loads(line)
            if "error" in said:
                raise KitError(**said["error"])
            if "finished" in said:
                return
            show(said["fold"], said["done"], said["of"], said["figures"], row=self.name)
        raise self._died(number)

    def kill(self) -> None:
        """Send the process to its end, whatever it does, without waiting for it."""
        if self._process.poll() is None:
            self._process.kill()

    def end(self) -> None:
        """End the process, and wait until it has ended."""
        self.kill()
        self._process.wait()

    def _died(self, number: int) -> Died:
        status = self._process.wait()
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
            right = "Memory may have run out: fewer --jobs need less." if status == -signal.SIGKILL else ""
        else:
            how, right = f"ended with status {status}", "Its own message is above."
        plan = self.run.plan
        return Died(
            f"The process that fitted fold {number} of run {self.run.name} {how}.",
            f"{right} Folds that were finished are kept.".strip(),
            f"kit train {plan.competition} --resume {self.run.name}",
        )
