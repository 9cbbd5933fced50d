"""What the checkpoints of a training cost: every second epoch is followed by one, in the same training.

    python -m benchmarks.checkpoints --epochs 21

Needs `kit download digit-recognizer` and `kit download audio-mnist`. Recipe `cnn` of each is trained on a part of the
rows, so that epochs are short and the cost shows; a training on all rows has longer epochs and the same checkpoints.
An interval is from the end of one epoch to the end of the next, the checkpoint between them included. The first epoch,
in which Keras compiles, is not counted. Epochs take turns, since a machine's speed drifts; processor seconds, which
other work on the machine disturbs less, are told too. `resume.SHARE`, which spares short epochs their checkpoint, is
off.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROWS = {"digit-recognizer": 10_000, "audio-mnist": 600}


class Keeping:
    """Lets every second epoch be kept only, and notes when epochs end, by the clock and in processor seconds, and how
    long keeping takes."""

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper
        self.ends: list[float] = []
        self.used: list[float] = []
        self.taken: list[float] = []
        self.bytes = 0

    def wrapped(self, *words: Any) -> Any:
        """The callback that keeps, for every second epoch."""
        callback = self._keeper(*words)
        keep = callback.on_epoch_end

        def on_epoch_end(epoch: int, logs: Any = None) -> None:
            self.used.append(time.process_time())
            self.ends.append(time.perf_counter())
            if epoch % 2:
                keep(epoch, logs)
            self.taken.append(time.perf_counter() - self.ends[-1])

        callback.on_epoch_end = on_epoch_end
        return callback


def measured(name: str, epochs: int) -> Keeping:
    """Train recipe `cnn` of a competition for `epochs`."""
    import numpy as np

    from kit import places
    from kit.task import catalog
    from kit.task.contract import Fold
    from kit.toolbox import determinism, networks, resume

    determinism.switch(True)
    resume.SHARE = float("inf")
    entry = catalog.find(name)
    train, _ = entry.competition.load(entry.public())
    order = np.random.default_rng(0).permutation(len(train))
    recipe = entry.recipes["cnn"]
    keeper = networks._keeper
    keeping = Keeping(keeper)
    networks._keeper = keeping.wrapped
    try:
        with tempfile.TemporaryDirectory() as dir:
            rows, held = train.rows(order[: ROWS[name]]), train.rows(order[ROWS[name] :][:200])
            recipe.module().fit(Fold(0, rows, held, 1, Path(dir)), **recipe.resolve("", {"epochs": epochs}))
            keeping.bytes = sum(path.stat().st_size for path in Path(dir, places.CHECKPOINT).iterdir())
    finally:
        networks._keeper = keeper
    return keeping


def main() -> None:
    """Print the figures of both trainings."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--epochs", type=int, default=21)
    epochs = options.parse_args().epochs
    for name, rows in ROWS.items():
        keeping = measured(name, epochs)
        alone, together = turns(keeping.ends)
        processor = turns(keeping.used)
        writing = statistics.median(keeping.taken[1::2])
        print(
            f"{name} cnn, {rows:,} rows: an epoch with a checkpoint of {keeping.bytes / 1e6:.2f} MB {together:.3f} s, "
            f"without {alone:.3f} s, ratio {together / alone:.4f}, of processor seconds "
            f"{processor[1] / processor[0]:.4f}; the checkpoint itself {writing * 1e3:.1f} ms, {writing / alone:.2%}",
            flush=True,
        )


def turns(ends: list[float]) -> tuple[float, float]:
    """The median length of the intervals without a checkpoint, and of those with one; an interval begins with the end
    of an epoch, of which every second one is kept."""
    lengths = [after - before for before, after in itertools.pairwise(ends)]
    return statistics.median(lengths[0::2]), statistics.median(lengths[1::2])


if __name__ == "__main__":
    main()
