"""The embedded sample: made-up reviews in the source's own tables, `id,review,rating,label`.

A review is a few sentences of praise or blame among others that tell nothing. One sentence in five is of the other
opinion, and one label in twenty is wrong, so that a model can learn much but not all.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

TRAIN, TEST = 300, 120

PRAISE = (
    "The {part} is wonderful, and the {other} even better.",
    "A touching, funny story with a superb {part}.",
    "I loved every minute of it, above all the {part}.",
    "The best {part} of the year, perfect from start to end.",
    "Brilliant {part}, and {person} is excellent as always.",
)
BLAME = (
    "The {part} is awful, and the {other} even worse.",
    "A boring, pointless story with a terrible {part}.",
    "I hated every minute of it, above all the {part}.",
    "The worst {part} of the year, a waste of time from start to end.",
    "Dull {part}, and {person} is wooden as always.",
)
NEUTRAL = (
    "It was made in {year} by {person}.",
    "We saw it on a Sunday with {number} friends.",
    "The {part} takes up the first {number} minutes.",
    "There is also a {part} with {person} in it.",
    "My sister had told me about the {other}.",
)
PARTS = ("acting", "script", "music", "camera work", "ending", "plot", "dialogue", "costumes", "humour", "cutting")
PEOPLE = ("Ana Ruiz", "Tom Berg", "Mei Lin", "Omar Said", "Eva Novak", "Jack Holt")


def write(raw: Path) -> None:
    """Write `train.csv` (300 reviews) and `test.csv` (120). One review in twelve repeats another nearly."""
    random = np.random.default_rng(0)
    reviews: list[tuple[str, int]] = []
    while len(reviews) < TRAIN + TEST:
        if reviews and random.random() < 1 / 12:
            text, label = reviews[random.integers(len(reviews))]
            reviews.append((f"{text} Again.", label))
        else:
            reviews.append(_review(random))
    for name, part in (("train", reviews[:TRAIN]), ("test", reviews[TRAIN:])):
        with (raw / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(("id", "review", "rating", "label"))
            for number, (text, label) in enumerate(part):
                rating = random.integers(7, 11) if label else random.integers(1, 5)
                lines.writerow((f"{name}_{'pos' if label else 'neg'}_{number:05d}", text, rating, label))


def _review(random: np.random.Generator) -> tuple[str, int]:
    label = int(random.random() < 0.5)
    sentences = []
    for _ in range(random.integers(3, 9)):
        opinion = PRAISE if label == (random.random() < 0.8) else BLAME
        kind = NEUTRAL if random.random() < 0.4 else opinion
        sentence = kind[random.integers(len(kind))]
        part, other = (PARTS[i] for i in random.choice(len(PARTS), 2, replace=False))
        person, year = PEOPLE[random.integers(len(PEOPLE))], random.integers(1960, 2011)
        sentences.append(
            sentence.format(part=part, other=other, person=person, year=year, number=random.integers(2, 30))
        )
    text = "<br /><br />".join(" ".join(part) for part in (sentences[:3], sentences[3:]) if part)
    return text, 1 - label if random.random() < 0.05 else label
