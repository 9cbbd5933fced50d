"""Whether the networks of all competitions train on other backends of Keras: a table of recipe by backend.

    python -m benchmarks.backends                         all recipes of Keras, on every backend that is installed
    python -m benchmarks.backends --only digit-recognizer --recipe cnn      some of them

Each recipe is fitted on the embedded sample with its quick settings, one fold, on TensorFlow and then on each other
backend. There the model that TensorFlow has stored is loaded too, and must predict the same: layers, weights and inputs
are then read alike, whatever training makes of them. Each training has a process of its own and one thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kit.errors import KitError
from kit.task import catalog
from kit.train import machine

BACKENDS = ("tensorflow", "jax", "torch")

EPOCHS = 2
"""At most: whether a network trains shows in its first steps, and twenty of them train here on each backend."""

BY_TENSORFLOW = {
    "disaster-tweets bert": "tf_keras, which knows TensorFlow only",
    "imdb-sentiment minilm": "tf_keras, which knows TensorFlow only",
    "meli-titles nnlm": "tf_keras and tensorflow_hub, which know TensorFlow only",
    "meli-titles bag": "sparse matrices of TensorFlow",
}
"""Recipes of networks that other backends cannot train, with what they are made of."""


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--only", action="append", help="a competition")
    words.add_argument("--recipe", action="append", help="a recipe of theirs")
    words.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = words.parse_args()
    if args.one:
        return print(json.dumps(one(*args.one)))
    here = [name for name in BACKENDS if importlib.util.find_spec(name)]
    if missing := [name for name in BACKENDS if name not in here]:
        print(f"Not installed, so not tried: {', '.join(missing)}")
    print("| recipe | " + " | ".join(f"{name}: score, processor seconds" for name in here) + " | largest difference |")
    print("| --- |" + " --- |" * (len(here) + 1), flush=True)
    for entry in catalog.entries(sample=True):
        for name, recipe in entry.recipes.items():
            wanted = (not args.only or entry.name in args.only) and (not args.recipe or name in args.recipe)
            if wanted and recipe.extra in ("keras", "bert", "language"):
                print(line(entry.name, name, here), flush=True)
    return None


def line(competition: str, recipe: str, here: list[str]) -> str:
    """A row of the table."""
    if why := BY_TENSORFLOW.get(f"{competition} {recipe}"):
        return f"| {competition} `{recipe}` | only on TensorFlow: made of {why} |" + " |" * len(here)
    cells, differ = [], []
    with tempfile.TemporaryDirectory() as home:
        for backend in here:
            told = called(backend, home, competition, recipe)
            cells.append(told.get("error") or f"{told['score']:.4f}, {told['seconds']:.1f}")
            differ += [told["differs"]] if "differs" in told else []
    return (
        f"| {competition} `{recipe}` | {' | '.join(cells)} | {max(differ):.1e} |"
        if differ
        else (f"| {competition} `{recipe}` | {' | '.join(cells)} | - |")
    )


def called(backend: str, home: str, competition: str, recipe: str) -> dict[str, Any]:
    """What `one` says in a process of its own, which starts with this backend."""
    environment = os.environ | dict.fromkeys(machine.THREADS, "1")
    environment |= {"KERAS_BACKEND": backend, "KIT_HOME": home}
    words = [sys.executable, "-m", "benchmarks.backends", "--one", backend, competition, recipe]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": f"ended with {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1][:200]}"}
    return json.loads(done.stdout.splitlines()[-1])


def one(backend: str, competition: str, word: str) -> dict[str, Any]:
    """The first fold of a recipe, and by how much the model that TensorFlow stored predicts otherwise here."""
    import numpy as np

    from kit.data import fetch
    from kit.task import checks
    from kit.train import loop, runs

    entry = catalog.find(competition, sample=True)
    fetch.sample(entry)
    recipe, _ = entry.recipe(word)
    settings = recipe.resolve("", smoke=True)
    settings |= {"epochs": min(settings["epochs"], EPOCHS)} if "epochs" in settings else {}
    plan = loop.planned(entry, recipe, "", settings, only=0)
    note, told = Path(os.environ["KIT_HOME"], "tensorflow.json"), dict[str, Any]()
    if backend != "tensorflow" and note.exists():
        folder = Path(json.loads(note.read_text())["folder"])
        _, test = checks.load(entry)
        there = recipe.module().load(folder).predict(test.x.take())
        with np.load(folder / "test.npz", allow_pickle=False) as file:
            here, pred = np.asarray(there), file["pred"]
        if pred.dtype.kind in "fiu" and not pred.dtype.names:  # models of texts predict words
            told["differs"] = float(np.abs(here.astype("float64") - pred.astype("float64")).max())
    started = time.process_time()
    try:
        run = loop.train(entry, runs.create(plan), quiet=True)
    except KitError as error:
        return told | {"error": error.wrong}
    import keras

    assert keras.backend.backend() == backend or "keras" not in sys.modules
    if backend == "tensorflow":
        note.write_text(json.dumps({"folder": str(run.fold(0))}))
    return told | {"score": run.score, "seconds": time.process_time() - started}


if __name__ == "__main__":
    main()
