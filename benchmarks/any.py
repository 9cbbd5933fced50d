"""Competitions that kit has never seen: one `kit new`, one `kit train`, no edit, scored on the true answers.

    python -m benchmarks.any                  # every competition of ../shared/data/competitions
    python -m benchmarks.any titanic          # one of them
    python -m benchmarks.any --metric         # `kit new` is told the metric, as Kaggle tells who has credentials
    python -m benchmarks.any --autogluon /tmp/ag/bin/python    # AutoGluon in place of kit: with_autogluon.py

Each runs in an empty workspace. The table has the score of the default recipe beside those of a constant and of a quick
untuned model, both from tasks.json. Answers are read after the training, to score it, and by nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kit.data import archives
from kit.task import metrics
from kit.words import table

FILES = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "competitions"

HEADER = ("competition", "metric", "constant", "quick", "kit", "better", "out-of-fold", "new s", "train s")


def kit(home: Path, *words: str) -> float:
    """Run the command in the workspace `home`; the seconds that it took. What it says is shown where it fails."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "kit", *words]
    done = subprocess.run(command, env=os.environ | {"KIT_HOME": str(home)}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"kit {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def score(submission: Path, solution: Path, task: dict[str, Any]) -> float:
    """The score of a submission by the task's metric, its rows joined to the answers by their key."""
    keys = [task["id"]] if isinstance(task["id"], str) else task["id"]
    answers, said = (pd.read_csv(path, dtype=dict.fromkeys(keys, str)) for path in (solution, submission))
    both = answers.merge(said, on=keys, suffixes=("", " said"), validate="one_to_one")
    if len(both) != len(answers):
        raise SystemExit(f"{submission} lacks {len(answers) - len(both)} of {len(answers)} rows.")
    y, pred = both[task["targets"]].to_numpy(), both[[f"{name} said" for name in task["targets"]]].to_numpy()
    if len(task["targets"]) == 1:
        y, pred = y[:, 0], pred[:, 0]
    labels = np.unique(y) if y.ndim == 1 and y.dtype == object else None
    return metrics.named(task["metric"]).score(y, pred, labels=labels)


def run(slug: str, task: dict[str, Any], *, told: bool) -> tuple[Any, ...]:
    """One competition in an empty workspace: its line of the table."""
    with tempfile.TemporaryDirectory(prefix="kit-any-") as folder:
        home = Path(folder)
        (home / "competitions").mkdir()
        asked = ["--metric", task["metric"]] if told else []
        made = kit(home, "new", slug, "--from", str(FILES / f"{slug}.zip"), "--over", *asked)
        trained = kit(home, "train", slug, "--no-plots")
        runs = list((home / "submissions" / slug).glob("*/run.json"))
        record = json.loads(runs[0].read_text())
        reached = score(runs[0].parent / "submission.csv", FILES / f"{slug}.solution.csv", task)
    quick, constant = task["baseline"]["quick_model"]["score"], task["baseline"]["constant"]["score"]
    better = reached > quick if task["direction"] == "maximize" else reached < quick
    told_by = f"{record['metric']} {record['oof_score']:.4f}"
    figures = (f"{constant:.4f}", f"{quick:.4f}", f"{reached:.4f}", "yes" if better else "no", told_by)
    return (slug, task["metric"], *figures, f"{made:.0f}", f"{trained:.0f}")


def autogluon(slug: str, task: dict[str, Any], python: str) -> tuple[Any, ...]:
    """AutoGluon on one competition: its line of the table."""
    with tempfile.TemporaryDirectory(prefix="kit-any-") as folder:
        home = Path(folder)
        archives.unpack(FILES / f"{slug}.zip", home)
        for inner in home.glob("*.zip"):
            archives.unpack(inner, home)
        out = home / "made.csv"
        command = [python, str(Path(__file__).with_name("with_autogluon.py")), folder, json.dumps(task), str(out)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"AutoGluon on {slug}:\n{done.stdout}{done.stderr}")
        reached = score(out, FILES / f"{slug}.solution.csv", task)
    return slug, task["metric"], f"{reached:.4f}", f"{float(done.stdout.splitlines()[-1]):.0f}"


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slugs", nargs="*")
    parser.add_argument("--metric", action="store_true", help="tell kit new the metric")
    parser.add_argument("--autogluon", metavar="PYTHON", help="run AutoGluon of this environment")
    args = parser.parse_args()
    if not FILES.is_dir():
        raise SystemExit(f"The competitions are not at {FILES}.")
    tasks = json.loads((FILES / "tasks.json").read_text())
    if args.autogluon:
        lines = [autogluon(slug, tasks[slug], args.autogluon) for slug in args.slugs or tasks]
        return print(table(("competition", "metric", "AutoGluon", "fit s"), lines))
    lines = [run(slug, tasks[slug], told=args.metric) for slug in args.slugs or tasks]
    return print(table(HEADER, lines))


if __name__ == "__main__":
    main()
