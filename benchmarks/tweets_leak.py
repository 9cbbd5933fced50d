"""What it is worth to let vectorisers see held-out rows: words counted on everything, or on training rows alone.

    python -m benchmarks.tweets_leak

Needs `kit download disaster-tweets`. Each recipe is fitted twice on the same folds; only the vectorisers differ.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from kit import places
from kit.task import catalog, metrics, splits
from kit.task.contract import Data, Fold

RECIPES = ("linear:ridge", "linear:sgd", "linear:logistic", "bayes:bernoulli", "bayes:complement", "linear")


def leaking(module: ModuleType, everything: pd.DataFrame) -> Any:
    """The recipe's features, fitted on `everything` whatever rows they are given to learn from."""

    class Leaking(module._features.Blocks):
        def fit(self, x: Any) -> Any:
            super().fit(everything)
            return self(x)

    return Leaking


def oof(word: str, train: Data, column: np.ndarray, folder: Path) -> np.ndarray:
    """Out-of-fold predictions of a recipe, NaN where no fold held a row out."""
    recipe, variant = catalog.find("disaster-tweets").recipe(word)
    found = np.full(len(train.ids), np.nan, np.float32)
    for number in splits.numbers(column):
        fitted, held = (train.rows(rows) for rows in splits.rows(splits.AllRows(), column, number))
        fold = Fold(number, fitted, held, number + 1, folder)
        found[column == number] = recipe.module().fit(fold, **recipe.resolve(variant))(held.x)
    return found


def main() -> None:
    """Print accuracy and F1 of each recipe, with and without the leak, for both ways to split."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    entry = catalog.find("disaster-tweets")
    train, test = entry.competition.load(places.data("disaster-tweets") / "public")
    everything = pd.concat([train.x, test.x])
    columns = {"practical": entry.competition.splits["practical"](train), "grouped": entry.competition.split(train)}
    print(f"{'split':10} {'recipe':18} {'accuracy':>9} {'leaking':>9} {'F1':>9} {'leaking':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for split, column in columns.items():
            held = column >= 0
            for word in RECIPES:
                module = entry.recipe(word)[0].module()
                honest = oof(word, train, column, Path(folder))
                own, module._features.Blocks = module._features.Blocks, leaking(module, everything)
                leaked = oof(word, train, column, Path(folder))
                module._features.Blocks = own
                scores = [
                    metric.score(train.y[held], pred[held])
                    for metric in (metrics.accuracy, metrics.f1)
                    for pred in (honest, leaked)
                ]
                print(f"{split:10} {word:18} " + " ".join(f"{score:9.4f}" for score in scores), flush=True)


if __name__ == "__main__":
    main()
