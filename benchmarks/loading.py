"""Reading the competition's 128 MB of CSV: `pandas.read_csv`, kit's first load, and kit's load from its cache.

    python -m benchmarks.loading

Needs `kit download digit-recognizer`.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable

from kit import places


def timed(call: Callable[[], object], rounds: int) -> float:
    """The median of some calls, in seconds."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Print the three times and the ratio of the last to pandas."""
    import pandas

    from kit.task import catalog

    folder = places.data("digit-recognizer") / "public"
    competition = catalog.find("digit-recognizer").competition

    def first() -> None:
        shutil.rmtree(folder.parent / "cache", ignore_errors=True)
        competition.load(folder)

    def cached() -> None:
        # Every byte of the images is read, so that a memory map does not win by not reading.
        train, test = competition.load(folder)
        assert int(train.x.sum()) + int(test.x.sum()) > 0

    csv = timed(lambda: [pandas.read_csv(folder / name) for name in ("train.csv", "test.csv")], 3)
    once = timed(first, 3)
    opened = timed(lambda: competition.load(folder), 5)
    again = timed(cached, 5)
    print(f"pandas.read_csv        {csv:8.3f} s")
    print(f"kit, first load        {once:8.3f} s, ratio {once / csv:.2f}")
    print(f"kit, later loads       {opened:8.4f} s, ratio 1/{csv / opened:.0f}")
    print(f"kit, later, all read   {again:8.4f} s, ratio 1/{csv / again:.0f}")


if __name__ == "__main__":
    main()
