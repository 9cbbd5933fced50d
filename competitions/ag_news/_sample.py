"""The embedded sample: made-up news in the source's own format, without a header.

Sentences are drawn from lists, some stories are told twice with a few words changed, and the artefacts of the real
files are in them.
"""

import csv
from pathlib import Path

import numpy as np

AGENCIES = ("AP - ", "Reuters - ", "AFP - ", "")
NEWS = {
    1: (
        "{who} said on {day} that talks with {other} over the border would go on in {place}",
        "Troops of {other} left {place} after {count} days",
    ),
    2: (
        "{who} scored {count} points as {other} lost in {place} on {day}",
        "{other} #39;s captain will miss the game in {place}",
    ),
    3: (
        "{who} said its profit rose  #36;{count} million, more than {other} had expected",
        "Shares of {other} &lt;XYZ.N&gt; fell \\${count} in {place} on {day}",
    ),
    4: (
        "{who} has shown a new phone in {place} that {other} calls  quot;smart quot;",
        "Researchers in {place} have counted {count} new stars, {other} reported on {day}",
    ),
}
WHO = ("The government", "A spokesman", "The company", "The president", "A young team", "The union", "The minister")
OTHER = (
    "Norland",
    "Sudonia",
    "the United Club",
    "Vexel",
    "Harbour Bank",
    "the Reds",
    "the council",
    "Ostra",
    "Meridian",
)
PLACE = ("Paris", "Lima", "Oslo", "Cairo", "Quito", "Boston", "Madrid", "Delhi", "Rome", "Tokyo", "Bogota", "Sydney")
DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def write(raw: Path) -> None:
    """Write `train.csv` (320 texts), `test.csv` (60) and `extra_text.csv` (40, of which 10 are in train.csv)."""
    random = np.random.default_rng(0)
    made = [_news(random) for _ in range(400)]
    # A story told twice in ten, with another agency in front and a sentence behind.
    again = [(topic, title, f"Update - {text} Others agreed.") for topic, title, text in made[:20]]
    _write(raw / "train.csv", made[:300] + again)
    _write(raw / "test.csv", made[300:360])
    extra = made[:10] + made[360:390]
    with (raw / "extra_text.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        table.writerow(("class", "text", "src"))
        table.writerows((topic, f"{title} {text}", "sample") for topic, title, text in extra)


def _news(random: np.random.Generator) -> tuple[int, str, str]:
    topic = int(random.integers(1, 5))
    sentences = [_sentence(topic, random) for _ in range(int(random.integers(2, 5)))]
    return topic, sentences[0], f"{random.choice(AGENCIES)}{'. '.join(sentences[1:])}."


def _sentence(topic: int, random: np.random.Generator) -> str:
    words = {"who": WHO, "other": OTHER, "place": PLACE, "day": DAY}
    drawn = {name: str(random.choice(of)) for name, of in words.items()}
    return str(random.choice(NEWS[topic])).format(**drawn, count=int(random.integers(2, 60)))


def _write(path: Path, lines: list[tuple[int, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        table.writerows(lines)
