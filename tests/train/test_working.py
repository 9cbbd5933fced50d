"""One process at a time works on a run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kit.data import fetch
from kit.errors import KitError
from kit.task import catalog
from kit.train import loop, runs, sweep, working
from kit.train.runs import Run
from tests.kaggle.kernel.conftest import hasten
from tests.train.test_executors import planned


@pytest.fixture
def run(parity) -> Run:
    """A run of parity that is not begun."""
    hasten(parity)
    fetch.sample(catalog.find("parity"))
    return planned()


HOLD = """
import sys
from pathlib import Path
from kit.train import runs, working
with working.alone(runs.at(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(run) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on the run, until its standard input is closed."""
    words = [sys.executable, "-c", HOLD, str(run.folder)]
    with subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_second_process_is_told_who_works_on_the_run(kit, run, other):
    status, _, err = kit("train", "parity", "--resume", run.name)
    assert status == 1
    assert f"kit: Process {other.pid} on " in err and f", works on run {run.name}.\n" in err
    assert not run.fold(0).exists()


def test_it_can_be_waited_for_and_what_it_finished_is_not_fitted_again(run, other, told, monkeypatch):
    finished = loop.train(catalog.find("parity"), planned(), quiet=True)
    record = replace(finished.record, name=run.name)

    def tell(text: str) -> None:
        told.append(text)
        run.finish(record)
        other.stdin.close()

    monkeypatch.setattr(working, "tell", tell)
    assert loop.train(catalog.find("parity"), run, quiet=True, wait=True).record == record
    assert told[-1].startswith(f"Waiting: Process {other.pid} on ")
    assert not run.fold(0).exists()


def test_the_lock_of_a_process_that_was_killed_is_lifted(run, other):
    other.kill()
    other.wait()
    assert loop.train(catalog.find("parity"), run, quiet=True).finished


def test_nothing_but_locks_stays_behind(run):
    loop.train(catalog.find("parity"), run, quiet=True)
    locks = run.folder.parent / working.LOCKS
    assert [path.suffix for path in locks.iterdir()] == [".lock"]
    assert [one.name for one in runs.every("parity")] == [run.name]


def test_a_damaged_note_of_who_works_is_no_obstacle(run, other):
    (run.folder.parent / working.LOCKS / f"{run.name}.json").write_text("{")
    with pytest.raises(KitError, match="Another process works on run"), working.alone(run):
        pass


SWEEP = """
import sys
from collections.abc import Iterator
from dataclasses import replace
from kit import notes
from kit.train import runs, sweep
notes.show()
plan = runs.at(__import__("pathlib").Path(sys.argv[1])).plan
made = sweep.sweep([replace(plan, seed=seed) for seed in (7, 8)])
print(*sorted(run.name for run in made))
"""


def test_two_sweeps_of_one_grid_at_once_make_each_run_once(run):
    words = [sys.executable, "-c", SWEEP, str(run.folder)]
    swept = [subprocess.Popen(words, env=os.environ, text=True, stdout=subprocess.PIPE) for _ in range(2)]
    made = [process.communicate(timeout=120)[0] for process in swept]
    assert [process.returncode for process in swept] == [0, 0]
    assert made[0] == made[1] and len(made[0].split()) == 2
    assert sum(one.finished for one in runs.every("parity")) == 2
    assert len(sweep.rows([one for one in runs.every("parity") if one.finished])) == 1
