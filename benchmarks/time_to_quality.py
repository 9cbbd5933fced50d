"""Seconds until a recipe reaches 0.990 validation accuracy, against the practical's network trained its way.

    python benchmarks/time_to_quality.py --data ../shared/data/digit-recognizer.zip --pairs 5

Both train on the same 90 % of the rows and are judged on the other 10 % after every epoch. A pair is one training of
each, in turn, each in a process of its own, with the same seed; the seed differs between pairs. The clock runs from the
call of `fit` to the end of the first epoch at or above the mark, so building and compiling the network count; importing
Keras and reading the data, the same for both, do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kit.task.catalog import find, parse_setting  # noqa: E402
from kit.task.contract import Data, Fold  # noqa: E402


class Reached(Exception):
    """The mark is reached; the rest of the training is not needed."""


def rows(data: Path) -> Data:
    """The training rows of the competition, from its `train.csv` or a zip that holds it."""
    import pandas

    if data.suffix == ".zip":
        with zipfile.ZipFile(data) as archive, archive.open("train.csv") as file:
            table = pandas.read_csv(file)
    else:
        table = pandas.read_csv(data)
    x = table.drop(columns="label").to_numpy(np.uint8).reshape(-1, 28, 28)
    return Data(np.arange(len(x)), x, table["label"].to_numpy(np.int64))


def seconds(word: str, data: Path, mark: float, seed: int, overrides: dict[str, Any]) -> dict[str, Any]:
    """Train the recipe `word` until `mark` and say how long it took; `seconds` is None when it never got there."""
    recipe, variant = find("digit-recognizer").recipe(word)
    settings = recipe.resolve(variant, overrides)
    module = recipe.module()
    everything = rows(data)
    # The same held-out rows in every pair: stratified as the competition's own split is, a tenth of the rows.
    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(np.arange(len(everything.ids)), test_size=0.1, stratify=everything.y, random_state=0)
    accuracy: list[float] = []
    started = 0.0

    def report(done: int, of: int, **figures: float) -> None:
        accuracy.append(figures["val_accuracy"])
        if accuracy[-1] >= mark:
            raise Reached

    with tempfile.TemporaryDirectory() as folder:
        fold = Fold(0, everything.rows(kept), everything.rows(held), seed, Path(folder), report)
        started = time.perf_counter()
        try:
            module.fit(fold, **settings)
            taken = None
        except Reached:
            taken = time.perf_counter() - started
    return {"seconds": taken, "epochs": len(accuracy), "accuracy": accuracy}


def measure(word: str, arguments: argparse.Namespace, seed: int, overrides: list[str]) -> dict[str, Any]:
    """`seconds` in a process of its own."""
    command = [sys.executable, __file__, "--data", str(arguments.data), "--mark", str(arguments.mark)]
    command += ["--one", word, "--seed", str(seed), *(f"--set={each}" for each in overrides)]
    done = subprocess.run(command, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Alternate the two, and print every training, the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/digit-recognizer.zip")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--mark", type=float, default=0.990, help="validation accuracy to reach")
    parser.add_argument("--recipe", default="cnn:fast")
    parser.add_argument("--against", default="cnn:practical")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of --recipe")
    parser.add_argument("--one", help="train this recipe once and print one line of JSON")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.one:
        overrides = dict(parse_setting(each) for each in arguments.set)
        print(json.dumps(seconds(arguments.one, arguments.data, arguments.mark, arguments.seed, overrides)))
        return
    taken: dict[str, list[float]] = {arguments.recipe: [], arguments.against: []}
    for pair in range(arguments.pairs):
        for word in taken:
            result = measure(word, arguments, pair + 1, arguments.set if word == arguments.recipe else [])
            taken[word].append(result["seconds"] or float("inf"))
            figures = " ".join(f"{each:.4f}" for each in result["accuracy"])
            print(
                f"pair {pair + 1} {word:14} {taken[word][-1]:6.1f} s, {result['epochs']} epochs: {figures}", flush=True
            )
    medians = {word: statistics.median(each) for word, each in taken.items()}
    for word, median in medians.items():
        print(f"median {word:14} {median:6.1f} s")
    print(f"ratio {medians[arguments.recipe] / medians[arguments.against]:.3f}")


if __name__ == "__main__":
    main()
