"""AG News: which word comes next in a news text, up to five guesses, and how well a model knows the whole text."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.errors import KitError
from kit.rows import files, near
from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission, everything
from kit.task.sources import KaggleDataset
from kit.task.targets import Text

from ._cleaning import cleaned
from ._contexts import Cut, cut

if TYPE_CHECKING:
    import pandas as pd

TOPICS = ("World", "Sports", "Business", "Sci/Tech")
"""What the classes 1 to 4 are called, as in the data set's classes.txt."""

HEADERS = (("Class Index", "Title", "Description"), ("class", "title", "description"), ("class", "text"))
"""The headers that files of this data set have, where they have one: Kaggle's, the data set's, `extra_text.csv`'s."""

TESTED = 10
"""Without a test.csv every tenth story is the test."""

COLUMNS = ["text", "rest", "topic"]


def prepare(raw: Path, public: Path, private: Path) -> None:
    """`train.csv`, whose rows hold a context, the next word and all that follows it; `test.csv` of contexts; and the
    next words of these in `solution.csv`. The same files give the same bytes.

    The texts are those of `train.csv` and, where they are there, `extra_text.csv`; a text that repeats another to the
    letter is left out. Those that share half of their runs of five words are one story: of a story in `test.csv`
    no text is in train, and the test has one text of each. Raises KitError for a file that cannot be read.
    """
    names = [name for name in ("train.csv", "extra_text.csv", "test.csv") if (raw / name).is_file()]
    if "train.csv" not in names:
        raise KitError(
            f"There is no train.csv in {raw}.",
            "Its rows are class, title and description, with a header or without; test.csv and extra_text.csv may be "
            "beside it.",
            "kit download ag-news --from ag-news.zip",
        )
    given = [(name == "test.csv", *row) for name in names for _, *row in _source(raw / name, None)]
    # Of a text that several files hold the last one counts, which is the test where it is one of them.
    unique = {text: (tested, topic) for tested, topic, text in given}
    texts = [text for text in dict.fromkeys(text for *_, text in given) if cut(text) is not None]
    stories = near.groups(texts)
    own = np.array([unique[text][0] for text in texts], bool)
    if "test.csv" in names:
        tested = np.isin(stories, stories[own])
        chosen = own & _firsts(np.where(own, stories, -1))
    else:
        tested = stories % TESTED == 0
        chosen = tested & _firsts(stories)
    train, test = np.flatnonzero(~tested), np.flatnonzero(chosen)
    if not len(train) or not len(test):
        raise KitError(
            f"{raw} has {len(train)} texts for training and {len(test)} for the test.",
            "There must be some of both, of more than three words each.",
            "kit download ag-news --from ag-news.zip",
        )
    cuts = {int(i): _cut(texts[i]) for i in (*train, *test)}
    topics = [unique[text][1] for text in texts]
    _write(
        public / "train.csv",
        ("id", "topic", "story", "text", "next", "rest"),
        [
            (n, topics[i], stories[i], cuts[i].context, cuts[i].next, cuts[i].rest)
            for n, i in enumerate(train.tolist(), 1)
        ],
    )
    numbered = list(enumerate(test.tolist(), 1))
    _write(public / "test.csv", ("id", "topic", "text"), [(n, topics[i], cuts[i].context) for n, i in numbered])
    _write(public / "sample_submission.csv", ("id", "next"), [(n, "the") for n, _ in numbered])
    _write(private / "solution.csv", ("id", "next"), [(n, cuts[i].next) for n, i in numbered])
    # What the test texts go on with, for bits per character; its owner keeps it, as Kaggle keeps answers.
    whole_test = [(n, topics[i], cuts[i].context, cuts[i].next, cuts[i].rest) for n, i in numbered]
    _write(private / "texts.csv", ("id", "topic", "text", "next", "rest"), whole_test)


def rows(file: Path, most: int | None) -> Iterator[Data]:
    """Contexts of a file like train.csv or test.csv; or those that `prepare` would make of a file of the source, with
    a header or without one, under the numbers of its rows. Rows too short for a context are left out."""
    if _prepared(file):
        yield from _contexts(file, most)
        return
    made = [(number, topic, at) for number, topic, text in _source(file, most) if (at := cut(text)) is not None]
    if not made:
        raise KitError(f"{file} has no text of more than three words.", "A context needs three words and the next one.")
    for start in range(0, len(made), most or len(made)):
        part = made[start : start + (most or len(made))]
        table = {"text": [at.context for *_, at in part], "rest": [at.rest for *_, at in part]}
        yield Data(
            np.array([number for number, *_ in part]),
            _table({**table, "topic": [topic for _, topic, _ in part]}),
            np.array([at.next for *_, at in part]),
        )


def load(public: Path) -> tuple[Data, Data]:
    """Contexts under the ids of the files, those of train grouped by story."""
    train, test = (next(rows(public / name, None)) for name in ("train.csv", "test.csv"))
    return train, test


def whole(x: Any) -> list[str]:
    """The whole text of each row of a table of rows: of one whose rest is not known, what is shown."""
    return [text + (rest if isinstance(rest, str) else "") for text, rest in zip(x["text"], x["rest"], strict=True)]


def _contexts(file: Path, most: int | None) -> Iterator[Data]:
    optional = ("id", "topic", "story", "next", "rest")
    for part in files.parts(file, ("text",), optional=optional, texts=("id", "text", "next", "rest"), rows=most):
        table = part.full(["text"])
        given = {name: part.table.get(name, "") for name in ("rest", "topic")}
        y = part.full(["next"])["next"].to_numpy(str) if "next" in part.table else None
        story = part.table["story"].to_numpy() if "story" in part.table else None
        columns = {"text": table["text"], **given}
        yield Data(
            part.ids("id"), _table({name: np.broadcast_to(v, len(part)) for name, v in columns.items()}), y, story
        )


def _table(columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: np.asarray(columns[name], object) for name in COLUMNS})


def _prepared(file: Path) -> bool:
    """Whether a file has the header of train.csv or test.csv."""
    header = _header(file)
    return "text" in header and "class" not in header


def _header(file: Path) -> tuple[str, ...]:
    """The first line of a file, as a CSV file has it; empty where it cannot be read so."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return tuple(next(csv.reader([lines.readline(1 << 16)]), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def _source(file: Path, most: int | None) -> Iterator[tuple[int, str, str]]:
    """The number, the topic and the cleaned text of each row of a file of the source that has a text.

    Raises KitError naming a row whose class is not 1 to 4.
    """
    header = _header(file)
    known = next((names for names in HEADERS if set(names) <= set(header)), None)
    names = known or HEADERS[1]
    given: Sequence[str] = () if known else names
    for part in files.parts(file, names, texts=names[1:], names=given, rows=most):
        topics = part.integers(names[:1], 1, len(TOPICS), np.int64)[:, 0]
        table = part.table[[*names[1:]]].fillna("")
        for number, topic, values in zip(part.table.index, topics, table.itertuples(index=False), strict=True):
            if text := cleaned(" ".join(values)):
                yield int(number), TOPICS[topic - 1], text


def _cut(text: str) -> Cut:
    made = cut(text)
    assert made is not None  # others were left out
    return made


def _firsts(values: np.ndarray) -> np.ndarray:
    """Which of `values` (n,) are the first of their kind, bool of (n,)."""
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _write(path: Path, header: tuple[str, ...], lines: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(lines)


competition = Competition(
    source=KaggleDataset("amananandrai/ag-news-classification-dataset"),
    prepare=prepare,
    load=load,
    rows=rows,
    texts=whole,
    # A language model trains long: --holdout, which holds out a tenth of the stories, is for networks.
    split=splits.Grouped(5),
    metric=metrics.map_at(5),
    submission=Submission("id", "next", decide=everything, holds=Text(most=5)),
    default="ngram",
    kind="text",
)
