"""Bits a character of the test texts of ag-news by a run that learns while it codes, as PPMd does.

    taskset -c 0 python -m benchmarks.coding RUN [--part N]

RUN is one of `mixed-subword`. The texts come in the order of the file. After every N (default: 500) all counts are made
again with those that were coded; the network and all weights stay. Beside it what the run needs as it is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from benchmarks.anchor import texts
from kit.api.training import named
from kit.predict import models
from kit.task import catalog
from kit.toolbox.language import measures, ngrams
from kit.toolbox.language.mixture import Mixture
from kit.toolbox.language.model import Inside
from kit.toolbox.language.ngrams import NGrams
from kit.toolbox.language.together import Together
from kit.toolbox.language.vocabulary import plain


def main() -> None:
    """Print both figures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run")
    asked.add_argument("--part", type=int, default=500)
    args, entry = asked.parse_args(), catalog.find("ag-news")
    language = models.load(entry, named(entry, args.run)).language
    assert isinstance(language, Mixture)
    known = texts(entry.data / "public" / "train.csv")
    coded = [plain(text) for text in texts(entry.data / "private" / "texts.csv")]
    characters = sum(map(measures.characters, coded))
    print(f"as it is: {language.bits(coded).sum() / characters:.4f} bits a character", flush=True)
    started, bits = time.process_time(), 0.0
    for start in range(0, len(coded), args.part):
        members = {name: _again(inside, known + coded[:start]) for name, inside in language.members.items()}
        learned = Mixture(members, language.share, list(language.guessing))
        bits += float(learned.bits(coded[start : start + args.part]).sum())
    print(f"learning: {bits / characters:.4f} bits a character, {time.process_time() - started:.0f} s of the processor")


def _again(inside: Inside, told: Sequence[str]) -> Inside:
    """A member whose counts are those of the texts; its network stays."""
    if isinstance(inside, Together):
        return Together(ngrams.fit(told, inside.vocabulary, inside.counted.counts.order), inside.network, inside.shares)
    assert isinstance(inside, NGrams)
    return ngrams.fit(told, inside.vocabulary, inside.counts.order)


if __name__ == "__main__":
    main()
