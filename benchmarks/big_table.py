"""A table of 1,000,000 rows: `kit new` and five folds of `boosted` against a plain xgboost script on the same folds.

    python -m benchmarks.big_table                 # 1,000,000 rows x 30 columns, 20 numbers and 10 categories
    python -m benchmarks.big_table --rows 100000

Peak memory is that of the process that trains. Both fit as many trees of the same settings on the same folds with the
same threads; the plain script reads the file with pandas, numbers the categories, and predicts held-out and test rows.
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

import numpy as np
import pandas as pd

from kit.words import table

ROUNDS, RATE, DEPTH = 100, 0.1, 6
LEVELS = (2, 3, 5, 8, 12, 20, 40, 80, 150, 1000)
"""Different values of each category."""


def write(folder: Path, rows: int) -> None:
    """train.csv, test.csv of a quarter as many rows, and the sample submission."""
    draw = np.random.default_rng(0)
    count = rows + rows // 4
    made = pd.DataFrame({f"n{place}": draw.normal(0, 1, count).astype(np.float32) for place in range(20)})
    score = made["n0"] + made["n1"] * made["n2"]
    for place, levels in enumerate(LEVELS):
        codes = draw.integers(0, levels, count)
        made[f"c{place}"] = np.char.add("v", codes.astype(str))
        score = score + draw.normal(0, 0.5, levels)[codes]
    made.insert(0, "id", np.arange(count))
    made["target"] = (score + draw.normal(0, 1, count) > 0).astype(int)
    made[:rows].to_csv(folder / "train.csv", index=False)
    made[rows:].drop(columns="target").to_csv(folder / "test.csv", index=False)
    made[rows:][["id"]].assign(target=0.5).to_csv(folder / "sample_submission.csv", index=False)


def measured(command: list[str], **variables: str) -> tuple[float, float, float, str]:
    """Seconds on the clock and of the processor, and GiB at the peak, of a command, and what it prints."""
    started = time.perf_counter()
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_maxrss, used.ru_utime + used.ru_stime, done.returncode); "
        "print(done.stdout + (done.stderr if done.returncode else ''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - started
    figures, _, said = done.stdout.partition("\n")
    peak, worked, status = figures.split()
    if int(status):
        raise SystemExit(f"{' '.join(command)}:\n{said}")
    return seconds, float(worked), int(peak) / 2**20, said


def plain(files: Path, folds: Path) -> None:
    """The plain script: the same folds, trees and settings, nothing stored."""
    import xgboost
    from sklearn.metrics import roc_auc_score

    train, test = pd.read_csv(files / "train.csv"), pd.read_csv(files / "test.csv")
    y, fold = train.pop("target").to_numpy(), np.load(folds)["fold"]
    names = [name for name in train if name != "id"]
    categories = [name for name in names if train[name].dtype.kind not in "iuf"]
    for name in categories:
        levels = pd.Index(train[name].unique())
        for rows in (train, test):
            rows[name] = levels.get_indexer(rows[name])
    kinds = ["c" if name in categories else "q" for name in names]
    x, x_test = (table[names].to_numpy(np.float32) for table in (train, test))
    settings = {
        "objective": "binary:logistic", "eta": RATE, "max_depth": DEPTH, "subsample": 0.8, "colsample_bytree": 0.8,
        "tree_method": "hist", "seed": 0,
    }  # fmt: skip
    pred, of_test = np.zeros(len(y)), np.zeros(len(x_test))
    whole = xgboost.DMatrix(x_test, feature_types=kinds, enable_categorical=True)
    for number in range(5):
        kept, held = fold != number, fold == number
        data = xgboost.QuantileDMatrix(x[kept], y[kept], feature_types=kinds, enable_categorical=True)
        booster = xgboost.train(settings, data, ROUNDS)
        pred[held] = booster.predict(xgboost.DMatrix(x[held], feature_types=kinds, enable_categorical=True))
        of_test += booster.predict(whole) / 5
    print(json.dumps({"auc": roc_auc_score(y, pred), "test": float(of_test.mean())}))


def main() -> None:
    """Write the files, run both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--plain", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.plain:
        return plain(*args.plain)
    with tempfile.TemporaryDirectory(prefix="kit-big-") as folder:
        home, files = Path(folder), Path(folder) / "files"
        (home / "competitions").mkdir()
        files.mkdir()
        write(files, args.rows)
        kit = [sys.executable, "-m", "kit"]
        made = measured([*kit, "new", "big", "--from", str(files), "--yes", "--metric", "auc"], KIT_HOME=folder)
        fixed = [f"--set={name}={value}" for name, value in
                 {"rounds": ROUNDS, "rate": RATE, "depth": DEPTH, "patience": ROUNDS, "models": 1}.items()]  # fmt: skip
        ours = measured([*kit, "train", "big", "boosted", "--no-plots", *fixed], KIT_HOME=folder)
        run = next((home / "submissions" / "big").glob("*/oof.npz"))
        theirs = measured([sys.executable, "-m", "benchmarks.big_table", "--plain", str(files), str(run)])
        score = json.loads((run.parent / "run.json").read_text())["oof_score"]
    auc = {"kit train": score, "plain": json.loads(theirs[3])["auc"]}
    lines = [
        (name, f"{each[0]:.1f}", f"{each[1]:.1f}", f"{each[2]:.2f}", f"{auc[name]:.5f}" if name in auc else "")
        for name, each in (("kit new", made), ("kit train", ours), ("plain", theirs))
    ]
    print(table(("", "seconds", "processor s", "GiB", "AUC"), lines))
    print(f"kit train / plain: {ours[0] / theirs[0]:.2f} on the clock, {ours[1] / theirs[1]:.2f} of the processor")


if __name__ == "__main__":
    main()
