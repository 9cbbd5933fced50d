"""The embedded sample: made-up tweets in the competition's own file format.

Words are drawn from lists, and a tenth of the labels are wrong, so that a model can learn much but not all.
"""

import csv
from pathlib import Path

import numpy as np

DISASTERS = {
    "wildfire": ("Wildfire near {place} forces hundreds to flee", "Crews fight the wildfire north of {place}"),
    "flood": ("Flood waters reach {place}, roads closed", "Three rescued from the flood in {place}"),
    "earthquake": ("Earthquake of 5.{digit} felt in {place}", "Buildings shake as earthquake hits {place}"),
    "train%20crash": (
        "Train crash outside {place}, {digit} injured",
        "Police at a train crash in {place}",
    ),
    "explosion": ("Explosion at a plant in {place} kills {digit}", "Windows broken by explosion in {place}"),
    "storm": ("Storm cuts power to {place}", "Trees down in {place} after the storm"),
}
OTHERS = {
    "fire": ("This album is fire, {place} tour when", "My timeline is on fire tonight lol"),
    "flood": ("A flood of memories looking at {place} pictures", "Inbox flood again, {digit} thousand mails"),
    "explosion": ("Flavour explosion at the new place in {place}", "Colour explosion on my canvas today"),
    "crush": ("I have such a crush on the boy from {place}", "Crush that exam, {digit} more days"),
    "storm": ("Storm in a teacup about {place}", "We will storm the charts with {digit} songs"),
    "buried": ("Buried in homework, send help and {digit} coffees", "My phone is buried somewhere in {place}"),
}
PLACES = ("Toledo", "Bergen", "Quito", "Osaka", "Perth", "Lagos", "Leeds", "Izmir", "Cusco", "Tampa")
ENDINGS = ("", "", " #news", " #{tag}", " http://t.co/{code}", " @user{digit}", " right now", " smh", " &amp; more")


def write(raw: Path) -> None:
    """Write `train.csv` (400 tweets), `test.csv` (150), `sample_submission.csv` and the answers, `solution.csv`.

    Some keywords and locations are missing, one tweet in ten repeats another but for its link, as in the real files.
    """
    random = np.random.default_rng(0)
    rows: list[tuple] = []
    while len(rows) < 550:
        if rows and random.random() < 0.1:
            _, keyword, place, text, target = rows[random.integers(len(rows))]
            text = f"{text.split(' http')[0]} http://t.co/{random.integers(10**6)}"
        else:
            keyword, place, text, target = _tweet(random)
        rows.append((len(rows) * 2 + 1, keyword, place, text, target))
    train, test = rows[:400], rows[400:]
    _csv(raw / "train.csv", ("id", "keyword", "location", "text", "target"), train)
    _csv(raw / "test.csv", ("id", "keyword", "location", "text"), [row[:-1] for row in test])
    _csv(raw / "sample_submission.csv", ("id", "target"), [(row[0], 0) for row in test])
    _csv(raw / "solution.csv", ("id", "target"), [(row[0], row[-1]) for row in test])


def _tweet(random: np.random.Generator) -> tuple[str, str, str, int]:
    real = int(random.random() < 0.43)
    topics = DISASTERS if real else OTHERS
    keyword = list(topics)[random.integers(len(topics))]
    place = PLACES[random.integers(len(PLACES))]
    text = topics[keyword][random.integers(2)] + ENDINGS[random.integers(len(ENDINGS))]
    text = text.format(
        place=place, digit=random.integers(1, 10), tag=keyword.replace("%20", ""), code=random.integers(10**6)
    )
    target = 1 - real if random.random() < 0.1 else real
    return ("" if random.random() < 0.1 else keyword), ("" if random.random() < 0.33 else place), text, target


def _csv(path: Path, header: tuple, rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(header)
        lines.writerows(rows)
