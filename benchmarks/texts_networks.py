"""The networks of ag-news beside each other, each trained for the same time of one processor: bits a character of
held-out texts.

    kit download ag-news --from ag-news.zip && taskset -c 0 python -m benchmarks.texts_networks --seconds 180

The texts are those of `kit train ag-news RECIPE --holdout`. What counts is the time of the processor in `fit`'s
training, so that other work on the machine takes nothing away. How many steps that makes is measured first, after the
network was compiled; as many as fit in, and no fewer than ten, are planned with a rate that falls to nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from kit.task import catalog, splits
from kit.task.contract import Data, Fold

SETTINGS: dict[str, dict[str, Any]] = {
    "char-lstm": {"batch": 256, "length": 32, "dropout": 0.0},
    "word-lstm": {"batch": 32, "length": 32, "rate": 4e-3},
    "char-transformer": {"batch": 16, "length": 128},
    "word-transformer": {"batch": 16, "length": 64, "rate": 3e-3},
    "subword": {"batch": 8, "length": 128, "rate": 4e-3},
}
"""Short batches, so that a short training has many steps. Others are the recipes' own."""

JUDGED = 700
"""Held-out texts at least, of 2,057, evenly spread: a network of characters takes a minute for all."""

EPOCHS, TRIED = 10, 8


def main() -> None:
    """Print a table: what each network reached."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=180)
    asked.add_argument("recipes", nargs="*", default=[*SETTINGS])
    options = asked.parse_args()
    entry = catalog.find("ag-news")
    rows, _ = entry.competition.load(entry.data / "public")
    held = splits.Holdout()(rows) == 0
    train, valid = rows.rows(np.flatnonzero(~held)), rows.rows(np.flatnonzero(held)[:: held.sum() // JUDGED])
    print("| network | parameters | tokens a second | steps | seconds | bits a character | perplexity |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in options.recipes:
        # A step takes as long in the second and third of three short epochs as it will; the first compiles.
        times, *_ = _trained(name, train, valid, epochs=3, steps=TRIED, only_time=True)
        steps = max(1, int(options.seconds / ((times[2] - times[0]) / (2 * TRIED)) / EPOCHS))
        times, fitted, known = _trained(name, train, valid, epochs=EPOCHS, steps=steps)
        tokens = SETTINGS[name]["batch"] * SETTINGS[name]["length"] * steps * (EPOCHS - 1) / (times[-1] - times[0])
        print(
            f"| `{name}` | {fitted.parameters:,} | {tokens:,.0f} | {steps * EPOCHS} | {times[-1]:.0f} | "
            f"{known['bits_per_character']:.4f} | {known['perplexity']:,.0f} |",
            flush=True,
        )


class _Enough(Exception):
    """The time of a step is known."""


def _trained(
    name: str, train: Data, valid: Data, epochs: int, steps: int, only_time: bool = False
) -> tuple[list[float], Any, dict[str, float]]:
    """Seconds of the processor at the end of each epoch, what `fit` gave, and how well it knows the held-out texts."""
    recipe, _ = catalog.find("ag-news").recipe(name)
    times: list[float] = []
    begun = time.process_time()

    def report(done: int, of: int, **_: float) -> None:
        times.append(time.process_time() - begun)
        if only_time and done == of:
            raise _Enough

    with tempfile.TemporaryDirectory() as folder:
        fold = Fold(0, train, valid, 0, Path(folder), report)
        try:
            fitted = recipe.module().fit(fold, **SETTINGS[name], epochs=epochs, steps=steps)
        except _Enough:
            return times, None, {}
        known = json.loads((Path(folder) / "language.json").read_text())["held out"]
    return times, fitted, known


if __name__ == "__main__":
    main()
