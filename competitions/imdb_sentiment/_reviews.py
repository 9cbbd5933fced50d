"""The reviews in the forms in which they are published: the archive's folders, one table of all, two tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.rows import files, near
from kit.task.targets import Labels
from kit.toolbox import beside

POSITIVE = Labels((0, 1))
SENTIMENT = ("negative", "positive")
"""How the table of 50,000 rows spells the labels 0 and 1."""

BREAK = re.compile(r"<\s*br\s*/?\s*>", re.IGNORECASE)
"""The tag by which the reviews' lines end. Without its brackets it would be their commonest word, `br`."""

FOLDERS = ("train/pos", "train/neg", "test/pos", "test/neg")
NAME = re.compile(r"(\d+)_(\d+)\.txt")
"""A review's number, by which it has a line in the list of films, and its rating."""

FORMS = (
    "train/pos, train/neg, test/pos and test/neg of the archive; train.csv and test.csv with the columns id, review "
    "and label; or one CSV file with the columns review and sentiment"
)


class Review(NamedTuple):
    """One review, its text without tags; `film` is the address of its film's page, empty where that is not known."""

    id: str
    text: str
    label: int
    film: str = ""


def plain(text: str) -> str:
    """A review without the tags of its line breaks, which become line breaks."""
    return BREAK.sub("\n", text).replace("\n\n\n", "\n\n").strip()


def read(raw: Path) -> tuple[list[Review], list[Review]]:
    """Train and test reviews in a folder. A table of all reviews is cut into two halves of whole groups of repeats.

    Raises KitError when the folder holds the reviews in none of the known forms.
    """
    for root in (raw, *sorted(path for path in raw.iterdir() if path.is_dir())):
        if (root / "train").is_dir() or (root / "test").is_dir():
            return _of_archive(root)
    tables = sorted(raw.glob("*.csv"))
    if {"train.csv", "test.csv"} <= {path.name for path in tables}:
        train, test = ([*_of_table(raw / name)] for name in ("train.csv", "test.csv"))
        return train, test
    if len(tables) == 1:
        return _halved([*_of_table(tables[0])])
    held = ", ".join(sorted(path.name for path in raw.iterdir())[:6]) or "nothing"
    raise KitError(
        f"There are no reviews in {raw}: it holds {held}.",
        f"It must hold {FORMS}.",
        "kit download imdb-sentiment --from aclImdb_v1.tar.gz",
    )


def _of_archive(root: Path) -> tuple[list[Review], list[Review]]:
    """The reviews of the archive's folders: a file each, and a list of the films' addresses beside the folder.

    Raises KitError where a folder is missing, or a file is named otherwise, is empty or no text.
    """
    for name in FOLDERS:
        if not (root / name).is_dir() or not any((root / name).iterdir()):
            raise KitError(
                f"{root / name} {'is empty' if (root / name).is_dir() else 'does not exist'}.",
                f"The archive holds {', '.join(FOLDERS)}, a text file a review in each.",
                "kit download imdb-sentiment --from aclImdb_v1.tar.gz",
            )
    train, test = ([*_of_folder(root, name, "pos"), *_of_folder(root, name, "neg")] for name in ("train", "test"))
    return train, test


def _of_folder(root: Path, half: str, word: str) -> Iterator[Review]:
    lists = root / half / f"urls_{word}.txt"
    films = lists.read_text(encoding="utf-8").splitlines() if lists.is_file() else []
    named = {path: NAME.fullmatch(path.name) for path in (root / half / word).iterdir()}
    if wrong := sorted(path for path, match in named.items() if match is None and not path.name.startswith("._")):
        raise KitError(f"{wrong[0]} is not named NUMBER_RATING.txt, such as 127_9.txt.")
    for number, path in sorted((int(match[1]), path) for path, match in named.items() if match):
        try:
            text = plain(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise KitError(f"{path} is not text: byte {error.start:,} is not UTF-8.") from None
        if not text:
            raise KitError(f"{path} is an empty review.", "Each file must hold a text.")
        film = films[number].removesuffix("usercomments") if number < len(films) else ""
        yield Review(f"{half}_{word}_{number:05d}", text, int(word == "pos"), film)


def _of_table(file: Path) -> Iterator[Review]:
    for part in table(file, None):
        y = labels(part)
        if y is None:
            raise KitError(f"{file} lacks the labels.", "They stand in a column called label, or sentiment.")
        ids = part.ids("id")
        rows = zip(ids.tolist(), texts(part), y.tolist(), strict=True)
        yield from (Review(str(id), text, label) for id, text, label in rows)


def table(file: Path, most: int | None) -> Iterator[files.Part]:
    """The rows of a table of reviews, at most `most` at a time: the column review, and of id, label, sentiment and
    group those that it has."""
    optional = ("id", "label", "sentiment", "group")
    return files.parts(file, ("review",), optional=optional, texts=("id", "review", "sentiment"), rows=most)


def texts(part: files.Part) -> list[str]:
    """The texts of reviews without tags. Raises KitError for a row without one."""
    return [plain(text) for text in part.full(["review"])["review"]]


def labels(part: files.Part) -> np.ndarray | None:
    """The labels of reviews, 0 or 1 of (n,), in a column label or sentiment; None where the table has neither."""
    if (y := part.labels("label", POSITIVE.options)) is not None:
        return y
    named = part.labels("sentiment", SENTIMENT)
    return None if named is None else (named == SENTIMENT[1]).astype(np.int64)


def further(file: str) -> list[str]:
    """Reviews without labels, and without tags: those of a table with a column `review`, or of a folder of text files,
    such as the archive's `train/unsup`. `file` is a path, or a name beside the task's own files, such as test.csv.

    Raises KitError where there is none, or it holds no reviews.
    """
    path = beside.locate(
        file,
        folder="data/imdb-sentiment/public",
        what="reviews",
        right="A CSV file with a column called review will do, or a folder of text files.",
        cure="kit download imdb-sentiment",
        folders=True,
    )
    if path.is_file():
        held = [text for part in table(path, None) for text in texts(part)]
    else:
        held = [plain(each.read_text(encoding="utf-8", errors="replace")) for each in sorted(path.glob("*.txt"))]
    if not held:
        raise KitError(f"{path} holds no reviews.", "It must be a table with rows, or a folder of .txt files.")
    return held


def _halved(reviews: list[Review]) -> tuple[list[Review], list[Review]]:
    """Reviews in two halves, none of which repeats one of the other: groups in random order, the same each time."""
    group = near.groups([review.text for review in reviews])
    place = np.random.default_rng(0).permutation(group.max(initial=-1) + 1)[group]
    order = np.argsort(place, kind="stable")
    end = len(order) // 2
    while end < len(order) and place[order[end]] == place[order[end - 1]]:
        end += 1
    parts = (np.sort(order[:end]), np.sort(order[end:]))
    train, test = ([reviews[i] for i in part] for part in parts)
    return train, test


def cleaned(reviews: Iterable[Any]) -> list[str]:
    """Reviews as recipes read them, also those of a text file, which may have tags still."""
    return [plain(str(review)) for review in reviews]


def ends(reviews: Iterable[Any], *, words: int, first: int) -> list[str]:
    """Reviews of at most `words` words: of a longer one the `first` and those of its end."""
    return [_ends(review.split(), words, min(first, words)) for review in cleaned(reviews)]


def _ends(review: list[str], words: int, first: int) -> str:
    if len(review) <= words:
        return " ".join(review)
    return " ".join([*review[:first], *review[len(review) - words + first :]])
