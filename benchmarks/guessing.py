"""Why a better perplexity guesses the next word no better: held-out rows of ag-news by how often their word was seen.

    python -m benchmarks.guessing RUN

RUN is one of `mixed-subword` with `--holdout`. Of the held-out rows whose next word stands in the training texts so
many times: MAP@5 and the bits of that word for counts of words, and for the mixture; and how much of the sum of all
bits that the mixture saves these rows bring. A word is here taken without the mark that may follow it.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from kit.api.training import named
from kit.predict import models
from kit.task import catalog, splits
from kit.toolbox.language import mixture
from kit.toolbox.language.mixture import Mixture
from kit.toolbox.language.model import LEAST, Language

EDGES = (0, 1, 10, 100, 1000)
"""Least counts of the groups."""

WORDS = "words"


def main() -> None:
    """Print a line for each group and one for all rows."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("run")
    entry = catalog.find("ag-news")
    language = models.load(entry, named(entry, asked.parse_args().run)).language
    assert isinstance(language, Mixture)
    rows, _ = entry.competition.load(entry.data / "public")
    held = splits.Holdout()(rows) == 0
    train, valid = rows.rows(np.flatnonzero(~held)), rows.rows(np.flatnonzero(held))
    answers = [str(answer) for answer in valid.y]
    contexts = [str(text).rstrip() for text in valid.x.take()["text"]]
    shown = train.x.take()
    texts = map("".join, zip(shown["text"], shown["rest"], strict=True))
    counted = Counter(word for text in texts for word in text.split())
    times = np.array([counted[answer] for answer in answers])
    said = _next(language, contexts, answers)
    alone = said[WORDS]
    mixed = np.logaddexp2.reduce([bits + np.log2(max(language.share[name], LEAST)) for name, bits in said.items()])
    scores = {
        "counts": _scores(Language(language.members[WORDS]).guesses(contexts), answers),
        "mixture": _scores(language.guesses(contexts), answers),
    }
    print("| seen | rows | MAP@5: counts | mixture | bits: counts | mixture | share of the bits saved |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    saved = (mixed - alone).sum()
    for low, high in (*zip(EDGES, (*EDGES[1:], np.inf), strict=True), (0, np.inf)):
        of = (times >= low) & (times < high)
        name = (
            "all"
            if (low, high) == (0, np.inf)
            else f"{low:,} and more"
            if high == np.inf
            else f"{low:,} to {high - 1:,}"
        )
        figures = [scores["counts"][of].mean(), scores["mixture"][of].mean(), -alone[of].mean(), -mixed[of].mean()]
        line = " | ".join(f"{figure:.4f}" if at < 2 else f"{figure:.2f}" for at, figure in enumerate(figures))
        print(f"| {name} | {of.sum():,} | {line} | {(mixed - alone)[of].sum() / saved:.0%} |")


def _next(language: Mixture, contexts: list[str], answers: list[str]) -> dict[str, np.ndarray]:
    """The logarithm to base 2 of how likely each member thinks the next word, by the member's name."""
    texts = [f"{context} {answer}" for context, answer in zip(contexts, answers, strict=True)]
    ends = np.cumsum([len(text.split()) + 1 for text in texts])
    return {name: mixture.of_words(inside, texts)[ends - 2] for name, inside in language.members.items()}


def _scores(guesses: list[list[str]], answers: list[str]) -> np.ndarray:
    """Of each row one over the place of the answer among the guesses, 0 where it is none of them."""
    pairs = zip(guesses, answers, strict=True)
    return np.array([1 / (said.index(answer) + 1) if answer in said else 0.0 for said, answer in pairs])


if __name__ == "__main__":
    main()
