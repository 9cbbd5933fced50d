"""Twenty texts by a run of ag-news, unpicked, and how they differ from real ones: repetition, copies, unknown words.

    python -m benchmarks.texts_written RUN

Four prompts, five seeds each, temperature 0.7, thirty words, as `kit generate` writes them. Beside them stand twenty
real test texts, cut after as many words.
"""

from __future__ import annotations

import argparse

from benchmarks.anchor import texts
from kit.api import generating
from kit.task import catalog
from kit.task.sampling import Sampling
from kit.toolbox.language import measures

PROMPTS = ("The president said", "Oil prices", "Microsoft has", "The team")
SEEDS, WORDS, TEMPERATURE = range(5), 30, 0.7


def main() -> None:
    """Print the texts, numbered, and a table of both kinds' measures."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run")
    run = asked.parse_args().run
    data = catalog.find("ag-news").data
    written = [
        prompt + "".join(pieces)
        for prompt in PROMPTS
        for pieces in generating.several("ag-news", run, prompt, Sampling(TEMPERATURE), WORDS, SEEDS)
    ]
    for number, text in enumerate(written, 1):
        print(f"{number}. {text}")
    real = [" ".join(text.split()[: WORDS + 2]) for text in texts(data / "private" / "texts.csv")[: len(written)]]
    trained = texts(data / "public" / "train.csv")
    rows = {"written": measures.written(written, trained), "real": measures.written(real, trained)}
    print(f"\n| texts | {' | '.join(rows['real'])} |\n|{' --- |' * (len(rows['real']) + 1)}")
    for name, figures in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in figures.values())} |")


if __name__ == "__main__":
    main()
