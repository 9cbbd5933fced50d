"""Folds fitted by processes of this machine, several at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from kit import places
from kit.errors import KitError
from kit.notes import tell
from kit.train import executors, machine, runs
from kit.train.executors import Ended, Executor, Piece, Pieces
from kit.train.progress import Display
from kit.train.working import Died


@dataclass(frozen=True)
class Processes:
    """`jobs` folds at once, each in a process of its own; a process fits one fold after another.

    The cores are shared out: a process has one thread where there are as many processes as cores. Of several GPUs each
    process sees one, so that two folds compute on two GPUs. A process serves one recipe, so that no two learning
    frameworks meet in it, and with `apart` one run. The fold of a process that was killed is fitted once more, from its
    checkpoint.
    """

    jobs: int
    apart: bool = False

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise KitError(f"{self.jobs} processes can fit no fold.", "--jobs takes a number from 1 on.", "--jobs 2")

    def __call__(self, pieces: Pieces, show: Display, ended: Ended) -> None:
        """`ended` is told KitError of a fold that failed, and Died of one whose process died."""
        cards = machine.gpus()
        slots = [_Slot(number, self, cards) for number in range(self.jobs)]
        idle, again = [*slots], list[Piece]()
        killed: set[Piece] = set()
        results: SimpleQueue[tuple[_Slot, Piece, Exception | None]] = SimpleQueue()

        def work(slot: _Slot, piece: Piece) -> None:
            try:
                slot.fit(piece, show)
            except Exception as error:
                results.put((slot, piece, error))
            else:
                results.put((slot, piece, None))

        def start(pool: ThreadPoolExecutor) -> None:
            while idle and (piece := again.pop() if again else next(pieces, None)):
                slot = min(idle, key=lambda slot: slot.costs(piece))
                idle.remove(slot)
                pool.submit(work, slot, piece)

        try:
            with ThreadPoolExecutor(self.jobs) as pool:
                try:
                    start(pool)
                    while len(idle) < len(slots):
                        slot, piece, error = results.get()
                        idle.append(slot)
                        if isinstance(error, Killed) and piece not in killed:
                            killed.add(piece)
                            again.append(piece)
                            tell(f"{error.wrong} It is fitted once more.")
                        elif error is None:
                            start(pool)  # no process waits for `ended`
                            ended(piece, None)
                        else:
                            ended(piece, error)
                        start(pool)
                except BaseException:  # Ctrl-C reaches this thread only
                    # All before any is waited for: a second Ctrl-C in a wait would leave the others at work.
                    for slot in slots:
                        slot.kill()
                    raise
        finally:
            for slot in slots:
                slot.end()


def on_gpus() -> Executor:
    """As many folds at once as this machine has GPUs, one after the other where it has one or none."""
    return Processes(count) if (count := len(machine.gpus())) > 1 else executors.local


class Killed(Died):
    """A process that fitted a fold was killed, by the system perhaps, which another attempt may not meet."""


class _Slot:
    """The place of one process, with its row of progress; the process is started when there is a fold for it."""

    def __init__(self, number: int, of: Processes, cards: list[str]) -> None:
        mine = {"CUDA_VISIBLE_DEVICES": cards[number % len(cards)]} if len(cards) > 1 else {}
        self.name, self.of, self.environment = f"process {number + 1}", of, machine.share(of.jobs) | mine
        self.process: _Process | None = None
        self.serves = ""

    def costs(self, piece: Piece) -> int:
        """What fitting the piece here costs: nothing, the start of a process, or the end of another one too."""
        if self.process is None:
            return 1
        return 0 if self.serves == self._wants(piece) else 2

    def fit(self, piece: Piece, show: Display) -> None:
        """Fit a fold. Raises KitError when it fails, and Died when the process dies."""
        if self.process is not None and self.serves != self._wants(piece):
            self.end()
        if self.process is None:
            self.process, self.serves = _Process(self.environment), self._wants(piece)
        try:
            self.process.fit(piece, lambda fold, done, of, figures: show(fold, done, of, figures, row=self.name))
        except Died:
            self.end()
            raise

    def _wants(self, piece: Piece) -> str:
        """What a process must serve to fit the piece."""
        return str(piece.folder) if self.of.apart else recipe(piece)

    def kill(self) -> None:
        """Send the process to its end, whatever it does, without waiting for it."""
        if self.process is not None:
            self.process.kill()

    def end(self) -> None:
        """End the process, and wait until it has ended."""
        if self.process is not None:
            self.process.end()
        self.process = None


def recipe(piece: Piece) -> str:
    """What a process that fits the piece may go on with: the same recipe of the same competition."""
    plan = runs.at(piece.folder).plan
    return f"{plan.competition} {plan.recipe} {plan.deterministic}"


class _Process:
    """A process that fits the folds it is told (`kit.train.worker`)."""

    def __init__(self, environment: dict[str, str]) -> None:
        read, write = os.pipe()
        words = [sys.executable, "-m", "kit.train.worker", str(write)]
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

    def fit(self, piece: Piece, show: Callable[[str, int, int, dict[str, float]], None]) -> None:
        """Fit a fold there. Raises KitError when it fails, and Died when the process dies."""
        with contextlib.suppress(BrokenPipeError):  # it has died, and its end of the other pipe is closed too
            print(json.dumps([str(piece.folder), piece.number]), file=self._process.stdin, flush=True)
        for line in self._told:
            said: dict[str, Any] = json.loads(line)
            if "error" in said:
                raise KitError(**said["error"])
            if "finished" in said:
                return
            show(said["fold"], said["done"], said["of"], said["figures"])
        raise self._died(piece)

    def kill(self) -> None:
        """Send the process to its end, whatever it does, without waiting for it."""
        if self._process.poll() is None:
            self._process.kill()

    def end(self) -> None:
        """End the process, and wait until it has ended."""
        self.kill()
        self._process.wait()

    def _died(self, piece: Piece) -> Died:
        status = self._process.wait()
        run = runs.at(piece.folder)
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
            right = "Memory may have run out: fewer --jobs need less." if status == -signal.SIGKILL else ""
        else:
            how, right = f"ended with status {status}", "Its own message is above."
        return (Killed if status < 0 else Died)(
            f"The process that fitted fold {piece.number} of run {run.name} {how}.",
            f"{right} Folds that were finished are kept.".strip(),
            f"kit train {run.plan.competition} --resume {run.name}",
        )
