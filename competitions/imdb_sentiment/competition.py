"""IMDB sentiment: whether a film review is favourable (Large Movie Review Dataset, Maas et al. 2011)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.rows import near, preparing
from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Web

from . import _reviews


def prepare(raw: Path, public: Path, private: Path) -> None:
    """`train.csv` and `test.csv` with the reviews as plain text, `solution.csv` with the labels of the test reviews.

    Test reviews are in random order under anonymous ids. The column `group` of train.csv numbers what must not be split
    apart: reviews that repeat each other, nearly too, and those of one film where the source tells films. How many test
    reviews repeat a train review is told. The same files give the same bytes. Raises KitError when there are no
    reviews.
    """
    train, test = _reviews.read(raw)
    if not train or not test:
        raise KitError(
            f"There are no {'test' if train else 'train'} reviews in {raw}.", f"It must hold {_reviews.FORMS}."
        )
    every = [*train, *test]
    films = [review.film for review in every]
    texts = [review.text for review in every]
    repeats = near.groups(texts)
    preparing.tell_repeats(repeats[: len(train)], repeats[len(train) :])
    groups = near.groups(texts, also=films) if any(films) else repeats
    preparing.write(
        public / "train.csv",
        ("id", "review", "label", "group"),
        [(each.id, each.text, each.label, group) for each, group in zip(train, groups.tolist(), strict=False)],
    )
    test = [test[i] for i in np.random.default_rng(0).permutation(len(test))]
    preparing.write(public / "test.csv", ("id", "review"), [(i, each.text) for i, each in enumerate(test, 1)])
    preparing.write(public / "sample_submission.csv", ("id", "label"), [(i, 0) for i in range(1, len(test) + 1)])
    preparing.write(private / "solution.csv", ("id", "label"), [(i, each.label) for i, each in enumerate(test, 1)])


def rows(file: Path, most: int | None) -> Iterator[Data]:
    """Reviews of a file like train.csv or test.csv, or of the source's own tables, `id,review,rating,label` and
    `review,sentiment`: plain texts, under the numbers of the rows where there is no column `id`.

    Raises KitError for a row without a review, and for a label that is none.
    """
    for part in _reviews.table(file, most):
        group = part.table["group"].to_numpy() if "group" in part.table else None
        yield Data(part.ids("id"), np.array(_reviews.texts(part), object), _reviews.labels(part), group)


def load(public: Path) -> tuple[Data, Data]:
    """Train reviews under the source's ids, and test reviews under 1, 2, 3, ..."""
    train, test = (next(rows(public / name, None)) for name in ("train.csv", "test.csv"))
    return train, test


competition = Competition(
    source=Web(
        {
            "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz": (
                "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
            )
        },
        "https://ai.stanford.edu/~amaas/data/sentiment/",
    ),
    prepare=prepare,
    load=load,
    rows=rows,
    # Whole groups: with the archive, which tells films, folds of films that were not seen in training, as the test's.
    split=splits.StratifiedGrouped(5),
    splits={
        # A fifth of the training rows at random, as in the study; the other lets a film be on both sides.
        "study": splits.Holdout(0.2, 42),
        "ungrouped": splits.Stratified(5),
    },
    metric=metrics.accuracy,
    also=(metrics.auc, metrics.log_loss),
    submission=Submission("id", "label", decide=metrics.labels, holds=_reviews.POSITIVE),
    default="nbsvm",
    kind="text",
)
