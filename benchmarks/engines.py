"""What fitting folds in processes and by Ray gains and costs, against one fold after the other in one process.

    python -m benchmarks.engines                two workers and one, three single-threaded recipes on real tweets
    python -m benchmarks.engines --small 200    the same with many small fits: what an engine costs a fit
    python -m benchmarks.engines --kills 10 --by ray      a sweep, killed at random moments and resumed

Needs `kit download disaster-tweets`. Each engine is measured in a process and a run store of its own, the engines in
turns, every process with one thread. Ray's own start is not counted, and told beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kit import places
from kit.train import machine

RECIPES = ("linear", "boosted", "tree")
ENGINES = {"local": ("local", 1), "process 1": ("process", 1), "process 2": ("process", 2)}
ENGINES |= {"ray 1": ("ray", 1), "ray 2": ("ray", 2)}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=1)
    words.add_argument("--seeds", type=int, default=2, help="runs of each recipe")
    words.add_argument("--small", type=int, metavar="FITS", help="this many fits of the embedded sample")
    words.add_argument("--kills", type=int, metavar="N", help="kill a sweep of 200 small fits N times")
    words.add_argument("--by", choices=("process", "ray"), default="process", help="the engine of --kills")
    words.add_argument("--seed", type=int, default=0, help="of the moments at which --kills kills")
    words.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = words.parse_args()
    if args.one:
        return one(*args.one, seeds=args.seeds, small=args.small)
    if args.kills:
        return killed(args.kills, args.by, args.seed)
    for number in range(1, args.rounds + 1):
        local = 0.0
        for name, (engine, jobs) in ENGINES.items():
            told = measured(engine, jobs, args.seeds, args.small)
            local = local or told["seconds"]
            each = f", {(told['seconds'] - local) / told['fits'] * 1000:+.0f} ms a fit"
            line = f"round {number}: {name:9s} {told['seconds']:7.1f} s for {told['fits']} fits, "
            line += f"{told['seconds'] / local:.2f} of local" + each * (name in ("process 1", "ray 1"))
            print(line + f" (Ray started in {told['start']:.1f} s)" * (engine == "ray"), flush=True)


def workspace(folder: str) -> dict[str, str]:
    """The environment of a run store of its own, with this workspace's data."""
    (Path(folder) / "data").symlink_to(places.workspace() / "data")
    return os.environ | dict.fromkeys(machine.THREADS, "1") | {"KIT_HOME": folder}


def measured(engine: str, jobs: int, seeds: int, small: int | None) -> dict[str, float]:
    """What `one` prints, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "benchmarks.engines", "--one", engine, str(jobs), "--seeds", str(seeds)]
        words += ["--small", str(small)] if small else []
        done = subprocess.run(
            words, env=workspace(folder), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return dict(json.loads(done.stdout.splitlines()[-1]))


def one(engine: Any, jobs: str, *, seeds: int, small: int | None) -> None:
    """A sweep by one engine; its seconds, its fits, and the seconds in which Ray was started, as JSON."""
    from kit.api import engines, training
    from kit.task import catalog
    from kit.train import on_ray, sweep

    entry = catalog.find("disaster-tweets", sample=bool(small))
    plans = []
    for word in ("bayes",) if small else RECIPES:
        label, settings = training.chosen(entry, word, {})
        for seed in range(small // 5 if small else seeds):
            plans.append(training.planned(entry, label, settings, seed=seed))
    started = time.perf_counter()
    if engine == "ray":
        import ray

        ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=on_ray.STORE)
    begun = time.perf_counter()
    sweep.sweep(plans, engines.executor(engine, int(jobs)))
    told = {"seconds": time.perf_counter() - begun, "fits": 5 * len(plans), "start": begun - started}
    print(json.dumps(told))


COMPETITION = """\
from pathlib import Path

import numpy as np

from kit.task import metrics
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Csv, KaggleCompetition
from kit.task.targets import Labels


def load(public: Path) -> tuple[Data, Data]:
    train, test = (np.loadtxt(public / f"{name}.csv", int, delimiter=",", skiprows=1) for name in ("train", "test"))
    return Data(train[:, 0], train[:, 1:2], train[:, 2]), Data(test[:, 0], test[:, 1:2])


competition = Competition(
    source=KaggleCompetition(
        "small",
        {
            "train.csv": Csv(("id", "number", "odd"), 60),
            "test.csv": Csv(("id", "number"), 20),
            "sample_submission.csv": Csv(("id", "odd"), 20),
        },
    ),
    load=load,
    split=lambda data: data.ids % 5,
    metric=metrics.accuracy,
    submission=Submission("id", "odd", decide=metrics.labels, holds=Labels((0, 1))),
    default="share",
)
"""
RECIPE = """\
import time

import numpy as np

from kit.task.contract import Fitted


def fit(fold, *, pause: float = 0.05):
    time.sleep(pause)
    share = np.random.default_rng(fold.seed).normal(fold.train.y.mean(), 0.1)
    return Fitted(lambda x: np.repeat([[1 - share, share]], len(x), axis=0))
"""
SAMPLE = """\
def write(raw):
    train, test = range(100, 160), range(200, 220)
    (raw / "train.csv").write_text("id,number,odd\\n" + "".join(f"{n},{n},{n % 2}\\n" for n in train))
    (raw / "test.csv").write_text("id,number\\n" + "".join(f"{n},{n}\\n" for n in test))
    (raw / "sample_submission.csv").write_text("id,odd\\n" + "".join(f"{n},0\\n" for n in test))
    (raw / "solution.csv").write_text("id,odd\\n" + "".join(f"{n},{n % 2}\\n" for n in test))
"""
"""A competition whose fits are a twentieth of a second of sleep, so that what is killed is kit and not a learner."""


def killed(times: int, engine: str, seed: int) -> None:
    """A sweep of 200 small fits, killed at random moments and started again until it ends by itself.

    A moment is so many fits that are there, drawn from 1 to 195, and up to 0.3 s more. Where they were there before the
    command has begun, it is killed within its first 4 s: while it starts, and looks at what is done.
    """
    draw = random.Random(seed)
    moments = sorted((draw.randint(1, 195), draw.uniform(0, 0.3)) for _ in range(times))
    print(f"{engine}, seed {seed}: to be killed at {', '.join(str(fits) for fits, _ in moments)} fits", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "competitions" / "small"
        own.mkdir(parents=True)
        for name, text in (("competition", COMPETITION), ("share", RECIPE), ("_sample", SAMPLE)):
            (own / f"{name}.py").write_text(text)
        environment = os.environ | dict.fromkeys(machine.THREADS, "1") | {"KIT_HOME": folder}
        words = [sys.executable, "-m", "kit", "sweep", "small", "share", "--sample", "--seeds", "40"]
        words += ["--engine", engine, "--jobs", "2"]
        done: dict[Path, int] = {}
        again = 0
        left: list[tuple[int, float] | None] = [*moments, None]
        tried = 0
        while left and (tried := tried + 1) <= 3 * times:
            process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if (moment := left[0]) is not None:
                fits, more = moment
                if len(done) >= fits:
                    more = draw.uniform(0, 4)
                while len(fitted(folder)) < fits and process.poll() is None:
                    time.sleep(0.05)
                time.sleep(more)
                process.send_signal(signal.SIGKILL)
            status = process.wait()
            time.sleep(2)  # workers end with the command; one that did not would write later
            now = fitted(folder)
            again += sum(now.get(path) != written for path, written in done.items())
            done = now
            how = "killed" if status < 0 else f"ended with {status}"
            print(f"start {tried}: {how}, {len(done)} fits are there", flush=True)
            if status < 0 or (moment is None and status == 0):  # else it did not start, on a busy machine
                left.pop(0)
        finished = len([*Path(folder).glob("submissions/*/*/run.json")])
        print(f"{finished} of 40 runs are finished, {len(done)} of 200 fits; {again} were lost or fitted again")


def fitted(folder: str) -> dict[Path, int]:
    """The folds that are finished in a workspace, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in Path(folder).glob("submissions/*/*/fold-*/done.json")}


if __name__ == "__main__":
    main()
