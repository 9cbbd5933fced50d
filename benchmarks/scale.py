"""What a sweep costs the process that leads it: the figures of docs/scale.md.

    python -m benchmarks.scale                   all of it, with 10,000 made-up runs
    python -m benchmarks.scale --runs 1000       with fewer

Processor seconds are told, since they do not depend on what else runs.
The embedded sample of disaster-tweets is fitted.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kit import places
from kit.train import machine

FITS = 100


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--runs", type=int, default=10_000)
    words.add_argument("--one", help=argparse.SUPPRESS)
    args = words.parse_args()
    if args.one:
        return print(json.dumps(led(args.one)))
    with tempfile.TemporaryDirectory() as folder, places.environment({"KIT_HOME": folder}):
        stored(args.runs)
        for engine in ("process", "ray"):
            environment = os.environ | dict.fromkeys(machine.THREADS, "1")
            call = [sys.executable, "-m", "benchmarks.scale", "--one", engine]
            done = subprocess.run(call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
            print(f"{engine}: {json.loads(done.stdout.splitlines()[-1])}", flush=True)
    return None


def stored(count: int) -> None:
    """A store of so many finished runs: what a look-up, `kit runs` and a record cost."""
    from kit.api import training
    from kit.data import fetch
    from kit.task import catalog
    from kit.train import loop, record, runs

    entry = catalog.find("disaster-tweets", sample=True)
    fetch.sample(entry)
    recipe, _ = entry.recipe("bayes")
    plan = loop.planned(entry, recipe, "", recipe.resolve("", smoke=True))
    first = loop.train(entry, runs.create(plan), quiet=True)
    files = [path for path in first.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"a run of the sample: {len(files)} files, {size:,} bytes", flush=True)
    for name in ("plan.json", "run.json", "oof.npz", "test.npz"):
        print(f"  {name}: {(first.folder / name).stat().st_size:,} bytes", flush=True)
    store = first.folder.parent
    begun = time.process_time()
    for seed in range(1, count):
        folder = store / f"20260101-{seed:06d}-bayes"
        own = replace(plan, seed=seed)
        record.write(folder / record.PLAN, own)
        record.write(folder / record.RUN, replace(first.record, name=folder.name, plan=own))
    print(f"{count} records written: {(time.process_time() - begun) / count * 1000:.2f} ms each", flush=True)
    known = runs.Known()
    told(f"first look-up among {count} runs", 1, lambda: known.same(plan))
    told("a look-up when nothing was made since", 200, lambda: known.same(plan))

    def made() -> None:
        os.utime(store)
        known.same(plan)

    told("a look-up after another run was made", 50, made)
    listing = told("kit runs", 1, lambda: training.runs("disaster-tweets"))
    told("its table", 1, lambda: listing.table())


def led(engine: str) -> dict[str, Any]:
    """Processor time a fit of the process that leads a sweep, and what travels to a worker without shared storage."""
    from kit.api import engines, training
    from kit.task import catalog
    from kit.train import on_ray, runs, sweep, travel

    os.environ["KIT_HOME"] = tempfile.mkdtemp()
    entry = catalog.find("disaster-tweets", sample=True)
    label, settings = training.chosen(entry, "bayes", {})
    plans = [training.planned(entry, label, settings, seed=seed) for seed in range(FITS // 5 + 1)]
    if engine == "ray":
        import ray

        ray.init(address="local", num_cpus=2, include_dashboard=False, object_store_memory=on_ray.STORE)
    executor = engines.executor(engine, 1)  # type: ignore[arg-type]
    sweep.sweep(plans[:1], executor)  # rows are read and modules imported
    begun, walls = time.process_time(), time.perf_counter()
    swept = sweep.sweep(plans, executor)
    used, seconds = time.process_time() - begun, time.perf_counter() - walls
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = {
        "ms of the leader a fit": round(used / FITS * 1000, 1),
        "seconds": round(seconds, 1),
        "peak MiB": peak >> 10,
    }
    if engine == "ray":
        facts["bytes to a worker once"] = len(pickle.dumps(travel.ground(swept[0].plan)))
        facts["bytes with a fold"] = len(pickle.dumps(travel.packed(swept[0].folder)))
        facts["bytes that come back"] = len(pickle.dumps(travel.left(runs.at(swept[0].folder).fold(0))))
    return facts


def told(what: str, times: int, function: Callable[[], Any]) -> Any:
    """What the function returns; its processor milliseconds are printed."""
    begun = time.process_time()
    for _ in range(times):
        value = function()
    print(f"{what}: {(time.process_time() - begun) / times * 1000:.2f} ms of the processor", flush=True)
    return value


if __name__ == "__main__":
    main()
