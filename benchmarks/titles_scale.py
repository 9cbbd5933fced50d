"""Millions of titles, prepared or trained on: rows a second, peak memory, and how both grow with the number of rows.

    python -m benchmarks.titles_scale 100000 1000000 10000000
    python -m benchmarks.titles_scale 250000 1000000 --train cnn      # one epoch on all rows that prepare leaves

Rows are made up: words of a Zipf vocabulary, 1,588 categories of Zipf sizes, two languages, in the challenge's format.
They are for scale alone; no score of them means anything. Memory is that of a process of its own, without the pages of
files that the system may drop, as VmRSS minus RssFile counts them, looked at every 20 ms.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CATEGORIES, WORDS, BLOCK = 1588, 200_000, 100_000


def main() -> None:
    """Measure each number of rows and print a table."""
    options = argparse.ArgumentParser()
    options.add_argument("rows", type=int, nargs="+")
    options.add_argument("--file", help="used by the command itself")
    options.add_argument("--drawn", type=int, default=0, help="rows that are drawn of them; 0 takes all")
    options.add_argument("--train", default="", help="a recipe to train for an epoch")
    chosen = options.parse_args()
    if chosen.file:
        measure(Path(chosen.file), chosen.drawn, chosen.train)
        return
    what = chosen.train or "prepare"
    print(f"| rows | MB | drawn | {what}, s | rows a second | memory, MiB |\n| --- | --- | --- | --- | --- | --- |")
    for count in chosen.rows:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "train.csv")
            write(file, count)
            words = [sys.executable, "-m", "benchmarks.titles_scale", str(count), "--file", str(file)]
            words += ["--drawn", str(chosen.drawn), "--train", chosen.train]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
            seconds, peak = map(float, done.stdout.split()[-2:])
            drawn = f"{chosen.drawn:,}" if chosen.drawn else "all"
            size = file.stat().st_size / 1e6
            print(
                f"| {count:,} | {size:,.0f} | {drawn} | {seconds:.1f} | {count / seconds:,.0f} | {peak:,.0f} |",
                flush=True,
            )


def write(file: Path, rows: int, seed: int = 0) -> None:
    """Write a train.csv of so many made-up titles, a block at a time."""
    random = np.random.default_rng(seed)
    words = np.array([_word(number) for number in range(WORDS)], object)
    categories = np.array([f"CATEGORY_{number:04}" for number in range(CATEGORIES)], object)
    qualities, languages = np.array(["reliable", "unreliable"], object), np.array(["spanish", "portuguese"], object)
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write("title,label_quality,language,category\n")
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            lengths = random.integers(4, 13, count)
            told = words[np.minimum(random.zipf(1.15, int(lengths.sum())) - 1, WORDS - 1)].tolist()
            ends = np.cumsum(lengths).tolist()
            titles = [" ".join(told[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
            quality = qualities[(random.random(count) < 0.94).astype(int) ^ 1].tolist()
            language = languages[random.integers(0, 2, count)].tolist()
            category = categories[np.minimum(random.zipf(1.3, count) - 1, CATEGORIES - 1)].tolist()
            quoted = [f'"{title}, nuevo"' if n % 20 == 0 else title for n, title in enumerate(titles)]
            out.writelines(f"{a},{b},{c},{d}\n" for a, b, c, d in zip(quoted, quality, language, category, strict=True))


def measure(file: Path, drawn: int, trained: str) -> None:
    """Prepare the file, or train a recipe on its rows for one epoch, and print seconds and MiB."""
    from kit.task.catalog import find

    prepare = find("meli-titles").competition.prepare
    assert prepare is not None
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        public, private = Path(folder, "public"), Path(folder, "private")
        public.mkdir()
        private.mkdir()
        if trained:
            prepare(file.parent, public, private, rows=drawn)
        with watched() as peak:
            began = time.perf_counter()
            if trained:
                fit(trained, public)
            else:
                prepare(file.parent, public, private, rows=drawn)
            seconds = time.perf_counter() - began
    print(seconds, max(peak) / 1024)


def fit(recipe: str, public: Path) -> None:
    """Train a recipe on all rows, without held-out ones; the reading of the rows and the first import are included."""
    from kit.task.catalog import find
    from kit.task.contract import Data, Fold

    entry = find("meli-titles")
    chosen, variant = entry.recipe(recipe)
    train, _ = entry.competition.load(public)
    assert train.y is not None
    none = Data(train.ids[:0], train.x[:0], train.y[:0])
    settings = chosen.resolve(variant, {"epochs": 1} if "epochs" in chosen.resolve(variant) else {})
    chosen.module().fit(Fold(0, train, none, 1, public / "fold"), **settings)


@contextmanager
def watched() -> Iterator[list[int]]:
    """A list that gets the memory of this process in KiB, looked at every 20 ms."""
    seen, done = [_own_memory()], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            seen.append(_own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def _own_memory() -> int:
    """KiB of this process that are no pages of files."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["VmRSS"].split()[0]) - int(told["RssFile"].split()[0])


def _word(number: int) -> str:
    """A made-up word of two to six syllables; every eighth has an accent, every fifth a number."""
    parts = []
    rest = number + 7
    while rest:
        rest, syllable = divmod(rest, 70)
        parts.append("bcdfglmnprstvz"[syllable % 14] + "aeiou"[syllable // 14])
    word = "".join(parts) + ("ó" if number % 8 == 0 else "")
    return (f"{word}{number % 100}" if number % 5 == 0 else word).capitalize()


if __name__ == "__main__":
    main()
