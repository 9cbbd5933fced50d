"""Bits a character of the test texts of ag-news by a run of `mixed-subword` that learns while it codes, as PPMd does.

    taskset -c 0 python -m benchmarks.coding RUN

The texts come in the order of the file. After every 200 the counts are made again with those that were coded; the
network and its weight stay. Beside it what the run needs as it is.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.anchor import texts
from kit.api.training import named
from kit.predict import models
from kit.task import catalog
from kit.toolbox.language import measures, ngrams, together
from kit.toolbox.language.model import Language
from kit.toolbox.language.vocabulary import plain

PART = 200


def main() -> None:
    """Print both figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run")
    entry = catalog.find("ag-news")
    language = models.load(entry, named(entry, asked.parse_args().run)).language
    assert isinstance(language, Language) and isinstance(language.inside, together.Together)
    inside = language.inside
    known = texts(entry.data / "public" / "train.csv")
    coded = [plain(text) for text in texts(entry.data / "private" / "texts.csv")]
    characters = sum(map(measures.characters, coded))
    print(f"as it is: {language.bits(coded).sum() / characters:.4f} bits a character")
    started, bits = time.process_time(), 0.0
    for start in range(0, len(coded), PART):
        counted = ngrams.fit(known + coded[:start], inside.vocabulary, inside.counted.counts.order)
        learned = Language(together.Together(counted, inside.network, np.asarray(inside.shares)))
        bits += float(learned.bits(coded[start : start + PART]).sum())
    print(f"learning: {bits / characters:.4f} bits a character, {time.process_time() - started:.0f} s of the processor")


if __name__ == "__main__":
    main()
