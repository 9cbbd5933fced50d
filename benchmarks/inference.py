"""The notebook of a code competition on 1,000,000 rows of a made-up table: memory, and speed against a plain loop.

    python -m benchmarks.inference                     # 100,000 and 1,000,000 test rows, three rounds
    python -m benchmarks.inference --rows 20000 --rounds 1

A competition of 20 numbers and 10 categories is written into a workspace of its own, and its recipe trained on 20,000
rows. Then test files of two sizes are predicted in processes of their own, in turns: by `kit.predict.inference`, as the
last cell of the notebook calls it, with the files below a folder that stands for /kaggle; and by the plain loop, which
reads the same parts, lets the same model predict them, decides, and keeps the decisions in a list. Ratios are of rows
for each second of the processor, which other work on the machine disturbs less than the clock; starting Python and
loading the model are left out of both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.big_table import write

NAME = "made-up"

PLAIN = """
import json, sys, time
from pathlib import Path
import numpy as np
from kit.predict import models
from kit.task import catalog, decisions
from kit.train import predictions, provenance, runs

entry = catalog.find({name!r})
run = runs.find({name!r}, "last")
competition, file = entry.competition, Path(sys.argv[1]) / entry.competition.test
model, decide = models.load(entry, run), decisions.recorded(entry.competition, run.chosen)
next(competition.rows(file, 10))
wall, cpu, rows, kept = time.perf_counter(), time.process_time(), 0, []
for part in competition.rows(file, predictions.CHUNK):
    kept.append(np.asarray(decide(model.predict(part.x))))
    rows += len(part)
print(json.dumps([rows, time.perf_counter() - wall, time.process_time() - cpu, provenance.peak_memory()]))
"""

NOTEBOOK = """
import json, sys, time
from kit.predict import inference, models
from kit.task import catalog
from kit.train import provenance, runs

entry = catalog.find({name!r})
run = inference.attached({name!r}, "attached", sys.argv[1])
model = models.load(entry, run)
models.load = lambda entry, run: model
wall, cpu = time.perf_counter(), time.process_time()
told = inference.submit(entry, run, started=time.monotonic(), limit=32400)
print(json.dumps([told.rows, time.perf_counter() - wall, time.process_time() - cpu, provenance.peak_memory()]))
"""


def kit(home: Path, *words: str) -> None:
    """A command of kit in the workspace `home`."""
    done = subprocess.run(
        [sys.executable, "-m", "kit", *words], env=os.environ | {"KIT_HOME": str(home)}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"kit {' '.join(words)}\n{done.stdout}{done.stderr}")


def hidden(made: Path, public: Path, rows: int) -> None:
    """Public files with a test file of so many rows: those of the small one, which come again under other ids."""
    (public / "train.csv").symlink_to(made / "train.csv")
    test = pd.read_csv(made / "test.csv").drop(columns="id")
    for start in range(0, rows, len(test)):
        part = test[: rows - start]
        ids = np.arange(10**6 + start, 10**6 + start + len(part))
        mode, header = ("a", False) if start else ("w", True)
        part.assign(id=ids).to_csv(public / "test.csv", mode=mode, header=header, index=False)
        sample = pd.DataFrame({"id": ids, "target": 0.5})
        sample.to_csv(public / "sample_submission.csv", mode=mode, header=header, index=False)


def measured(code: str, word: str, **variables: str) -> tuple[int, float, float, int]:
    """Rows, seconds on the clock, of the processor, and bytes at the peak, of a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code.format(name=NAME), word],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,  # threads that wait would count as work
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    rows, wall, cpu, memory = json.loads(done.stdout.splitlines()[-1])
    return rows, wall, cpu, memory


def main() -> None:
    """Write the table, train, predict in turns, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipe", default="linear")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kit-inference-") as folder:
        home = Path(folder, "home")
        made, root = Path(folder, "made"), Path(folder, "kaggle")
        for place in (home, made):
            place.mkdir()
        write(made, 20_000)
        kit(home, "new", NAME, "--from", str(made))
        kit(home, "train", NAME, given.recipe, "--no-plots")
        run = max((home / "submissions" / NAME).iterdir())
        told: dict[str, list[dict[str, Any]]] = {}
        for rows in (given.rows // 10, given.rows):
            public = root / str(rows) / "input" / NAME
            public.mkdir(parents=True)
            hidden(made, public, rows)
            (root / str(rows) / "input" / "attached").mkdir()
            (root / str(rows) / "input" / "attached" / run.name).symlink_to(run)
        for turn in range(given.rounds):
            for rows in (given.rows // 10, given.rows):
                there = root / str(rows)
                (there / "working").mkdir(exist_ok=True)
                kaggle = {"KIT_KAGGLE_ROOT": str(there), "KAGGLE_KERNEL_RUN_TYPE": "Batch", "KIT_HOME": str(home)}
                seen = {
                    "notebook": measured(NOTEBOOK, run.name, **kaggle),
                    "plain loop": measured(PLAIN, str(there / "input" / NAME), KIT_HOME=str(home)),
                }
                for what, (count, wall, cpu, memory) in seen.items():
                    told.setdefault(f"{what}, {count:,} rows", []).append(
                        {"rows/s": count / wall, "rows/cpu s": count / cpu, "MB": memory / 1e6}
                    )
                print(f"round {turn + 1}, {rows:,} rows, load {os.getloadavg()[0]:.1f}", flush=True)
        for what, rounds in told.items():
            middle = {name: median(one[name] for one in rounds) for name in rounds[0]}
            print(f"{what:28s}", "  ".join(f"{value:,.0f} {name}" for name, value in middle.items()))
        for rows in (given.rows // 10, given.rows):
            pairs = zip(told[f"notebook, {rows:,} rows"], told[f"plain loop, {rows:,} rows"], strict=True)
            ratios = [one["rows/cpu s"] / other["rows/cpu s"] for one, other in pairs]
            print(f"{rows:,} rows: notebook / plain loop {', '.join(f'{ratio:.3f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
