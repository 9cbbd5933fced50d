"""The bag of hashed pieces against the fasttext package: seconds and balanced accuracy on the same titles, in one run.

    python -m benchmarks.meli_bag --from meli-challenge-2019-es.zip      # pip install fasttext-wheel first

Both learn from the same four fifths of the task's training rows and are judged by the fifth that is held out. Each is
trained with several numbers of epochs, so that they can be compared at equal balanced accuracy. A rate is rows x epochs
a second, the reading of the rows included. Each training is a process of its own.
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

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
SETTINGS = {"words": (1, 2), "chars": (3, 5), "bits": 18, "width": 64}
EPOCHS = {"fasttext": (5, 10, 25), "kit": (3, 5, 8)}


def main() -> None:
    """Train both, one after the other and in turns, and print a table."""
    options = argparse.ArgumentParser()
    options.add_argument("--from", dest="origin", required=True, help="the zip file or folder of the challenge's rows")
    options.add_argument("--one", help="used by the command itself")
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(one(*chosen.one.split(","), chosen.origin)))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(chosen.origin), Path(folder))
        print("| by | epochs | balanced accuracy | seconds | rows a second |\n| --- | --- | --- | --- | --- |")
        for place in range(3):
            for by, epochs in EPOCHS.items():
                words = [
                    sys.executable,
                    "-m",
                    "benchmarks.meli_bag",
                    "--from",
                    folder,
                    "--one",
                    f"{by},{epochs[place]}",
                ]
                quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
                done = subprocess.run(words, capture_output=True, text=True, check=True, env=quiet)
                told = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"| {by} | {epochs[place]} | {told['score']:.4f} | {told['seconds']:.1f} | {told['rate']:,.0f} |",
                    flush=True,
                )


def prepare(origin: Path, folder: Path) -> None:
    """The task's files in `folder/public`."""
    from kit.data import fetch
    from kit.task.catalog import find

    for name in ("raw", "public", "private"):
        (folder / name).mkdir()
    fetch.take(origin, folder / "raw", {})
    find("meli-titles").competition.prepare(*(folder / name for name in ("raw", "public", "private")))


def rows(folder: Path):
    """Training rows and held-out rows."""
    from kit.task import splits
    from kit.task.catalog import find

    train, _ = find("meli-titles").competition.load(folder / "public")
    held = splits.Holdout(0.2)(train) == 0
    return train.rows(~held), train.rows(held)


def one(by: str, epochs: str, origin: str) -> dict[str, float]:
    """One training: its score, its seconds, and rows x epochs a second."""
    from sklearn.metrics import balanced_accuracy_score

    fitted, held = rows(Path(origin))
    labels, seconds = (fasttext if by == "fasttext" else kit)(fitted, held, int(epochs))
    score = balanced_accuracy_score(held.y, labels)
    return {"score": score, "seconds": seconds, "rate": len(fitted) * int(epochs) / seconds}


def fasttext(fitted, held, epochs: int) -> tuple[np.ndarray, float]:
    """The package, with as many threads as cores; titles normalised as kit's are, which is not timed."""
    import fasttext as package

    from kit.toolbox import cooccurrence

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for title, label in zip(fitted.x, fitted.y.tolist(), strict=True):
            file.write(f"__label__{label} {' '.join(cooccurrence.words(title))}\n")
        file.flush()
        began = time.perf_counter()
        model = package.train_supervised(
            file.name,
            lr=0.5,
            epoch=epochs,
            dim=SETTINGS["width"],
            wordNgrams=SETTINGS["words"][1],
            minn=SETTINGS["chars"][0],
            maxn=SETTINGS["chars"][1],
            bucket=1 << SETTINGS["bits"],
            minCount=1,
            loss="softmax",
            thread=CORES,
            verbose=0,
        )
        seconds = time.perf_counter() - began
    texts = [" ".join(cooccurrence.words(title)) for title in held.x]
    # NumPy 2 refuses the copy=False of the package's own `predict`.
    said = [model.f.predict(f"{text}\n", 1, 0.0, "strict")[0][1] for text in texts]
    return np.array([int(label.removeprefix("__label__")) for label in said]), seconds


def kit(fitted, held, epochs: int) -> tuple[np.ndarray, float]:
    """The recipe `bag`, hashing included; TensorFlow's start is not."""
    import tensorflow as tf

    from kit.task.catalog import find
    from kit.task.contract import Data, Fold

    tf.constant(0)
    recipe = find("meli-titles").recipes["bag"]
    module = recipe.module()
    empty = Data(held.ids[:0], held.x[:0], held.y[:0])
    with tempfile.TemporaryDirectory() as folder:
        fold = Fold(0, fitted, empty, 1, Path(folder))
        began = time.perf_counter()
        model = module.fit(fold, **recipe.resolve("", {**SETTINGS, "epochs": epochs, "units": False}))
        seconds = time.perf_counter() - began
        return model(held.x).argmax(1), seconds


if __name__ == "__main__":
    main()
